"""What a command is at: counted, told to whoever follows it, and written on a page beside the results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.errors import OrchestratorError
from orchestrator.nouns import seeds
from orchestrator.nouns.check import SelfCheck
from orchestrator.nouns.outcome import WITHOUT_RESULT, Outcome
from orchestrator.nouns.plan import Job, Plan, Span, asked
from orchestrator.store import Store
from orchestrator.telling import pace
from orchestrator.telling.forecast import OVERDUE, Countdown, Forecast, closing
from orchestrator.telling.statuspage import RENEWED, View, page
from orchestrator.workers.common_failures import NOT_TRIED
from orchestrator.workers.events import Barred, Checked, Event, Finished, Lost, Started, Waiting

EVERY, AT_MOST = 10.0, 300.0  # seconds between two plain lines: a tenth of the time so far, within these bounds
TICK = 0.5  # seconds between two looks at whether a line or a page is due
QUIET, USUAL, LOUD = -1, 0, 1
STOPPED = "interrupted; the same command goes on from here"
TOLD = 50  # lines on what went wrong that the page repeats


@dataclass
class Tally:
    """Shards of one lesson."""

    total: int = 0
    running: set[Span] = field(default_factory=set)
    done: int = 0
    failed: int = 0


class Screen(Protocol):
    """Where a person follows a command."""

    @property
    def live(self) -> bool:
        """Whether it shows progress itself; else a line says now and then how far the command is."""

    def say(self, text: str, loud: int = USUAL) -> None:
        """Tell a line to those who want to be told so much: QUIET is for all, LOUD for who asked for everything."""

    def shown(self, progress: Progress) -> AbstractContextManager[None]:
        """Show how far it is while the block runs."""


@dataclass
class Progress:
    """Counts what has happened and tells of it."""

    store: Store
    screen: Screen
    command: str = ""
    report_too: bool = True
    begun: float = field(default_factory=time.monotonic)
    tallies: dict[str, Tally] = field(default_factory=dict)
    forecast: Forecast | None = None
    closes: float = 0.0  # seconds that tables and report take, once training has ended
    ends: float | None = None
    phase: str = ""
    end: str = ""
    reported: bool = False
    _countdown: Countdown = field(default_factory=Countdown)
    _reason: str = ""
    _told: list[str] = field(default_factory=list)
    _said: float = 0.0
    _written: float = 0.0
    _given_up: set[str] = field(default_factory=set)
    _troubled: set[str] = field(default_factory=set)
    _asked: dict[str, frozenset[int]] = field(default_factory=dict)
    _began: dict[Span, float] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def age(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self.begun

    # What happens

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show progress while the block runs; the page says at the end how it ended."""
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(over,), daemon=True)
        ticker.start()
        try:
            with self.screen.shown(self):
                yield
        except KeyboardInterrupt:
            self.end = STOPPED
            raise
        except OrchestratorError as error:
            self.end = f"ended with an error: {error}"
            raise
        finally:
            over.set()
            ticker.join()
            self.end = self.end or "ended"
            self._write()

    def turn_to(self, phase: str) -> None:
        """Note what the command does from now on."""
        self.phase = phase

    def at(self, phase: str) -> None:
        """Say what the command does from now on."""
        self.phase = phase
        if not self.screen.live:
            self.say()

    def note(self, text: str, loud: int = USUAL) -> None:
        """Tell a line that is no event."""
        self.screen.say(text, loud)

    def notes(self, lines: Iterable[str]) -> None:
        """Tell several."""
        for line in lines:
            self.note(line)

    def follow(self, plan: Plan, slots: Callable[[], int]) -> None:
        """Take up a plan, just before it is carried out; `slots` says how many shards train at once."""
        with self.lock:
            self._asked = asked(plan.jobs)
            for shard in plan.shards:
                self.tallies.setdefault(shard.job.lesson, Tally()).total += 1
            known = pace.remembered(shard.job.program for shard in plan.shards)
            closes = closing(plan.runs, self.report_too)
            self.forecast = Forecast(plan.shards, slots, closes, known, self.age)
            if self.ends is not None:
                self.ends, self._reason = None, "open comparisons go on"
            self.phase = ""
        self._said = time.monotonic()

    def trained(self, plan: Plan) -> None:
        """Training has ended, or there was none; what is left is tables and report."""
        closes = closing(plan.runs, self.report_too)
        if self.forecast:
            closes = self.forecast.closes
            pace.remember(self.forecast.paces())
            self.note(self._counts())
        self.phase = "writing the tables"
        self.forecast, self.closes, self.ends = None, closes, time.monotonic() + closes

    def take(self, event: Event) -> None:
        """Count an event, and tell at once of a loss or a failure."""
        with self.lock:
            self._take(event)

    def _take(self, event: Event) -> None:
        if isinstance(event, Waiting):
            self._tell(f"waiting for a machine: {event.why}")
            return
        if isinstance(event, Barred):
            self._tell(f"a machine has joined and gets no shards: {event.why}")
            return
        if isinstance(event, Checked):
            self._tell_verdict(event.shard.job, event.verdict)
            return
        tally, now = self.tallies[event.shard.job.lesson], time.monotonic()
        if isinstance(event, Started):
            tally.running.add(event.shard.block)
            self._began[event.shard.block] = now
            self._forecast.begin(event.shard, now)
            self.note(f"began  {event.shard.name} on {event.node}", LOUD)
        elif isinstance(event, Lost):
            tally.running.discard(event.shard.block)
            self._forecast.lose(event.shard)
            self._reason = "a shard was lost"
            self._tell(f"lost   {event.shard.name}: {event.cause}")
        else:
            self._finish(tally, event, now)

    @property
    def _forecast(self) -> Forecast:
        assert self.forecast
        return self.forecast

    def _finish(self, tally: Tally, event: Finished, now: float) -> None:
        asked_for = self._asked.get(event.shard.job.key, frozenset())
        bad = [o for o in event.block.outcomes if o.status in WITHOUT_RESULT and o.seed in asked_for]
        tally.running.discard(event.shard.block)
        tally.done += 1
        tally.failed += len(bad)
        took = now - self._began.pop(event.shard.block, now)
        self._forecast.end(event.shard, now, min(event.block.trained or took, took))
        self.note(
            f"ended  {event.shard.name} after {took:.1f} s, {event.block.compiling:.1f} s of them compiling", LOUD
        )
        if event.block.verdict:
            self._tell_verdict(event.shard.job, event.block.verdict)
        if event.block.refused:
            self._tell_once(f"refused {event.shard.job.name}: {event.block.refused}")
            return
        if event.block.trouble and event.block.node not in self._troubled:
            self._troubled.add(event.block.node)
            self._tell(f"results of {event.block.node} come through this process: {event.block.trouble}")
        for error in dict.fromkeys(o.error for o in bad):
            self._tell_failure(event.shard.job, error, [o for o in bad if o.error == error])

    # What is told

    def _tell(self, text: str, loud: int = QUIET) -> None:
        self._told = [*self._told, text][-TOLD:]
        self.note(text, loud)

    def _tell_verdict(self, job: Job, verdict: SelfCheck) -> None:
        said = "holds" if verdict.holds else f"{verdict.why}; its runs go through fit"
        text = f"checked {job.lesson}/{job.variant} against fit in {verdict.seconds:.0f} s: {said}"
        self._tell(text, USUAL if verdict.holds else QUIET)

    def _tell_once(self, text: str) -> None:
        if text not in self._given_up:
            self._given_up.add(text)
            self._tell(text)

    def _tell_failure(self, job: Job, error: str | None, runs: Sequence[Outcome]) -> None:
        """One line for the runs of a job that failed alike; what was not even tried is told once a variant."""
        which = f"{job.name} seeds {seeds.show(tuple(o.seed for o in runs))}"
        if error and error.startswith(NOT_TRIED):
            self._tell_once(f"failed {job.lesson}/{job.variant}: {error}")
            return
        path = self.store.blocks.traceback(job.key, runs[0].seed)
        self._tell(f"failed {which}: {error}{f' ({path})' if path else ''}")

    def left(self) -> float | None:
        """Seconds until the command ends, as they are to be shown; None before there is a plan."""
        with self.lock:
            now = time.monotonic()
            if self.ends is not None:
                return self._countdown.show(max(self.ends - now, OVERDUE * self.closes))
            if self.forecast is None:
                return None
            shown = self._countdown.show(self.forecast.left(now), self._reason)
            self._reason = ""
            return shown

    def line(self) -> str:
        """What the command is at, and how long it still takes."""
        with self.lock:
            counted = ", ".join(filter(None, [self._counts(), self.compiling()])) if self.tallies else ""
            return self.with_time(self.phase or counted)

    def with_time(self, at: str) -> str:
        """The words, with how long it still takes."""
        left = self.left()
        if self.is_done or (left is None and self.age < EVERY):
            return at
        if left is None:
            return f"{at}, for {spell(self.age)} so far"
        why = f" (more than before: {self._countdown.why})" if self._countdown.why else ""
        return f"{at}{', ' if at else ''}about {spell(left)} left{why}"

    @property
    def is_done(self) -> bool:
        """Whether every shard has its answer, and what comes then has not begun."""
        return not self.phase and all(t.done == t.total for t in self.tallies.values())

    @property
    def done(self) -> tuple[int, int]:
        """Shards that have their answer, and all."""
        return sum(t.done for t in self.tallies.values()), sum(t.total for t in self.tallies.values())

    def _counts(self) -> str:
        done, total, running, failed = (
            sum(column) for column in zip(*map(_numbers, self.tallies.values()), strict=True)
        )
        return f"{done} of {total} shards done, {running} running, {failed} runs failed"

    def compiling(self) -> str:
        """How many programs have yet to be compiled; empty where none has."""
        compiling = self.forecast.compiling if self.forecast else None
        return f"compiling {compiling[0]} of {compiling[1]} programs" if compiling else ""

    def say(self) -> None:
        """One plain line."""
        self._said = time.monotonic()
        self.note(self.line())

    # The clock

    def _tick(self, over: threading.Event) -> None:
        while not over.wait(TICK):
            now = time.monotonic()
            if not self.screen.live and now - self._said > min(AT_MOST, max(EVERY, self.age / 10)):
                self.say()
            if now - self._written > RENEWED[self.store.uri is not None]:
                self._write()

    def _write(self) -> None:
        """Write the page; where it can't be, whoever stores results will say so."""
        self._written = time.monotonic()
        with self.lock:
            text = page(self._view())
        with suppress(OrchestratorError):  # not under the lock: an upload takes its time
            self.store.write_page("status.html", text)

    def _view(self) -> View:
        rows = tuple((name, *_numbers(tally)) for name, tally in self.tallies.items())
        every = RENEWED[self.store.uri is not None]
        return View(self.command, self.line(), rows, tuple(self._told), self.end, every, self.reported)


def _numbers(tally: Tally) -> tuple[int, int, int, int]:
    return tally.done, tally.total, len(tally.running), tally.failed


def spell(seconds: float) -> str:
    """Time as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
