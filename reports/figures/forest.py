"""The forest plot: every primary effect on one axis, each measured by the smallest effect its lesson cares about."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from orchestrator.reports.figures.colours import LIGHT
from orchestrator.reports.figures.figure import drawing, inline, panel
from orchestrator.reports.wording.scopes import scope_name
from orchestrator.reports.wording.words import MINUS, TIMES, shorten

FARTHEST = 12.0
"""Where the axis ends at the latest, in smallest effects of interest: one huge effect must not flatten all others."""
MOST_TICKS = 9
MARGIN = 8
"""Fewer letters than this say nothing of a technique."""
WIDE, NARROW = 920, 358


@dataclass(frozen=True)
class Bar:
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


@dataclass(frozen=True)
class _Room:
    """The layout of a wide or a narrow plot, in pixels: the plot's margins, and the heights of a name and of a bar."""

    width: int
    left: int
    right: int
    name: int
    bar: int

    @property
    def inner(self) -> int:
        return self.width - self.left - self.right


_WIDE_ROOM = _Room(WIDE, 310, 250, 0, 26)
_NARROW_ROOM = _Room(NARROW, 10, 10, 26, 40)


def forest(identifier: str, bars: Sequence[Bar], *, narrow: bool = False) -> str:
    """The plot for a wide or a narrow page; bars of the same name stand together, named once."""
    room = _NARROW_ROOM if narrow else _WIDE_ROOM
    heights = _heights(bars, room)
    total = int(heights[-1] + room.bar) if heights else room.bar
    with drawing(room.width, total + 72) as figure:
        axes = panel(figure, room.left, room.right, 22, 50)
        reach = _reach(bars)
        _ground(axes, reach, total)
        for at, (bar, height) in enumerate(zip(bars, heights, strict=True)):
            first = at == 0 or bars[at - 1].name != bar.name
            if first and at:
                _rule(axes, height - room.name, room)
            if narrow:
                _above(axes, bar, height, named=first)
            else:
                _beside(axes, bar, height + room.bar / 2, named=first)
            _interval(axes, bar, height + (27 if narrow else room.bar / 2), reach)
        title = "Every primary effect, in multiples of the smallest one that matters"
        return inline(figure, identifier, title, describe(bars))


def describe(bars: Sequence[Bar]) -> str:
    """The plot in words, from its numbers."""
    parts = [f"{bar.name}, {scope_name(bar.scope)}: {bar.text}" for bar in bars]
    return "; ".join(parts) + "." if parts else "There is nothing to compare."


def _heights(bars: Sequence[Bar], room: _Room) -> list[float]:
    """The upper edge of every bar's row, counted from the top."""
    heights, below = [], 0.0
    for at, bar in enumerate(bars):
        if at == 0 or bars[at - 1].name != bar.name:
            below += room.name
        heights.append(below)
        below += room.bar
    return heights


def _reach(bars: Sequence[Bar]) -> tuple[float, float]:
    """How far the axis goes to either side: as far as the intervals, within reason."""
    ends = [v for bar in bars for v in (bar.low, bar.high, bar.estimate) if not math.isnan(v)]
    low, high = min([-2.5, *(1.08 * end for end in ends)]), max([2.5, *(1.08 * end for end in ends)])
    return max(low, -FARTHEST), min(high, FARTHEST)


def _ground(axes: Axes, reach: tuple[float, float], total: float) -> None:
    axes.axvspan(-1, 1, color=LIGHT["zone"], alpha=0.75, linewidth=0)
    axes.axvline(0, color=LIGHT["muted"], lw=1)
    axes.set(xlim=reach, ylim=(total, 0), yticks=[])
    axes.grid(visible=False)
    axes.set_xticks(_ticks(*reach))
    axes.tick_params(labelsize=13.4)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+g}{TIMES}".replace("-", MINUS) if value else "0")
    style: dict[str, Any] = {
        "xycoords": ("data", "axes fraction"),
        "textcoords": "offset points",
        "color": LIGHT["muted"],
        "size": 13.4,
    }
    axes.annotate("too small to matter", (0, 1), xytext=(0, 6), ha="center", **style)
    axes.annotate("← worse", (reach[0], 0), xytext=(0, -34), ha="left", **style)
    axes.annotate("better →", (reach[1], 0), xytext=(0, -34), ha="right", **style)


