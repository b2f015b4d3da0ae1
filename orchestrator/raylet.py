"""The processes that a Ray of our own is made of, and what they leave on the disk."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PILLARS = ("raylet", "gcs_server")  # without either no task begins or ends
MOURN = 'read -r pids; read -r _; kill -9 $pids; rm -rf "$0"; sleep 1; rm -rf "$0"'


class OwnRay:
    """Ray as started by this process, in a folder that only its user may look into; one that RAY_TMPDIR names is left alone.

    Its processes die with ours by the kernel's hand, but for the raylet's agents: those would mourn for a minute. So a shell
    holds the other end of a pipe that closes when we end, however we end, and clears up.
    """

    def __init__(self, start: Callable[[str | None], Any]) -> None:
        """Have `start` start it in the folder that it is given."""
        seal_token(make=True)
        self._agents: list[psutil.Process] = []
        self._folder = (
            None if "RAY_TMPDIR" in os.environ else tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        )  # sockets need a short path
        self._mourner = subprocess.Popen(
            ["sh", "-c", MOURN, self._folder or ""],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            start(self._folder and f"{self._folder}/ray")  # which Ray opens to all
        except BaseException:
            self.close()
            raise
        family = [(child, _name(child)) for child in psutil.Process().children(recursive=True)]
        self._pillars = [child for child, name in family if name in PILLARS]
        self._agents = [child for child, name in family if "Agent" in name]
        assert self._mourner.stdin
        self._mourner.stdin.write(f"{' '.join(str(agent.pid) for agent in self._agents)}\n".encode())
        self._mourner.stdin.flush()

    def stands(self) -> bool:
        """Whether it can work."""
        return all(map(_lives, self._pillars))

    def close(self) -> None:
        """Ray has ended, or never began: clear up what it left."""
        half_begun = [child for child in psutil.Process().children() if self._folder and self._folder in _words(child)]
        for process in (*half_begun, *self._agents):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._mourner.kill()
        self._mourner.communicate()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def begin(start: Callable[[str | None], Any]) -> OwnRay:
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
    """Whether it runs; one that is dead and not buried yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
