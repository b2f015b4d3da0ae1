"""Single runs along training: the learning rate of each, and how many have got somewhere by which epoch."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from orchestrator.reports.figures.charts import picked
from orchestrator.reports.figures.colours import LIGHT
from orchestrator.reports.figures.figure import (
    Figure,
    Table,
    drawing,
    ends,
    inline,
    label,
    panel,
    room,
    table,
    tall_enough,
    ticks,
)
from orchestrator.reports.wording.words import NONE, count, power, significant

Floats = NDArray[np.floating]
TRACES = 60
NOTHING = 1e-6
"""A learning rate this small a share of the first moves the weights no more; the axis ends there."""


def rates(
    identifier: str, heading: str, arms: Sequence[tuple[str, str, Floats]], dead: Sequence[NDArray[np.bool_]] = ()
) -> Figure:
    """The learning rate of every run; arms are (name, role, rates of shape (seeds, epochs) with NaN after a stop).

    `dead` says of each arm's runs which got stuck or failed: they are drawn over the others, in the colour of harm.
    """
    gone: list[NDArray[np.bool_]] = list(dead) or [np.zeros(len(values), dtype=np.bool_) for _, _, values in arms]
    names = [name for name, *_ in arms]
    with drawing(height=tall_enough(204, names)) as figure:
        axes = panel(figure, left=54, right=room(names))
        label(axes, "learning rate, in factors of ten")
        low, high = _reach([values for _, _, values in arms])
        for (_, role, values), lost in zip(arms, gone, strict=True):
            drawn = np.where(values < low, low / 100, values)[:TRACES]
            axes.add_collection(LineCollection(_steps(drawn), colors=LIGHT[role], linewidths=1, alpha=0.45))
            over = _steps(drawn[lost[:TRACES]])
            axes.add_collection(
                LineCollection(over, colors=LIGHT["bad"], linewidths=1.8, linestyles=[(0, (4, 2))], zorder=4)
            )
        epochs = max(values.shape[1] for _, _, values in arms)
        axes.set_yscale("log")
        axes.set_ylim(low / 1.6, high * 1.6)
        axes.set_xlim(1, max(epochs, 2))
        ends(axes, [(max(_last(values), low), name, role) for name, role, values in arms])
        ticks(axes.xaxis)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
        told = [
            f"{name}: from {significant(values[0, 0])} to a median of {significant(_last(values))}"
            for name, _, values in arms
        ]
        svg = inline(figure, identifier, f"Learning rate along training, {heading}", "; ".join(told) + ".")
    most = max(len(values) for _, _, values in arms)
    words = [f"The first {TRACES} of {most} seeds are drawn." if most > TRACES else "", _beyond(arms, low), _dead(gone)]
    return Figure(identifier, heading, svg, " ".join(filter(None, words)), _rate_numbers(arms))


def reached(identifier: str, heading: str, arms: Sequence[tuple[str, str, Floats, int]], threshold: str) -> Figure:
    """The share of runs that have reached `threshold` by each epoch.

    Arms are (name, role, epochs of shape (seeds,) with infinity where never reached, epochs trained).
    """
    last = max(trained for *_, trained in arms)
    names = [name for name, *_ in arms]
    with drawing(height=tall_enough(204, names)) as figure:
        axes = panel(figure, right=room(names))
        label(axes, f"share of runs that have reached {threshold}")
        named = []
        for name, role, times, trained in arms:
            named.append((100 * float(np.isfinite(times).mean()) - 1e-3 * _middle(times), name, role))
            known = np.sort(times[np.isfinite(times)])
            steps = np.concatenate([[0.0], known, [trained]])
            share = np.concatenate([[0.0], np.arange(1, len(known) + 1), [len(known)]]) * 100 / max(len(times), 1)
            axes.step(steps, share, where="post", color=LIGHT[role], lw=2)
        axes.set(xlim=(0, last), ylim=(0, 104), yticks=[0, 25, 50, 75, 100])
        ticks(axes.xaxis)
        ticks(axes.yaxis, " %")
        ends(axes, named)
        words = [f"{name}: {_halfway(times)}" for name, _, times, _ in arms]
        svg = inline(figure, identifier, f"Runs that have reached {threshold}, {heading}", "; ".join(words) + ".")
    rows = [
        (name, str(len(times)), _halfway(times), str(int((~np.isfinite(times)).sum()))) for name, _, times, _ in arms
    ]
    return Figure(
        identifier, heading, svg, "", table(("variant", "runs", "half of the runs by epoch", "never reached"), rows)
    )


def _dead(gone: Sequence[NDArray[np.bool_]]) -> str:
    lost = int(sum(np.count_nonzero(each) for each in gone))
    return f"Dashed red: {count(lost, 'bad run')}." if lost else ""


def _reach(values: Sequence[Floats]) -> tuple[float, float]:
    """From the highest rate down to the lowest, but no further than where a step moves nothing any more."""
    positive = np.concatenate([each[each > 0].ravel() for each in values])
    if len(positive) == 0:
        return 1e-3, 1.0
    return max(float(positive.min()), float(positive.max()) * NOTHING), float(positive.max())


def _beyond(arms: Sequence[tuple[str, str, Floats]], low: float) -> str:
    if not any((values < low).any() for _, _, values in arms):
        return ""
    return f"Below {power(low)} the axis ends: steps that small no longer move the weights."


def _steps(values: Floats) -> list[Floats]:
    """Each row as a staircase that keeps only the epochs where it changes; shape (points, 2)."""
    stairs = []
    for trace in values:
        row = trace[np.isfinite(trace)]
        if len(row) == 0:
            continue
        changes = np.flatnonzero(np.diff(row)) + 1
        starts = np.concatenate([[0], changes])
        ends = np.concatenate([changes, [len(row) - 1]])
        x = np.stack([starts + 1, ends + 1], axis=1).ravel()
        stairs.append(np.column_stack([x, np.repeat(row[starts], 2)]))
    return stairs


def _last(values: Floats) -> float:
    ends = [row[np.isfinite(row)][-1] for row in values if np.isfinite(row).any()]
    return float(np.median(ends)) if ends else float("nan")


def _middle(times: Floats) -> float:
    """The epoch by which half of the runs are there; of equal ends, the sooner one is named above."""
    known = np.sort(times)[(len(times) - 1) // 2]
    return float(known) if np.isfinite(known) else 0.0


def _halfway(times: Floats) -> str:
    if len(times) == 0:
        return "no runs"
    middle = np.sort(times)[(len(times) - 1) // 2]
    return f"{middle:,.0f}" if np.isfinite(middle) else "not by half of them"


def _rate_numbers(arms: Sequence[tuple[str, str, Floats]]) -> Table:
    chosen = picked(max(values.shape[1] for _, _, values in arms))
    rows = []
    for at in chosen:
        here = [values[:, min(at, values.shape[1] - 1)] for _, _, values in arms]
        rows.append(
            (
                f"{at + 1:,}",
                *(significant(float(np.median(v[np.isfinite(v)]))) if np.isfinite(v).any() else NONE for v in here),
            )
        )
    return table(("epoch", *(f"{name}: median" for name, _, _ in arms)), rows)
