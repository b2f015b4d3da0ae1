"""What a store holds from before, seen with the eyes of a new plan: what it can't use any more, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from orchestrator.lessons import keys
from orchestrator.lessons.catalog import Source
from orchestrator.lessons.sandbox import NoAnswerError
from orchestrator.nouns.identity import Sketch
from orchestrator.nouns.plan import BlockState, Job, Span, asked, by_key
from orchestrator.store import Store
from orchestrator.store.block import sketch_of
from orchestrator.store.blocks import state
from orchestrator.workers import worker

BlockStates = dict[Span, BlockState]
Held = dict[Span, list[dict[str, Any]]]


@dataclass(frozen=True)
class Precedent:
    """What is stored of a plan's jobs, and what stands in the way of using the rest.

    Attributes:
        states: per block of the jobs what the store says of it. abouts: per key what is known of it.
        superseded: stored runs of an earlier version of this program or its libraries.
        processors: the kinds that trained the jobs' stored blocks.
    """

    states: BlockStates
    abouts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    superseded: int = 0
    processors: frozenset[str] = frozenset()

    def why_missing(self, job: Job) -> str:
        """Why nothing is stored of a job, as far as its forerunner tells."""
        if job.identity is None:
            return "not trained yet"
        parts = job.identity.parts()
        same = self._by_name.get((job.lesson, job.variant, job.data), ())
        changed = [[name for name, digest in parts.items() if about.get(name) != digest] for about in same]
        nearest = min((names for names in changed if names), key=len, default=[])
        return f"its {' and '.join(nearest)} changed" if nearest else "not trained yet"

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, ...], Sequence[Mapping[str, Any]]]:
        """What is known of keys, by lesson, variant and scope: many jobs ask."""
        found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for about in self.abouts.values():
            found.setdefault(tuple(str(about.get(name)) for name in ("lesson", "variant", "data")), []).append(about)
        return found


def look(
    store: Store,
    jobs: Sequence[Job],
    held: Held,
    sources: Mapping[str, Source],
    ask: Callable[..., Any],
    settings: keys.Settings,
) -> Precedent:
    """See what is stored of these jobs, `held`; of redrawn data, whether they are still drawn as they were."""
    states = states_of(held)
    for span in _drawn_otherwise(jobs, held, sources, ask, settings):
        states[span] = "redrawn"
    abouts = store.notes.abouts()
    now = worker.versions()
    counts = store.blocks.stored_runs()
    usable = {job.key for job in jobs}  # whose notes may be lost: a key is of this version's
    others = abouts.keys() - usable
    old = sum(counts.get(key, 0) for key in others if abouts[key].get("versions") != now)
    processors = {run["processor"] for found in held.values() for run in found if run["processor"]}
    return Precedent(states, abouts, old, frozenset(processors))


def states_of(held: Held) -> BlockStates:
    """What the blocks count as that a store holds."""
    return {span: state(runs) for span, runs in held.items()}


def about(job: Job) -> dict[str, Any]:
    """What is to be known of a job's key."""
    parts = job.identity.parts() if job.identity else {}
    return {"lesson": job.lesson, "variant": job.variant, "data": job.data, "versions": worker.versions(), **parts}


def _drawn_otherwise(
    jobs: Sequence[Job], held: Held, sources: Mapping[str, Source], ask: Callable[..., Any], settings: keys.Settings
) -> Iterator[Span]:
    """The stored blocks that hold a seed whose rows are others by now: a process may change for one seed, which the key does not see."""
    first = {key: same[0] for key, same in by_key(jobs).items() if same[0].data == "redrawn" and same[0].identity}
    wanted = asked(jobs)
    of: dict[tuple[str, str], dict[Span, dict[int, Mapping[str, Any]]]] = {}
    for span, runs in held.items():
        if job := first.get(span.key):
            rows = {run["seed"]: run["rows"] for run in runs if run.get("rows") and run["seed"] in wanted[span.key]}
            of.setdefault((job.lesson, job.variant), {})[span] = rows
    for (lesson, variant), kept in of.items():
        seeds = sorted({seed for rows in kept.values() for seed in rows})
        try:
            now: Mapping[int, Sketch] = ask(keys.redrawn, sources[lesson], settings, variant, seeds) if seeds else {}
        except NoAnswerError:
            continue
        for span, rows in kept.items():
            if any(not _same(now[seed], found) for seed, found in rows.items() if seed in now):
                yield span


def _same(now: Sketch, stored: Mapping[str, Any]) -> bool:
    before = sketch_of(stored)
    return before is not None and now.matches(before, elsewhere=True)
