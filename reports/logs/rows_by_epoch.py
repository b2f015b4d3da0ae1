"""Logs in other shapes made into one run a log, one row an epoch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from orchestrator.reports.logs.column_titles import RUNS, is_epoch, is_step, known, rows_of
from orchestrator.reports.logs.log import Columns, Floats, Log, numbers

KEYS = frozenset({"metric", "name", "tag", "key", "measure", "variable", "quantity"})
"""Titles of the column that names the quantity, where there is a row for each of them."""
VALUES = frozenset({"value", "values", "score"})
SPLITS = frozenset({"split", "phase", "set", "stage", "subset", "dataset", "mode", "partition", "part"})
"""Titles of the column that says which rows a line is about."""

SERIES = frozenset({"walltime", "step", "value"})
"""TensorBoard's export of one curve."""

_RANGE = re.compile(r"__(?:MIN|MAX)$")
"""What W&B adds to a curve: the least and the greatest of several points."""

_DIGITS = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d{1,2})?")


def runs(log: Log) -> list[Log]:
    """The runs in a log, each with one row an epoch."""
    found = [log]
    for part in (_turned, _without_ranges, _by_run, _by_key, _by_split, _by_prefix, _restarted):
        found = [piece for each in found for piece in part(each)]
    return [_merged(each) for each in found]


def is_series(log: Log) -> bool:
    """Whether a log is one curve without a name, as TensorBoard exports it."""
    return {_bare(title) for title in log.columns} == SERIES


def _bare(title: str) -> str:
    return re.sub(r"[^a-z]", "", title.lower())


def _even(log: Log) -> bool:
    """Whether its columns are as long as each other, so that rows mean something."""
    return len({len(values) for values in log.columns.values()}) == 1


def _rows(log: Log, chosen: Sequence[int]) -> Columns:
    return {title: [values[i] for i in chosen] for title, values in log.columns.items()}


def _turned(log: Log) -> list[Log]:
    """A table with a metric a row is turned on its side."""
    if any(known(title) for title in log.columns) or not _even(log) or len(log.columns) < 2:
        return [log]
    (_, names), *rest = log.columns.items()
    if not names or not all(isinstance(name, str) for name in names) or not any(known(name) for name in names):
        return [log]
    if any(_bare(title) in KEYS | VALUES | SERIES or is_epoch(title) for title in log.columns):
        return [log]
    return [replace(log, columns={name: [values[i] for _, values in rest] for i, name in enumerate(names)})]


def _without_ranges(log: Log) -> list[Log]:
    return [replace(log, columns={title: values for title, values in log.columns.items() if not _RANGE.search(title)})]


def _by_key(log: Log) -> list[Log]:
    """A row a metric and epoch becomes a row an epoch."""
    key = next((title for title in log.columns if _bare(title) in KEYS), None)
    value = next((title for title in log.columns if _bare(title) in VALUES), None)
    if not (key and value and _even(log)) or any(known(title) for title in log.columns if title != value):
        return [log]
    names = [str(name) for name in log.columns[key]]
    columns = {title: values for title, values in log.columns.items() if title not in (key, value)}
    spread = {
        name: [given if each == name else None for given, each in zip(log.columns[value], names, strict=True)]
        for name in dict.fromkeys(names)
    }
    return [_in_order(replace(log, columns={**columns, **spread}), names)]


def _in_order(log: Log, names: Sequence[str]) -> Log:
    """Rows by epoch where they came by quantity, each quantity having one value an epoch."""
    clock = _clock(log)
    times = _times(log, clock) if clock else []
    if len(set(zip(times, names, strict=False))) < len(names):
        return log
    return replace(log, columns=_rows(log, sorted(range(len(times)), key=times.__getitem__)))


def _by_split(log: Log) -> list[Log]:
    """A row for the training rows and one for the others becomes a row for both."""
    for title in log.columns if _even(log) else ():
        told = [rows_of(str(cell)) for cell in log.columns[title]]
        if _bare(title) in SPLITS and told and all(told):
            return [_in_order(replace(log, columns=dict(_split(log, title, told))), told)]
    return [log]


def _split(log: Log, split: str, told: Sequence[str]) -> Iterator[tuple[str, Sequence[object]]]:
    for title, values in log.columns.items():
        if title == split:
            continue
        if not known(title):
            yield title, values
            continue
        for rows in dict.fromkeys(told):
            yield f"{rows}_{title}", [value if each == rows else None for value, each in zip(values, told, strict=True)]


def _by_run(log: Log) -> list[Log]:
    """Rows of several seeds, folds or trials are as many runs."""
    if not _even(log):
        return [log]
    by = next((title for title in log.columns if title.strip().lower().replace(" ", "_") in RUNS), None)
    if by is None:
        return [log]
    places: dict[str, list[int]] = {}
    for at, cell in enumerate(log.columns[by]):
        places.setdefault(str(cell), []).append(at)
    if any(len(chosen) < 2 for chosen in places.values()) and len(places) == len(log.columns[by]) > 1:
        raise ValueError(f"its column {by!r} differs in every row; expected several epochs of each")
    found = [replace(log, columns=_rows(log, chosen), run=f"{by} {label}") for label, chosen in places.items()]
    return [replace(each, columns={t: v for t, v in each.columns.items() if t != by}) for each in found]


