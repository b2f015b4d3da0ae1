"""Events as lines: a live table on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from orchestrator import seeds
from orchestrator.check import Verdict
from orchestrator.events import Checked, Event, Finished, Lost, Started, Waiting
from orchestrator.failures import WITHOUT_RESULT
from orchestrator.outcome import Outcome
from orchestrator.plan import Job, Plan
from orchestrator.prospects import NOT_TRIED

EVERY = 10.0  # seconds between two plain lines


@dataclass
class Tally:
    """Shards of one lesson."""

    total: int = 0
    running: set[tuple[str, int]] = field(default_factory=set)
    done: int = 0
    failed: int = 0
    cost: float = 0.0
    spent: float = 0.0


@dataclass
class Progress:
    """Counts what has happened; time left is cost left over the rate at which cost was worked off."""

    plan: Plan
    console: Console
    traceback: Callable[[str, int], Path | str | None]
    tallies: dict[str, Tally] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    said: float = 0.0
    live: Live | None = None
    given_up: set[str] = field(default_factory=set)
    troubled: set[str] = field(default_factory=set)

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
        if isinstance(event, Waiting):
            self.console.print(f"waiting for a machine: {event.why}", markup=False, highlight=False)
            return
        if isinstance(event, Checked):
            self._tell_verdict(event.shard.job, event.verdict)
            return
        tally = self.tallies[event.shard.job.lesson]
        if isinstance(event, Started):
            tally.running.add(event.shard.block)
            if not self.live and time.monotonic() - max(self.said, self.begun) > EVERY:
                self.say()
        elif isinstance(event, Lost):
            tally.running.discard(event.shard.block)
            self.console.print(f"lost   {event.shard.name}: {event.cause}", markup=False, highlight=False)
        else:
            self._finish(tally, event)

    def _finish(self, tally: Tally, event: Finished) -> None:
        bad = [o for o in event.block.outcomes if o.status in WITHOUT_RESULT]
        tally.running.discard(event.shard.block)
        tally.done += 1
        tally.failed += len(bad)
        tally.spent += event.shard.job.cost
        if event.block.verdict:
            self._tell_verdict(event.shard.job, event.block.verdict)
        if event.block.refused:
            self._tell_once(f"refused {event.shard.job.name}: {event.block.refused}")
            return
        if event.block.trouble and event.block.node not in self.troubled:
            self.troubled.add(event.block.node)
            text = f"results of {event.block.node} come through this process: {event.block.trouble}"
            self.console.print(text, markup=False, highlight=False)
        for error in dict.fromkeys(o.error for o in bad):
            self._tell(event.shard.job, error, [o for o in bad if o.error == error])

    def _tell_verdict(self, job: Job, verdict: Verdict) -> None:
        said = "holds" if verdict.holds else f"{verdict.why}; its runs go through fit"
        text = f"checked {job.lesson}/{job.variant} against fit in {verdict.seconds:.0f} s: {said}"
        self.console.print(text, markup=False, highlight=False)

    def _tell_once(self, text: str) -> None:
        if text not in self.given_up:
            self.given_up.add(text)
            self.console.print(text, markup=False, highlight=False)

    def _tell(self, job: Job, error: str | None, runs: Sequence[Outcome]) -> None:
        """One line for the runs of a job that failed alike; what was not even tried is told once a variant."""
        which = f"{job.name} seeds {seeds.show(tuple(o.seed for o in runs))}"
        if error and error.startswith(NOT_TRIED):
            self._tell_once(f"failed {job.lesson}/{job.variant}: {error}")
            return
        path = self.traceback(job.key, runs[0].seed)
        where = f" ({path})" if path else ""
        self.console.print(f"failed {which}: {error}{where}", markup=False, highlight=False)

    def left(self) -> str:
        """Time left as a person says it."""
        spent, cost = sum(t.spent for t in self.tallies.values()), sum(t.cost for t in self.tallies.values())
        if not spent or cost == spent:
            return "?"
        seconds = (time.monotonic() - self.begun) * (cost - spent) / spent
        return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

    def say(self) -> None:
        """One plain line."""
        self.said = time.monotonic()
        done, total = sum(t.done for t in self.tallies.values()), sum(t.total for t in self.tallies.values())
        failed = sum(t.failed for t in self.tallies.values())
        running = sum(len(t.running) for t in self.tallies.values())
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
            table.add_row(name, f"{t.done}/{t.total}", str(len(t.running)), f"[red]{t.failed}[/]" if t.failed else "0")
        table.caption = f"time left: {self.left()}"
        return table
