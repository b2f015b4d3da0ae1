"""Charts with a dot a seed: the paired plot of a comparison, and the epochs at which runs stopped."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from orchestrator.reports.figures.colours import LIGHT
from orchestrator.reports.figures.figure import Figure, Table, drawing, inline, label, panel, table, ticks, wrapped
from orchestrator.reports.wording.words import TIMES, count, shorten, significant

Floats = NDArray[np.floating]
Format = Callable[[float], str]
CROWD = 60
"""More lines than these are drawn fainter."""


@dataclass(frozen=True)
class Dots:
    """One variant's values, a value a seed, shape (seeds,).

    `open` marks the values that are only a lower bound, `bad` the runs that failed, diverged or got stuck.
    """

    name: str
    role: str
    values: Floats
    open: NDArray[np.bool_] | None = None
    bad: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its interval, any of them NaN when there is none."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Axis:
    """How the values and their comparison are called and printed; `ratio` says that the comparison is a quotient.

    What `value` prints ends in `suffix`; `better` is the side on which the technique did better, as the axis says it.
    """

    measure: str
    comparison: str
    value: Format
    effect: Format
    suffix: str = ""
    ratio: bool = False
    better: str = ""


@dataclass(frozen=True)
class Pairs:
    """A comparison seed by seed, or of two sides that no seed joins.

    `before` and `after` hold the runs of `seeds`, in that order; without seeds each has runs of its own; `zone` is the range of effects too small to matter;
    `left_out` counts the pairs in which a run went bad and has no number,
    `fate` says how the bad runs ended.
    """

    seeds: Sequence[int]
    before: Dots
    after: Dots
    effect: Interval
    zone: tuple[float, float]
    axis: Axis
    left_out: int = 0
    fate: str = "bad"

    @property
    def by(self) -> str:
        """What a dot stands for."""
        return "seed by seed" if self.seeds else "run by run"


def paired(identifier: str, heading: str, pairs: Pairs) -> Figure:
    """Every seed twice, joined by a line, and beside it the comparison; of runs that no seed joins, the two clouds."""
    before, after, axis = pairs.before, pairs.after, pairs.axis
    with drawing(height=250) as figure:
        _slopes(panel(figure, left=52, right=164, top=30, bottom=42), pairs)
        right = panel(figure, left=292, right=8, top=30, bottom=42)
        if axis.ratio:
            _quotient(right, pairs.effect, pairs.zone, axis)
        else:
            apart = after.values - before.values if pairs.seeds else np.empty(0)
            _differences(right, apart, pairs.effect, pairs.zone, axis)
        title = f"{axis.measure}, {pairs.by}, {heading}: {before.name} and {after.name}"
        svg = inline(figure, identifier, title, _described(pairs))
    lost = sum(int(arm.bad.sum()) for arm in (before, after) if arm.bad is not None)
    words = [
        f"Red crosses: {count(lost, f'{pairs.fate} run')}." if lost else "",
        f"Left out: {count(pairs.left_out, 'pair')} with a {pairs.fate} run." if pairs.left_out else "",
    ]
    return Figure(identifier, heading, svg, " ".join(filter(None, words)), _numbers(pairs))


def stops(identifier: str, heading: str, arms: Sequence[Dots], asked: int) -> Figure:
    """A dot a run at the epoch where it stopped, a row a variant, the median marked."""
    with drawing(height=64 + 64 * len(arms)) as figure:
        axes = panel(figure, left=12, bottom=40)
        label(axes, "epoch of the stop: a dot a run, the bar their median")
        axes.grid(visible=False)
        axes.grid(visible=True, axis="x")
        reach = min(asked, 1.3 * max(float(arm.values.max()) for arm in arms)) * 1.01
        for row, arm in enumerate(arms):
            lift = _swarm(arm.values, 0.28)
            axes.scatter(arm.values, -row + lift, s=16, color=LIGHT[arm.role], alpha=0.75, linewidths=0)
            middle = float(np.median(arm.values))
            axes.plot([middle, middle], [-row - 0.36, -row + 0.36], color=LIGHT[arm.role], lw=3)
            axes.text(reach * 0.99, -row + 0.3, shorten(arm.name, 24), ha="right", va="bottom", color=LIGHT[arm.role])
        axes.set(xlim=(0, reach), ylim=(-len(arms) + 0.4, 0.7), yticks=[])
        ticks(axes.xaxis)
        words = [_spread_of_stops(arm, asked) for arm in arms]
        svg = inline(figure, identifier, f"Stop epochs, {heading}", " ".join(words))
    rows = [
        (
            arm.name,
            str(len(arm.values)),
            *(f"{np.quantile(arm.values, q):,.0f}" for q in (0, 0.25, 0.5, 0.75, 1)),
            str(int((arm.values >= asked).sum())),
        )
        for arm in arms
    ]
    head = ("variant", "runs", "first", "quarter", "half", "three quarters", "last", f"ran all {asked:,}")
    return Figure(identifier, heading, svg, "", table(head, rows))


def _slopes(axes: Axes, pairs: Pairs) -> None:
    before, after, axis = pairs.before, pairs.after, pairs.axis
    label(axes, axis.measure, "")
    if pairs.seeds:
        _lines(axes, np.stack([before.values, after.values], axis=1))
    for place, arm in enumerate((before, after)):
        aside = np.zeros(len(arm.values)) if pairs.seeds else _swarm(arm.values, 0.15)
        _cloud(axes, place + aside, arm)
        side = -0.2 if place == 0 else 0.2
        _summary(axes, place + side, arm)
    axes.set_xlim(-0.45, 1.45)
    axes.xaxis.set_major_locator(FixedLocator([0, 1]))
    axes.xaxis.set_major_formatter(FixedFormatter([wrapped(shorten(arm.name, 28)) for arm in (before, after)]))
    ticks(axes.yaxis, axis.suffix)


def _lines(axes: Axes, ends: Floats) -> None:
    lines = np.stack([np.broadcast_to([0.0, 1.0], ends.shape), ends], axis=2)
    faint = 0.45 if len(lines) <= CROWD else 0.15
    axes.add_collection(LineCollection(list(lines), colors=LIGHT["axis"], linewidths=0.9, alpha=faint))


def _cloud(axes: Axes, x: Floats, arm: Dots) -> None:
    hollow = np.zeros(len(x), dtype=bool) if arm.open is None else arm.open
    colour = LIGHT[arm.role]
    bad = np.zeros(len(x), dtype=bool) if arm.bad is None else arm.bad & ~hollow
    good = ~hollow & ~bad
    axes.scatter(x[good], arm.values[good], s=17, color=colour, alpha=0.8, linewidths=0)
    if bad.any():
        axes.scatter(x[bad], arm.values[bad], s=34, marker="x", color=LIGHT["bad"], linewidths=1.6, zorder=4)
    if hollow.any():
        axes.scatter(x[hollow], arm.values[hollow], s=17, facecolors="none", edgecolors=colour, linewidths=1.1)


def _summary(axes: Axes, x: float, arm: Dots) -> None:
    """The mean as a square, one standard deviation to each side as a bar."""
    mean = float(np.mean(arm.values))
    spread = float(np.std(arm.values, ddof=1)) if len(arm.values) > 1 else 0.0
    axes.plot([x, x], [mean - spread, mean + spread], color=LIGHT[arm.role], lw=1.6)
    axes.scatter([x], [mean], s=26, marker="s", color=LIGHT[arm.role], linewidths=0)


def _differences(axes: Axes, values: Floats, effect: Interval, zone: tuple[float, float], axis: Axis) -> None:
    label(axes, axis.comparison, axis.better)
    axes.axhspan(*zone, color=LIGHT["zone"], alpha=0.7, linewidth=0)
    axes.axhline(0, color=LIGHT["muted"], lw=1)
    axes.scatter(0.36 + _swarm(values, 0.3), values, s=14, color=LIGHT["series1"], alpha=0.55, linewidths=0)
    _whisker(axes, 0.82, effect)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_locator(NullLocator())
    ticks(axes.yaxis, sign=True)


def _quotient(axes: Axes, effect: Interval, zone: tuple[float, float], axis: Axis) -> None:
    label(axes, axis.comparison, axis.better)
    axes.set_yscale("log", base=2)
    ends = np.array([v for v in (effect.estimate, effect.low, effect.high, *zone, 1.0) if np.isfinite(v) and v > 0])
    axes.set_ylim(ends.min() / 1.25, ends.max() * 1.25)
    axes.axhspan(*zone, color=LIGHT["zone"], alpha=0.7, linewidth=0)
    axes.axhline(1, color=LIGHT["muted"], lw=1)
    _whisker(axes, 0.5, effect)
    axes.set_xlim(0, 1)
    for each in (axes.xaxis, axes.yaxis):
        each.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_power_of_two))


def _power_of_two(value: float, _: int) -> str:
    """`1/16` times: as 0.0625 it would run into the plot beside it."""
    return f"1/{1 / value:.3g}{TIMES}" if value < 1 else f"{value:.3g}{TIMES}"


def _whisker(axes: Axes, x: float, effect: Interval) -> None:
    if np.isfinite(effect.estimate):
        axes.scatter([x], [effect.estimate], s=42, color=LIGHT["ink"], linewidths=0)
    if np.isfinite([effect.low, effect.high]).all():
        axes.plot([x, x], [effect.low, effect.high], color=LIGHT["ink"], lw=2.2)


def _swarm(values: Floats, width: float, bins: int = 34) -> Floats:
    """Sideways offsets within ±`width` that keep nearly equal values apart, the same for the same values."""
    offsets = np.zeros(len(values))
    if len(values) == 0:
        return offsets
    boxes = np.floor((values - values.min()) / (np.ptp(values) or 1.0) * bins)
    most = max(np.unique(boxes, return_counts=True)[1].max(), 6)
    for box in np.unique(boxes):
        members = np.flatnonzero(boxes == box)
        order = members[np.argsort(values[members], kind="stable")]
        rank = np.arange(len(order))
        places = np.where(rank % 2, -(rank + 1) // 2, rank // 2) + (0.5 if len(order) % 2 == 0 else 0.0)
        offsets[order] = places * 2 * width / most
    return offsets


def _numbers(pairs: Pairs) -> Table:
    before, after, axis = pairs.before, pairs.after, pairs.axis
    if not pairs.seeds:
        return table(("side", "run", axis.measure), [*_listed(before, axis), *_listed(after, axis)])
    rows = [(str(seed), *(_bounded(arm, i, axis) for arm in (before, after))) for i, seed in enumerate(pairs.seeds)]
    return table(("seed", *(f"{arm.name},{axis.suffix}" if axis.suffix else arm.name for arm in (before, after))), rows)


def _listed(arm: Dots, axis: Axis) -> list[tuple[str, str, str]]:
    return [(arm.name, str(at + 1), _bounded(arm, at, axis)) for at in range(len(arm.values))]


def _bounded(arm: Dots, index: int, axis: Axis) -> str:
    text = axis.value(float(arm.values[index])).removesuffix(axis.suffix)
    return f"not within {text}" if arm.open is not None and arm.open[index] else text


def _described(pairs: Pairs) -> str:
    before, after, effect, axis = pairs.before, pairs.after, pairs.effect, pairs.axis
    means = [f"{arm.name}: mean {axis.value(float(np.mean(arm.values)))}" for arm in (before, after)]
    compared = f"{axis.comparison}: {axis.effect(effect.estimate)}"
    if math.isfinite(effect.low) and math.isfinite(effect.high):
        compared += f", interval {axis.effect(effect.low)} to {axis.effect(effect.high)}"
    if not pairs.seeds:
        runs = " and ".join(f"{count(len(arm.values), 'run')} of {arm.name}" for arm in (before, after))
        return f"{runs}. {'; '.join(means)}. {compared}."
    higher = int((after.values > before.values).sum())
    equal = int((after.values == before.values).sum())
    return (
        f"{count(len(pairs.seeds), 'pair')} of runs. {'; '.join(means)}. {after.name} is higher in {higher}, equal in"
        f" {equal}. {compared}."
    )


def _spread_of_stops(arm: Dots, asked: int) -> str:
    early = int((arm.values < asked).sum())
    return (
        f"{arm.name}: {early} of {len(arm.values)} runs stopped early, the first at epoch"
        f" {significant(arm.values.min(), 0)}, half of them by epoch {np.median(arm.values):,.0f}, the last at"
        f" {significant(arm.values.max(), 0)}."
    )
