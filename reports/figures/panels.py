"""A lesson's figures: the same chart for every scope, side by side, under one legend and one caption."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from orchestrator.reports.figures import charts, dots, traces
from orchestrator.reports.figures.colours import series
from orchestrator.reports.figures.figure import Figure, Table, thin
from orchestrator.reports.nouns.contrast import Contrast
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.statistics.bands import difference_band
from orchestrator.reports.statistics.endpoints import first_reached
from orchestrator.reports.statistics.histories import Curves, paired
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import label, quoted
from orchestrator.reports.wording.phrases import percent
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import direction, ident, scale

Floats = NDArray[np.floating]
EARLY = 0.1
"""Share of the epochs that an axis may leave out, where they take most of it."""


@dataclass(frozen=True)
class Key:
    """One entry of a legend: `kind` is dashed, band, zone or ring."""

    kind: str
    role: str
    text: str


@dataclass(frozen=True)
class Panels:
    """One figure of the page: a drawing a scope. `kind` is what it shows, `table` its numbers where they are not drawing by drawing."""

    kind: str
    id: str
    title: str
    figures: tuple[Figure, ...]
    legend: tuple[Key, ...]
    caption: tuple[str, ...]
    table: Table | None = None


def curve_metrics(results: Results, lesson: Lesson | None = None) -> list[str]:
    """The metrics that are drawn along training: validation accuracy first (or a user's own metric), losses last.

    Of one lesson: those that any of its runs left.
    """
    names = [name for name in results.histories.metrics if name != "learning_rate"]
    if lesson is not None:
        names = [name for name in names if _left(results, lesson, name)]
    held = [name for name in names if name.startswith("val_")] or names
    return sorted(held, key=lambda name: (name.endswith("loss"), not name.endswith("accuracy")))


def _left(results: Results, lesson: Lesson, metric: str) -> bool:
    arms = [(v.name, scope) for v in lesson.variants for scope in results.scopes(lesson.id)]
    return any(np.isfinite(results.curves(lesson.id, *arm).matrix(metric)).any() for arm in arms)


def learning(results: Results, lesson: Lesson, metric: str) -> Panels | None:
    """Learning curves with and without, on the same axes and the same range in both scopes."""
    scaled, name = scale(metric), lesson.id
    found = {scope: _lines(results, lesson, scope, metric) for scope in results.scopes(name)}
    drawn = {scope: lines for scope, lines in found.items() if lines}
    if not drawn:
        return None
    lines = [line for each in drawn.values() for line in each]
    share = metric.endswith("accuracy")
    marks = _marks(lesson) if share else []
    span = _span(lines, marks, bounded=share)
    figures = tuple(
        charts.learning(
            ident(name, metric, scope),
            scope_heading(scope),
            charts.Learning(each, scaled.name, scaled.suffix, marks, span),
        )
        for scope, each in drawn.items()
    )
    called = scaled.name.partition(" on ")[0]
    title = f"{called[:1].upper()}{called[1:]} along training"
    caption = _caption(lines, marks, span)
    return Panels("learning", ident(name, metric), title, figures, _line_keys(lines), caption)


def difference(results: Results, lesson: Lesson, contrast: Contrast, metric: str) -> Panels | None:
    """How far apart two variants are at every epoch, with a band that holds for the whole curve; None of more than two."""
    if contrast.pair is None:
        return None
    (baseline, variant), name = contrast.pair, contrast.name
    found = [_apart(results, lesson, contrast.pair, name, metric, scope) for scope in results.scopes(lesson.id)]
    figures = tuple(figure for figure in found if figure)
    if not figures:
        return None
    title = f"Along training: {quoted(label(lesson, variant))} minus {quoted(label(lesson, baseline))}"
    return Panels("difference", ident(lesson.id, name, "apart"), title, figures, (), ())


def rates(results: Results, lesson: Lesson) -> Panels | None:
    """The learning rate along training, where any run changes it."""
    figures = []
    for scope in results.scopes(lesson.id):
        arms, dead = [], []
        for at, variant in enumerate(lesson.variants):
            curves = results.curves(lesson.id, variant.name, scope)
            values = curves.matrix("learning_rate")
            if np.isfinite(values).any():
                arms.append((label(lesson, variant.name), series(at), values))
                dead.append(np.isin(curves.seeds, results.bad_seeds(lesson.id, variant.name, scope)))
        if any(_moves(values) for _, _, values in arms):
            figures.append(traces.rates(ident(lesson.id, "rates", scope), scope_heading(scope), arms, dead))
    if not figures:
        return None
    return Panels("rates", ident(lesson.id, "rates"), "Learning rate along training", tuple(figures), (), ())


def reached(results: Results, lesson: Lesson) -> Panels | None:
    """How soon runs get to the threshold, where that is the lesson's endpoint."""
    threshold = lesson.endpoint.threshold
    if lesson.endpoint.measure != "epochs_to_threshold" or threshold is None:
        return None
    figures = []
    for scope in results.scopes(lesson.id):
        arms = []
        for at, variant in enumerate(lesson.variants):
            times = first_reached(results.curves(lesson.id, variant.name, scope).matrix("val_accuracy"), threshold)
            if len(times):
                arms.append((label(lesson, variant.name), series(at), times, variant.epochs))
        if arms:
            figures.append(
                traces.reached(ident(lesson.id, "reached", scope), scope_heading(scope), arms, percent(threshold))
            )
    if not figures:
        return None
    title = f"Runs whose validation accuracy has been {percent(threshold)}: further left is sooner"
    return Panels("reached", ident(lesson.id, "reached"), title, tuple(figures), (), ())


def stops(results: Results, lesson: Lesson) -> Panels | None:
    """When runs stopped, where any stopped early."""
    figures = []
    for scope in results.scopes(lesson.id):
        arms, asked = [], max(v.epochs for v in lesson.variants)
        for at, variant in enumerate(lesson.variants):
            ended = results.curves(lesson.id, variant.name, scope).stops
            if len(ended) and ended.min() < variant.epochs:
                arms.append(dots.Dots(label(lesson, variant.name), series(at), ended.astype(float)))
        if arms:
            figures.append(dots.stops(ident(lesson.id, "stops", scope), scope_heading(scope), arms, asked))
    if not figures:
        return None
    return Panels("stops", ident(lesson.id, "stops"), "Where training stopped", tuple(figures), (), ())


def _lines(results: Results, lesson: Lesson, scope: str, metric: str) -> list[charts.LearningCurve]:
    arms = [results.curves(lesson.id, variant.name, scope) for variant in lesson.variants]
    epochs = max((int(curves.stops.max(initial=0)) for curves in arms), default=0)
    lines = [_line(curves, metric, epochs) for curves in arms]
    named = zip(lesson.variants, lines, strict=True)
    return [
        replace(line, name=label(lesson, variant.name), role=series(at))
        for at, (variant, line) in enumerate(named)
        if line
    ]


def _line(curves: Curves, metric: str, epochs: int) -> charts.LearningCurve | None:
    """One arm's curve, still without name and colour; None when there is nothing to draw."""
    factor, own = scale(metric).factor, metric.removeprefix("val_")
    values = _finite(curves.carried(metric, epochs)) * factor
    if not np.isfinite(values).any():
        return None
    lost = int(np.isnan(values).any(axis=1).sum())
    train = None
    if own != metric and own in curves.columns:
        train = _mean(_finite(curves.carried(own, epochs))) * factor
    return charts.LearningCurve("", "", _mean(values), _sd(values), train, curves.training(epochs), len(values), lost)


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values).sum(axis=0)
    return np.where(known > 0, np.nansum(values, axis=0) / np.maximum(known, 1), np.nan)


