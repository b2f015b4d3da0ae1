"""One command's way through the house: lessons → plan → driver → store → report."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from orchestrator import catalog, engine, provenance, worker
from orchestrator.catalog import Source
from orchestrator.errors import UsageError
from orchestrator.events import Event, Finished, Lost, Started
from orchestrator.lesson import Lesson, Scope
from orchestrator.plan import DAMAGED, Job, Plan, plan
from orchestrator.progress import Progress
from orchestrator.store import Store, explained
from orchestrator.worker import Order

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    sources: tuple[Source, ...]
    seeds: tuple[int, ...]
    scopes: tuple[Scope, ...]
    engine: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    retry: frozenset[str] = frozenset()
    fail_fast: bool = False
    command: str = ""


class Executor(Protocol):
    """A place where shards run: a Ray cluster, or this process."""

    def run(self, orders: Iterable[Order]) -> Iterator[Event]:
        """Train the shards; events come as they happen."""

    def resources(self) -> dict[str, float]:
        """What the place has to run on."""

    def stop(self) -> None:
        """Finish what runs, begin nothing."""

    def close(self) -> None:
        """Let go of what was opened."""


@dataclass(frozen=True)
class Prepared:
    """A request made concrete: lessons loaded, described and planned."""

    plan: Plan
    descriptions: tuple[dict[str, Any], ...]
    sources: Mapping[str, Source]


def prepare(request: Request, store: Store) -> Prepared:
    """Load the lessons, key every job, and plan what is missing.

    Raises:
        UsageError: a lesson can't be loaded, or has none of the scopes asked for.
    """
    engine.load(request.engine)
    lessons = [worker.load(source, worker.settings(request.settings)) for source in request.sources]
    made = [_jobs(lesson, request) for lesson in lessons]
    jobs = [job for some in made for job in some]
    stored = store.state(jobs, request.seeds)
    descriptions = tuple(_describe(lesson, some) for lesson, some in zip(lessons, made, strict=True))
    return Prepared(plan(jobs, request.seeds, stored, request.retry), descriptions, {s.id: s for s in request.sources})


def _jobs(lesson: Lesson, request: Request) -> list[Job]:
    from orchestrator.engine.recipe import recipe  # noqa: PLC0415  imports Keras, loaded above

    scopes = [scope for scope in request.scopes if scope in lesson.data.scopes]
    if not scopes:
        raise UsageError(
            f"lesson {lesson.id!r} has no data for --data {request.scopes[0]}; it has {', '.join(lesson.data.scopes)}"
        )
    found = []
    for variant in lesson.variants:
        for scope in scopes:
            r = recipe(variant, lesson.data, scope, request.engine)
            found.append(Job(lesson.id, variant.name, scope, r.key, r.program, r.engine, r.width, r.cost, r.reason))
    return found


def _describe(lesson: Lesson, jobs: Sequence[Job]) -> dict[str, Any]:
    split = lesson.data.fixed()
    rows = {
        "rows_train": len(split.x_train),
        "rows_test": len(split.x_test),
        "rows_fresh": len(lesson.data.fresh()[0]) if lesson.data.fresh else 0,
    }
    return lesson.describe(rows, {job.variant: job.reason for job in jobs})


def execute(
    prepared: Prepared,
    request: Request,
    store: Store,
    executor: Executor,
    console: Console,
    timings: dict[str, float],
) -> bool:
    """Train what the plan lacks and store it as it comes. True unless it was interrupted.

    `timings` gains what the workers together spent compiling.
    """
    progress = Progress(prepared.plan, console)
    for shard in prepared.plan.shards:
        if shard.why == DAMAGED:
            console.print(
                f"damaged: {shard.name}; set aside as {store.set_aside(shard.job.key, shard.seeds)}, trained again",
                markup=False,
            )
    fixed = worker.settings(request.settings)
    store.append_event({"at": time.time(), "event": "began", "command": request.command})
    orders = [Order(shard, prepared.sources[shard.job.lesson], fixed) for shard in prepared.plan.shards]
    with _interruptible(executor, console) as interrupted, progress.shown() as show:
        for event in executor.run(orders):
            if isinstance(event, Finished):
                timings["compile, all workers"] = timings.get("compile, all workers", 0.0) + event.block.compiling
                store.write(event.shard.job.key, event.block)
                if request.fail_fast and any(o.error for o in event.block.outcomes):
                    executor.stop()
            store.append_event(_ledger(event))
            show(event)
    return not interrupted


def _ledger(event: Event) -> dict[str, Any]:
    job, seeds = event.shard.job, event.shard.seeds
    line = {"at": time.time(), "key": job.key, "first": seeds[0], "job": job.name}
    if isinstance(event, Started):
        return {**line, "event": "started", "node": event.node}
    if isinstance(event, Lost):
        return {**line, "event": "lost", "cause": event.cause, "attempt": event.attempt}
    return {**line, "event": "finished", "status": [o.status for o in event.block.outcomes]}


@contextmanager
def _interruptible(executor: Executor, console: Console) -> Iterator[list[int]]:
    """First Ctrl-C (or SIGTERM): finish what runs. Second: stop at once. Gives the list of signals received."""
    received: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        console.print("finishing what runs; once more to stop at once", highlight=False)
        executor.stop()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def last_request(store: Store, retry: frozenset[str]) -> Request:
    """What the last command in this folder asked for.

    Raises:
        StoreError: there was none.
    """
    last = store.last()
    sources, scopes = tuple(catalog.find(last["lessons"])), tuple(last["scopes"])
    return Request(
        sources, tuple(last["seeds"]), scopes, last["engine"], last["settings"], retry, command=last["command"]
    )


def report(store: Store) -> None:
    """Build effects and pages from the tables."""
    import reports  # noqa: PLC0415  statistics and figures take a second to load

    runs, histories, lessons, facts = store.load()
    effects = effects_of(runs, histories, lessons)
    store.write_effects(effects)
    with explained(store.root):
        reports.build(runs, histories, lessons, facts, store.root, effects)


def effects_of(runs: pd.DataFrame, histories: pd.DataFrame, lessons: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The effects of these tables."""
    from reports import effects  # noqa: PLC0415

    return effects.table(runs, histories, lessons)


