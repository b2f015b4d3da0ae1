"""What runs scored in the end, out of whatever table or logs somebody keeps of them.

A file with a column that names the run (its seed) has several runs, with a row each or a row an epoch; any other file is the
log of one run, or W&B's export of one curve of several. Of a row an epoch the last value that was written counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Any

import numpy as np

from orchestrator.reports.logs.column_titles import CLOCKS, RUNS, is_epoch, is_step
from orchestrator.reports.logs.log import Log, numbers, shorten, titles
from orchestrator.reports.logs.rows_by_epoch import counts

OK, DIVERGED, FAILED = "ok", "diverged", "failed"
ENDED = {
    **dict.fromkeys(("ok", "finished", "completed", "complete", "success", "succeeded", "done", "terminated"), OK),
    **dict.fromkeys(("diverged", "nan"), DIVERGED),
    **dict.fromkeys(("failed", "failure", "crashed", "killed", "error", "timeout", "preempted", "oom", "fail"), FAILED),
}
"""How runs end, in the words of those who log them."""
ENDINGS = ("status", "state")
"""Titles of the column that says so."""
WAYS = "; leave out what isn't meant: FILE?column=value"
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)(e[-+]?\d+)?%?|[-+]?nan|[-+]?inf(inity)?|true|false", re.IGNORECASE)
_SEED = re.compile(r"seed[^0-9a-z]{0,3}(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class FinalScores:
    """A run.

    Attributes:
        seed: what joins it with one of another file; empty where nothing does.
        scores: its last values, by column.
        ended: one of OK, DIVERGED and FAILED, which it is, too, where its log goes on without these values.
        name: what a sentence calls it.
        times: the epochs, or steps, at which they were written; empty where it is one row.
    """

    seed: str
    scores: Mapping[str, float]
    ended: str
    name: str
    times: tuple[float, ...] = ()


def final_scores(
    files: Sequence[tuple[str, Sequence[Log]]],
    wanted: Sequence[str],
    seed: str | None = None,
    only: Mapping[str, str] | None = None,
) -> list[FinalScores]:
    """The runs in several files, each with what was read from it.

    Args:
        files: by path.
        wanted: columns whose last value counts.
        seed: the column that names the run; without, one that is called so.
        only: the rows that are meant, by the text in their columns.

    Raises:
        ValueError: a column is missing, or what a row means can't be told; one line says what to do.
    """
    found: list[FinalScores] = []
    for path, logs in files:
        for log in logs:
            try:
                found += _of_log(log, path, wanted, seed, only or {})
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
    return found


def _of_log(
    log: Log, path: str, wanted: Sequence[str], seed: str | None, only: Mapping[str, str]
) -> Iterator[FinalScores]:
    if log.notes:
        raise ValueError(log.notes[0])
    columns = _filtered(log.columns, only)
    _check_titles(columns, wanted)
    key = _key(columns, seed)
    if key is not None:
        places: dict[str, list[int]] = {}
        for at, cell in enumerate(columns[key]):
            places.setdefault(_text(cell), []).append(at)
        if not places:
            raise ValueError("it has no rows")
        if "" in places:
            raise ValueError(f"column {key!r} is empty in row {places[''][0] + 1}; it tells whose row it is")
        told = _seed_in(path)
        if told and len(places) == 1 and told not in places and seed is None:
            raise ValueError(f"its path says seed {told}, and its column {key!r} {next(iter(places))}")
        yield from _alike([_keyed(_rows(columns, rows), log, wanted, key, name) for name, rows in places.items()])
        return
    wide = {run: own for run in _runs(columns, wanted) if (own := _of_run(columns, run, wanted))}
    for run, own in wide.items():
        yield _run(own, log, wanted, _seed_in(run), run)
    if not wide:
        times = _one_run(columns, wanted, None, "it")
        yield _run(columns, log, wanted, _seed_in(path), path, times)


def _keyed(columns: Mapping[str, Sequence[Any]], log: Log, wanted: Sequence[str], key: str, name: str) -> FinalScores:
    who = f"{key} {shorten(name)}"
    return _run(columns, log, wanted, name, who, _one_run(columns, wanted, key, who))


def _alike(runs: list[FinalScores]) -> list[FinalScores]:
    """The runs, which number their epochs alike: rows of several runs of a seed seldom do.

    Raises:
        ValueError: one doesn't.
    """
    longest = max((run.times for run in runs), key=len)
    odd = next((run for run in runs if run.times and run.times != longest[: len(run.times)]), None)
    if odd:
        raise ValueError(f"{odd.name} is numbered otherwise than other runs, as if it were several{WAYS}")
    return runs


def _check_titles(columns: Mapping[str, Sequence[Any]], wanted: Sequence[str]) -> None:
    """See that no wanted column is there twice: readers call the second one `acc.1`."""
    twice = [c for c in wanted if any(re.fullmatch(rf"{re.escape(c)}\.\d+", title) for title in columns)]
    if twice:
        raise ValueError(f"there are several columns {twice[0]!r}; leave one")


def _filtered(columns: Mapping[str, Sequence[Any]], only: Mapping[str, str]) -> Mapping[str, Sequence[Any]]:
    for title, text in only.items():
        name = _titled(columns, title)
        rows = [at for at, cell in enumerate(columns[name]) if _text(cell) == text]
        if not rows:
            held = listed(dict.fromkeys(map(_text, columns[name])))
            raise ValueError(f"no row has {shorten(text)!r} in column {name!r}; there are {held}")
        columns = _rows(columns, rows)
    return columns


def listed(texts: Mapping[str, Any]) -> str:
    """The first few of them."""
    return ", ".join(repr(shorten(text)) for text in list(texts)[:8]) + (" and more" if len(texts) > 8 else "")


def _rows(columns: Mapping[str, Sequence[Any]], rows: Sequence[int]) -> dict[str, list[Any]]:
    if len({len(values) for values in columns.values()}) > 1:
        raise ValueError("its columns differ in length, so that rows mean nothing")
    return {title: [values[at] for at in rows] for title, values in columns.items()}


def _titled(columns: Mapping[str, Sequence[Any]], title: str) -> str:
    """The column of that title; of one written in other letters, where there is only one.

    Raises:
        ValueError: there is none, or several.
    """
    if title in columns:
        return title
    near = [each for each in columns if each.strip().lower() == title.strip().lower()]
    if len(near) != 1:
        raise ValueError(f"there is no column {title!r}; it has {titles(columns)}")
    return near[0]


def _key(columns: Mapping[str, Sequence[Any]], seed: str | None) -> str | None:
    """The column that names the run: the one that is asked for, else one whose title ends in `seed`."""
    if seed is not None:
        return _titled(columns, seed)
    found = [title for title in columns if re.split(r"[^a-z0-9]+", title.strip().lower())[-1] == "seed"]
    if len(found) > 1:
        raise ValueError(
            f"columns {' and '.join(map(repr, found))} are called so; name the one that tells runs apart: --seed"
        )
    return found[0] if found else None


def _one_run(
    columns: Mapping[str, Sequence[Any]], wanted: Sequence[str], key: str | None, who: str
) -> tuple[float, ...]:
    """The epochs at which the wanted columns were written, where the rows are the epochs of one run.

    Raises:
        ValueError: they are not: nothing numbers them, an epoch comes twice, the first one is late, or a setting changes.
    """
    titled = [_titled(columns, column) for column in wanted]
    rows = [at for at in range(len(columns[titled[0]])) if any(_text(columns[title][at]) for title in titled)]
    if len(rows) < 2:
        return ()
    for title, cells in columns.items():
        held = dict.fromkeys(_text(cells[at]) for at in rows)
        if title != key and len(held) > 1 and _is_setting(title, held):
            raise ValueError(f"{who} has rows of several runs, by column {title!r}: {listed(held)}{WAYS}")
    clock = _clock(columns)
    if clock is None:
        if key is not None:
            raise ValueError(f"{who} has {len(rows)} rows, and no column numbers its epochs{WAYS}")
        return ()
    times = counts([columns[clock][at] for at in rows]).tolist()
    gaps = [after - before for before, after in pairwise(times)]
    if min(gaps) <= 0:
        raise ValueError(f"{who} has rows of several runs: its {clock} does not rise from row to row{WAYS}")
    if times[0] > max(1.0, min(gaps)):
        raise ValueError(f"{who} begins with {clock} {times[0]:g}, as rows of several runs do{WAYS}")
    return tuple(times)


def _is_setting(title: str, texts: Iterable[str]) -> bool:
    """Whether a column that differs between rows says that they are of different runs: words do, and what counts runs."""
    words = set(re.split(r"[^a-z0-9]+", title.strip().lower()))
    if words & CLOCKS or is_epoch(title) or is_step(title):
        return False
    return title.strip().lower().replace(" ", "_") in RUNS or any(
        _NUMBER.fullmatch(text) is None for text in texts if text
    )


def _clock(columns: Mapping[str, Sequence[Any]]) -> str | None:
    """The column that numbers epochs or steps; `epochs` says how many there were, which numbers nothing."""
    singular = [title for title in columns if not title.strip().lower().endswith("s")]
    return next(filter(is_epoch, singular), None) or next(filter(is_step, singular), None)


def _runs(columns: Mapping[str, Sequence[Any]], wanted: Sequence[str]) -> list[str]:
    """The runs whose curves stand side by side, as `run - column`."""
    found = (title.rpartition(" - ") for title in columns)
    return list(dict.fromkeys(run for run, dash, column in found if dash and column in wanted))


def _of_run(columns: Mapping[str, Sequence[Any]], run: str, wanted: Sequence[str]) -> dict[str, Sequence[Any]]:
    return {column: columns[f"{run} - {column}"] for column in wanted if f"{run} - {column}" in columns}


def _seed_in(path: str) -> str:
    """The seed that a path or a run's name tells: 3 of `out/seed_3/metrics.csv`."""
    found = _SEED.findall(path)
    return str(int(found[-1])) if found else ""


