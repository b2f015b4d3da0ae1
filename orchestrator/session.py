"""One command's way through the house: lessons → plan → driver → store → report."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from orchestrator import catalog, engine, keys, literals, precedent, provenance, seeds, verdicts, worker
from orchestrator.catalog import Source
from orchestrator.errors import UsageError
from orchestrator.events import Event
from orchestrator.failures import by_cause
from orchestrator.lesson import Scope
from orchestrator.outcome import WITHOUT_RESULT
from orchestrator.plan import DAMAGED, REDRAWN, Job, Plan, plan, seeded
from orchestrator.precedent import Precedent
from orchestrator.progress import STOPPED, USUAL, Progress
from orchestrator.record import Record
from orchestrator.sandbox import Sandbox, here
from orchestrator.store import Store, strays
from orchestrator.terminal import Terminal
from orchestrator.until import Course, Name, Until, deciding, name
from orchestrator.worker import Order

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from reports.results import Results


MIXED = "mixed: the same run rounds differently on another kind"
INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        until: how far comparisons go beyond `seeds`; None where they don't. counts: jobs that begin with fewer.
    """

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
    until: Until | None = None
    counts: Mapping[Name, int] = field(default_factory=dict)

    def seeds_of(self, job: Job) -> tuple[int, ...]:
        """The seeds that a job begins with: the first so many of all, where `counts` knows it."""
        return self.seeds[: self.counts.get(name(job), len(self.seeds))]


class Executor(Protocol):
    """A place where shards run: a Ray cluster, or this process."""

    @property
    def slots(self) -> int:
        """How many it runs at once."""

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
    before: Precedent

    def described(self, store: Store) -> list[dict[str, Any]]:
        """The descriptions, with what self-checks have said by now of each variant."""
        why = {(job.lesson, job.variant): _as_checked(job, self.sources, store).reason for job in self.plan.jobs}
        return [
            {**lesson, "variants": [{**v, "engine_reason": why[lesson["id"], v["name"]]} for v in lesson["variants"]]}
            for lesson in self.descriptions
        ]

    def grown(self, jobs: Sequence[Job], store: Store) -> Prepared:
        """The same, once its plan is carried out, with more seeds for some of its jobs."""
        before = replace(self.before, states={**self.before.states, **store.state(self.plan.jobs)})
        return replace(self, plan=plan(jobs, before.states, why=before.why_missing), before=before)


def prepare(request: Request, store: Store, at: Callable[[str], None] = lambda _: None) -> Prepared:
    """Load the lessons, key every job, and plan what is missing; `at` is told what it is at.

    Raises:
        UsageError: a lesson can't be loaded, or has none of the scopes asked for.
    """
    engine.check_version()
    fixed = worker.settings(request.settings)
    with Sandbox(partial(worker.warm, request.engine, gpu=False), request.timeout) as sandbox:
        ask = here if request.serial else sandbox.ask
        made = []
        for n, source in enumerate(request.sources, 1):
            at(f"loading lesson {n} of {len(request.sources)}, {source.id}")
            made.append(keys.survey(ask, source, fixed, request.scopes, request.engine))
        at("looking at what is stored")
        sources = {source.id: source for _, _, source in made}
        jobs = [_as_checked(job, sources, store) for some, _, _ in made for job in some]
        before = precedent.look(store, seeded(jobs, _all(request)), sources, ask, fixed)
    looks = {"schedule": list(request.until.looks)} if request.until else {}
    descriptions = tuple(description | looks for _, description, _ in made)
    first = [replace(job, seeds=request.seeds_of(job)) for job in jobs]
    planned = plan(first, before.states, request.retry, before.why_missing)
    return Prepared(planned, descriptions, sources, before)


def _all(request: Request) -> tuple[int, ...]:
    """Every seed that may be asked for."""
    return request.seeds if request.until is None else tuple(range(max(request.until.most, len(request.seeds))))


