"""What was asked for, minus what is stored, is what trains. Pure: no files, no Ray, no Keras."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from orchestrator.nouns.identity import Identity
from orchestrator.nouns.measures import Traits
from orchestrator.reports.nouns.scope import Scope

BlockState = Literal["stored", "failed", "lost", "broken", "redrawn"]
DAMAGED = "its file was damaged"
REDRAWN = "its data are drawn otherwise by now"
REASONS: Mapping[BlockState, str] = {
    "broken": DAMAGED,
    "redrawn": REDRAWN,
    "lost": "no answer so far, tried again",
    "failed": "failed before, tried again",
}


class Span(NamedTuple):
    """What a block is known by: the key of what it trained, its first and its last seed."""

    key: str
    first: int
    last: int

    @property
    def seeds(self) -> range:
        """Its seeds."""
        return range(self.first, self.last + 1)


Stored = Mapping[Span, BlockState]


@dataclass(frozen=True)
class Job:
    """One variant in one scope, as asked for: many jobs may train one thing, told by its key.

    Attributes:
        program: jobs that share it share a compiled program.
        identity: what the key is made of; None where the lesson's code could not be asked.
        traced: whether its training was traced as a program, and is known by that.
        width: the most seeds that one shard trains, neighbours from a multiple of it on. cost: a guess at seconds for so many.
        whole: whether fewer seeds would take as long, since all of a program train side by side.
        code: digest of what it is written in, where its key tells only what that comes to for seeds 0 and 1; empty for lessons of
            this program, and where the key tells it all.
        seeds: those it is asked for, in ascending order.
    """

    lesson: str
    variant: str
    data: Scope
    key: str
    program: str
    engine: str
    width: int
    cost: float
    reason: str | None = None
    identity: Identity | None = None
    traits: Traits | None = None
    traced: bool = False
    whole: bool = False
    code: str = ""
    seeds: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Lesson, variant and scope, as people say it."""
        return f"{self.lesson}/{self.variant}/{self.data}"

    def through_fit(self, reason: str) -> Job:
        """The same, trained by `fit`, seed by seed."""
        return replace(self, engine="fit-jax", reason=reason, width=1, whole=False, cost=self.cost / self.width)


@dataclass(frozen=True)
class Shard:
    """Neighbouring seeds of one job: one compiled program, one block, one file."""

    job: Job
    seeds: tuple[int, ...]
    why: str

    @property
    def block(self) -> Span:
        """What the store knows it by."""
        return Span(self.job.key, self.seeds[0], self.seeds[-1])

    @property
    def share(self) -> float:
        """What part of a shard of the job's width it takes to train."""
        return 1.0 if self.job.whole else len(self.seeds) / self.job.width

    @property
    def cost(self) -> float:
        """A guess at seconds."""
        return self.job.cost * self.share

    @property
    def name(self) -> str:
        """For progress and errors."""
        last = f"-{self.seeds[-1]}" if len(self.seeds) > 1 else ""
        return f"{self.job.name} seeds {self.seeds[0]}{last}"


@dataclass(frozen=True)
class Plan:
    """Jobs, and the shards that are missing, the longest first.

    `stored` counts runs asked for that need no training, `shared` those that another lesson's training gives.
    """

    jobs: tuple[Job, ...]
    shards: tuple[Shard, ...]
    stored: int
    shared: int

    @property
    def runs(self) -> int:
        """Runs asked for."""
        return sum(len(job.seeds) for job in self.jobs)


def _not_yet(_job: Job) -> str:
    return "not trained yet"


def seeded(jobs: Iterable[Job], seeds: Sequence[int]) -> tuple[Job, ...]:
    """The jobs, all with these seeds."""
    return tuple(replace(job, seeds=tuple(seeds)) for job in jobs)


def by_key(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    """The jobs by what they train."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.key, []).append(job)
    return found


def asked(jobs: Iterable[Job]) -> dict[str, frozenset[int]]:
    """By key all seeds that any of these jobs asks for."""
    return {key: frozenset().union(*(job.seeds for job in same)) for key, same in by_key(jobs).items()}


def plan(
    jobs: Sequence[Job],
    stored: Stored,
    retry: frozenset[str] = frozenset(),
    why: Callable[[Job], str] = _not_yet,
) -> Plan:
    """The shards to train so that every job has all its seeds.

    `stored` says what the store holds, `why` what there is to say of a job of which it holds nothing. A failed run is
    an answer and stays, unless "failed" is in `retry`.
    """
    held: dict[str, dict[Span, BlockState]] = {}
    for span, state in stored.items():
        held.setdefault(span.key, {})[span] = state
    shards: list[Shard] = []
    late = shared = 0
    for key, same in by_key(jobs).items():
        missing = list(_missing(same, held.get(key, {}), {"lost", "broken", "redrawn"} | retry, why))
        shards += missing
        owner = {seed: shard.job for shard in missing for seed in shard.seeds}
        waiting = [(job, owner[seed]) for job in same for seed in job.seeds if seed in owner]
        late += len(waiting)
        shared += sum(job is not first for job, first in waiting)
    needed = sum(len(job.seeds) for job in jobs)
    return Plan(tuple(jobs), tuple(_in_order(shards)), needed - late, shared)


def _missing(same: Sequence[Job], held: Stored, again: Collection[str], why: Callable[[Job], str]) -> Iterator[Shard]:
    """What jobs of one key lack: blocks that are to be trained again, as they are; then stretches of seeds that no block holds."""
    wanted = [(job, frozenset(job.seeds)) for job in same]
    left = set[int]().union(*(seeds for _, seeds in wanted))
    for span, state in held.items():
        if state in again and not left.isdisjoint(span.seeds):
            yield Shard(_first(wanted, span.seeds), tuple(span.seeds), REASONS[state])
    left.difference_update(seed for span in held for seed in span.seeds)
    reason = "further seeds" if "stored" in held.values() else ""
    width = same[0].width
    if same[0].whole:
        left = {seed for first in {seed - seed % width for seed in left} for seed in range(first, first + width)}
    for seeds in stretches(left, width):
        job = _first(wanted, seeds)
        yield Shard(job, seeds, reason or why(job))


def _first(wanted: Iterable[tuple[Job, frozenset[int]]], seeds: Iterable[int]) -> Job:
    """The first job that asks for any of these seeds."""
    return next(job for job, asked_for in wanted if not asked_for.isdisjoint(seeds))


def stretches(seeds: Iterable[int], width: int) -> Iterator[tuple[int, ...]]:
    """Runs of neighbouring seeds, none of which crosses a multiple of `width`."""
    one: list[int] = []
    for seed in sorted(seeds):
        if one and (seed != one[-1] + 1 or seed % width == 0):
            yield tuple(one)
            one = []
        one.append(seed)
    if one:
        yield tuple(one)


def _in_order(shards: Sequence[Shard]) -> list[Shard]:
    """Longest first; each program's first shard before any second, so that no two workers compile the same program at once."""
    longest = sorted(shards, key=lambda shard: (-shard.cost, shard.job.program, shard.job.key, shard.seeds[0]))
    first = {shard.job.program: shard for shard in reversed(longest)}
    return [
        *(shard for shard in longest if first[shard.job.program] is shard),
        *(shard for shard in longest if first[shard.job.program] is not shard),
    ]
