"""The processes that a Ray of our own is made of, and what they leave on the disk."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil

from orchestrator.workers.cluster.authentication import authentication

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
        parent = os.environ.get("RAY_TMPDIR")
        folder = tempfile.mkdtemp(prefix="ray-", dir=parent or "/tmp")  # noqa: S108  sockets need a short path
        self._cleaner = subprocess.Popen(
            ["sh", "-c", CLEAR_UP, folder, ":" if parent else "rm -rf", str(os.getpid())],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._manners = ExitStack()
        try:
            self._manners.enter_context(authentication(needed=True, token=_token(Path(folder))))
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
        self._manners.close()
        self._cleaner.communicate(b"now\n")


def begin(start: Callable[[str], Any]) -> OwnRay:
    """A Ray of our own; a second one where the first took longer than Ray has patience for."""
    with suppress(Exception):
        return OwnRay(start)
    return OwnRay(start)


def _token(folder: Path) -> Path:
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    return token


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
