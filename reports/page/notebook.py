"""The page's first screen for a notebook: the headline, a row a verdict, and the main figure."""

import html

from orchestrator.reports.figures import colours
from orchestrator.reports.page import report
from orchestrator.reports.verdicts import summary
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.wording.scopes import scope_heading

NAME = "does-it-help"
HEADS = ("technique", "data", "verdict", "effect", "interval")


def render(results: Results) -> str:
    """A piece of HTML that stands for itself; colours are those of the page."""
    overview = report.overview(results)
    figure = f"<div style='max-width:920px'>{overview.broad}</div>" if overview else ""
    head = f"<p><b>{html.escape(summary.headline(results))}</b></p>"
    return f"<style>{colours.within(NAME)}</style><div class='{NAME}'>{head}{_table(results)}{figure}</div>"


def _table(results: Results) -> str:
    rows = []
    for line in summary.lines(results):
        for scope, cell, _ in line.cells:
            told = (cell.chip.words, cell.effect, cell.interval) if cell and cell.chip else ("not run", "", "")
            rows.append((line.name, scope_heading(scope), *told))
    return f"<table>{_row(HEADS, 'th')}{''.join(map(_row, rows))}</table>"


def _row(cells: tuple[str, ...], kind: str = "td") -> str:
    left = " style='text-align:left'"  # notebooks set tables of numbers
    return f"<tr>{''.join(f'<{kind}{left}>{html.escape(cell)}</{kind}>' for cell in cells)}</tr>"
