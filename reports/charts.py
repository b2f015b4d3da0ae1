"""Charts along training: learning curves, their difference, the learning rate, and who has got where by which epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from reports.bands import FEWEST, Band
from reports.colours import LIGHT
from reports.figures import HEIGHT, Figure, Table, drawing, inline, label, panel, table, thin, thinned, ticks
from reports.words import count, listed, number, power, shorten, signed

Floats = NDArray[np.floating]
ROWS = 11
TRACES = 60


@dataclass(frozen=True)
class Line:
    """One variant along training.

    `mean` and `sd` are of the measure over seeds, shape (epochs,), a stopped run carried forward; `train` is the mean
    of the same measure on the training rows or None; `training` counts the runs still training at each epoch; `n` is
    the number of seeds, of which `lost` had values that are not numbers.
    """

    name: str
    role: str
    mean: Floats
    sd: Floats
    train: Floats | None
    training: NDArray[np.int64]
    n: int
    lost: int = 0

    @property
    def stops(self) -> bool:
        """Whether any run ended before the last epoch."""
        return bool(self.n and self.training[-1] < self.n)


@dataclass(frozen=True)
class Mark:
    """A horizontal line with a name, such as what guessing would give."""

    value: float
    text: str
    role: str


def learning(
    identifier: str, heading: str, lines: Sequence[Line], measure: str, marks: Sequence[Mark], span: tuple[float, float], suffix: str = ""
) -> Figure:
    """Every variant's learning curve on one pair of axes, `span` being the vertical range."""
    strips = [line for line in lines if line.stops]
    extra = 24 * len(strips) + 12 if strips else 0
    with drawing(height=HEIGHT + extra) as figure:
        axes = panel(figure, bottom=36 + extra)
        label(axes, measure)
        epochs = max(len(line.mean) for line in lines)
        _marks(axes, marks, span)
        for line in lines:
            _line(axes, line)
        axes.set(xlim=(1, max(epochs, 2)), ylim=span)
        ticks(axes.xaxis)
        ticks(axes.yaxis, suffix)
        for place, line in enumerate(strips):
            below = panel(figure, top=HEIGHT + 6 + 24 * place, bottom=extra - 24 - 24 * place)
            _strip(below, line, epochs)
        title = f"{measure}, {heading}: {listed([line.name for line in lines])}"
        svg = inline(figure, identifier, title, _described(lines))
    words = [thinned(epochs), _stopped(strips), *(_unknown(line) for line in lines)]
    return Figure(identifier, heading, svg, " ".join(filter(None, words)), _numbers(lines))


@dataclass(frozen=True)
class Difference:
    """The second variant minus the first along training.

    `band` has its mean and ends at `epochs`, shape (positions,), a selection of the `total` epochs trained; `unit` is
    what it is measured in; `left_out` counts pairs whose curves are not finite.
    """

    epochs: NDArray[np.int64]
    band: Band
    names: tuple[str, str]
    unit: str
    total: int
    left_out: int


def difference(identifier: str, heading: str, drawn: Difference) -> Figure:
    """The difference curve around zero, with its simultaneous band."""
    band, epochs = drawn.band, drawn.epochs
    unit = f", {drawn.unit}" if drawn.unit else ""
    with drawing(height=224) as figure:
        axes = panel(figure)
        label(axes, f"difference{unit}")
        axes.axhline(0, color=LIGHT["muted"], lw=1)
        if np.isfinite(band.low).any():
            axes.fill_between(epochs, band.low, band.high, color=LIGHT["series1"], alpha=0.2, linewidth=0)
        axes.plot(epochs, band.mean, color=LIGHT["series1"], lw=1.3)
        axes.set_xlim(1, max(drawn.total, 2))
        _around_zero(axes)
        ticks(axes.xaxis)
        ticks(axes.yaxis, sign=True)
        for height, name, side in ((1.0, drawn.names[1], "top"), (0.015, drawn.names[0], "bottom")):
            text = f"“{shorten(name, 18)}” higher"
            axes.text(0.99, height, text, transform=axes.transAxes, ha="right", va=side, color=LIGHT["muted"], size=10)
        title = f"{drawn.names[1]} minus {drawn.names[0]} along training, {heading}{unit}"
        svg = inline(figure, identifier, title, _parted(drawn))
    words = [f"{count(band.n, 'pair')} of runs.", thinned(drawn.total), _left_out(drawn.left_out), _bandless(band)]
    return Figure(identifier, heading, svg, " ".join(filter(None, words)), _difference_numbers(drawn))


