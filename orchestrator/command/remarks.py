"""What a reader of a plan or of its results must know, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from orchestrator import engine
from orchestrator.command.results import MIXED
from orchestrator.nouns import seeds
from orchestrator.nouns.plan import Job
from orchestrator.planning.session import Prepared


def of_plan(prepared: Prepared) -> Iterator[str]:
    """What a plan comes to, and what a reader of its results must know."""
    plan = prepared.plan
    new = f"{len(plan.shards)} shards to train" if plan.shards else "nothing to train"
    yield f"{plan.runs} runs asked for, {plan.stored} stored, {plan.shared} shared with another lesson; {new}"
    yield from dict.fromkeys(_remarks(prepared))


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


def missing(runs: int) -> Iterator[str]:
    """A sentence where runs that were asked for are not there."""
    if runs:
        yield f"{runs} runs are missing; the same command goes on from here"
