"""One command's run: plan, train what is missing, write the tables, build the report. It prints nothing and owns no signal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from orchestrator.command import provenance, remarks
from orchestrator.command.record import Record
from orchestrator.command.results import Built, deciding, look, report
from orchestrator.errors import BlockDamagedError
from orchestrator.nouns.outcome import WITHOUT_RESULT
from orchestrator.nouns.plan import DAMAGED, REDRAWN, Job, Plan, Span
from orchestrator.planning import precedent
from orchestrator.planning.session import Executor, Prepared, Request, prepare
from orchestrator.planning.until import Course, Until
from orchestrator.store import Store, strays
from orchestrator.telling.progress import QUIET, STOPPED, Progress, Screen
from orchestrator.workers import worker
from orchestrator.workers.worker import Order

Interruptible = Callable[[Callable[[], None]], AbstractContextManager[list[int]]]


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        whole: False where it was interrupted, and stopped in good order.
        failed: the rows of runs without a result. missing: how many runs are not there.
        built: its report; None where none was built.
    """

    whole: bool
    failed: Sequence[Mapping[str, Any]]
    missing: int
    built: Built | None


@contextmanager
def _to_the_end(_stop: Callable[[], None]) -> Iterator[list[int]]:
    """Signals stay their owner's."""
    yield []


def run(
    asked: Request,
    store: Store,
    start: Callable[[], Executor],
    screen: Screen,
    report_too: bool = True,
    interruptible: Interruptible = _to_the_end,
) -> Ended:
    """Plan, train what is missing, write the tables, build the report.

    `start` opens the place where shards train. `screen` is told what happens. `interruptible` is given how to stop in good
    order, and gives a list that is empty unless that was done.
    """
    begun = provenance.Moment()
    timings: dict[str, float] = {}
    store.prepare()
    progress = Progress(store, screen, asked.command, report_too)
    progress.note(f"results: {store.root}")
    with store.locked(asked.command), progress.shown():
        progress.at("loading lessons and starting the workers" if store.blocks.is_empty() else "loading lessons")
        with clock(timings, "start"):
            prepared, place = prepare_and_start(
                lambda: prepare(asked, store, progress.turn_to), start, store.blocks.is_empty(), progress.turn_to
            )
        progress.notes(remarks.of_plan(prepared))
        looks = _Looks(asked, store, start, progress, begun, timings, place, interruptible)
        with closing(looks):
            whole, prepared, rows = looks.take(prepared)
        built = _report(store, progress, timings) if report_too and whole else None
        if not built:
            progress.notes(strays(store))
        if not whole:
            progress.end = f"{STOPPED}: {asked.command}"
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in timings.items())
    progress.note(f"{parts}; {begun.age:.1f} s in all")
    failed = [row for row in rows if row["status"] in WITHOUT_RESULT]
    return Ended(whole, failed, prepared.plan.runs - len(rows), built)


def _report(store: Store, progress: Progress, timings: dict[str, float]) -> Built:
    progress.at("building the report")
    with clock(timings, "report"):
        built = report(store)
    progress.reported = True
    return built


