"""Events as lines: a live table on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table

from orchestrator.events import Event, Finished, Lost, Started
from orchestrator.plan import Plan

EVERY = 10.0  # seconds between two plain lines


@dataclass
class Tally:
    """Shards of one lesson."""

    total: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    cost: float = 0.0
    spent: float = 0.0


@dataclass
class Progress:
    """Counts what has happened; time left is cost left over the rate at which cost was worked off."""

    plan: Plan
    console: Console
    tallies: dict[str, Tally] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    said: float = 0.0
    live: Live | None = None

    def __post_init__(self) -> None:
        for shard in self.plan.shards:
            tally = self.tallies.setdefault(shard.job.lesson, Tally())
            tally.total += 1
            tally.cost += shard.job.cost

    @contextmanager
    def shown(self) -> Iterator[Callable[[Event], None]]:
        """Show progress while the block runs; gives the function that takes events."""
        if not self.console.is_terminal:
            yield self.take
            self.say()
            return
        with Live(console=self.console, refresh_per_second=4, get_renderable=self.table) as self.live:
            yield self.take
        self.live = None

    def take(self, event: Event) -> None:
        """Count an event, and tell at once of a loss or a failure."""
        tally = self.tallies[event.shard.job.lesson]
        if isinstance(event, Started):
            tally.running += 1
        elif isinstance(event, Lost):
            tally.running = max(0, tally.running - 1)
            self.console.print(f"lost   {event.shard.name}: {event.cause}; trying again", markup=False, highlight=False)
        else:
            self._finish(tally, event)
        if not self.live and time.monotonic() - max(self.said, self.begun) > EVERY:
            self.say()

    def _finish(self, tally: Tally, event: Finished) -> None:
        bad = [o for o in event.block.outcomes if o.status in ("failed", "timeout")]
        tally.running = max(0, tally.running - 1)
        tally.done += 1
        tally.failed += len(bad)
        tally.spent += event.shard.job.cost
        for error in dict.fromkeys(o.error for o in bad):
            which = ", ".join(str(o.seed) for o in bad if o.error == error)
            self.console.print(f"failed {event.shard.job.name} seeds {which}: {error}", markup=False, highlight=False)

    def left(self) -> str:
        """Time left as a person says it."""
        spent, cost = sum(t.spent for t in self.tallies.values()), sum(t.cost for t in self.tallies.values())
        if not spent:
            return "?"
        seconds = (time.monotonic() - self.begun) * (cost - spent) / spent
        return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

    def say(self) -> None:
        """One plain line."""
        self.said = time.monotonic()
        done, total = sum(t.done for t in self.tallies.values()), sum(t.total for t in self.tallies.values())
        failed = sum(t.failed for t in self.tallies.values())
        running = sum(t.running for t in self.tallies.values())
        left = f", about {self.left()} left" if done < total else ""
        self.console.print(
            f"{done} of {total} shards done, {running} running, {failed} runs failed{left}", highlight=False
        )

    def table(self) -> Table:
        """The live view, a row a lesson."""
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("lesson", "done", "running", "failed runs"):
            table.add_column(name, justify="left" if name == "lesson" else "right")
        for name, t in self.tallies.items():
            table.add_row(name, f"{t.done}/{t.total}", str(t.running), f"[red]{t.failed}[/]" if t.failed else "0")
        table.caption = f"time left: {self.left()}"
        return table