def _run(
    columns: Mapping[str, Sequence[Any]],
    log: Log,
    wanted: Sequence[str],
    seed: str,
    name: str,
    times: tuple[float, ...] = (),
) -> FinalScores:
    scores = {}
    for column in wanted:
        cells = columns[_titled(columns, column)]
        _check_cells(cells, column, log.comma)
        values = numbers(cells, f"column {column!r}", log.comma)
        known = values[~np.isnan(values)]
        scores[column] = float(known[-1]) if len(known) else math.nan
    ended = FAILED if _ends_without(columns, times) else _ended(columns, scores)
    return FinalScores(seed, scores, ended, PurePath(name).name or name, times)


def _check_cells(cells: Sequence[Any], column: str, comma: bool) -> None:
    """See that no cell can be read in two ways: `5 %` is 5 or 0.05, `1,010` is 1010 or 1.01 where commas are decimal."""
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    if percent := next((text for text in texts if text.endswith("%")), None):
        raise ValueError(f"column {column!r} has {percent!r}; write numbers without a unit, on both sides the same")
    commas = [text for text in texts if comma and "," in text]
    if commas and all(map(_THOUSANDS.fullmatch, commas)):
        raise ValueError(
            f"column {column!r} has {commas[0]!r}, which can be read in two ways; write it without the comma, or with a point"
        )


