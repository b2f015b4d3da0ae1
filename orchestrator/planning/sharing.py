"""Who shares runs with whom.

A key tells what seeds 0 and 1 begin with. A `model()` may depart from another's for a later seed alone, as one does that
draws its weights again until they please it. So where jobs of one key are written otherwise, every seed that they
would share is begun by each of them, and a job that departs gets a key of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from orchestrator.lessons import keys
from orchestrator.lessons.catalog import Source
from orchestrator.lessons.sandbox import NoAnswerError
from orchestrator.nouns.identity import Sketch, digest
from orchestrator.nouns.outcome import WITHOUT_RESULT
from orchestrator.nouns.plan import Job, asked, by_key
from orchestrator.planning.precedent import Held
from orchestrator.store import Store
from orchestrator.store.block import sketch_of

Begin = Callable[[Job, Sequence[int]], Mapping[int, Sketch]]


class Begun(NamedTuple):
    """What a seed began with, by the code that a job is written in; no start where it could not begin."""

    code: str
    start: Sketch | None
    processor: str

    def is_like(self, other: Begun) -> bool:
        """Whether both began with the same, but for the rounding of processors of other kinds."""
        if not (self.start and other.start):
            return False
        return self.start.matches(other.start, self.processor != other.processor)


def settled(
    store: Store,
    jobs: Sequence[Job],
    sources: Mapping[str, Source],
    ask: Callable[..., Any],
    settings: keys.Settings,
    at: Callable[[str], None],
) -> tuple[Sequence[Job], Held]:
    """The jobs, each with the key whose runs are its own, and what is stored of these keys; `at` is told what it is at."""

    def begin(job: Job, seeds: Sequence[int]) -> Mapping[int, Sketch]:
        at(f"beginning {len(seeds)} seeds of {job.name}")
        try:
            return ask(keys.begun, sources[job.lesson], settings, job.variant, job.data, seeds)  # type: ignore[no-any-return]
        except NoAnswerError:
            return {}

    ours, held, new = {job.name: job for job in jobs}, Held(), jobs
    while new:  # a key that a job departs to may hold runs of another one, from which it departs at a later seed
        found = store.blocks.held(asked(new))
        stored: dict[str, list[Mapping[str, Any]]] = {}
        for span, runs in found.items():
            stored.setdefault(span.key, []).extend(runs)
        new = [job for key, same in by_key(new).items() for job in _departed(same, stored.get(key, ()), begin)]
        ours |= {job.name: job for job in new}
        held |= found
    return [*ours.values()], held


def _departed(same: Sequence[Job], stored: Sequence[Mapping[str, Any]], begin: Begin) -> Iterator[Job]:
    """Of jobs of one key those that depart from its stored runs or from those before them, with another key."""
    codes = {job.code for job in same}
    if len(codes | {run["code"] for run in stored}) == 1:
        return
    runs = {
        run["seed"]: Begun(run["code"], sketch_of(run.get("start")), run["processor"])
        for run in stored
        if run["final"] and (run.get("start") or run["status"] not in WITHOUT_RESULT)
    }  # others have no result that could be another's, and `retry` trains them again under this key
    for job in same:
        mine = _begun(job, [seed for seed in job.seeds if seed in runs and runs[seed].code != job.code], begin)
        apart = next((seed for seed, one in mine.items() if not one.is_like(runs[seed])), None)
        if apart is not None:
            start = mine[apart].start
            yield replace(job, key=digest(job.key, apart, start.digest if start else job.code))
        elif len(codes) > 1:
            runs |= _begun(job, [seed for seed in job.seeds if seed not in runs], begin)


def _begun(job: Job, seeds: Sequence[int], begin: Begin) -> dict[int, Begun]:
    """What a job's seeds begin with; nothing to look at where its key tells it all."""
    if not job.traced or not seeds or job.identity is None:
        return {}
    found = begin(job, seeds)
    return {seed: Begun(job.code, found.get(seed), job.identity.processor) for seed in seeds}
