"""The processes that a Ray of our own is made of."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import psutil

PILLARS = ("raylet", "gcs_server")  # without either no task begins or ends
MOURN = 'read _; kill -9 "$@"'


class OwnRay:
    """Ray as started by this process just now.

    Its processes die with ours by the kernel's hand, but for the raylet's agents: those would mourn for a minute. So a shell
    holds the other end of a pipe that closes when we end, however we end.
    """

    def __init__(self) -> None:
        family = psutil.Process().children(recursive=True)
        self._pillars = [process for process in family if process.name() in PILLARS]
        agents = [str(process.pid) for process in family if "Agent" in process.name()]
        self._mourner = subprocess.Popen(
            ["sh", "-c", MOURN, "sh", *agents], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def stands(self) -> bool:
        """Whether it can work."""
        return all(alive(self._pillars))

    def close(self) -> None:
        """Ray has ended."""
        self._mourner.communicate()


def alive(processes: Sequence[psutil.Process]) -> list[bool]:
    """Which of the processes still run; the dead that nobody has looked at yet do not."""
    return [process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes]