def _ends_without(columns: Mapping[str, Sequence[Any]], times: tuple[float, ...]) -> bool:
    """Whether its log goes on beyond the last value, which stood at every epoch before: some write NaN as nothing."""
    clock = _clock(columns)
    if not times or clock is None:
        return False
    every = set(counts(columns[clock]).tolist())
    return max(every) > times[-1] and {time for time in every if time <= times[-1]} == set(times)


def _ended(columns: Mapping[str, Sequence[Any]], scores: Mapping[str, float]) -> str:
    title = next((each for each in columns if each.strip().lower() in ENDINGS), None)
    words = [text for cell in columns[title] if (text := _text(cell).lower())] if title is not None else []
    if words and words[-1] not in ENDED:
        raise ValueError(
            f"column {title!r} says {shorten(words[-1])!r}, which is no way to end that is known here ({', '.join(sorted(ENDED))}); "
            "wait for its end, or give the column another title if it is about something else"
        )
    told = ENDED[words[-1]] if words else OK
    if told == OK and any(math.isnan(value) for value in scores.values()):
        return FAILED
    return DIVERGED if told == OK and any(math.isinf(value) for value in scores.values()) else told


def _text(cell: Any) -> str:
    """A cell as text; 3.0 is 3, as a table with a hole in it has its whole numbers."""
    if cell is None:
        return ""
    if isinstance(cell, float | np.floating) and math.isfinite(cell) and cell == int(cell):
        return str(int(cell))
    text = str(cell).strip()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text)
