"""One command's way through the house: lessons → plan → driver → store → report."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from orchestrator import catalog, engine, keys, provenance, seeds, worker
from orchestrator.catalog import Source
from orchestrator.errors import UsageError
from orchestrator.events import Event
from orchestrator.failures import WITHOUT_RESULT, by_cause
from orchestrator.lesson import Scope
from orchestrator.plan import DAMAGED, Plan, plan
from orchestrator.progress import Progress
from orchestrator.record import Record
from orchestrator.sandbox import Sandbox, here
from orchestrator.store import Store, strays
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
    timeout: float | None = None
    serial: bool = False
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
    engine.check_version()
    fixed = worker.settings(request.settings)
    with Sandbox(partial(worker.warm, request.engine, gpu=False), request.timeout) as sandbox:
        ask = here if request.serial else sandbox.ask
        made = [keys.survey(ask, source, fixed, request.scopes, request.engine) for source in request.sources]
    jobs = [job for some, _ in made for job in some]
    stored = store.state(jobs, request.seeds)
    descriptions = tuple(description for _, description in made)
    return Prepared(plan(jobs, request.seeds, stored, request.retry), descriptions, {s.id: s for s in request.sources})


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
    progress = Progress(prepared.plan, console, store.traceback)
    for shard in prepared.plan.shards:
        if shard.why == DAMAGED:
            console.print(
                f"damaged: {shard.name}; set aside as {store.set_aside(shard.job.key, shard.seeds)}, trained again",
                markup=False,
            )
    fixed = worker.settings(request.settings)
    sources = prepared.sources
    orders = (Order(shard, sources[shard.job.lesson], fixed, out=store.uri) for shard in prepared.plan.shards)
    with _interruptible(executor) as interrupted, progress.shown() as show:
        record = Record(store, show)
        record.begin(request.command)
        for event in executor.run(orders):
            record.take(event)
            if request.fail_fast and record.failed:
                executor.stop()
    timings["compile, all workers"] = record.compiling
    return not interrupted


@contextmanager
def _interruptible(executor: Executor) -> Iterator[list[int]]:
    """First Ctrl-C (or SIGTERM): finish what runs. Second: stop at once. Gives the list of signals received."""
    received: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        executor.stop()
        os.write(2, b"finishing what runs; once more to stop at once\n")  # a buffered stream may be in mid-write

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def last_request(
    store: Store, named: Sequence[Source], agree: Callable[[Sequence[str]], None], retry: frozenset[str], timeout: float | None
) -> Request:
    """What the last command in this folder asked for.

    The folder may be a stranger's, and a lesson file is code: those that it names and `named` does not are put to
    `agree`, by their paths, before any is loaded.

    Raises:
        StoreError: there was none. UsageError: another lesson is named; and whatever `agree` raises.
    """
    last = store.last()
    ours = {source.id: source for source in named}
    names = {_name(word): word for word in last["lessons"]}
    if strange := ours.keys() - names.keys():
        raise UsageError(f"{', '.join(sorted(strange))}: not in the last command in {store.root}, which had {', '.join(names)}")
    unnamed = [str(Path(word).resolve()) for name, word in names.items() if _is_file(word) and name not in ours]
    if unnamed:
        agree(unnamed)
    sources = [ours.get(name) or catalog.find([word])[0] for name, word in names.items()]
    return Request(
        tuple(sources),
        tuple(last["seeds"]),
        tuple(last["scopes"]),
        last["engine"],
        last["settings"],
        retry,
        timeout=timeout,
        command=last["command"],
    )


def _is_file(word: str) -> bool:
    return word not in {source.id for source in catalog.built_in()}


def _name(word: str) -> str:
    """The id of the lesson that run.json calls so."""
    return Path(word).stem.replace("_", "-") if _is_file(word) else word


def report(store: Store) -> dict[str, Any]:
    """Build effects and pages from the tables; gives what the command was that wrote those."""
    import reports  # noqa: PLC0415  statistics and figures take a second to load

    runs, histories, lessons, facts = store.load()
    effects = effects_of(runs, histories, lessons)
    store.write_effects(effects, facts["generation"])
    with store.folder() as folder:
        reports.build(runs, histories, lessons, facts, folder, effects)
    if store.load_runs().generation != facts["generation"]:  # a command has written others meanwhile
        return report(store)
    return facts


def effects_of(runs: pd.DataFrame, histories: pd.DataFrame, lessons: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The effects of these tables."""
    from reports import effects  # noqa: PLC0415

    return effects.table(runs, histories, lessons)


