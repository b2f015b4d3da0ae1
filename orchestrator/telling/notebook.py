"""Where a call from Python is followed: a function of the caller's, a notebook's cell, or nowhere."""

from __future__ import annotations

import html
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from orchestrator.telling.progress import USUAL, Progress, Screen

TICK = 0.5
KEPT = 8  # lines that a cell keeps below its bar


@dataclass(frozen=True)
class Told:
    """Lines for a function of the caller's."""

    listener: Callable[[str], object]
    live = False

    def say(self, text: str, loud: int = USUAL) -> None:
        """Hand on a line, unless only those want it who asked for everything."""
        if loud <= USUAL:
            self.listener(text)

    def shown(self, progress: Progress) -> AbstractContextManager[None]:  # noqa: ARG002  lines say it
        """Lines say how far it is."""
        return nullcontext()


@dataclass
class NotebookCell:
    """A bar in a notebook's cell, and the last lines below it."""

    display: Callable[..., Any]
    live = True
    _lines: list[str] = field(default_factory=list)

    def say(self, text: str, loud: int = USUAL) -> None:
        """Keep a line."""
        if loud <= USUAL:
            self._lines = [*self._lines, text][-KEPT:]

    @contextmanager
    def shown(self, progress: Progress) -> Iterator[None]:
        """Draw the bar anew while the block runs."""
        handle = self.display(self._draw(progress), raw=True, display_id=True)
        over = threading.Event()

        def tick() -> None:
            while not over.wait(TICK):
                handle.update(self._draw(progress), raw=True)

        ticker = threading.Thread(target=tick, daemon=True)
        ticker.start()
        try:
            yield
        finally:
            over.set()
            ticker.join()
            handle.update(self._draw(progress, over=True), raw=True)

    def _draw(self, progress: Progress, *, over: bool = False) -> dict[str, str]:
        done, total = progress.done
        ended = f"{done} of {total} shards done" if total else "ended"
        text = ended if over else progress.line()
        filled = done if total else int(over)
        bar = f"<progress value='{filled}' max='{total or 1}'></progress> {html.escape(text)}"
        lines = "".join(f"<div>{html.escape(line)}</div>" for line in self._lines)
        return {"text/html": f"<div>{bar}</div><small>{lines}</small>", "text/plain": text}


def screen(listener: Callable[[str], object] | None) -> Screen:
    """The caller's function, else the cell that the call stands in, else nowhere."""
    if listener:
        return Told(listener)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and hasattr(shell, "kernel"):
        from IPython.display import display  # noqa: PLC0415  it is there

        return NotebookCell(display)
    return Told(lambda _: None)