def _sd(values: Floats) -> Floats:
    known = np.isfinite(values).sum(axis=0)
    squares = np.nansum((values - _mean(values)) ** 2, axis=0)
    return np.where(known > 1, np.sqrt(squares / np.maximum(known - 1, 1)), 0.0)


def _marks(lesson: Lesson) -> list[charts.Mark]:
    data = lesson.data
    marks = []
    if data.bayes is not None:
        marks.append(charts.Mark(100 * data.bayes, f"best possible {100 * data.bayes:.0f} %", "bayes"))
    if data.chance is not None:
        marks.append(charts.Mark(100 * data.chance, f"guessing {100 * data.chance:.0f} %", "chance"))
    return marks


def _span(lines: Sequence[charts.LearningCurve], marks: Sequence[charts.Mark], *, bounded: bool) -> tuple[float, float]:
    """The vertical range: of all there is, or where that leaves the later epochs less than a third, of these."""
    low, high = _ends(lines, 0)
    values = [low, high, *(mark.value for mark in marks)]
    whole = min(values), max(values)
    late = _ends(lines, EARLY)
    if late[1] - late[0] < (whole[1] - whole[0]) / 3:
        near = [m.value for m in marks if late[0] - (late[1] - late[0]) < m.value < late[1] + (late[1] - late[0])]
        whole = min([late[0], *near]), max([late[1], *near])
    pad = 0.06 * (whole[1] - whole[0]) or 1.0
    return (whole[0] - pad, min(whole[1] + pad, 102.0)) if bounded else (whole[0] - pad, whole[1] + pad)


