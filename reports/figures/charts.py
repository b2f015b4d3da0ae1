"""Curves over seeds: the learning curves of a lesson's variants, and the difference between two of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from orchestrator.reports.figures.colours import LIGHT
from orchestrator.reports.figures.figure import (
    HEIGHT,
    TEXT,
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
    thin,
    ticks,
)
from orchestrator.reports.statistics.bands import FEWEST, Band
from orchestrator.reports.wording.words import NONE, count, listed, shorten, signed, significant

Floats = NDArray[np.floating]
ROWS = 3
STRIP = 24
"""The height of a strip of runs still training, in pixels."""


@dataclass(frozen=True)
class LearningCurve:
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


@dataclass(frozen=True)
class Learning:
    """Learning curves to be drawn on one pair of axes.

    `measure` names the vertical axis, `span` is its range, `suffix` follows its numbers.
    """

    lines: Sequence[LearningCurve]
    measure: str
    suffix: str
    marks: Sequence[Mark]
    span: tuple[float, float]


def learning(identifier: str, heading: str, drawn: Learning) -> Figure:
    """Every variant's mean with its band; below, a strip for each whose runs stop early."""
    strips = [line for line in drawn.lines if line.stops]
    extra = STRIP * len(strips) + 12 if strips else 0
    epochs = max(len(line.mean) for line in drawn.lines)
    marks = [mark for mark in drawn.marks if drawn.span[0] <= mark.value <= drawn.span[1]]
    named = [
        *((_last(line.mean), line.name, line.role) for line in drawn.lines),
        *((m.value, m.text, m.role) for m in marks),
    ]
    height = tall_enough(HEIGHT, [name for _, name, _ in named])
    with drawing(height=height + extra) as figure:
        right = room([name for _, name, _ in named])
        axes = panel(figure, right=right, bottom=36 + extra)
        label(axes, drawn.measure)
        for mark in marks:
            axes.axhline(mark.value, color=LIGHT[mark.role], lw=1, ls=(0, (1.5, 2.5)))
        for line in drawn.lines:
            _line(axes, line)
        axes.set(xlim=(1, max(epochs, 2)), ylim=drawn.span)
        ends(axes, named)
        ticks(axes.xaxis)
        ticks(axes.yaxis, drawn.suffix)
        for place, line in enumerate(strips):
            _strip(
                panel(figure, right=right, top=height + 6 + STRIP * place, bottom=extra - STRIP * (place + 1)),
                line,
                epochs,
            )
        title = f"{drawn.measure}, {heading}: {listed([line.name for line in drawn.lines])}"
        svg = inline(figure, identifier, title, _described(drawn.lines))
    words = [_stopped(strips), *(_unknown(line) for line in drawn.lines)]
    return Figure(identifier, heading, svg, " ".join(filter(None, words)), _numbers(drawn.lines))


@dataclass(frozen=True)
class Difference:
    """The second variant minus the first along training.

    `band` has its mean and ends at `epochs`, shape (positions,), a selection of the `total` epochs trained; `unit` is
    what it is measured in; `better` which way is better, empty where nobody knows; `left_out` counts pairs whose curves are not finite.
    """

    epochs: NDArray[np.int64]
    band: Band
    names: tuple[str, str]
    better: str
    unit: str
    total: int
    left_out: int


def difference(identifier: str, heading: str, drawn: Difference) -> Figure:
    """The difference curve around zero, with its simultaneous band."""
    band, epochs = drawn.band, drawn.epochs
    unit = f", {drawn.unit}" if drawn.unit else ""
    with drawing(height=206) as figure:
        axes = panel(figure)
        label(axes, f"difference{unit.replace('percentage ', '')}")
        axes.set_xlabel("epoch", labelpad=3, loc="left")
        axes.axhline(0, color=LIGHT["muted"], lw=1)
        if np.isfinite(band.low).any():
            axes.fill_between(epochs, band.low, band.high, color=LIGHT["series1"], alpha=0.2, linewidth=0)
        axes.plot(epochs, band.mean, color=LIGHT["series1"], lw=1.3)
        axes.set_xlim(1, max(drawn.total, 2))
        _around_zero(axes)
        ticks(axes.xaxis)
        ticks(axes.yaxis, sign=True)
        _ahead(axes, drawn)
        title = f"{drawn.names[1]} minus {drawn.names[0]} along training, {heading}{unit}"
        svg = inline(figure, identifier, title, _parted(drawn))
    words = [_left_out(drawn.left_out), _bandless(band)]
    return Figure(identifier, heading, svg, " ".join(filter(None, words)), _difference_numbers(drawn))


