"""Commands that run in the background, to be looked at and killed: by process id, and only what they started."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.conftest import ROOT

GRACE = 10  # seconds that what a command started has to clear up and end


def command(*words: Any) -> list[str]:
    """`python -m orchestrator` with these words."""
    return [sys.executable, "-m", "orchestrator", *map(str, words)]


@contextmanager
def background(*words: Any, log: Path, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs while the block does; whatever is left of it and its children afterwards is killed.

    It heeds Ctrl-C, even where a shell has started us in the background, and so with orders to ignore it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with log.open("wb") as file:
        process = subprocess.Popen(
            command(*words),
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **more,
        )
    try:
        yield process
    finally:
        left = [child for child in family(process.pid) if called(child) != "sh"]  # which clears up after Ray, and ends
        process.kill()
        process.wait()
        for child in psutil.wait_procs(left, timeout=GRACE)[1]:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def family(pid: int) -> list[psutil.Process]:
    """All that a process has started, and what those have."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def alive(process: psutil.Process) -> bool:
    """Whether it runs, and is not merely unburied."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def workers(pid: int) -> list[psutil.Process]:
    """The processes that train for a driver."""
    return [child for child in family(pid) if called(child).startswith("ray::train")]


def ray_folder(processes: Iterable[psutil.Process]) -> Path:
    """Where the Ray that these processes are keeps its files."""
    raylet = next(process for process in processes if called(process) == "raylet")
    return Path(re.search(r"/tmp/ray-\w+", " ".join(raylet.cmdline()))[0])  # type: ignore[index]


def called(process: psutil.Process) -> str:
    """What a process calls itself."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def events(out: Path) -> list[dict[str, Any]]:
    """The ledger of a results folder so far."""
    ledger = out / "events.jsonl"
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def until(true: Callable[[], Any], seconds: float = 90) -> Any:
    """Wait for something, and give it; an error when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"not so after {seconds} s")


def happened(out: Path, what: str, times: int = 1) -> Callable[[], bool]:
    """Whether the ledger tells of so many events of a kind."""
    return lambda: sum(event["event"] == what for event in events(out)) >= times
