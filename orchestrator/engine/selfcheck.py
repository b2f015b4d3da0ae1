"""A program is held against Keras's `fit` before any of its runs is stored.

`fit` trains another seed than the one that was traced, from a lesson loaded anew, so that nothing that trained before
can have touched its variables. Both stop after two epochs of those they were to have. Where an epoch is long, both train
on the first rows only. What differs is evidence against the program; that nothing differs proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import jax
import keras
import numpy as np

from orchestrator.engine import fit, private
from orchestrator.engine.compiled import Program
from orchestrator.engine.study import Afresh
from orchestrator.lesson import Array, Data, Rows, Split, Variant, count
from orchestrator.nouns.check import SelfCheck
from orchestrator.nouns.outcome import Outcome
from orchestrator.reports.nouns.scope import Scope

SEED = 1  # not the one that was traced; the plan has seen that its program is the same
EPOCHS = 2
LONG = 100  # batches of an epoch beyond which only the first of its rows are trained
STEPS = 16  # full batches then; with the short rest, twice, these are the first 32 steps and a little more
LIMIT = 1e-5  # relative difference over 32 steps; rounding may grow with more
FLIP = 1.5  # rows that rounding may put on the other side of an accuracy's threshold
ROWS_COUNTED = ("Accuracy", "Positives", "Negatives")  # ends of the names of metrics that count rows
CURVES = (
    "AUC",
    "F1Score",
    "FBetaScore",
    "Precision",
    "Recall",
    "IoU",
    "At",
)  # parts of names of those where a row may weigh more
CURVE_LIMIT = 0.02


def check(program: Program, data: Data, afresh: Afresh, scope: Scope) -> SelfCheck:
    """Hold the program on `data` against `fit` on the lesson as `afresh` loads it."""
    begun = time.perf_counter()
    gap, why = _compare(program, data, afresh, scope)
    return SelfCheck(why, gap, time.perf_counter() - begun)


def _compare(program: Program, data: Data, afresh: Afresh, scope: Scope) -> tuple[float, str]:
    """The largest difference of a loss, and what speaks against the program."""
    variant, test_rows = program.variant, program.one.test_rows
    data = _shortened(data, variant, test_rows)
    try:
        ours = program.train([SEED], data, scope, stop_after=min(EPOCHS, variant.epochs))[0]
    except Exception as error:  # code of the user's, or a program that does not compile
        return 0.0, f"compiling it raised {_line(f'{type(error).__name__}: {error}')}"
    with afresh() as lesson:
        twin = lesson.variant(variant.name)
        theirs = fit.train_one(
            twin,
            SEED,
            _shortened(lesson.data_of(twin), twin, test_rows),
            scope,
            "fit-jax",
            stop_after=EPOCHS,
            at_once=False,
        )
    if theirs.error or ours.error:
        same = theirs.error == ours.error
        return 0.0, "" if same else _line(f"fit ended with {theirs.error}, the compiled program with {ours.error}")
    split = data.draw(scope, SEED)
    rows = {"train": count(split.x_train), "test": count(split.x_test)}
    steps = EPOCHS * -(-rows["train"] // variant.batch_size)
    limit = LIMIT * max(1.0, steps / (2 * STEPS))
    apart = list(_apart(ours, theirs, program.one.model, rows, limit))
    losses = [gap for name, gap, _ in apart if name.endswith(("loss", "bce"))]
    wrong = [f"{name} by {gap:.1e}" for name, gap, limit in apart if not gap <= limit]
    return max(losses, default=0.0), f"held against fit it differed: {', '.join(wrong[:3])}" if wrong else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _shortened(data: Data, variant: Variant, test_rows: int) -> Data:
    """The data, where they make an epoch too long to wait for `fit` only the first STEPS batches and a rest."""

    def split(whole: Split) -> Split:
        x, y = _first((whole.x_train, whole.y_train), variant.batch_size)
        return Split(x, y, *_first((whole.x_test, whole.y_test), test_rows))

    return replace(
        data,
        fixed=lambda: split(data.draw("fixed", 0)),
        redrawn=(lambda seed: split(data.draw("redrawn", seed))) if data.redrawn else None,
        fresh=(lambda: _first(data.fresh_rows(), test_rows)) if data.fresh else None,
    )


def _first(rows: Rows, size: int) -> Rows:
    """The first STEPS batches of many, and as many rows in a short last one as all of them have."""
    total = count(jax.tree.leaves(rows)[0])
    kept = STEPS * size + total % size if total // size > LONG else total
    return jax.tree.map(lambda array: array[:kept], rows)


def _apart(
    ours: Outcome, theirs: Outcome, model: keras.Model, rows: dict[str, int], smooth: float
) -> Iterator[tuple[str, float, float]]:
    """Per curve and score its name, the largest difference, and how large that may be."""
    kinds = {m.name: type(m).__name__ for m in private.metrics_of(model)}
    for mine, other in ((ours.history, theirs.history), (ours.scores, theirs.scores)):
        for name in sorted({*mine, *other}):
            if name not in mine or name not in other:
                yield f"{name}, which only one of them gave,", np.inf, 0.0
            else:
                part = "test" if name.startswith(("val_", "test_")) else "train"
                yield name, largest_difference(mine[name], other[name]), _limit(name, kinds, rows[part], smooth)


def _limit(name: str, kinds: dict[str, str], rows: int, smooth: float) -> float:
    bare = name
    for part in ("val_", "train_", "test_", "fresh_"):
        bare = bare.removeprefix(part)
    kind = next((kind for metric, kind in kinds.items() if metric in bare), "")
    if kind.endswith(ROWS_COUNTED[0]):
        return FLIP / rows
    if kind.endswith(ROWS_COUNTED):
        return FLIP
    return CURVE_LIMIT + FLIP / rows if any(word in kind for word in CURVES) else smooth


def largest_difference(mine: Array | float, other: Array | float) -> float:
    """Largest difference, relative where values are above 1; equal infinities and NaNs differ by nothing."""
    a, b = (np.ma.filled(np.ma.asarray(side, np.float64), np.nan) for side in (mine, other))
    if a.shape != b.shape:
        return np.inf
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b) / np.maximum(1, np.abs(b))
    return float(np.max(np.where(same, 0, np.where(np.isnan(apart), np.inf, apart)), initial=0.0))