def rates(identifier: str, heading: str, arms: Sequence[tuple[str, str, Floats]]) -> Figure:
    """The learning rate of every run; arms are (name, role, rates of shape (seeds, epochs) with NaN after a stop)."""
    with drawing(height=204) as figure:
        axes = panel(figure, left=54)
        label(axes, "learning rate, on an axis of factors of ten")
        for _, role, values in arms:
            axes.add_collection(LineCollection(_steps(values[:TRACES]), colors=LIGHT[role], linewidths=1, alpha=0.45))
        epochs = max(values.shape[1] for _, _, values in arms)
        axes.set_yscale("log")
        positive = np.concatenate([values[values > 0].ravel() for _, _, values in arms])
        axes.set_ylim(positive.min() / 2, positive.max() * 2)
        axes.set_xlim(1, max(epochs, 2))
        ticks(axes.xaxis)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
        ends = [f"{name}: from {number(values[0, 0])} to a median of {number(_last(values))}" for name, _, values in arms]
        svg = inline(figure, identifier, f"Learning rate along training, {heading}", "; ".join(ends) + ".")
    drawn = max(len(values) for _, _, values in arms)
    words = f"The first {TRACES} of {drawn} seeds are drawn." if drawn > TRACES else ""
    return Figure(identifier, heading, svg, words, _rate_numbers(arms))


def reached(identifier: str, heading: str, arms: Sequence[tuple[str, str, Floats, int]], threshold: str) -> Figure:
    """The share of runs that have reached `threshold` by each epoch.

    Arms are (name, role, epochs of shape (seeds,) with infinity where never reached, epochs trained).
    """
    last = max(trained for *_, trained in arms)
    with drawing(height=204) as figure:
        axes = panel(figure)
        label(axes, f"share of runs that have reached {threshold}")
        for _, role, times, trained in arms:
            known = np.sort(times[np.isfinite(times)])
            steps = np.concatenate([[0.0], known, [trained]])
            share = np.concatenate([[0.0], np.arange(1, len(known) + 1), [len(known)]]) * 100 / max(len(times), 1)
            axes.step(steps, share, where="post", color=LIGHT[role], lw=2)
        axes.set(xlim=(0, last), ylim=(0, 104), yticks=[0, 25, 50, 75, 100])
        ticks(axes.xaxis)
        ticks(axes.yaxis, " %")
        words = [f"{name}: {_halfway(times)}" for name, _, times, _ in arms]
        svg = inline(figure, identifier, f"Runs that have reached {threshold}, {heading}", "; ".join(words) + ".")
    rows = [
        (name, str(len(times)), _halfway(times), str(int((~np.isfinite(times)).sum()))) for name, _, times, _ in arms
    ]
    return Figure(identifier, heading, svg, "", table(("variant", "runs", "half of the runs by epoch", "never reached"), rows))


def _line(axes: Axes, line: Line) -> None:
    epochs = np.arange(1, len(line.mean) + 1)
    colour = LIGHT[line.role]
    if line.n > 1:
        low, high = line.mean - line.sd, line.mean + line.sd
        kept = thin(low, high)
        axes.fill_between(epochs[kept], low[kept], high[kept], color=colour, alpha=0.18, linewidth=0)
    if line.train is not None:
        kept = thin(line.train, line.train)
        axes.plot(epochs[kept], line.train[kept], color=colour, lw=1.2, ls=(0, (4, 2.5)))
    kept = thin(line.mean, line.mean)
    axes.plot(epochs[kept], line.mean[kept], color=colour, lw=1.8, marker="o" if len(epochs) == 1 else None)


def _marks(axes: Axes, marks: Sequence[Mark], span: tuple[float, float]) -> None:
    for mark in marks:
        if span[0] <= mark.value <= span[1]:
            axes.axhline(mark.value, color=LIGHT[mark.role], lw=1, ls=(0, (1.5, 2.5)))
            axes.annotate(
                mark.text, (1, mark.value), xycoords=("axes fraction", "data"), xytext=(-3, 3), textcoords="offset points",
                ha="right", color=LIGHT[mark.role], size=10,
            )  # fmt: skip


