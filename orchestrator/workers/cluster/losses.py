"""What a shard was lost of, on one line."""

from __future__ import annotations

import re

from ray.exceptions import NodeDiedError, OutOfMemoryError, RayError, TaskUnschedulableError, WorkerCrashedError


def is_nodes_end(error: RayError) -> bool:
    """Whether the whole machine is gone."""
    return isinstance(error, NodeDiedError | TaskUnschedulableError)


def is_own_doing(error: RayError) -> bool:
    """Whether it may have been the run's fault."""
    return isinstance(error, WorkerCrashedError | OutOfMemoryError)


def cause_of(error: RayError, words: str) -> str:
    """What happened to the machine; `words` is what the dead worker wrote at its end."""
    if isinstance(error, OutOfMemoryError):
        return "its node ran out of memory"
    if is_nodes_end(error):
        return "its node died"
    if not isinstance(error, WorkerCrashedError):
        return line_of(error)
    crash = re.search(r"Fatal Python error: (.+)", words)
    return f"its process crashed: {crash[1]}" if crash else "its process died: killed, or ended from within"


def line_of(error: BaseException) -> str:
    """An error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
