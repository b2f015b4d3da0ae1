"""One command's way through the house: lessons → plan → driver → store → report."""

from __future__ import annotations

import os
import platform
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from orchestrator import engine, worker
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

LIBRARIES = (
    "ray",
    "keras",
    "jax",
    "jaxlib",
    "tensorflow",
    "numpy",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "pandas",
    "pyarrow",
    "matplotlib",
)


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


def provenance(
    request: Request, prepared: Prepared, begun: float, timings: Mapping[str, float], resources: Mapping[str, float]
) -> dict[str, Any]:
    """What a reader needs to judge and repeat the results."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "command": request.command,
        "started": datetime.fromtimestamp(begun, UTC).isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_seconds": round(time.time() - begun, 2),
        "cpu_seconds": round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 2),
        "host": platform.node(),
        "cores": os.cpu_count(),
        "gpus": resources.get("GPU", 0),
        "cluster": {name: amount for name, amount in resources.items() if name in ("CPU", "GPU", "memory")},
        "versions": {"python": platform.python_version(), **_versions()},
        "git": git(),
        "seeds": list(request.seeds),
        "engine": request.engine,
        "lessons": [source.id if source.number else source.path for source in request.sources],
        "scopes": list(request.scopes),
        "settings": dict(request.settings),
        "jobs": [
            {
                "lesson": j.lesson,
                "variant": j.variant,
                "data": j.data,
                "key": j.key,
                "width": j.width,
                "cost": j.cost,
                "engine": j.engine,
            }
            for j in prepared.plan.jobs
        ],
        "timings": {name: round(seconds, 2) for name, seconds in timings.items()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git() -> dict[str, Any] | None:
    """The program's own commit, and whether it was changed since; None outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit, "dirty": bool(changed)}


def report(store: Store) -> None:
    """Build effects and pages from the tables."""
    import reports  # noqa: PLC0415  statistics and figures take a second to load

    runs, histories, lessons, facts = store.load()
    store.write_effects(effects_of(runs, histories, lessons))
    with explained(store.root):
        reports.build(runs, histories, lessons, facts, store.root)


def effects_of(runs: pd.DataFrame, histories: pd.DataFrame, lessons: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The effects of these tables."""
    from reports import effects  # noqa: PLC0415

    return effects.table(runs, histories, lessons)


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


def command_line() -> str:
    """The command as typed."""
    return " ".join(["python", "-m", "orchestrator", *sys.argv[1:]])