def _ahead(axes: Axes, drawn: Difference) -> None:
    """Who is ahead above zero and who below, beside the plot: over it, a curve would run through the words."""
    does = "better" if drawn.better else "higher"
    above, below = reversed(drawn.names) if drawn.better != "lower" else drawn.names
    for at, offset, name in ((1, 6, above), (0, -34, below)):
        axes.annotate(
            f"{shorten(name, 14)} {does}", (1, at), (0, offset), xycoords="axes fraction", textcoords="offset points",
            ha="right", va="bottom", color=LIGHT["muted"], annotation_clip=False,
        )  # fmt: skip


def _line(axes: Axes, line: LearningCurve) -> None:
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


def _last(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")


def _strip(axes: Axes, line: LearningCurve, epochs: int) -> None:
    """How many runs still train, as a small filled step curve."""
    changes = np.flatnonzero(np.diff(line.training, prepend=-1))
    x = np.append(changes + 1, epochs)
    y = np.append(line.training[changes], line.training[-1])
    axes.fill_between(x, 0, y, step="post", color=LIGHT[line.role], alpha=0.5, linewidth=0)
    axes.set(xlim=(1, max(epochs, 2)), ylim=(0, line.n), xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.text(
        0.985,
        0.5,
        f"{shorten(line.name, 18)}: runs still training (of {line.n})",
        transform=axes.transAxes,
        ha="right",
        va="center",
        size=TEXT - 0.5,
        color=LIGHT["muted"],
    )


def _stopped(strips: Sequence[LearningCurve]) -> str:
    if not strips:
        return ""
    whose = listed([f"“{line.name}”" for line in strips])
    return f"Runs of {whose} stop early; their last value is carried forward."


def _unknown(line: LearningCurve) -> str:
    if not line.lost:
        return ""
    return (
        f"{count(line.lost, 'run')} of “{line.name}” diverged to values that are not numbers; the mean goes on without"
        " them."
    )


def _around_zero(axes: Axes) -> None:
    low, high = axes.get_ylim()
    reach = max(high - low, 1e-9)
    axes.set_ylim(min(low, -0.16 * reach), max(high, 0.16 * reach))


def picked(epochs: int) -> NDArray[np.int64]:
    """Positions for a table of a curve of `epochs` epochs: a few, the first and the last among them."""
    return np.unique(np.linspace(0, epochs - 1, min(ROWS, epochs)).round().astype(np.int64))


def _numbers(lines: Sequence[LearningCurve]) -> Table:
    head = ["epoch"]
    for line in lines:
        head += [line.name, "SD"] + (["training"] if line.train is not None else [])
        head += ["running"] if line.stops else []
    rows = []
    for at in picked(max(len(line.mean) for line in lines)):
        row = [f"{at + 1:,}"]
        for line in lines:
            here = min(at, len(line.mean) - 1)
            row += [significant(line.mean[here]), significant(line.sd[here]) if line.n > 1 else NONE]
            row += [significant(line.train[here])] if line.train is not None else []
            row += [str(line.training[here])] if line.stops else []
        rows.append(row)
    return table(head, rows)


def _difference_numbers(drawn: Difference) -> Table:
    band = drawn.band
    rows = [
        (f"{drawn.epochs[at]:,}", signed(band.mean[at]), signed(band.low[at]), signed(band.high[at]))
        for at in picked(len(drawn.epochs))
    ]
    return table(("epoch", "difference", "band from", "band to"), rows)


def _described(lines: Sequence[LearningCurve]) -> str:
    parts = []
    for line in lines:
        best = int(np.nanargmax(line.mean)) if np.isfinite(line.mean).any() else 0
        parts.append(
            f"{line.name} ({count(line.n, 'seed')}) goes from {significant(line.mean[0])} at epoch 1 to"
            f" {significant(line.mean[-1])} at epoch {len(line.mean):,}, highest {significant(line.mean[best])} at epoch"
            f" {best + 1:,}"
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
