"""What was asked for, minus what is stored, is what trains. Pure: no files, no Ray, no Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.identity import Identity
from orchestrator.lesson import Scope
from orchestrator.measures import Traits

State = Literal["stored", "failed", "broken", "redrawn"]
Stored = Mapping[tuple[str, int], State]  # (key, first seed of the block) -> what the store says of it


DAMAGED = "its file was damaged"
REDRAWN = "its data are drawn otherwise by now"


@dataclass(frozen=True)
class Job:
    """One variant in one scope, as asked for: many jobs may train one thing, told by its key.

    Attributes:
        program: jobs that share it share a compiled program.
        identity: what the key is made of; None where the lesson's code could not be asked.
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
    """Jobs, seeds, and the shards that are missing, the longest first.

    `stored` counts runs asked for that need no training, `shared` those that another lesson's training gives.
    """

    jobs: tuple[Job, ...]
    seeds: tuple[int, ...]
    shards: tuple[Shard, ...]
    stored: int
    shared: int

    @property
    def runs(self) -> int:
        """Runs asked for."""
        return len(self.jobs) * len(self.seeds)


def blocks(seeds: Sequence[int], width: int) -> list[int]:
    """First seeds of the aligned blocks that hold these seeds."""
    return sorted({seed - seed % width for seed in seeds})


def block_seeds(first: int, width: int) -> tuple[int, ...]:
    """The seeds of a block."""
    return tuple(range(first, first + width))


def _not_yet(_job: Job) -> str:
    return "not trained yet"


def plan(
    jobs: Sequence[Job],
    seeds: Sequence[int],
    stored: Stored,
    retry: frozenset[str] = frozenset(),
    why: Callable[[Job], str] = _not_yet,
) -> Plan:
    """The shards to train so that every job has every seed.

    `stored` says what the store holds, `why` what there is to say of a job of which it holds nothing. A failed run is
    an answer and stays, unless "failed" is in `retry`.
    """
    first_job: dict[str, Job] = {}
    for job in jobs:
        first_job.setdefault(job.key, job)
    shards = [shard for job in first_job.values() for shard in _missing(job, seeds, stored, retry, why)]
    waiting = {shard.block for shard in shards}
    needed = [(job, seed) for job in jobs for seed in seeds]
    late = [(job, seed) for job, seed in needed if (job.key, seed - seed % job.width) in waiting]
    shared = sum(first_job[job.key] is not job for job, _ in late)
    return Plan(tuple(jobs), tuple(seeds), tuple(_in_order(shards)), len(needed) - len(late), shared)


def _missing(
    job: Job, seeds: Sequence[int], stored: Stored, retry: frozenset[str], why: Callable[[Job], str]
) -> list[Shard]:
    states = {first: stored.get((job.key, first), "missing") for first in blocks(seeds, job.width)}
    anything = any(state == "stored" for state in states.values())
    reasons = {
        "missing": "further seeds" if anything else why(job),
        "broken": DAMAGED,
        "redrawn": REDRAWN,
        "failed": "failed before, tried again",
    }
    return [
        Shard(job, block_seeds(first, job.width), reasons[state])
        for first, state in states.items()
        if state in {"missing", "broken", "redrawn"} | retry
    ]


def _in_order(shards: Sequence[Shard]) -> list[Shard]:
    """Longest first; each program's first shard before any second, so that no two workers compile the same program at once."""
    longest = sorted(shards, key=lambda shard: (-shard.job.cost, shard.job.program, shard.job.key, shard.seeds[0]))
    first = {shard.job.program: shard for shard in reversed(longest)}
    return [
        *(shard for shard in longest if first[shard.job.program] is shard),
        *(shard for shard in longest if first[shard.job.program] is not shard),
    ]
