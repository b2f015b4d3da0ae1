"""What a store's tables come to: effects, pages, and the note that somebody looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.reports.nouns.effect import Effect
    from orchestrator.reports.statistics.histories import Source
    from orchestrator.reports.verdicts.results import Results

MIXED = "mixed: the same run rounds differently on another kind"


@dataclass(frozen=True)
class Built:
    """A report as it was built: what it was made from, and a sentence where the look that it is can't be noted."""

    results: Results
    unnoted: str = ""


def report(store: Store) -> Built:
    """Build effects and pages from the tables."""
    from orchestrator.reports import write  # noqa: PLC0415

    built = results(store)
    facts = built.results.provenance
    store.write_effects(built.results.table, facts["generation"])
    with store.folder() as folder:
        write(built.results, folder)
    if store.load_runs().generation != facts["generation"]:  # a command has written others meanwhile
        return report(store)
    return built


def results(store: Store) -> Built:
    """The tables with their effects, which is a look at them."""
    from orchestrator.reports.verdicts.results import Results  # noqa: PLC0415  statistics take a second to load

    runs, histories, lessons, facts = store.load()
    made = Results.of(runs, histories, lessons, {**facts, "processors": _processors(runs)})
    return Built(made, look(store, runs, lessons) if made.effects else "")


def look(store: Store, runs: pd.DataFrame, lessons: Sequence[Mapping[str, Any]]) -> str:
    """Note that a verdict is made of these tables; gives a sentence where the place can't be written, else none."""
    if store.record_looks(runs, lessons):
        return ""
    return f"{store.root} can't be written, so this look at it isn't noted: the next one will count as this one"


def _processors(runs: pd.DataFrame) -> str:
    """The kinds of processors that trained these runs; with a warning where they are mixed."""
    kinds = sorted(set(runs["processor"].dropna()) - {""}) if "processor" in runs else []
    return "; ".join(kinds) + (f" ({MIXED})" if len(kinds) > 1 else "")


def deciding(runs: pd.DataFrame, histories: Source, lessons: Sequence[Mapping[str, Any]]) -> tuple[Effect, ...]:
    """The effects of these tables that decide."""
    from orchestrator.reports.verdicts.results import Results  # noqa: PLC0415

    return Results.of(runs, histories, lessons, {}).deciding
