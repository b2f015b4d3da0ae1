"""The forest plot: every primary effect on one axis, each measured by the smallest effect its lesson cares about."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from reports.colours import LIGHT
from reports.figures import drawing, inline, panel
from reports.words import shorten

FARTHEST = 12.0
ROW = 26
WIDE, NARROW = 920, 358


@dataclass(frozen=True)
class Row:
    """One comparison in one scope.

    `estimate`, `low` and `high` are in multiples of the smallest effect of interest, positive where the technique did
    better, NaN when there is none; `text` says the effect in its own unit; `role` is the colour of its verdict.
    """

    name: str
    scope: str
    estimate: float
    low: float
    high: float
    text: str
    role: str


def forest(identifier: str, rows: Sequence[Row], narrow: bool = False) -> Markup:
    """The plot for a wide or a narrow page; rows of the same name stand together, named once."""
    reach = _reach(rows)
    height = len(rows) * (2 * ROW - 8 if narrow else ROW) + 72
    with drawing(NARROW if narrow else WIDE, height) as figure:
        axes = panel(figure, *((10, 10, 22, 50) if narrow else (300, 230, 22, 50)))
        _ground(axes, reach, len(rows))
        for place, row in enumerate(rows):
            _interval(axes, row, place, reach)
            first = place == 0 or rows[place - 1].name != row.name
            (_above if narrow else _beside)(axes, row, place, first)
        svg = inline(figure, identifier, "Every primary effect, in multiples of the smallest one that matters", describe(rows))
    return svg


def describe(rows: Sequence[Row]) -> str:
    """The plot in words, from its numbers."""
    parts = [f"{row.name}, {row.scope}: {row.text}" for row in rows]
    return "; ".join(parts) + "." if parts else "There is nothing to compare."


def _reach(rows: Sequence[Row]) -> float:
    ends = [abs(v) for row in rows for v in (row.low, row.high, row.estimate) if math.isfinite(v)]
    return min(max([2.5, *(1.08 * end for end in ends)]), FARTHEST)


def _ground(axes: Axes, reach: float, rows: int) -> None:
    axes.axvspan(-1, 1, color=LIGHT["zone"], alpha=0.75, linewidth=0)
    axes.axvline(0, color=LIGHT["muted"], lw=1)
    axes.set(xlim=(-reach, reach), ylim=(rows - 0.4, -0.6), yticks=[])
    axes.grid(visible=False)
    axes.set_xticks(_ticks(reach))
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}×" if value else "0")
    top = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "color": LIGHT["muted"], "size": 11}
    axes.annotate("too small to matter", (0, 1), xytext=(0, 6), ha="center", **top)
    axes.annotate("← worse", (-reach, 0), xytext=(0, -34), ha="left", **top)
    axes.annotate("better →", (reach, 0), xytext=(0, -34), ha="right", **top)


def _ticks(reach: float) -> list[float]:
    step = 1 if reach < 4 else 2 if reach < 9 else 4
    side = [float(v) for v in range(step, int(reach) + 1, step)]
    return [-v for v in reversed(side)] + [0.0] + side


def _interval(axes: Axes, row: Row, place: int, reach: float) -> None:
    """A line with its estimate: a filled circle on the fixed data set, an open diamond on redrawn data."""
    colour = LIGHT[row.role]
    if not math.isfinite(row.estimate):
        return
    low, high = (v if math.isfinite(v) else row.estimate for v in (row.low, row.high))
    axes.plot([max(low, -reach), min(high, reach)], [place, place], color=colour, lw=2.4)
    for end, marker in ((low, "<"), (high, ">")):
        if abs(end) > reach:
            axes.scatter([math.copysign(reach * 0.985, end)], [place], s=34, marker=marker, color=colour, linewidths=0)
    if abs(row.estimate) <= reach:
        filled = row.scope == "fixed"
        axes.scatter(
            [row.estimate], [place], s=58 if filled else 46, marker="o" if filled else "D", zorder=3, linewidths=1.8,
            facecolors=colour if filled else LIGHT["paper"], edgecolors=colour,
        )  # fmt: skip


def _beside(axes: Axes, row: Row, place: int, first: bool) -> None:
    style = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    if first:
        axes.annotate(shorten(row.name, 34), (0, place), xytext=(-292, 0), color=LIGHT["ink"], size=13, **style)
    axes.annotate(row.scope, (0, place), xytext=(-12, 0), ha="right", color=LIGHT["muted"], size=12, **style)
    axes.annotate(row.text, (1, place), xytext=(14, 0), color=LIGHT[row.role], size=12, **style)


def _above(axes: Axes, row: Row, place: int, first: bool) -> None:
    style = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center", "size": 11}
    name = f"{shorten(row.name, 24)} · {row.scope}"
    axes.annotate(name, (0, place), xytext=(0, 15), color=LIGHT["ink"], **style)
    axes.annotate(row.text, (1, place), xytext=(0, 15), ha="right", color=LIGHT[row.role], **style)
