"""What was asked for, minus what is stored, is what trains. Pure: no files, no Ray, no Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.nouns.identity import Identity
from orchestrator.nouns.measures import Traits
from orchestrator.reports.nouns.scope import Scope

BlockState = Literal["stored", "failed", "broken", "redrawn"]
Stored = Mapping[tuple[str, int], BlockState]  # (key, first seed of the block) -> what the store says of it


DAMAGED = "its file was damaged"
REDRAWN = "its data are drawn otherwise by now"
REASONS = {"broken": DAMAGED, "redrawn": REDRAWN, "failed": "failed before, tried again"}


@dataclass(frozen=True)
class Job:
    """One variant in one scope, as asked for: many jobs may train one thing, told by its key.

    Attributes:
        program: jobs that share it share a compiled program.
        identity: what the key is made of; None where the lesson's code could not be asked.
        traced: whether its training was traced as a program, and is known by that.
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
    seeds: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Lesson, variant and scope, as people say it."""
        return f"{self.lesson}/{self.variant}/{self.data}"


@dataclass(frozen=True)
class Shard:
    """A block of seeds of one job: one compiled program, one Ray task, one file."""

    job: Job
    seeds: tuple[int, ...]
    why: str

    @property
    def block(self) -> tuple[str, int]:
        """What the store knows it by."""
        return self.job.key, self.seeds[0]

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


def blocks(seeds: Sequence[int], width: int) -> list[int]:
    """First seeds of the aligned blocks that hold these seeds."""
    return sorted({seed - seed % width for seed in seeds})


def block_seeds(first: int, width: int) -> tuple[int, ...]:
    """The seeds of a block."""
    return tuple(range(first, first + width))


def _not_yet(_job: Job) -> str:
    return "not trained yet"


def seeded(jobs: Iterable[Job], seeds: Sequence[int]) -> tuple[Job, ...]:
    """The jobs, all with these seeds."""
    return tuple(replace(job, seeds=tuple(seeds)) for job in jobs)


def owners(jobs: Sequence[Job]) -> dict[tuple[str, int], Job]:
    """The blocks that hold the seeds of these jobs, by key and first seed, each with the first job that asks for it."""
    found: dict[tuple[str, int], Job] = {}
    for job in jobs:
        for first in blocks(job.seeds, job.width):
            found.setdefault((job.key, first), job)
    return found


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
    owner = owners(jobs)
    known = {key for (key, _), state in stored.items() if state == "stored"}
    shards = []
    for (key, first), job in owner.items():
        state = stored.get((key, first), "missing")
        if state in {"missing", "broken", "redrawn"} | retry:
            reason = REASONS.get(state) or ("further seeds" if key in known else why(job))
            shards.append(Shard(job, block_seeds(first, job.width), reason))
    waiting = {shard.block for shard in shards}
    needed = [(job, (job.key, seed - seed % job.width)) for job in jobs for seed in job.seeds]
    late = [(job, block) for job, block in needed if block in waiting]
    shared = sum(owner[block] is not job for job, block in late)
    return Plan(tuple(jobs), tuple(_in_order(shards)), len(needed) - len(late), shared)


def _in_order(shards: Sequence[Shard]) -> list[Shard]:
    """Longest first; each program's first shard before any second, so that no two workers compile the same program at once."""
    longest = sorted(shards, key=lambda shard: (-shard.job.cost, shard.job.program, shard.job.key, shard.seeds[0]))
    first = {shard.job.program: shard for shard in reversed(longest)}
    return [
        *(shard for shard in longest if first[shard.job.program] is shard),
        *(shard for shard in longest if first[shard.job.program] is not shard),
    ]