def run(asked: Request, store: Store, start: Callable[[], Executor], console: Console, report_too: bool) -> int:
    """Plan, train what is missing, write the tables, build the report; returns the exit code."""
    begun = provenance.Moment()
    timings: dict[str, float] = {}
    store.prepare()
    console.print(f"results: {store.root}", markup=False)
    with store.locked(asked.command):
        with clock(timings, "start"):
            prepared, place = prepare_and_start(lambda: prepare(asked, store), start, early=store.is_empty())
        tell(prepared.plan, console)
        notices = list(not_shown(store.seeds_beyond(prepared.plan.jobs, asked.seeds), asked.seeds))
        _say(notices, console)
        facts = provenance.asked(asked, prepared, begun)
        store.write_provenance(facts)
        whole, resources = _train(prepared, asked, store, place, console, timings)

        def ended(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            notices.extend(missing(len(rows), prepared.plan.runs))
            return {**facts, **provenance.spent(begun, timings, resources), "notices": notices}

        with clock(timings, "write"):
            rows = store.write_tables(prepared.plan.jobs, asked.seeds, prepared.descriptions, ended)
        if report_too and whole:
            with clock(timings, "report"):
                report(store)
            console.print(f"report: {store.report}", markup=False)
        else:
            _say(strays(store), console)
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in timings.items())
    console.print(f"{parts}; {begun.age:.1f} s in all")
    failed = [row for row in rows if row["status"] in WITHOUT_RESULT]
    _say(by_cause(failed, store), console)
    if not whole:
        console.print("interrupted; the same command goes on from here")
        return INTERRUPTED
    _say(missing(len(rows), prepared.plan.runs), console)
    return 1 if failed or len(rows) < prepared.plan.runs else 0


def _train(
    prepared: Prepared,
    asked: Request,
    store: Store,
    place: Executor | None,
    console: Console,
    timings: dict[str, float],
) -> tuple[bool, dict[str, float]]:
    """Train what the plan lacks, where there is a place for it; whether it was whole, and what the place had."""
    if place is None:
        return True, {}
    try:
        with clock(timings, "train"):
            whole = execute(prepared, asked, store, place, console, timings)
        return whole, place.resources()
    finally:
        place.close()


def _say(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.print(line, markup=False)


def tell(plan: Plan, console: Console) -> None:
    """Say what a plan comes to."""
    new = f"{len(plan.shards)} shards to train" if plan.shards else "nothing to train"
    console.print(f"{plan.runs} runs asked for, {plan.stored} stored, {plan.shared} shared with another lesson; {new}")
    for job in {job.key: job for job in plan.jobs if job.reason}.values():
        console.print(f"{job.name} runs through fit, not compiled: {job.reason}", markup=False)


def not_shown(stored: Sequence[int], asked: Sequence[int]) -> Iterator[str]:
    """A sentence where more is stored than was asked for: tables and page leave it out."""
    if stored:
        every = tuple(sorted({*stored, *asked}))
        yield (
            f"{len(asked)} seeds ({seeds.show(tuple(asked))}) are shown of the {len(every)} that are stored ({seeds.show(every)});"
            f" the same command with --seeds {seeds.show(every)} shows them all"
        )


def missing(there: int, asked: int) -> Iterator[str]:
    """A sentence where not all runs that were asked for are there."""
    if there < asked:
        yield f"{asked - there} runs are missing; the same command goes on from here"


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
