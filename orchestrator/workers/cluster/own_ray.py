"""The processes that a Ray of our own is made of, and what they leave on the disk."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

VITAL = ("raylet", "gcs_server")  # without either no task begins or ends
CLEAR_UP = """
pauses="0 1 2"  # what had only half begun goes on for a while
read -r _ && pauses=0
for pause in $pauses; do
    sleep $pause
    kill -9 $(find /proc/[0-9]*/fd -lname "$0/*" | cut -d/ -f3 | sort -u | grep -vx "$2")
    $1 "$0"
done
"""


class OwnRay:
    """Ray as started by this process, in a folder that only its user may look into; below RAY_TMPDIR, where that is set, and then it stays.

    Its processes die with ours by the kernel's hand, but not those of the raylet (Ray's manager of a node), which live on for a minute. So a shell holds
    the other end of a pipe that closes when we end, however we end, and clears up: what logs into the folder is killed.
    """

    def __init__(self, start: Callable[[str], Any]) -> None:
        """Have `start` start it in the folder that it is given."""
        seal_token(make=True)
        parent = os.environ.get("RAY_TMPDIR")
        folder = tempfile.mkdtemp(prefix="ray-", dir=parent or "/tmp")  # noqa: S108  sockets need a short path
        self._cleaner = subprocess.Popen(
            ["sh", "-c", CLEAR_UP, folder, ":" if parent else "rm -rf", str(os.getpid())],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            start(f"{folder}/ray")  # which Ray opens to all
        except BaseException:
            self.close()
            raise
        family = psutil.Process().children(recursive=True)
        self._vital = [child for child in family if _name(child) in VITAL]

    def stands(self) -> bool:
        """Whether it can work."""
        return all(map(_lives, self._vital))

    def close(self) -> None:
        """Ray has ended, or never began: clear up what it left."""
        self._cleaner.communicate(b"now\n")


def begin(start: Callable[[str], Any]) -> OwnRay:
    """A Ray of our own; a second one where the first took longer than Ray has patience for."""
    with suppress(Exception):
        return OwnRay(start)
    return OwnRay(start)


def seal_token(make: bool) -> None:
    """See to it that only its owner reads the token that opens a cluster, made here first where Ray would make it for all to read."""
    token = Path.home() / ".ray" / "auth_token"
    if make and not token.exists():
        token.parent.mkdir(exist_ok=True)
        number, aside = tempfile.mkstemp(dir=token.parent)
        with os.fdopen(number, "w") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):  # another driver was quicker
            os.link(aside, token)
        Path(aside).unlink()
    with suppress(FileNotFoundError, PermissionError):
        token.chmod(0o600)


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; one that is dead and not waited for yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""
