"""How to read a section: which explanations its charts and its deciding measure call for."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.panels import Panels
from reports.phrases import size
from reports.results import Row


@dataclass(frozen=True)
class Reading:
    """`charts` are the kinds of chart there are, in the page's order; the other fields are empty with no comparison.

    `interval` is the deciding statistic, `zone` the sentence on effects too small to matter.
    """

    charts: tuple[str, ...]
    interval: str
    zone: str
    scopes: int


def reading(figures: Sequence[Panels], rows: Sequence[Row]) -> Reading:
    """What a section with these figures and these deciding rows has to explain."""
    kinds = tuple(dict.fromkeys(figure.kind for figure in figures))
    if not rows:
        return Reading(kinds, "", "", 0)
    return Reading(kinds, rows[0]["statistic"], _zone(rows[0]), len({row["data"] for row in rows}))


def _zone(row: Row) -> str:
    before = "Before anything was trained, this lesson declared that"
    if row["statistic"] == "spread":
        low, high = sorted((row["sesoi"], 1 / row["sesoi"]))
        return f"{before} a ratio between {low:.2f} and {high:.2f} would not matter. The grey zone shows it."
    return f"{before} an effect below {size(row)} would not matter. The grey zone shows it."
