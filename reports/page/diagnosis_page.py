"""A page for one diagnosis: the verdict, the curves, every number beside its border, what to try. One file, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from orchestrator.reports.diagnosis.borders import AREAS, BORDERS
from orchestrator.reports.diagnosis.diagnosis import Diagnosis
from orchestrator.reports.diagnosis.problem_signs import Sign, decimals, told
from orchestrator.reports.figures import colours
from orchestrator.reports.figures.colours import LIGHT
from orchestrator.reports.figures.figure import (
    Figure,
    Table,
    drawing,
    inline,
    label,
    panel,
    table,
    thin,
    thinned,
    ticks,
)
from orchestrator.reports.logs.logged_runs import LoggedRun
from orchestrator.reports.page.policy import policy
from orchestrator.reports.page.report import environment
from orchestrator.reports.wording.words import NONE, count, power, significant

HERE = Path(__file__).parent
Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 400, 260
MOST_RUNS = 60
"""Runs drawn; more lines than these are a grey field."""
ROWS = 12
"""Epochs in the table of numbers."""
STEEP = 50
"""Highest over lowest loss from which on the axis counts in factors."""
APART = 0.075
"""Share of the axis that two names at the ends of lines keep between them."""
SIDES = (("training", "series0", (0, (4, 2.5)), 1.4), ("validation", "series1", "-", 1.8))
"""What each line is called, its colour, dashes and width."""

ABOUT = {
    "learning": "Are the training rows fitted?",
    "generalization": "Are rows fitted that it did not train on?",
    "predictions": "Is the result the same from run to run and from epoch to epoch?",
}


@dataclass(frozen=True)
class Gauge:
    """A sign as the page shows it. `reach` is how far along the way to twice the border its number lies, 0 to 1."""

    state: str
    what: str
    value: str
    border: str
    text: str
    reach: float | None


@dataclass(frozen=True)
class Area:
    """One of the three kinds of problem, its question, what was found, and its signs."""

    name: str
    about: str
    state: str
    words: str
    gauges: tuple[Gauge, ...]


def render(diagnosis: Diagnosis, records: Sequence[LoggedRun]) -> str:
    """The whole page; the same input gives the same bytes."""
    style = f"\n{colours.stylesheet()}{(HERE / 'diagnosis.css').read_text('utf-8')}"
    text = (
        environment()
        .get_template("diagnosis.html.j2")
        .render(
            policy=policy(style),
            style=style,
            diagnosis=diagnosis,
            runs=f"{count(diagnosis.runs, 'run')} of {'up to ' if diagnosis.runs > 1 else ''}{count(diagnosis.epochs, 'epoch')}",
            areas=[_area(diagnosis, name) for name in _order(diagnosis)],
            figures=figures(records),
            borders=BORDERS.values(),
        )
    )
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _order(diagnosis: Diagnosis) -> list[str]:
    return [*diagnosis.areas, *(area for area in AREAS if area not in diagnosis.areas)]


def _area(diagnosis: Diagnosis, name: str) -> Area:
    gauges = tuple(_gauge(sign) for sign in diagnosis.signs if sign.area == name)
    if name in diagnosis.areas:
        weak = name in diagnosis.weak
        return Area(name, ABOUT[name], "weak" if weak else "bad", "a weak sign" if weak else "a problem", gauges)
    if diagnosis.short:
        return Area(name, ABOUT[name], "open", "too short to tell", gauges)
    unknown = name in diagnosis.unknown
    return Area(
        name, ABOUT[name], "open" if unknown else "good", "not known" if unknown else "no problem found", gauges
    )


def _gauge(sign: Sign) -> Gauge:
    state = "open" if sign.found is None else "good" if not sign.found else "weak" if sign.weak else "bad"
    unit = sign.border.unit
    known = np.isfinite(sign.value)
    value = told(sign.value, unit, decimals(sign.value, sign.limit, unit)) if known else NONE
    side = "below" if sign.border.below else "above"
    reach = float(np.clip(sign.times, 0, 2)) / 2 if known and sign.border.limit != sign.border.ideal else None
    return Gauge(state, sign.what, value, f"{side} {told(sign.limit, unit)}", sign.text, reach)


def figures(records: Sequence[LoggedRun]) -> list[Figure]:
    """The loss, and the score where there is one: training and validation on the same axes."""
    shown = records[:MOST_RUNS]
    measure = next(
        (record.measure for record in records if record.loss is not None or record.val_loss is not None), "loss"
    )
    score = next((r.score for r in records if r.accuracy is not None or r.val_accuracy is not None), "accuracy")
    drawn = [
        _figure("loss", measure, [(r, r.loss, r.val_loss) for r in shown], 1.0, len(records)),
        _figure("score", score, [(r, r.accuracy, r.val_accuracy) for r in shown], 100.0, len(records)),
    ]
    return [figure for figure in drawn if figure]


Lines = Sequence[tuple[LoggedRun, Floats | None, Floats | None]]


def _figure(identifier: str, name: str, lines: Lines, factor: float, runs: int) -> Figure | None:
    values = [factor * curve[np.isfinite(curve)] for _, *curves in lines for curve in curves if curve is not None]
    whole = np.concatenate(values) if values else np.empty(0)
    if not len(whole):
        return None
    suffix = " %" if factor > 1 else ""
    with drawing(WIDTH, HEIGHT) as figure:
        axes = panel(figure, left=52, right=82, top=28, bottom=38)
        label(axes, name)
        _bounds(axes, whole, factor > 1)
        _draw(axes, lines, factor)
        if identifier == "loss":
            _marks(axes, lines)
        axes.set_xlim(*_span(lines))
        ticks(axes.xaxis)
        if axes.get_yscale() == "linear":
            ticks(axes.yaxis, suffix)
        else:
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
        title = f"{name} by epoch, training and validation"
        svg = inline(figure, identifier, title, _described(lines, factor, suffix))
    caption = " ".join(filter(None, (_caption(runs), thinned(max(record.length for record, *_ in lines)))))
    return Figure(identifier, name, svg, caption, _numbers(lines, factor, suffix))


def _caption(runs: int) -> str:
    if runs == 1:
        return ""
    return f"A line a run{f', the first {MOST_RUNS} of {runs}' if runs > MOST_RUNS else ''}."


def _bounds(axes: Axes, values: Floats, share: bool) -> None:
    """The range of the values, some room around it; factors of ten where a loss falls far."""
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > STEEP and not share:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.3, high * 1.3)
        return
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    axes.set_ylim(max(low - room, 0.0) if low >= 0 else low - room, min(high + room, 100.0) if share else high + room)


def _span(lines: Lines) -> tuple[float, float]:
    places = np.concatenate([_epochs(record) for record, *_ in lines])
    return float(places.min()), float(max(places.max(), places.min() + 1))


def _epochs(record: LoggedRun) -> Floats:
    return np.arange(1.0, record.length + 1) if record.epochs is None else record.epochs


def _draw(axes: Axes, lines: Lines, factor: float) -> None:
    alone = len(lines) == 1
    ends: list[tuple[float, str, str]] = []
    for side, (name, role, dashes, width) in enumerate(SIDES):
        last = []
        for record, *curves in lines:
            curve = curves[side]
            if curve is None or not np.isfinite(curve).any():
                continue
            known = np.flatnonzero(np.isfinite(curve))
            at = known[thin(curve[known], curve[known])]
            dot = "o" if len(known) == 1 else None
            axes.plot(
                _epochs(record)[at],
                factor * curve[at],
                color=LIGHT[role],
                lw=width if alone else 1,
                ls=dashes,
                marker=dot,
                ms=4,
            )
            last.append(factor * float(curve[known[-1]]))
        if last:
            ends.append((float(np.mean(last)), name, role))
    _name(axes, ends)


def _name(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Each line's name at its end, moved apart where two would lie on each other."""
    heights = {
        name: axes.transAxes.inverted().transform(axes.transData.transform((0, value)))[1] for value, name, _ in ends
    }
    if len(heights) == 2 and abs(np.subtract(*heights.values())) < APART:
        low, high = sorted(heights, key=heights.__getitem__)
        middle = float(np.clip(np.mean(list(heights.values())), APART / 2, 1 - APART / 2))
        heights = {low: middle - APART / 2, high: middle + APART / 2}
    for _, name, role in ends:
        style: dict[str, Any] = {"textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(name, (1, heights[name]), (6, 0), xycoords="axes fraction", color=LIGHT[role], **style)


def _marks(axes: Axes, lines: Lines) -> None:
    """Where the loss became NaN."""
    for record, *_ in lines:
        if record.lost is not None:
            place = float(_epochs(record)[record.lost])
            axes.axvline(place, color=LIGHT["bad"], lw=1, ls=(0, (2, 2)))
            style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "bottom"}
            axes.annotate("NaN", (place, 1), (0, 1), xycoords=("data", "axes fraction"), color=LIGHT["bad"], **style)


