"""Training an order's seeds where the shard lies: what was planned and nothing else, the fastest way that holds.

Imports Keras; `engine.load` comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.engine import fit, processor, selfcheck
from orchestrator.engine.compiled import Program
from orchestrator.engine.form import form_of_both, program_of, start_in
from orchestrator.engine.model import begin, begin_two
from orchestrator.engine.recipe import SEEDS, arrays, drawn_of, settings_of
from orchestrator.engine.shapes import Shapes
from orchestrator.engine.study import start
from orchestrator.errors import OtherProgramError
from orchestrator.lesson import Data, Split, Variant
from orchestrator.lessons.loaded import Loaded, content
from orchestrator.nouns.check import SelfCheck
from orchestrator.nouns.identity import Identity, Sketch, sketch
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job
from orchestrator.reports.nouns.scope import Scope

BENCHES = 16  # variants that a process keeps at hand


@dataclass
class Held:
    """A shard's data: what is the same for all its seeds is drawn once, and of what is drawn for each a sketch is kept."""

    data: Data
    scope: Scope
    seen: dict[int, Sketch] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fresh = self.data.fresh_rows()
        self.splits = [self.data.draw(self.scope, seed) for seed in SEEDS[self.scope]]

    def as_data(self) -> Data:
        """The same, as a lesson's data."""
        fresh = self.fresh
        data = replace(self.data, fresh=None if fresh is None else lambda: fresh)
        return replace(data, fixed=lambda: self.splits[0]) if self.scope == "fixed" else self.noting(data)

    def noting(self, data: Data) -> Data:
        """Data whose redrawn rows are noted here."""

        def redrawn(seed: int) -> Split:
            split = data.draw("redrawn", seed)
            self.seen[seed] = sketch(arrays(split))
            return split

        return replace(data, redrawn=redrawn if data.redrawn else None)


class Bench:
    """A variant at hand in this process, for rows of certain shapes."""

    def __init__(self, variant: Variant, data: Data, split: Split, traced: bool) -> None:
        """Build it for the two seeds that the plan knows."""
        pair = begin_two(variant, data, split)
        self.text = program_of(variant, split, pair[0]) if traced else ""
        self.start = start(variant, split, pair)
        self.program = Program(variant, split, pair[0], form_of_both(variant, split, *pair)) if traced else None
        self.verdict: SelfCheck | None = None


_benches: dict[tuple[int, Shapes, bool], tuple[Variant, Bench]] = {}


def _bench(variant: Variant, held: Held, traced: bool, here: Loaded) -> Bench:
    """The variant's bench, which both scopes share where their rows have the same shapes."""
    split = held.splits[0]
    key = (id(variant), Shapes(split), traced)
    if key not in _benches:
        if len(_benches) == BENCHES:
            del _benches[next(iter(_benches))]
        if traced:
            bench = Bench(variant, held.as_data(), split, traced)
        else:  # it may begin otherwise at every call, and is built as the plan built it: from a fresh load
            with here.afresh() as lesson:
                own = lesson.variant(variant.name)
                bench = Bench(own, lesson.data_of(own), split, traced)
        _benches[key] = (variant, bench)  # the variant is kept, so that no other gets its id
    return _benches[key][1]


def train(
    job: Job, here: Loaded, seeds: Sequence[int], known: SelfCheck | None
) -> tuple[list[Outcome], SelfCheck | None]:
    """Train the seeds of a job; gives also the verdict of a self-check that was made on the way.

    `known` is what an earlier check of this training said.

    Raises:
        OtherProgramError: this is not what was planned.
    """
    held, bench = _planned(job, here)
    made = None if known or bench.verdict else _check(job, here, bench, held)
    reason = job.reason or (known or bench.verdict or SelfCheck()).why
    if bench.program and job.engine == "compiled" and not reason:
        outcomes = bench.program.train(
            seeds,
            held.as_data(),
            job.data,
            otherwise=lambda seed, why: _through_fit(job, here, seed, held, bench, why),
        )
    else:
        outcomes = [_through_fit(job, here, seed, held, bench, reason or None) for seed in dict.fromkeys(seeds)]
    return [replace(o, rows=held.seen.get(o.seed)) for o in outcomes], made


def check(job: Job, here: Loaded) -> SelfCheck | None:
    """Hold a job's program against `fit`, where this process never did and there is reason to.

    Raises:
        OtherProgramError: this is not what was planned.
    """
    held, bench = _planned(job, here)
    return None if bench.verdict else _check(job, here, bench, held)


def _planned(job: Job, here: Loaded) -> tuple[Held, Bench]:
    """What a job trains, as it lies here; refused if it is not what was planned."""
    lesson = here.enter()
    variant = lesson.variant(job.variant)
    held = Held(lesson.data_of(variant), job.data)
    bench = _bench(variant, held, job.traced, here)
    if job.identity is not None:
        _refuse_other(job.identity, _found(job, variant, here, bench, held))
    return held, bench


def _check(job: Job, here: Loaded, bench: Bench, held: Held) -> SelfCheck | None:
    if job.engine != "compiled" or bench.program is None or here.lesson.number is not None:
        return None
    bench.verdict = selfcheck.check(bench.program, held.as_data(), here.afresh, job.data)
    return bench.verdict


def _through_fit(job: Job, here: Loaded, seed: int, held: Held, bench: Bench, reason: str | None) -> Outcome:
    """One seed through `fit`, from the lesson loaded anew: what a callback or a model keeps outside itself is not to run on from seed to seed.

    So its rows are drawn there, too: callbacks and model may reach into them.
    """
    start = _start(here.lesson.variant(job.variant), held, seed, bench.program.form) if bench.program else None
    engine = "fit-jax" if job.engine == "compiled" else job.engine
    with here.afresh() as lesson:
        variant = lesson.variant(job.variant)
        outcome = fit.train_one(variant, seed, held.noting(lesson.data_of(variant)), job.data, engine, reason)
    return replace(outcome, start=start)


def _start(variant: Variant, held: Held, seed: int, form: str) -> Sketch | None:
    """What a seed that `fit` trains begins with; None where it can't begin, which training will tell."""
    with suppress(Exception):
        split = held.as_data().draw(held.scope, seed)
        return start_in(form, variant, split, begin(variant, split, seed, whole=False))
    return None


def _found(job: Job, variant: Variant, here: Loaded, bench: Bench, held: Held) -> Identity:
    """What lies here, as the plan would say it."""
    program = bench.text if job.traced else _program_of_files(job, here)
    settings = settings_of(variant, "compiled" if job.traced else job.engine)
    return Identity(program, settings, bench.start, drawn_of(held.splits, held.fresh), processor())


def _program_of_files(job: Job, here: Loaded) -> str:
    """The planned program, whose texts came with the order, if the files and the environment that it read then are what they were."""
    same = all(content(Path(path)) == digest for path, digest in here.source.reads)
    same = same and here.variables(here.source.modules) == here.source.variables
    return job.identity.program if same and job.identity else ""


def _refuse_other(planned: Identity, found: Identity) -> None:
    apart = planned.differs(found)
    if apart:
        raise OtherProgramError(
            f"{apart} than planned: the lesson's files, data or environment changed meanwhile, or are others on this machine; the same command plans anew"
        )