def _as_checked(job: Job, sources: Mapping[str, Source], store: Store) -> Job:
    """The job as an earlier self-check of its program leaves it: compiled, or through `fit`."""
    own = sources[job.lesson].number is None
    known = store.verdict(job.program) if own and job.engine == "compiled" else None
    return replace(job, engine="fit-jax", reason=known.why) if known and not known.holds else job


def execute(
    prepared: Prepared,
    request: Request,
    store: Store,
    executor: Executor,
    progress: Progress,
    timings: dict[str, float],
) -> bool:
    """Train what the plan lacks and store it as it comes. True unless it was interrupted.

    `timings` gains what the workers together spent compiling.
    """
    _make_room(prepared.plan, store, progress.console)
    fixed = worker.settings(request.settings)
    progress.follow(prepared.plan, lambda: executor.slots)
    with _interruptible(executor) as interrupted:
        record = Record(store, progress.take, progress.left)
        record.begin(request.command)
        orders = (
            Order(
                shard,
                prepared.sources[shard.job.lesson],
                fixed,
                out=store.uri,
                verdict=None if prepared.sources[shard.job.lesson].number else record.verdict(shard.job.program),
            )
            for shard in prepared.plan.shards
        )
        for event in executor.run(orders):
            record.take(event)
            if request.fail_fast and record.failed:
                executor.stop()
    timings["compile, all workers"] = timings.get("compile, all workers", 0.0) + record.compiling
    return not interrupted


def _make_room(plan: Plan, store: Store, console: Console) -> None:
    """Set aside what can't be used any more, and note what the keys to come are of."""
    for shard in plan.shards:
        if shard.why in (DAMAGED, REDRAWN):
            aside = store.set_aside(shard.job.key, shard.seeds)
            console.print(f"{shard.name}: {shard.why}; set aside as {aside}, trained again", markup=False)
    for job in {shard.job.key: shard.job for shard in plan.shards}.values():
        store.write_about(job.key, precedent.about(job))


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
    store: Store,
    named: Sequence[Source],
    agree: Callable[[Sequence[str]], None],
    retry: frozenset[str],
    timeout: float | None,
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
        raise UsageError(
            f"{', '.join(sorted(strange))}: not in the last command in {store.root}, which had {', '.join(names)}"
        )
    unnamed = [str(Path(word).resolve()) for name, word in names.items() if _is_file(word) and name not in ours]
    if unnamed:
        agree(unnamed)
    sources = [ours.get(name) or catalog.find([word])[0] for name, word in names.items()]
    return Request(
        tuple(sources),
        tuple(last["seeds"]),
        tuple(last["scopes"]),
        last["engine"],
        literals.read(last["settings"]),
        retry,
        timeout=timeout,
        command=last["command"],
        until=Until(**last["until"]) if last.get("until") else None,
        counts={(job["lesson"], job["variant"], job["data"]): job["seeds"] for job in last["jobs"] if "seeds" in job},
    )


def _is_file(word: str) -> bool:
    return word not in {source.id for source in catalog.built_in()}


def _name(word: str) -> str:
    """The id of the lesson that run.json calls so."""
    return Path(word).stem.replace("_", "-") if _is_file(word) else word


@dataclass(frozen=True)
class Built:
    """A report as it was built: what it was made from, and a sentence where the look that it is can't be noted."""

    results: Results
    unnoted: str = ""


def report(store: Store) -> Built:
    """Build effects and pages from the tables."""
    import reports  # noqa: PLC0415  statistics and figures take a second to load

    built = results(store)
    facts, effects = built.results.provenance, built.results.effects
    store.write_effects(effects, facts["generation"])
    with store.folder() as folder:
        reports.build(built.results.runs, built.results.histories, built.results.lessons, facts, folder, effects)
    if store.load_runs().generation != facts["generation"]:  # a command has written others meanwhile
        return report(store)
    return built