@dataclass
class _Looks:
    """A command's trainings, each with the tables that come of it: one, or one a look where seeds are taken as needed.

    Whether stored blocks are whole is found out when tables are made of them: what was damaged is then trained again.
    """

    asked: Request
    store: Store
    start: Callable[[], Executor]
    progress: Progress
    begun: provenance.Moment
    timings: dict[str, float]
    place: Executor | None
    interruptible: Interruptible
    trained: float = 0.0  # the cost of it
    stopped: bool = False
    mended: set[Span] = field(default_factory=set)

    def take(self, prepared: Prepared) -> tuple[bool, Prepared, list[dict[str, Any]]]:
        """Train, write tables and look, until nothing is left to train: whether it was whole, what was planned last, its rows."""
        while True:
            try:
                whole, rows = self._once(prepared)
            except BlockDamagedError:
                damaged = set(self.store.blocks.damaged(prepared.plan.jobs))
                if self.stopped or not damaged or damaged & self.mended:
                    raise
                self.mended |= damaged
                prepared = prepared.grown(prepared.plan.jobs, self.store, damaged)
                continue
            jobs = self._grown(prepared) if self.asked.until and whole and len(rows) == prepared.plan.runs else None
            if not jobs:
                return whole, prepared, rows
            prepared = prepared.grown(jobs, self.store)

    def _once(self, prepared: Prepared) -> tuple[bool, list[dict[str, Any]]]:
        facts = provenance.asked(self.asked, prepared, self.begun)
        self.store.write_provenance(facts)
        notices = list(remarks.not_shown(prepared.plan.jobs, self.store.blocks.seeds_beyond(prepared.plan.jobs)))
        if not self.asked.until:
            self.progress.notes(notices)
        self.stopped = not self._train(prepared)
        self.progress.trained(prepared.plan)
        resources = self.place.resources() if self.place else {}

        def ended(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            notices.extend(remarks.missing(prepared.plan.runs - len(rows)))
            return {**facts, **provenance.spent(self.begun, self.timings, resources), "notices": notices}

        with clock(self.timings, "write"):
            rows = self.store.write_tables(prepared.plan.jobs, prepared.described(self.store), ended)
        return not self.stopped, rows

    def _train(self, prepared: Prepared) -> bool:
        """Train what the plan lacks; True unless it was interrupted."""
        if not (prepared.plan.shards or self.place):
            return True
        self.place = self.place or self.start()
        with clock(self.timings, "train"):
            whole = execute(
                prepared, self.asked, self.store, self.place, self.progress, self.timings, self.interruptible
            )
        self.trained += sum(shard.cost for shard in prepared.plan.shards)
        return whole

    def _grown(self, prepared: Prepared) -> tuple[Job, ...] | None:
        """The jobs with the seeds of the next look; None where no comparison goes on. Says how it stands."""
        until: Until = self.asked.until  # type: ignore[assignment]
        self.progress.at("looking at what has come of it")
        with clock(self.timings, "look"):
            runs, histories, lessons, _ = self.store.load()
            rows = deciding(runs, histories, lessons)
            if until.looks:
                look(self.store, runs, lessons)
        course = Course(until, prepared.plan.jobs, rows)
        self.progress.note(course.said(self.timings.get("train", 0.0) / self.trained if self.trained else None))
        return course.further

    def close(self) -> None:
        """Let go of the place."""
        if self.place:
            self.place.close()


def execute(
    prepared: Prepared,
    request: Request,
    store: Store,
    executor: Executor,
    progress: Progress,
    timings: dict[str, float],
    interruptible: Interruptible = _to_the_end,
) -> bool:
    """Train what the plan lacks and store it as it comes. True unless it was interrupted.

    `timings` gains what the workers together spent compiling.
    """
    _make_room(prepared.plan, store, progress)
    fixed = worker.settings(request.settings)
    progress.follow(prepared.plan, lambda: executor.slots)
    with interruptible(executor.stop) as interrupted:
        record = Record(store, progress.take, progress.left)
        record.begin(request.command)
        orders = (
            Order(
                shard,
                prepared.sources[shard.job.lesson],
                fixed,
                out=store.uri,
                verdict=None if prepared.sources[shard.job.lesson].number else record.self_check(shard.job.program),
            )
            for shard in prepared.plan.shards
        )
        for event in executor.run(orders):
            record.take(event)
            if request.fail_fast and record.failed:
                executor.stop()
    timings["compile, all workers"] = timings.get("compile, all workers", 0.0) + record.compiling
    return not interrupted


def _make_room(plan: Plan, store: Store, progress: Progress) -> None:
    """Set aside what can't be used any more, and note what the keys to come are of."""
    for shard in plan.shards:
        if shard.why in (DAMAGED, REDRAWN):
            aside = store.blocks.set_aside(shard.job.key, shard.seeds)
            progress.note(f"{shard.name}: {shard.why}; set aside as {aside}, trained again", QUIET)
    for job in {shard.job.key: shard.job for shard in plan.shards}.values():
        store.notes.write_about(job.key, precedent.about(job))


@contextmanager
def clock(timings: dict[str, float], name: str) -> Iterator[None]:
    """Add the block's wall time to `timings`."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = timings.get(name, 0.0) + time.perf_counter() - begun


def prepare_and_start(
    prepare: Callable[[], Prepared], start: Callable[[], Executor], early: bool, at: Callable[[str], None]
) -> tuple[Prepared, Executor | None]:
    """Plan, and start the executor: beside the planning when there is surely work, else only when the plan lacks something.

    Ray's processes die with the thread that started them, so it is the planning that gets a thread of its own.
    """
    if not early:
        prepared = prepare()
        if not prepared.plan.shards:
            return prepared, None
        at("starting the workers")
        return prepared, start()

    def planned_first() -> Prepared:
        made = prepare()
        at("starting the workers")
        return made

    pool, executor = ThreadPoolExecutor(1), None
    try:
        planned = pool.submit(planned_first)
        executor = start()
        return planned.result(), executor
    except BaseException:
        if executor:
            executor.close()
        raise
    finally:
        pool.shutdown(wait=False)  # whoever interrupts is not to wait for a plan
