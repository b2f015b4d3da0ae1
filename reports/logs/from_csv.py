"""Logs out of text in rows: commas, semicolons, tabs, bars or blanks between the cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from orchestrator.reports.logs.column_titles import known
from orchestrator.reports.logs.log import Log, shorten, titles

SEPARATORS = (",", ";", "\t", "|")
LOOKED_AT = 20
"""Rows by which the separator is chosen."""

Row = list[str]


def read(text: str, name: str) -> list[Log]:
    """The one table in the text, its cells as text.

    Raises:
        ValueError: there is none, or a row has another number of cells than the first.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    while len(lines) > 1 and lines[0].startswith("#"):
        bare = lines[0].lstrip("# \t")
        if any(known(word) for word in re.split(r"[,;\t| ]+", bare)):
            lines[0] = bare
            break
        lines = lines[1:]
    separator = _separator(lines, name)
    rows = _cells(lines, separator, name, strict=True)
    head = _head(rows, name)
    body, notes = _body(rows, head, name)
    return [Log({title: [row[i] for row in body] for i, title in enumerate(head)}, "", notes, separator != ",")]


def _separator(lines: Sequence[str], name: str) -> str:
    """The one that cuts the first rows into the most cells, the same number in each; a blank where none does."""
    ranked = []
    for separator in SEPARATORS:
        widths = [len(row) for row in _cells(lines[:LOOKED_AT], separator, name)]
        alike = sum(width == widths[0] for width in widths) / len(widths)
        ranked.append((widths[0] > 1, alike, widths[0], separator))
    cut, _, _, best = max(ranked, key=lambda each: each[:3])
    return best if cut else " "


def _cells(lines: Sequence[str], separator: str, name: str, strict: bool = False) -> list[Row]:
    """The rows' cells; `strict` refuses quotation marks without their other half, which would swallow rows."""
    if separator == " ":
        if strict and any(mark in lines[0] for mark in '",;'):
            raise ValueError(f"{name} has titles that can't be told apart: {shorten(lines[0])!r}")
        return [line.split() for line in lines]
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator, strict=strict))
    except csv.Error as error:
        raise ValueError(f"{name} is no CSV that can be read: {error}") from None
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def _head(rows: Sequence[Row], name: str) -> Row:
    """The titles, each once; one more than there are where the rows begin with an unnamed index."""
    head = list(rows[0])
    if len(rows) > 1 and all(len(row) == len(head) + 1 for row in rows[1:]):
        head = ["", *head] if rows[1][-1] else [*head, ""]
    if not any(re.search(r"[^\W\d]", title) for title in [*head, *(row[0] for row in rows)]):
        raise ValueError(
            f"{name} has no titles in its first row, which is {shorten(', '.join(head))!r}; expected names such as loss, val_loss"
        )
    return [title if title not in head[:i] else f"{title}.{i}" for i, title in enumerate(head)]


def _body(rows: Sequence[Row], head: Row, name: str) -> tuple[list[Row], tuple[str, ...]]:
    """The rows below the titles: without titles repeated by a logger that appends, without a last row that is cut."""
    body, notes = [], []
    for number, row in enumerate(rows[1:], start=2):
        if row == rows[0]:
            continue
        if len(row) == len(head):
            body.append(row)
        elif number == len(rows) and len(row) < len(head) and body:
            notes.append(f"the last line is cut ({len(row)} of {len(head)} cells) and is left out")
        else:
            raise ValueError(
                f"{name}, row {number} has {len(row)} cells where the first row has {len(head)} ({titles(dict.fromkeys(head, ()))})"
            )
    return body, tuple(notes)