def run(asked: Request, store: Store, start: Callable[[], Executor], console: Console, report_too: bool) -> int:
    """Plan, train what is missing, write the tables, build the report; returns the exit code."""
    begun = time.time()
    timings: dict[str, float] = {}
    store.prepare()
    with store.locked(asked.command):
        with clock(timings, "start"):
            prepared, place = prepare_and_start(lambda: prepare(asked, store), start, early=store.is_empty())
        tell(prepared.plan, console)
        whole, resources = True, {}
        if place:
            store.write_provenance(provenance.facts(asked, prepared, begun, timings, {}))
            try:
                with clock(timings, "train"):
                    whole = execute(prepared, asked, store, place, console, timings)
                resources = place.resources()
            finally:
                place.close()
        with clock(timings, "write"):
            failed = store.write_tables(prepared.plan.jobs, asked.seeds, prepared.descriptions)
        store.write_provenance(provenance.facts(asked, prepared, begun, timings, resources))
        if report_too and whole:
            with clock(timings, "report"):
                report(store)
            console.print(f"report: {store.report}", markup=False)
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in timings.items())
    console.print(f"{parts}; {time.time() - begun:.1f} s in all")
    if not whole:
        console.print("interrupted; the same command goes on from here")
        return INTERRUPTED
    return 1 if failed else 0


def tell(plan: Plan, console: Console) -> None:
    """Say what a plan comes to."""
    new = f"{len(plan.shards)} shards to train" if plan.shards else "nothing to train"
    console.print(f"{plan.runs} runs asked for, {plan.stored} stored, {plan.shared} shared with another lesson; {new}")
    for job in {job.key: job for job in plan.jobs if job.reason}.values():
        console.print(f"{job.name} runs through fit, not compiled: {job.reason}", markup=False)


@contextmanager
def clock(timings: dict[str, float], name: str) -> Iterator[None]:
    """Add the block's wall time to `timings`."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = timings.get(name, 0.0) + time.perf_counter() - begun


def prepare_and_start(
    prepare: Callable[[], Prepared], start: Callable[[], Executor], early: bool
) -> tuple[Prepared, Executor | None]:
    """Plan, and start the executor: beside the planning when there is surely work, else only when the plan lacks something.

    Ray's processes die with the thread that started them, so it is the planning that gets a thread of its own.
    """
    if not early:
        prepared = prepare()
        return prepared, start() if prepared.plan.shards else None
    with ThreadPoolExecutor(1) as pool:
        planned = pool.submit(prepare)
        executor = start()
    try:
        return planned.result(), executor
    except BaseException:
        executor.close()
        raise