def _strip(axes: Axes, line: Line, epochs: int) -> None:
    """How many runs still train, as a small filled step curve."""
    changes = np.flatnonzero(np.diff(line.training, prepend=-1))
    x = np.append(changes + 1, epochs)
    y = np.append(line.training[changes], line.training[-1])
    axes.fill_between(x, 0, y, step="post", color=LIGHT[line.role], alpha=0.5, linewidth=0)
    axes.set(xlim=(1, max(epochs, 2)), ylim=(0, line.n), xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.text(0.985, 0.5, f"runs of “{shorten(line.name, 18)}” still training (of {line.n})", transform=axes.transAxes, ha="right", va="center", size=10, color=LIGHT["muted"])


def _stopped(strips: Sequence[Line]) -> str:
    if not strips:
        return ""
    whose = listed([f"“{line.name}”" for line in strips])
    return (
        f"Runs of {whose} stop at different epochs; a stopped model no longer changes, so its last value is carried "
        "forward, and the strip below counts the runs still training."
    )


def _unknown(line: Line) -> str:
    if not line.lost:
        return ""
    return f"{count(line.lost, 'run')} of “{line.name}” diverged to values that are not numbers; the mean goes on without them."


def _around_zero(axes: Axes) -> None:
    low, high = axes.get_ylim()
    reach = max(high - low, 1e-9)
    axes.set_ylim(min(low, -0.16 * reach), max(high, 0.16 * reach))


def _steps(values: Floats) -> list[Floats]:
    """Each row as a staircase that keeps only the epochs where it changes; shape (points, 2)."""
    stairs = []
    for row in values:
        row = row[np.isfinite(row)]
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


def _halfway(times: Floats) -> str:
    if len(times) == 0:
        return "no runs"
    middle = np.sort(times)[(len(times) - 1) // 2]
    return f"{middle:,.0f}" if np.isfinite(middle) else "not by half of them"


def _picked(epochs: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, epochs - 1, min(ROWS, epochs)).round().astype(np.int64))


def _numbers(lines: Sequence[Line]) -> Table:
    head = ["epoch"]
    for line in lines:
        head += [f"{line.name}: mean", "SD"] + (["training rows"] if line.train is not None else [])
        head += ["still training"] if line.stops else []
    rows = []
    for at in _picked(max(len(line.mean) for line in lines)):
        row = [f"{at + 1:,}"]
        for line in lines:
            here = min(at, len(line.mean) - 1)
            row += [number(line.mean[here]), number(line.sd[here]) if line.n > 1 else "–"]
            row += [number(line.train[here])] if line.train is not None else []
            row += [str(line.training[here])] if line.stops else []
        rows.append(row)
    return table(head, rows)


def _difference_numbers(drawn: Difference) -> Table:
    band = drawn.band
    rows = [
        (f"{drawn.epochs[at]:,}", signed(band.mean[at]), signed(band.low[at]), signed(band.high[at]))
        for at in _picked(len(drawn.epochs))
    ]
    return table(("epoch", "difference", "band from", "band to"), rows)


def _rate_numbers(arms: Sequence[tuple[str, str, Floats]]) -> Table:
    picked = _picked(max(values.shape[1] for _, _, values in arms))
    rows = []
    for at in picked:
        here = [values[:, min(at, values.shape[1] - 1)] for _, _, values in arms]
        rows.append((f"{at + 1:,}", *(number(np.median(v[np.isfinite(v)])) if np.isfinite(v).any() else "–" for v in here)))
    return table(("epoch", *(f"{name}: median" for name, _, _ in arms)), rows)


def _described(lines: Sequence[Line]) -> str:
    parts = []
    for line in lines:
        best = int(np.nanargmax(line.mean)) if np.isfinite(line.mean).any() else 0
        parts.append(
            f"{line.name} ({count(line.n, 'seed')}) goes from {number(line.mean[0])} at epoch 1 to {number(line.mean[-1])} "
            f"at epoch {len(line.mean):,}, highest {number(line.mean[best])} at epoch {best + 1:,}"
        )
    return "; ".join(parts) + "."


def _parted(drawn: Difference) -> str:
    band = drawn.band
    text = f"From {signed(band.mean[0])} at epoch 1 to {signed(band.mean[-1])} at epoch {drawn.total:,}."
    if not np.isfinite(band.low).any():
        return f"{text} {_bandless(band)}"
    share = f"{band.differs.mean():.0%}".replace("%", " %")
    return f"{text} The band leaves zero out at {share} of the epochs drawn."


def _bandless(band: Band) -> str:
    return "" if np.isfinite(band.low).any() else f"No band: it takes {FEWEST} pairs of runs that differ."


def _left_out(pairs: int) -> str:
    return f"{count(pairs, 'pair')} with a value that is not a number left out." if pairs else ""