def _ticks(low: float, high: float) -> list[float]:
    step = 1 if high - low < MOST_TICKS else 2 if high - low < 2 * MOST_TICKS else 4
    return [float(v) for v in range(-step * int(-low // step), int(high) + 1, step)]


def _interval(axes: Axes, bar: Bar, height: float, reach: tuple[float, float]) -> None:
    """A line with its estimate: a filled circle on the fixed data set, an open diamond on redrawn data."""
    colour = LIGHT[bar.role]
    if math.isnan(bar.estimate):
        return
    low, high = (bar.estimate if math.isnan(v) else v for v in (bar.low, bar.high))
    axes.plot([max(low, reach[0]), min(high, reach[1])], [height, height], color=colour, lw=2.4, solid_capstyle="butt")
    for beyond, edge, marker in ((low < reach[0], reach[0], "<"), (high > reach[1], reach[1], ">")):
        if beyond:
            axes.scatter([edge], [height], s=40, marker=marker, color=colour, linewidths=0, clip_on=False)
    filled = bar.scope == "fixed"
    face, shape, size = (colour, "o", 58) if filled else (LIGHT["paper"], "D", 46)
    if reach[0] <= bar.estimate <= reach[1]:
        axes.scatter(
            [bar.estimate], [height], s=size, marker=shape, zorder=3, linewidths=1.8, facecolors=face, edgecolors=colour
        )
        return
    inside = 0.035 * (reach[1] - reach[0])
    edge = reach[1] - inside if bar.estimate > 0 else reach[0] + inside
    axes.scatter([edge], [height], s=size, marker=shape, zorder=3, linewidths=1.8, facecolors=face, edgecolors=colour)


def _rule(axes: Axes, height: float, room: _Room) -> None:
    """A hairline between two comparisons, across the whole drawing."""
    span = (-room.left / room.inner, 1 + room.right / room.inner)
    line: dict[str, Any] = {"color": LIGHT["grid"], "lw": 1, "clip_on": False, "zorder": 0}
    axes.plot(span, [height, height], transform=axes.get_yaxis_transform(), **line)


def _beside(axes: Axes, bar: Bar, height: float, *, named: bool) -> None:
    style: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    if named:
        axes.annotate(_fitted(bar.name, 30), (0, height), xytext=(-302, 0), color=LIGHT["ink"], size=14, **style)
    scope = scope_name(bar.scope)
    axes.annotate(scope, (0, height), xytext=(-12, 0), ha="right", color=LIGHT["muted"], size=13.4, **style)
    axes.annotate(bar.text, (1, height), xytext=(14, 0), color=LIGHT[bar.role], size=13.4, **style)


def _fitted(name: str, size: int) -> str:
    """A name in at most `size` characters; of `technique: variant` the variant is what must be seen."""
    technique, colon, variant = name.rpartition(": ")
    if not colon or len(name) <= size or len(variant) > size - MARGIN:
        return shorten(name, size)
    return f"{shorten(technique, size - len(variant) - 2)}: {variant}"


def _above(axes: Axes, bar: Bar, height: float, *, named: bool) -> None:
    style: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    if named:
        axes.annotate(_fitted(bar.name, 44), (0, height - 12), xytext=(0, 0), color=LIGHT["ink"], size=13.4, **style)
    scope = scope_name(bar.scope)
    axes.annotate(scope, (0, height + 9), xytext=(0, 0), color=LIGHT["muted"], size=13.4, **style)
    axes.annotate(bar.text, (1, height + 9), xytext=(0, 0), ha="right", color=LIGHT[bar.role], size=13.4, **style)
