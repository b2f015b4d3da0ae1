"""The page's first screen for a notebook: the headline, a row a verdict, and the main figure."""

import html

from reports import colours, page, summary
from reports.results import Results
from reports.words import place

HEADS = ("technique", "data", "verdict", "effect", "interval")


def render(results: Results) -> str:
    """A piece of HTML that stands for itself; colours are those of the page."""
    overview = page.overview(results)
    figure = f"<div style='max-width:920px'>{overview.broad}</div>" if overview else ""
    return f"<style>{colours.stylesheet()}</style><p><b>{html.escape(summary.headline(results))}</b></p>{_table(results)}{figure}"


def _table(results: Results) -> str:
    rows = [HEADS]
    for line in summary.lines(results):
        for scope, cell, _ in line.cells:
            told = (cell.chip.words, cell.effect, cell.interval) if cell and cell.chip else ("not run", "", "")
            rows.append((line.name, place(scope), *told))
    return f"<table>{''.join(map(_row, rows))}</table>"


def _row(cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
