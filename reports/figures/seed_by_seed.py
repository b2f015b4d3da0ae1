"""The paired plot of a comparison: its runs seed by seed, and what the technique did to each."""

import math
from collections.abc import Sequence

from orchestrator.reports.figures import dots
from orchestrator.reports.figures.colours import series
from orchestrator.reports.figures.figure import Figure, Table, table
from orchestrator.reports.figures.panels import Key, Panels
from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.statistics.comparisons import Comparison
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import label, quoted
from orchestrator.reports.wording.qualifiers import BAD
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import NONE, Scale, factor, ident, scale, signed


def seeds(results: Results, lesson: Lesson, variant: str) -> Panels | None:
    """The paired plot of the primary endpoint, a drawing a scope; None when no pair of runs has it, or it is a rate."""
    if lesson.contrast(variant).pair is None:
        return None
    chosen = [each for each in results.comparisons if (each.lesson, each.names[1]) == (lesson.id, variant)]
    told = [each for each in chosen if each.endpoint.statistic != "rate"]  # a dot a run would be a yes or a no
    figures = tuple(_figure(results, lesson, each) for each in told if min(map(len, each.pairs)))
    if not figures:
        return None
    censored = not all(each.baseline.reached.all() and each.variant.reached.all() for each in told)
    legend = (
        Key("zone", "zone", "too small to matter"),
        *([Key("ring", "muted", "never got there")] if censored else []),
    )
    title, joined = _title(lesson, variant, told), _joined(figures)
    kind = "pairs" if lesson.paired else "runs"
    return Panels(kind, ident(lesson.id, variant, "pairs"), title, figures, legend, (), joined)


def _joined(figures: Sequence[Figure]) -> Table | None:
    """Both scopes' runs in one table, a row a seed."""
    if len(figures) < 2:
        return None
    rows = [{row[0]: row[1:] for row in figure.table.rows} for figure in figures]
    seeds = sorted({seed for each in rows for seed in each}, key=int)
    wide = [len(figure.table.head) - 1 for figure in figures]
    cells = [
        [seed, *(cell for each, n in zip(rows, wide, strict=True) for cell in each.get(seed, (NONE,) * n))]
        for seed in seeds
    ]
    head = [
        name if at == 0 else f"{name}, redrawn" for at, figure in enumerate(figures) for name in figure.table.head[1:]
    ]
    return table(("seed", *head), cells)


def _title(lesson: Lesson, variant: str, told: Sequence[Comparison]) -> str:
    """What the dots show: `Seed by seed: better with it in 30 of 30; on redrawn data in 16 of 30`."""
    if told[0].endpoint.statistic == "spread":
        return "Seed by seed: how far apart the runs end"
    if not lesson.paired:
        return "Run by run"
    extra = f" with {quoted(variant)}" if lesson.several else ""
    parts: list[str] = []
    for each in told:
        first, second = each.pairs
        better = int((second > first).sum() if each.endpoint.better == "higher" else (second < first).sum())
        where = "" if not parts else f"{scope_heading(each.data).lower()} "
        parts.append(f"{where}in {better} of {len(first)}")
    return f"Seed by seed: better{extra} {'; '.join(parts)}"


def _figure(results: Results, lesson: Lesson, each: Comparison) -> Figure:
    scaled = scale(each.endpoint.measure, each.endpoint.threshold)
    first, second = each.usable
    both = (first & second,) * 2 if each.paired else (first, second)
    names = [side[0] for side in each.arms]
    roles = [series(lesson.place_of(name)) for name in names]
    before, after = (
        dots.Dots(
            label(lesson, name), role, scores.values[kept] * scaled.factor, ~scores.reached[kept], ended.bad[kept]
        )
        for name, role, scores, ended, kept in zip(
            names, roles, (each.baseline, each.variant), each.ended, both, strict=True
        )
    )
    seeds = each.seeds[1][both[1]].tolist() if each.paired else []
    left_out = int((~both[1]).sum()) if each.paired else 0
    row = results.primary(each.lesson, each.names[1], each.data)
    pairs = dots.Pairs(seeds, before, after, *_compared(row, each, scaled), left_out, _fate(each))
    return dots.paired(ident(each.lesson, each.names[1], "pairs", each.data), scope_heading(each.data), pairs)


def _fate(each: Comparison) -> str:
    """`stuck`: how the bad runs ended, where all ended alike."""
    kinds = [kind for kind in BAD if any(ended.of(kind).any() for ended in each.ended)]
    return kinds[0] if len(kinds) == 1 else "bad"


def _compared(
    row: Effect | None, each: Comparison, scaled: Scale
) -> tuple[dots.Interval, tuple[float, float], dots.Axis]:
    """The effect, the zone too small to matter and the axis, all in the units they are drawn in."""
    interest, side = each.endpoint.sesoi, "↑" if each.endpoint.better == "higher" else "↓"
    ends = [row.effect, row.low, row.high] if row else [math.nan] * 3
    if each.endpoint.statistic == "spread":
        axis = dots.Axis(
            scaled.name, "ratio of the SDs", scaled.value, factor, scaled.suffix, ratio=True, better=f"{side} better"
        )
        return dots.Interval(*ends), (min(interest, 1 / interest), max(interest, 1 / interest)), axis
    unit = scaled.unit.removeprefix("percentage ")
    axis = dots.Axis(
        scaled.name,
        f"difference, {unit}" if unit else "difference",
        scaled.value,
        signed,
        scaled.suffix,
        better=f"{side} better",
    )
    ends = [scaled.factor * end for end in ends]
    return dots.Interval(*ends), (-interest * scaled.factor, interest * scaled.factor), axis
