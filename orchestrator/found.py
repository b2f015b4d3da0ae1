"""Results as Python sees them: tables, a page, and what is to be said first."""

from __future__ import annotations

import html
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.command.results import Built, results
from orchestrator.store import Store, older
from orchestrator.telling import verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from orchestrator.reports.verdicts.results import Results

COLUMNS = [
    "lesson",
    "variant",
    "data",
    "measure",
    "statistic",
    "verdict",
    "effect",
    "low",
    "high",
    "n_seeds",
    "n_pairs",
    "guard",
]
LINE_LENGTH = 100


class Found:
    """What runs come to: the tables of a results folder's last command, or of results that were made elsewhere.

    Attributes:
        report: where the page is, a path or a URI; None where none was written.
        notices: sentences that a reader of these results must know; mostly none.
    """

    def __init__(self, results: Results, report: Path | str | None, notices: Iterable[str] = ()) -> None:
        """Nobody needs to make one."""
        self._results = results
        self.report = report
        told = [*results.provenance.get("notices", ()), *notices]
        self.notices: tuple[str, ...] = tuple(filter(None, told))

    @classmethod
    def of(cls, store: Store, built: Built | None = None) -> Found:
        """Read a folder's tables, which is a look at them.

        Raises:
            NoResultsError: there are none.
        """
        built = built or results(store)
        return cls(built.results, store.report, [built.unnoted or "", *older(store, built.results.provenance)])

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run, with its scores and how it ended."""
        return self._results.runs

    @cached_property
    def histories(self) -> pd.DataFrame:
        """A row an epoch of a run."""
        return self._results.histories.source.frame()

    @cached_property
    def effects(self) -> pd.DataFrame:
        """A row a comparison by one measure, with its interval and all that its verdict was read off."""
        return self._results.table

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """A row a comparison and data set, with what was decided, the effect, and its interval in the measure's units."""
        return self.effects.loc[self.effects["primary"], COLUMNS].reset_index(drop=True)

    @cached_property
    def headline(self) -> str:
        """The result in a sentence."""
        from orchestrator.reports.verdicts import summary  # noqa: PLC0415  statistics take a second to load

        return summary.headline(self._results)

    def __repr__(self) -> str:
        """The headline, and a line a verdict."""
        page = [f"report: {self.report}"] if self.report else []
        return "\n".join([verdicts.lines(self._results, LINE_LENGTH).plain, *self.notices, *page])

    def _repr_html_(self) -> str:
        """The same for a notebook, with the main figure."""
        from orchestrator.reports.page import notebook  # noqa: PLC0415  drawing takes a second to load

        notices = "".join(f"<p>{html.escape(text)}</p>" for text in self.notices)
        page = f"<p>report: <code>{html.escape(str(self.report))}</code></p>" if self.report else ""
        return f"{notebook.render(self._results)}{notices}{page}"