def _described(lines: Lines, factor: float, suffix: str) -> str:
    """What the lines do, in words: where each begins and ends."""
    parts = []
    for side, (name, *_) in enumerate(SIDES):
        curves = [curves[side] for _, *curves in lines]
        known = [
            factor * curve[np.isfinite(curve)] for curve in curves if curve is not None and np.isfinite(curve).any()
        ]
        if known:
            first, last = (float(np.mean([curve[at] for curve in known])) for at in (0, -1))
            parts.append(f"{name} goes from {significant(first)}{suffix} to {significant(last)}{suffix}")
    return "; ".join(parts) + "."


def _numbers(lines: Lines, factor: float, suffix: str) -> Table:
    """The first run's values at a few epochs, its first and last among them."""
    record, *curves = lines[0]
    at = np.unique(np.linspace(0, record.length - 1, min(ROWS, record.length)).round().astype(int))
    epochs = _epochs(record)
    rows = [(f"{epochs[i]:g}", *(_cell(curve, int(i), factor, suffix) for curve in curves)) for i in at]
    return table(("epoch", *(name for name, *_ in SIDES)), rows)


def _cell(curve: Floats | None, at: int, factor: float, suffix: str) -> str:
    return NONE if curve is None or np.isnan(curve[at]) else significant(factor * float(curve[at])) + suffix
