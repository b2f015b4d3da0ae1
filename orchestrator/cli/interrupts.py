"""What Ctrl-C does to a command; only the process's owner may say so."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[list[int]]:
    """First Ctrl-C (or SIGTERM): finish what runs. Second: stop at once. Gives the list of signals received."""
    received: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        stop()
        os.write(2, b"finishing what runs; once more to stop at once\n")  # a buffered stream may be in mid-write

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