def results(store: Store) -> Built:
    """The tables with their effects, which is a look at them."""
    from reports.results import Results  # noqa: PLC0415

    runs, histories, lessons, facts = store.load()
    effects = effects_of(runs, histories, lessons)
    unnoted = look(store, runs, lessons)
    return Built(Results(runs, histories, lessons, {**facts, "processors": _processors(runs)}, effects), unnoted)


def tell_report(built: Built, store: Store, console: Console) -> None:
    """Say the verdicts, and where the report is."""
    console.print(verdicts.lines(built.results, console.width))
    console.print(verdicts.where("report", store.report, built.unnoted))


def look(store: Store, runs: pd.DataFrame, lessons: Sequence[Mapping[str, Any]]) -> str:
    """Note that a verdict is made of these tables; gives a sentence where the place can't be written, else none."""
    if store.record_looks(runs, lessons):
        return ""
    return f"{store.root} can't be written, so this look at it isn't noted: the next one will count as this one"


def _processors(runs: pd.DataFrame) -> str:
    """The kinds of processors that trained these runs; with a warning where they are mixed."""
    kinds = sorted(set(runs["processor"].dropna()) - {""}) if "processor" in runs else []
    return "; ".join(kinds) + (f" ({MIXED})" if len(kinds) > 1 else "")