def _ends(lines: Sequence[charts.LearningCurve], share: float) -> tuple[float, float]:
    """The lowest and the highest of all lines and bands after that share of the epochs."""
    found = []
    for line in lines:
        edges = [line.mean - line.sd, line.mean + line.sd, *([line.train] if line.train is not None else [])]
        found += [edge[round(share * len(edge)) :] for edge in edges]
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    return float(values.min()), float(values.max())


def _apart(
    results: Results, lesson: Lesson, names: tuple[str, str], called: str, metric: str, scope: str
) -> Figure | None:
    before, after = (results.curves(lesson.id, name, scope) for name in names)
    epochs = max(int(arm.stops.max(initial=0)) for arm in (before, after))
    seeds, first, second = paired(before, after, metric, np.arange(1, epochs + 1))
    usable = np.isfinite(second - first).all(axis=1)
    if epochs == 0 or not usable.any():
        return None
    scaled = scale(metric)
    first, second = first[usable] * scaled.factor, second[usable] * scaled.factor
    mean = (second - first).mean(axis=0)
    kept = thin(mean, mean)
    band = difference_band(first[:, kept], second[:, kept], np.random.default_rng([0, len(first)]))
    told = (label(lesson, names[0]), label(lesson, names[1]))
    drawn = charts.Difference(
        kept + 1, band, told, direction(metric), scaled.unit, epochs, len(seeds) - int(usable.sum())
    )
    return charts.difference(ident(lesson.id, called, "apart", scope), scope_heading(scope), drawn)


def _moves(values: Floats) -> bool:
    """Whether any run's learning rate changes along training."""
    return bool(np.nanmax(np.abs(values - values[:, :1]), initial=0.0) > 0)


def _line_keys(lines: Sequence[charts.LearningCurve]) -> tuple[Key, ...]:
    keys: tuple[Key, ...] = ()
    if any(line.train is not None for line in lines):
        keys += (Key("dashed", "muted", "on training rows"),)
    if any(line.n > 1 for line in lines):
        keys += (Key("band", "muted", "± 1 SD"),)
    return keys


def _caption(
    lines: Sequence[charts.LearningCurve], marks: Sequence[charts.Mark], span: tuple[float, float]
) -> tuple[str, ...]:
    """Only what is particular to this figure: an axis cut off, curves above the best possible."""
    texts = []
    best = next((mark.value for mark in marks if mark.role == "bayes"), np.inf)
    if any(np.nanmax(line.mean, initial=-np.inf) > best for line in lines):
        texts.append("Above the best possible: lucky validation rows.")
    if any(np.nanmin(line.mean - line.sd, initial=np.inf) < span[0] for line in lines):
        texts.append("Zoomed in: the first epochs lie below.")
    if any(np.nanmax(line.mean + line.sd, initial=-np.inf) > span[1] for line in lines):
        texts.append("Zoomed in: some of it lies above.")
    return tuple(texts)
