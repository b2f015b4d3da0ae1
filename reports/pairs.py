"""The paired plot of a comparison: its runs seed by seed, and what the technique did to each."""

import math

from reports import dots
from reports.colours import series
from reports.comparisons import Comparison
from reports.figures import Figure
from reports.panels import Key, Panels
from reports.results import Document, Results, Row, colour_of
from reports.words import Scale, factor, ident, place, scale, signed


def seeds(results: Results, lesson: Document, variant: str) -> Panels | None:
    """The paired plot of the primary endpoint, a drawing a scope; None when no pair of runs has it, or it is a rate."""
    chosen = [each for each in results.comparisons if (each.lesson, each.names[1]) == (lesson["id"], variant)]
    told = [each for each in chosen if each.endpoint.statistic != "rate"]  # a dot a run would be a yes or a no
    figures = tuple(_figure(results, lesson, each) for each in told if len(each.pairs[0]))
    if not figures:
        return None
    baseline = lesson["variants"][0]["name"]
    legend = (
        Key("dot", "series0", baseline),
        Key("dot", series(colour_of(lesson, variant)), variant),
        Key("zone", "zone", "too small to matter"),
    )
    title = f"Seed by seed: “{variant}” against “{baseline}”"
    return Panels(
        "pairs",
        ident(lesson["id"], variant, "pairs"),
        title,
        figures,
        legend,
        (_caption(variant, baseline, chosen[0]),),
    )


def _caption(variant: str, baseline: str, each: Comparison) -> str:
    left = (
        "Left: a dot a run; a line joins the two runs of one seed. The squares are means, and their bars reach one "
        "standard deviation (SD: how far from the mean a single run usually lies) to each side."
    )
    if each.endpoint.statistic == "spread":
        right = (
            f"Right: the SD of “{variant}” divided by that of “{baseline}”, with its interval; 1 means the same."
        )
    else:
        right = (
            f"Right: “{variant}” minus “{baseline}”, a dot a seed; the black dot is the mean, its bar the"
            " interval."
        )
    censored = not (each.baseline.reached.all() and each.variant.reached.all())
    hollow = " A hollow dot is a run that never got there; it stands at the epochs it was given." if censored else ""
    return f"{left} {right}{hollow}"


def _figure(results: Results, lesson: Document, each: Comparison) -> Figure:
    scaled = scale(each.endpoint.measure, each.endpoint.threshold)
    first, second = each.usable
    both = first & second
    roles = ("series0", series(colour_of(lesson, each.names[1])))
    before, after = (
        dots.Arm(name, role, scores.values[both] * scaled.factor, ~scores.reached[both])
        for name, role, scores in zip(each.names, roles, (each.baseline, each.variant), strict=True)
    )
    seeds = results.seeds(each.lesson, each.names, each.data)[both].tolist()
    row = results.primary(each.lesson, each.names[1], each.data)
    pairs = dots.Pairs(seeds, before, after, *_compared(row, each, scaled))
    return dots.paired(ident(each.lesson, each.names[1], "pairs", each.data), place(each.data), pairs)


def _compared(row: Row | None, each: Comparison, scaled: Scale) -> tuple[dots.Interval, tuple[float, float], dots.Axis]:
    """The effect, the zone too small to matter and the axis, all in the units they are drawn in."""
    interest = each.endpoint.sesoi
    ends = [float(row[name]) if row else math.nan for name in ("effect", "low", "high")]
    if each.endpoint.statistic == "spread":
        axis = dots.Axis(scaled.name, "ratio of the SDs", scaled.value, factor, scaled.suffix, ratio=True)
        return dots.Interval(*ends), (min(interest, 1 / interest), max(interest, 1 / interest)), axis
    unit = scaled.unit.removeprefix("percentage ")
    axis = dots.Axis(scaled.name, f"difference, {unit}" if unit else "difference", scaled.value, signed, scaled.suffix)
    ends = [scaled.factor * end for end in ends]
    return dots.Interval(*ends), (-interest * scaled.factor, interest * scaled.factor), axis