def _by_prefix(log: Log) -> list[Log]:
    """W&B's `run name - metric`: a run a name."""
    prefixes = {title: title.rpartition(" - ") for title in log.columns}
    named = {title: (run, metric) for title, (run, dash, metric) in prefixes.items() if dash and known(metric)}
    if not named:
        return [log]
    shared = {title: values for title, values in log.columns.items() if not prefixes[title][1]}
    found = []
    for run in dict.fromkeys(run for run, _ in named.values()):
        own = {metric: log.columns[title] for title, (name, metric) in named.items() if name == run}
        found.append(replace(log, columns={**shared, **own}, run=run))
    return found


def _clock(log: Log) -> str | None:
    """The title of the column that numbers the rows: the epoch's, or the step's where rows have nothing else in common."""
    first = next((title for title in log.columns if is_epoch(title)), None)
    return first or next((title for title in log.columns if is_step(title)), None)


def _times(log: Log, clock: str) -> list[float]:
    """The epoch of every row; a row without takes the one before it. Fractions of an epoch belong to the epoch they end."""
    filled = counts(log.columns[clock]).tolist()
    whole = all(value == int(value) for value in filled)
    return filled if whole or not is_epoch(clock) else [math.ceil(value) for value in filled]


def counts(cells: Sequence[object]) -> Floats:
    """The number in every cell, (n,); one without takes that of the cell before it."""
    given = [_count(value) for value in cells]
    filled, last = [], next((value for value in given if value is not None), 0.0)
    for value in given:
        last = last if value is None else value
        filled.append(last)
    return np.array(filled, dtype=float)


def _count(value: object) -> float | None:
    """The number in `3`, `3.0`, `Epoch 3/10`; None where there is none."""
    found = _DIGITS.search(str(value))
    return float(found[0]) if found else None


def _restarted(log: Log) -> list[Log]:
    """Several runs that one file was appended to; of epochs logged twice by a run that was resumed, the later rows stay."""
    clock = _clock(log) if _even(log) else None
    if clock is None or not log.columns[clock]:
        return [log]
    times = _times(log, clock)
    steps = [later - earlier for earlier, later in pairwise(times)]
    if steps and all(step <= 0 for step in steps) and any(steps):
        return [replace(log, columns=_rows(log, range(len(times) - 1, -1, -1)))]
    pieces, twice = _pieces(times)
    notes = (
        (*log.notes, f"{clock} {twice:g} was logged twice; the later rows are used") if twice is not None else log.notes
    )
    if len(pieces) == 1:
        return [replace(log, columns=_rows(log, pieces[0]), notes=notes)]
    notes = (*notes, f"{clock} begins anew {len(pieces) - 1} times; each stretch is taken for a run of its own")
    return [
        replace(log, columns=_rows(log, piece), run=f"{log.run} part {i}".strip(), notes=notes)
        for i, piece in enumerate(pieces, start=1)
    ]


def _pieces(times: Sequence[float]) -> tuple[list[list[int]], float | None]:
    """Rows of each run, and the first epoch that was logged twice within one."""
    pieces: list[list[int]] = [[0]]
    twice = None
    for at in range(1, len(times)):
        if times[at] < times[at - 1] and times[at] <= times[pieces[-1][0]]:
            pieces.append([])
        elif times[at] < times[at - 1]:
            twice = times[at] if twice is None else twice
            pieces[-1] = [i for i in pieces[-1] if times[i] < times[at]]
        pieces[-1].append(at)
    return pieces, twice


def _merged(log: Log) -> Log:
    """One row an epoch: the mean of what was logged in it, with holes where nothing was."""
    clock = _clock(log) if _even(log) else None
    if clock is None:
        return log
    times = _times(log, clock)
    places: dict[float, list[int]] = {}
    for at, time in enumerate(times):
        places.setdefault(time, []).append(at)
    if len(places) == len(times):
        return log
    merged = {
        title: _joined(title, values, places, log.comma) for title, values in log.columns.items() if title != clock
    }
    return replace(log, columns={clock: list(places), **merged})


def _joined(title: str, values: Sequence[object], places: dict[float, list[int]], comma: bool) -> Sequence[object]:
    if not known(title):
        return [values[chosen[0]] for chosen in places.values()]
    read = numbers(values, title, comma)
    return [_mean([value for value in read[chosen] if not math.isnan(value)]) for chosen in places.values()]


def _mean(values: Sequence[float]) -> float | None:
    """The mean of an epoch's values; None for no value, infinity when the last of them is none."""
    if not values:
        return None
    return (
        values[-1]
        if math.isinf(values[-1])
        else math.fsum(v for v in values if math.isfinite(v)) / sum(map(math.isfinite, values))
    )
