"""The page's verdicts as lines for a terminal, and as Markdown; the words are the page's own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text

from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.telling.terminal import clean

if TYPE_CHECKING:
    from orchestrator.reports.verdicts.chips import Cell, Chip
    from orchestrator.reports.verdicts.results import Results
    from orchestrator.reports.verdicts.summary import AnswerRow

COLOURS = {"good": "green", "bad": "red", "small": "yellow", "same": "blue", "open": "magenta", "void": "dim"}
MARKS = {"up": "▲", "down": "▼", "rise": "△", "fall": "▽", "equal": "=", "query": "?", "cross": "×"}
INDENT = 2
NOTHING = "nothing was compared: a comparison takes a lesson of two variants or more, and runs of both"
HEADS = ("Technique", "Data", "Verdict", "Effect", "Interval", "Guard", "Beside it")


def lines(results: Results, width: int, full: bool = False) -> Text:
    """The page's headline, then a line a verdict below each technique; `full` adds what decides it, and its guard."""
    from orchestrator.reports.verdicts import summary  # noqa: PLC0415  statistics take a second to load

    found = summary.lines(results)
    if not found:
        return Text(NOTHING)
    cells = [(scope_heading(scope), cell) for line in found for scope, cell, _ in line.cells]
    places = max(len(heading) for heading, _ in cells)
    words = max((len(cell.chip.words) for _, cell in cells if cell and cell.chip), default=0) + 2
    head = [Text(part) for part in _wrapped(summary.headline(results), width)]
    return Text("\n").join([*head, *(_comparison(line, width, places, words, full) for line in found)])


def _comparison(line: AnswerRow, width: int, places: int, words: int, full: bool) -> Text:
    parts = [Text(part, "bold") for part in _wrapped(line.name, width)]
    parts += [Text(part, "dim") for note in (_notes(line) if full else ()) for part in _wrapped(note, width, INDENT)]
    parts += [_verdict(scope_heading(scope), cell, width, places, words) for scope, cell, _ in line.cells]
    parts += [
        Text(part)
        for scope, said in line.warnings
        for part in _wrapped(f"{scope_heading(scope)}: {said}", width, INDENT)
    ]
    return Text("\n").join(parts)


def _notes(line: AnswerRow) -> Iterator[str]:
    yield f"decided by {line.measured}"
    if line.guard:
        yield f"guard: {'; '.join(text for text, _ in line.guard)}"


def _verdict(heading: str, cell: Cell | None, width: int, places: int, words: int) -> Text:
    start = Text(f"{'':{INDENT}}{heading:{places}} ")
    if cell is None or cell.chip is None:
        return start + Text("not run", "dim")
    effect, before = _effect(cell), len(start) + words + 1
    apart = before + len(effect) > width
    mark = Text(f"{_marked(cell.chip):{words if effect and not apart else 0}}", COLOURS[cell.chip.role])
    below = [f"\n{part}" for part in _wrapped(effect, width, len(start))]
    return start + mark + Text("".join(below) if apart else f" {effect}" if effect else "")


def _marked(chip: Chip) -> str:
    return f"{MARKS[chip.icon]} {chip.words}"


def _effect(cell: Cell) -> str:
    return f"{cell.effect} {cell.interval}".strip()


def _wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    return textwrap.wrap(clean(text), max(20, width), initial_indent=" " * indent, subsequent_indent=" " * indent)


def markdown(results: Results) -> str:
    """A table of Markdown, a row a verdict."""
    from orchestrator.reports.verdicts import summary  # noqa: PLC0415

    rows = [HEADS, ("---",) * len(HEADS), *(row for line in summary.lines(results) for row in _rows(line))]
    return "\n".join(f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in rows) + "\n"


def _rows(line: AnswerRow) -> Iterator[tuple[str, ...]]:
    guard = "; ".join(text for text, _ in line.guard)
    for scope, cell, _ in line.cells:
        told = (cell.chip.words, cell.effect, cell.interval) if cell and cell.chip else ("not run", "", "")
        yield (
            line.name,
            scope_heading(scope),
            *told,
            guard,
            "; ".join(said for at, said in line.warnings if at == scope),
        )


def _escaped(cell: str) -> str:
    return " ".join(clean(cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def where(name: str, at: Path | str, more: str = "") -> Text:
    """`report: results/report.html`, a link on a terminal that knows links."""
    link: dict[str, Any] = {"link": at.resolve().as_uri()} if isinstance(at, Path) else {}
    return Text(f"{name}: ") + Text(str(at), Style(**link)) + Text(f"; {more}" if more else "")
