"""What more seeds would show, told while planning: the chance of each verdict, from scatter that is known or given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.reports.nouns.scope import SCOPES

if TYPE_CHECKING:
    from orchestrator.reports.nouns.effect import Effect

SEEDS = (16, 32, 64, 128, 200)
TRUTHS = (0, 1, 2)
WORTH = 0.05
"""Verdicts less likely than this are left out of a line."""
UNKNOWN = math.nan, 1, 0.0
NAMES = {
    "improves": "improves",
    "small": "small",
    "same": "no difference",
    "undecided": "inconclusive",
    "harms": "harms",
}

Row = tuple[str, ...]


def chances(descriptions: Sequence[Mapping[str, Any]], rows: Iterable[Effect], sd: float | None) -> Iterator[Row]:
    """A row a comparison and true effect: lesson, variant, data, SD of a pair's difference, effect, then a cell a SEEDS.

    The scatter is `sd`, else that of the deciding `rows` of the effects stored; comparisons of means alone, and of those
    what is known.
    """
    from orchestrator.reports.nouns.lesson import lessons as described  # noqa: PLC0415
    from orchestrator.reports.statistics.levels import Level, family  # noqa: PLC0415  statistics take a second to load

    seen = {} if sd else _seen(rows)
    for lesson in described(descriptions):
        if lesson.endpoint.statistic != "mean":
            continue
        for contrast in lesson.deciding:
            for data in SCOPES if lesson.data.redrawn else SCOPES[:1]:
                scatter, look, of_rows = (sd, 1, 0.0) if sd else seen.get((lesson.id, contrast.name, data), UNKNOWN)
                if scatter and scatter > 0:
                    alpha = Level(look, family(lesson)).alpha
                    where = lesson.id, contrast.name, data, f"{scatter:.3g}"
                    yield from _rows(where, scatter, lesson.endpoint.sesoi, alpha, of_rows, contrast.part)


def _rows(where: Row, sd: float, sesoi: float, alpha: float, of_rows: float, part: float) -> Iterator[Row]:
    from orchestrator.reports.statistics.more_seeds import chances as of  # noqa: PLC0415

    for truth in TRUTHS:
        cells = (_cell(vars(of(truth * sesoi, sd, sesoi, alpha, int(n * part), of_rows))) for n in SEEDS)
        yield (*where, f"{truth * sesoi:g}", *cells)


def _cell(found: Mapping[str, float]) -> str:
    likely = sorted(((chance, name) for name, chance in found.items() if chance >= WORTH), reverse=True)
    return ", ".join(f"{NAMES[name]} {100 * chance:.0f} %" for chance, name in likely)


def _seen(rows: Iterable[Effect]) -> dict[tuple[str, str, str], tuple[float, int, float]]:
    """Of the effects stored, the scatter of single differences, which look the next one is, and the rows' squared error.

    Nothing of draws that have rows in common, which more seeds hardly help.
    """
    found: dict[tuple[str, str, str], tuple[float, int, float]] = {}
    for row in rows:
        if row.dz and not math.isnan(row.dz) and not row.shared:
            of_rows = 0.0 if math.isnan(row.se_rows) else row.se_rows**2
            found[row.comparison] = row.effect / row.dz, row.look + 1, of_rows
    return found
