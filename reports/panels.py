"""A lesson's figures: the same chart for every scope, side by side, under one legend and one caption."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reports import charts, dots, traces
from reports.bands import difference_band
from reports.colours import series
from reports.endpoints import THRESHOLD_ROUNDING
from reports.figures import Figure, thin
from reports.histories import Curves, paired
from reports.phrases import percent
from reports.results import Document, Results
from reports.words import count, ident, listed, place, scale

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Key:
    """One entry of a legend: `kind` is line, dashed, band, dot, square, or diamond."""

    kind: str
    role: str
    text: str


@dataclass(frozen=True)
class Panels:
    """One figure of the page: a drawing a scope. `kind` is what it shows, `caption` holds paragraphs."""

    kind: str
    id: str
    title: str
    figures: tuple[Figure, ...]
    legend: tuple[Key, ...]
    caption: tuple[str, ...]


def curve_metrics(results: Results) -> list[str]:
    """The metrics that are drawn along training: validation accuracy first (or a user's own metric), losses last."""
    fixed = {"lesson", "variant", "data", "seed", "epoch", "learning_rate"}
    names = [name for name in results.histories.columns if name not in fixed]
    held = [name for name in names if name.startswith("val_")] or names
    return sorted(held, key=lambda name: (name.endswith("loss"), not name.endswith("accuracy")))


def learning(results: Results, lesson: Document, metric: str) -> Panels | None:
    """Learning curves with and without, on the same axes and the same range in both scopes."""
    scaled, name = scale(metric), lesson["id"]
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
            ident(name, metric, scope), place(scope), charts.Learning(each, scaled.name, scaled.suffix, marks, span)
        )
        for scope, each in drawn.items()
    )
    title = f"Learning curves: {scaled.name}"
    return Panels("learning", ident(name, metric), title, figures, _line_keys(lesson, lines), _caption(drawn, metric))


def difference(results: Results, lesson: Document, variant: str, metric: str) -> Panels | None:
    """How far apart two variants are at every epoch, with a band that holds for the whole curve."""
    baseline = lesson["variants"][0]["name"]
    found = [_apart(results, lesson, variant, metric, scope) for scope in results.scopes(lesson["id"])]
    figures = tuple(figure for figure in found if figure)
    if not figures:
        return None
    caption = (
        f"The line is the mean, over seeds, of “{variant}” minus “{baseline}” at the same epoch. Where the band leaves "
        "zero out, the two really differ. The band is simultaneous: of many such experiments, 95 in 100 would have a "
        "band that holds the true difference at every epoch drawn, not just at one picked afterwards."
    )
    legend = (Key("line", "series1", "mean difference"), Key("band", "series1", "simultaneous 95 % band"))
    title = f"Difference along training: “{variant}” minus “{baseline}”"
    return Panels("difference", ident(lesson["id"], variant, "apart"), title, figures, legend, (caption,))


def rates(results: Results, lesson: Document) -> Panels | None:
    """The learning rate along training, where any run changes it."""
    figures = []
    for scope in results.scopes(lesson["id"]):
        arms = []
        for at, variant in enumerate(lesson["variants"]):
            values = results.curves(lesson["id"], variant["name"], scope).matrix("learning_rate")
            if np.isfinite(values).any():
                arms.append((variant["name"], series(at), values))
        if any(_moves(values) for _, _, values in arms):
            figures.append(traces.rates(ident(lesson["id"], "rates", scope), place(scope), arms))
    if not figures:
        return None
    caption = "A thin line a run: how large a step each update took. The vertical axis counts in factors of ten."
    return Panels(
        "rates",
        ident(lesson["id"], "rates"),
        "Learning rate along training",
        tuple(figures),
        _variant_keys(lesson, "line"),
        (caption,),
    )


def reached(results: Results, lesson: Document) -> Panels | None:
    """How soon runs get to the threshold, where that is the lesson's endpoint."""
    threshold = lesson["endpoint"].get("threshold")
    if lesson["endpoint"]["measure"] != "epochs_to_threshold" or threshold is None:
        return None
    figures = []
    for scope in results.scopes(lesson["id"]):
        arms = []
        for at, variant in enumerate(lesson["variants"]):
            times = _times(results.curves(lesson["id"], variant["name"], scope), threshold)
            if len(times):
                arms.append((variant["name"], series(at), times, int(variant["epochs"])))
        if arms:
            figures.append(
                traces.reached(ident(lesson["id"], "reached", scope), place(scope), arms, percent(threshold))
            )
    if not figures:
        return None
    caption = (
        (
            "Each curve climbs by one run at the epoch where that run's accuracy on validation rows first is"
            f" {percent(threshold)} or more. Further left is faster. A curve that ends below 100 % leaves runs that"
            " never got there."
        ),
    )
    title = f"Epochs until {percent(threshold)} accuracy"
    return Panels(
        "reached", ident(lesson["id"], "reached"), title, tuple(figures), _variant_keys(lesson, "line"), caption
    )


def stops(results: Results, lesson: Document) -> Panels | None:
    """When runs stopped, where any stopped early."""
    figures = []
    for scope in results.scopes(lesson["id"]):
        arms, asked = [], max(int(v["epochs"]) for v in lesson["variants"])
        for at, variant in enumerate(lesson["variants"]):
            ended = results.curves(lesson["id"], variant["name"], scope).stops
            if len(ended) and ended.min() < int(variant["epochs"]):
                arms.append(dots.Arm(variant["name"], series(at), ended.astype(float)))
        if arms:
            figures.append(dots.stops(ident(lesson["id"], "stops", scope), place(scope), arms, asked))
    if not figures:
        return None
    caption = (
        "A dot a run, placed at the last epoch it trained; dots of nearly equal epochs are moved apart vertically. The"
        " bar is the median."
    )
    return Panels("stops", ident(lesson["id"], "stops"), "Where training stopped", tuple(figures), (), (caption,))


