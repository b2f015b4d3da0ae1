"""A terminal, or a pipe, as the place where a command is followed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.telling.progress import QUIET, USUAL, Progress
from orchestrator.telling.terminal import clean


@dataclass(frozen=True)
class ConsoleScreen:
    """Lines on a console; where that is a terminal, a live table below them. `loud` is QUIET, USUAL or LOUD."""

    console: Console
    loud: int = USUAL

    @property
    def live(self) -> bool:
        """Whether it shows progress itself."""
        return self.console.is_terminal or self.loud <= QUIET

    def say(self, text: str, loud: int = USUAL) -> None:
        """Print a line that may hold brackets of the user's own."""
        if self.loud >= loud:
            self.console.print(text, markup=False, highlight=False)

    def shown(self, progress: Progress) -> AbstractContextManager[Any]:
        """Show the table while the block runs."""
        if not self.console.is_terminal or self.loud <= QUIET:
            return nullcontext()
        return Live(console=self.console, transient=True, get_renderable=lambda: table(progress))


def table(progress: Progress) -> Any:
    """A row a lesson while they train, and what the command is at."""
    with progress.lock:
        if not progress.forecast:
            return Text(clean(f"{progress.with_time(progress.phase)} ({progress.age:.0f} s so far)"))
        found = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("lesson", "done", "running", "failed runs"):
            found.add_column(name, justify="left" if name == "lesson" else "right")
        for name, t in progress.tallies.items():
            failed = Text(str(t.failed), "red" if t.failed else "")
            found.add_row(Text(clean(name)), f"{t.done}/{t.total}", str(len(t.running)), failed)
        return Group(found, Text(progress.with_time(progress.compiling())))
