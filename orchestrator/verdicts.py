"""The page's verdicts as lines for a terminal, and as Markdown; the words are the page's own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text

from orchestrator.terminal import clean

if TYPE_CHECKING:
    from reports.answers import Cell, Chip, Line
    from reports.results import Results

COLOURS = {"good": "green", "bad": "red", "small": "yellow", "same": "blue", "open": "magenta", "void": "dim"}
MARKS = {"up": "▲", "down": "▼", "rise": "△", "fall": "▽", "equal": "=", "query": "?", "cross": "×"}
INDENT = 2
NOTHING = "nothing was compared: a comparison takes a lesson of two variants or more, and runs of both"
HEADS = ("Lesson", "Data", "Verdict", "Effect", "Interval", "Guard", "Seeds", "Failures")


def lines(results: Results, width: int, full: bool = False) -> Text:
    """A line a verdict below a line a comparison; `full` adds what decides it, its guard, its seeds and its failures."""
    from reports import answers  # noqa: PLC0415  statistics take a second to load

    found = answers.lines(results)
    cells = [(heading, cell) for line in found for heading, cell in line.cells]
    places = max((len(heading) for heading, _ in cells), default=0)
    words = max((len(cell.chip.words) for _, cell in cells if cell and cell.chip), default=0) + 2
    parts = [_comparison(line, width, places, words, full) for line in found]
    return Text("\n").join(parts) if parts else Text(NOTHING)


def _comparison(line: Line, width: int, places: int, words: int, full: bool) -> Text:
    title = f"{line.title}: {line.against}" if line.against else line.title
    parts = [Text(part, "bold") for part in _wrapped(title, width)]
    parts += [Text(part, "dim") for note in (_notes(line) if full else ()) for part in _wrapped(note, width, INDENT)]
    parts += [_verdict(heading, cell, width, places, words) for heading, cell in line.cells]
    return Text("\n").join(parts)


def _notes(line: Line) -> Iterator[str]:
    yield f"decided by {line.measured}"
    yield f"seeds: {line.seeds}; failures: {line.failures}"
    yield from (f"guard, {guard.scope.lower()}: {guard.state} {_effect(guard.cell)}".strip() for guard in line.guard)


def _verdict(heading: str, cell: Cell | None, width: int, places: int, words: int) -> Text:
    start = Text(f"{'':{INDENT}}{heading:{places}} ")
    if cell is None or cell.chip is None:
        return start + Text("not run", "dim")
    effect, before = _effect(cell), len(start) + words + 1
    apart = f"\n{'':{len(start)}}" if before + len(effect) > width else ""
    mark = Text(f"{_marked(cell.chip):{words if effect and not apart else 0}}", COLOURS[cell.chip.role])
    return start + mark + Text(f"{apart or ' '}{effect}" if effect else "")


def _marked(chip: Chip) -> str:
    return f"{MARKS[chip.icon]} {chip.words}"


def _effect(cell: Cell) -> str:
    return f"{cell.effect} {cell.interval}".strip()


def _wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    return textwrap.wrap(clean(text), max(20, width), initial_indent=" " * indent, subsequent_indent=" " * indent)


def markdown(results: Results) -> str:
    """A table of Markdown, a row a verdict."""
    from reports import answers  # noqa: PLC0415

    rows = [HEADS, ("---",) * len(HEADS), *(row for line in answers.lines(results) for row in _rows(line))]
    return "\n".join(f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in rows) + "\n"


def _rows(line: Line) -> Iterator[tuple[str, ...]]:
    title = f"{line.title}: {line.against}" if line.against else line.title
    for heading, cell in line.cells:
        guards = "; ".join(f"{g.state} {_effect(g.cell)}".strip() for g in line.guard if g.scope == heading)
        told = (cell.chip.words, cell.effect, cell.interval) if cell and cell.chip else ("not run", "", "")
        yield title, heading, *told, guards, line.seeds, line.failures


def _escaped(cell: str) -> str:
    return " ".join(clean(cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def where(name: str, place: Path | str, more: str = "") -> Text:
    """`report: results/report.html`, a link on a terminal that knows links."""
    link: dict[str, Any] = {"link": place.resolve().as_uri()} if isinstance(place, Path) else {}
    return Text(f"{name}: ") + Text(str(place), Style(**link)) + Text(f"; {more}" if more else "")