def effects_of(runs: pd.DataFrame, histories: pd.DataFrame, lessons: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The effects of these tables."""
    from reports import effects  # noqa: PLC0415

    return effects.table(runs, histories, lessons)


def run(
    asked: Request,
    store: Store,
    start: Callable[[], Executor],
    console: Console,
    report_too: bool,
    loud: int = USUAL,
) -> int:
    """Plan, train what is missing, write the tables, build the report; returns the exit code."""
    begun = provenance.Moment()
    timings: dict[str, float] = {}
    noted = console if loud >= USUAL else Terminal(quiet=True)
    noted.print(f"results: {store.root}", markup=False)
    store.prepare()
    progress = Progress(store, console, asked.command, loud, report_too)
    with store.locked(asked.command), progress.shown():
        progress.at("loading lessons and starting the workers" if store.is_empty() else "loading lessons")
        with clock(timings, "start"):
            prepared, place = prepare_and_start(
                lambda: prepare(asked, store, progress.turn_to), start, store.is_empty(), progress.turn_to
            )
        tell(prepared, noted)
        looks = _Looks(asked, store, start, progress, begun, timings, place, noted)
        with closing(looks):
            whole, prepared, rows = looks.take(prepared)
        built: Built | None = None
        if report_too and whole:
            progress.at("building the report")
            with clock(timings, "report"):
                built = report(store)
            progress.reported = True
        else:
            _say(strays(store), noted)
        if not whole:
            progress.end = f"{STOPPED}: {asked.command}"
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in timings.items())
    noted.print(f"{parts}; {begun.age:.1f} s in all")
    failed = [row for row in rows if row["status"] in WITHOUT_RESULT]
    _say(by_cause(failed, store), console)
    if built:
        tell_report(built, store, console)
    if not whole:
        console.print(progress.end, markup=False)
        return INTERRUPTED
    _say(missing(len(rows), prepared.plan.runs), console)
    return 1 if failed or len(rows) < prepared.plan.runs else 0


@dataclass
class _Looks:
    """A command's trainings, each with the tables that come of it: one, or one a look where seeds are taken as needed."""

    asked: Request
    store: Store
    start: Callable[[], Executor]
    progress: Progress
    begun: provenance.Moment
    timings: dict[str, float]
    place: Executor | None
    console: Console
    trained: float = 0.0  # the cost of it

    def take(self, prepared: Prepared) -> tuple[bool, Prepared, list[dict[str, Any]]]:
        """Train, write tables and look, until nothing is left to train: whether it was whole, what was planned last, its rows."""
        while True:
            whole, rows = self._once(prepared)
            jobs = self._grown(prepared) if self.asked.until and whole and len(rows) == prepared.plan.runs else None
            if not jobs:
                return whole, prepared, rows
            prepared = prepared.grown(jobs, self.store)

    def _once(self, prepared: Prepared) -> tuple[bool, list[dict[str, Any]]]:
        facts = provenance.asked(self.asked, prepared, self.begun)
        self.store.write_provenance(facts)
        notices = list(not_shown(prepared.plan.jobs, self.store.seeds_beyond(prepared.plan.jobs)))
        if not self.asked.until:
            _say(notices, self.console)
        whole = self._train(prepared)
        self.progress.trained(prepared.plan)
        resources = self.place.resources() if self.place else {}

        def ended(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            notices.extend(missing(len(rows), prepared.plan.runs))
            return {**facts, **provenance.spent(self.begun, self.timings, resources), "notices": notices}

        with clock(self.timings, "write"):
            return whole, self.store.write_tables(prepared.plan.jobs, prepared.described(self.store), ended)

    def _train(self, prepared: Prepared) -> bool:
        """Train what the plan lacks; True unless it was interrupted."""
        if not (prepared.plan.shards or self.place):
            return True
        self.place = self.place or self.start()
        with clock(self.timings, "train"):
            whole = execute(prepared, self.asked, self.store, self.place, self.progress, self.timings)
        self.trained += sum(shard.job.cost for shard in prepared.plan.shards)
        return whole

    def _grown(self, prepared: Prepared) -> tuple[Job, ...] | None:
        """The jobs with the seeds of the next look; None where no comparison goes on. Says how it stands."""
        until: Until = self.asked.until  # type: ignore[assignment]
        self.progress.at("looking at what has come of it")
        with clock(self.timings, "look"):
            runs, histories, lessons, _ = self.store.load()
            rows = deciding(effects_of(runs, histories, lessons))
            if until.looks:
                look(self.store, runs, lessons)
        course = Course(until, prepared.plan.jobs, rows)
        _say([course.said(self.timings.get("train", 0.0) / self.trained if self.trained else None)], self.console)
        return course.further

    def close(self) -> None:
        """Let go of the place."""
        if self.place:
            self.place.close()


def _say(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.print(line, markup=False)


def tell(prepared: Prepared, console: Console) -> None:
    """Say what a plan comes to, and what a reader of its results must know."""
    plan = prepared.plan
    new = f"{len(plan.shards)} shards to train" if plan.shards else "nothing to train"
    console.print(f"{plan.runs} runs asked for, {plan.stored} stored, {plan.shared} shared with another lesson; {new}")
    for line in dict.fromkeys(_remarks(prepared)):
        console.print(line, markup=False)


def _remarks(prepared: Prepared) -> Iterator[str]:
    plan, before = prepared.plan, prepared.before
    for job in plan.jobs:
        if job.reason:
            yield f"{job.lesson}/{job.variant} runs through fit, not compiled: {job.reason}"
        for note in job.traits.notes if job.traits else ():
            yield f"{job.lesson}/{job.variant}: {note}"
    if plan.shards and before.superseded:
        yield (
            f"{before.superseded} stored runs are of an earlier version of this program or its libraries; "
            "they are left alone, and what is asked for of them is trained anew"
        )
    kinds = before.processors | ({engine.processor()} if plan.shards else set())
    if before.processors and len(kinds) > 1:
        yield f"processors: {'; '.join(sorted(kinds))} ({MIXED})"


def not_shown(jobs: Iterable[Job], stored: Sequence[int]) -> Iterator[str]:
    """A sentence where more is stored than was asked for: tables and page leave it out."""
    if stored:
        asked = sorted({seed for job in jobs for seed in job.seeds})
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

    with ThreadPoolExecutor(1) as pool:
        planned = pool.submit(planned_first)
        executor = start()
    try:
        return planned.result(), executor
    except BaseException:
        executor.close()
        raise