def _lines(results: Results, lesson: Document, scope: str, metric: str) -> list[charts.Line]:
    arms = [results.curves(lesson["id"], variant["name"], scope) for variant in lesson["variants"]]
    epochs = max((int(curves.stops.max(initial=0)) for curves in arms), default=0)
    lines = [_line(curves, metric, epochs) for curves in arms]
    named = zip(lesson["variants"], lines, strict=True)
    return [replace(line, name=variant["name"], role=series(at)) for at, (variant, line) in enumerate(named) if line]


def _line(curves: Curves, metric: str, epochs: int) -> charts.Line | None:
    """One arm's curve, still without name and colour; None when there is nothing to draw."""
    factor, own = scale(metric).factor, metric.removeprefix("val_")
    values = _finite(curves.carried(metric, epochs)) * factor
    if not np.isfinite(values).any():
        return None
    lost = int(np.isnan(values).any(axis=1).sum())
    train = None
    if own != metric and own in curves.columns:
        train = _mean(_finite(curves.carried(own, epochs))) * factor
    return charts.Line("", "", _mean(values), _sd(values), train, curves.training(epochs), len(values), lost)


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values).sum(axis=0)
    return np.where(known > 0, np.nansum(values, axis=0) / np.maximum(known, 1), np.nan)


def _sd(values: Floats) -> Floats:
    known = np.isfinite(values).sum(axis=0)
    squares = np.nansum((values - _mean(values)) ** 2, axis=0)
    return np.where(known > 1, np.sqrt(squares / np.maximum(known - 1, 1)), 0.0)


def _marks(lesson: Document) -> list[charts.Mark]:
    data = lesson.get("data") or {}
    marks = []
    if data.get("bayes") is not None:
        marks.append(charts.Mark(100 * data["bayes"], f"best possible (Bayes) {100 * data['bayes']:.0f} %", "bayes"))
    if data.get("chance") is not None:
        marks.append(charts.Mark(100 * data["chance"], f"guessing (chance) {100 * data['chance']:.0f} %", "chance"))
    return marks


def _span(lines: Sequence[charts.Line], marks: Sequence[charts.Mark], *, bounded: bool) -> tuple[float, float]:
    """The vertical range that holds every line, band and mark."""
    bands = [edge for line in lines for edge in (line.mean - line.sd, line.mean + line.sd)]
    trained = [line.train for line in lines if line.train is not None]
    values = np.concatenate([*bands, *trained, [mark.value for mark in marks]])
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    pad = 0.05 * (high - low) or 1.0
    return (low - pad, min(high + pad, 102.0)) if bounded else (low - pad, high + pad)


def _apart(results: Results, lesson: Document, variant: str, metric: str, scope: str) -> Figure | None:
    names = (lesson["variants"][0]["name"], variant)
    before, after = (results.curves(lesson["id"], name, scope) for name in names)
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
    drawn = charts.Difference(kept + 1, band, names, scaled.unit, epochs, len(seeds) - int(usable.sum()))
    return charts.difference(ident(lesson["id"], variant, "apart", scope), place(scope), drawn)


def _moves(values: Floats) -> bool:
    """Whether any run's learning rate changes along training."""
    return bool(np.nanmax(np.abs(values - values[:, :1]), initial=0.0) > 0)


def _times(curves: Curves, threshold: float) -> Floats:
    """(n,) the first epoch at which validation accuracy is at `threshold`, infinity where it never is."""
    above = curves.matrix("val_accuracy") >= threshold - THRESHOLD_ROUNDING
    if above.size == 0:
        return np.empty(0)
    return np.where(above.any(axis=1), above.argmax(axis=1) + 1.0, np.inf)


def _variant_keys(lesson: Document, kind: str) -> tuple[Key, ...]:
    return tuple(Key(kind, series(at), variant["name"]) for at, variant in enumerate(lesson["variants"]))


def _line_keys(lesson: Document, lines: Sequence[charts.Line]) -> tuple[Key, ...]:
    keys = _variant_keys(lesson, "line")
    if any(line.train is not None for line in lines):
        keys += (Key("dashed", "muted", "the same on the training rows"),)
    if any(line.n > 1 for line in lines):
        keys += (Key("band", "muted", "mean ± 1 standard deviation (SD) across seeds"),)
    return keys


def _caption(drawn: Mapping[str, Sequence[charts.Line]], metric: str) -> tuple[str, ...]:
    lines = [line for each in drawn.values() for line in each]
    counts = "; ".join(f"{place(scope).lower()}: {_counted(each)}" for scope, each in drawn.items())
    texts = [f"A solid line is the mean over seeds of {scale(metric).name} after each epoch ({counts})."]
    if any(line.n > 1 for line in lines):
        texts[0] += (
            " The band is one standard deviation to each side: about two thirds of single runs lie within it. It is "
            "not a confidence interval."
        )
    if any(line.train is not None for line in lines):
        texts.append(
            "Dashed lines are Keras's own averages over an epoch's updates, taken while the model still changes and "
            "with noise and penalties on; compare them with the solid ones in shape rather than in height."
        )
    if metric.endswith("loss"):
        texts.append("A penalty on the weights is part of this loss; the table of numbers compares models without it.")
    return tuple(texts)


def _counted(lines: Sequence[charts.Line]) -> str:
    if len({line.n for line in lines}) == 1:
        return f"{count(lines[0].n, 'seed')}{' each' if len(lines) > 1 else ''}"
    return listed([f"{line.n} of “{line.name}”" for line in lines])
