"""What was asked for, made concrete: lessons → keys → plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from orchestrator import engine
from orchestrator.errors import UsageError
from orchestrator.lessons import catalog, keys
from orchestrator.lessons.catalog import Source
from orchestrator.lessons.sandbox import Sandbox, here
from orchestrator.nouns import literals
from orchestrator.nouns.plan import Job, Plan, Span, asked, plan, seeded
from orchestrator.planning import precedent, sharing
from orchestrator.planning.precedent import Precedent
from orchestrator.planning.until import Name, Until, name
from orchestrator.reports.nouns.scope import SCOPES, Scope
from orchestrator.store import Store
from orchestrator.workers import worker
from orchestrator.workers.events import Event
from orchestrator.workers.worker import Order


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


def scopes_of(data: str) -> tuple[Scope, ...]:
    """The scopes that `both`, or the name of one, means."""
    return tuple(scope for scope in SCOPES if data in ("both", scope))


def engine_of(engine: str, backend: str) -> str:
    """The engine's name in plans and tables: `compiled`, or `fit-` and the backend."""
    return engine if engine == "compiled" else f"fit-{backend}"


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

    def grown(self, jobs: Sequence[Job], store: Store, damaged: Iterable[Span] = ()) -> Prepared:
        """The same, once its plan is carried out, with these jobs, which may have more seeds, and without damaged blocks."""
        now = precedent.states_of(store.blocks.held(asked(self.plan.jobs)))
        before = replace(self.before, states={**self.before.states, **now, **dict.fromkeys(damaged, "broken")})
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
        jobs: Sequence[Job] = [_as_checked(job, sources, store) for some, _, _ in made for job in some]
        jobs, held = sharing.settled(store, seeded(jobs, _all(request)), sources, ask, fixed, at)
        before = precedent.look(store, jobs, held, sources, ask, fixed)
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
    known = store.notes.self_check(job.program) if own and job.engine == "compiled" else None
    return job.through_fit(known.why) if known and not known.holds else job


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
    if lost := [word for word in last["lessons"] if word.endswith(catalog.FROM_PYTHON)]:
        raise UsageError(
            f"{', '.join(lost)}: this lesson lives where it was run from; call orchestrator.run there, with retry=True"
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
