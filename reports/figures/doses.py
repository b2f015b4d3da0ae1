"""The effect of every dose of a sweep beside its first, with a band that holds for all of them at once."""

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedFormatter, FixedLocator
from numpy.typing import NDArray

from orchestrator.reports.figures.colours import LIGHT
from orchestrator.reports.figures.figure import Figure, drawing, inline, label, panel, table, ticks, wrapped
from orchestrator.reports.figures.panels import Key, Panels
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.statistics.bands import Band, difference_band
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import Scale, count, ident, scale, shorten, signed

Floats = NDArray[np.float64]
CROWDED = 6
"""With more doses than this every second one is named."""


def doses(results: Results, lesson: Lesson) -> Panels | None:
    """A drawing a scope; None of a lesson that is no sweep, or has no seed with all its doses."""
    if not any(each.seeds for each in lesson.deciding):
        return None
    figures = tuple(filter(None, (_figure(results, lesson, scope) for scope in results.scopes(lesson.id))))
    if not figures:
        return None
    legend = (Key("band", "series1", "holds for all doses at once (95 %)"), Key("zone", "zone", "too small to matter"))
    title = f"Dose by dose, beside {lesson.baseline.name}"
    return Panels("doses", ident(lesson.id, "doses"), title, figures, legend, ())


def _figure(results: Results, lesson: Lesson, scope: str) -> Figure | None:
    values = _values(results, lesson, scope)
    if not len(values):
        return None
    scaled = scale(lesson.endpoint.measure, lesson.endpoint.threshold)
    rng = np.random.default_rng([0, len(values)])
    band = difference_band(np.zeros((len(values), values.shape[1] - 1)), values[:, 1:] - values[:, :1], rng)
    return _drawn(lesson, scope, band, scaled, len(values))


def _values(results: Results, lesson: Lesson, scope: str) -> Floats:
    """The endpoint of every run, (seeds, doses), of the seeds that have it at every dose."""
    measure = lesson.endpoint.measure
    arms = (results.arm(lesson.id, each.name, scope).set_index("seed") for each in lesson.variants)
    columns = [arm.reindex(columns=[measure])[measure] for arm in arms]
    values = pd.concat(columns, axis=1, join="inner").sort_index().to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(values[np.isfinite(values).all(axis=1)], dtype=float)


def _drawn(lesson: Lesson, scope: str, band: Band, scaled: Scale, seeds: int) -> Figure:
    names = [variant.name for variant in lesson.variants[1:]]
    places = np.arange(len(names), dtype=float)
    mean, low, high = (scaled.factor * each for each in (band.mean, band.low, band.high))
    unit = scaled.unit.removeprefix("percentage ")
    interest = lesson.endpoint.sesoi * scaled.factor
    with drawing(height=236) as figure:
        axes = panel(figure, left=52, bottom=56)
        label(axes, f"difference, {unit}" if unit else "difference", "")
        axes.axhspan(-interest, interest, color=LIGHT["zone"], alpha=0.7, linewidth=0)
        axes.axhline(0, color=LIGHT["muted"], lw=1)
        if np.isfinite(low).any():
            axes.fill_between(places, low, high, color=LIGHT["series1"], alpha=0.2, linewidth=0)
        axes.plot(places, mean, color=LIGHT["series1"], lw=1.6, marker="o", ms=4)
        axes.set_xlim(-0.4, len(names) - 0.6)
        axes.xaxis.set_major_locator(FixedLocator(list(places)))
        every = 2 if len(names) > CROWDED else 1
        named = [wrapped(shorten(n, 28)) if i % every == 0 else "" for i, n in enumerate(names)]
        axes.xaxis.set_major_formatter(FixedFormatter(named))
        ticks(axes.yaxis, sign=True)
        told = "; ".join(f"{name}: {signed(value)}" for name, value in zip(names, mean, strict=True))
        identifier = ident(lesson.id, "doses", scope)
        svg = inline(figure, identifier, f"{scaled.name} of every dose minus that of {lesson.baseline.name}", told)
    rows = [(name, *map(signed, ends)) for name, *ends in zip(names, mean, low, high, strict=True)]
    return Figure(
        identifier,
        scope_heading(scope),
        svg,
        f"Of {count(seeds, 'seed')}.",
        table(("dose", "difference", "from", "to"), rows),
    )
