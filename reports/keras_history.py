"""Reads what people keep of `model.fit`: `history.history` as JSON or CSV, of one run or of several.

JSON: {"loss": [...], "val_loss": [...]}, a list of such objects, an object of them by name, or what `DataFrame.to_json`
made of one.
CSV: a column a metric, a row an epoch, as `CSVLogger` or `DataFrame.to_csv` write it; a column `seed` or `run` tells
runs apart.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ACCURACIES = ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
RUN_COLUMNS = ("seed", "run")
SKIPPED = ("", "epoch", "index", "Unnamed: 0")


@dataclass(frozen=True)
class Record:
    """One run's curves, None for what was not recorded. Accuracies are shares, 0 to 1.

    Arrays are (epochs,); those of validation may be shorter, since `fit` can validate every few epochs only.
    """

    loss: Floats
    val_loss: Floats | None = None
    accuracy: Floats | None = None
    val_accuracy: Floats | None = None


def parse(text: str, name: str = "the history") -> list[Record]:
    """The runs in `text`, one at least. `name` says in errors where it came from.

    Raises:
        ValueError: when it is neither of the two forms; the message says what is wrong and where.
    """
    stripped = text.lstrip("\ufeff \t\r\n")
    if not stripped:
        raise ValueError(f"{name} is empty; expected history.history as JSON or CSV")
    runs = _from_json(stripped, name) if stripped[0] in "{[" else _from_csv(stripped, name)
    if not runs:
        raise ValueError(f"{name} holds no run; expected lists of numbers by metric, one number an epoch")
    return [_record(columns, name if len(runs) == 1 else f"{name}, run {label}") for label, columns in runs.items()]


def _from_json(text: str, name: str) -> dict[str, Mapping[str, Any]]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    if isinstance(document, list):
        return {str(i): _columns(run, f"{name}, item {i}") for i, run in enumerate(document)}
    inner = document.get("history")
    document = inner if isinstance(inner, dict) else document
    nested = [
        isinstance(value, dict) and any(isinstance(v, list | dict) for v in value.values())
        for value in document.values()
    ]
    if any(nested):
        return {str(key): _columns(run, f"{name}, {key!r}") for key, run in document.items()}
    return {"0": _columns(document, name)} if document else {}


def _columns(run: Any, name: str) -> Mapping[str, Any]:
    """Metric -> list of values; pandas writes the lists as objects by row number."""
    if not isinstance(run, dict):
        expected = '{"loss": [0.7, 0.6], "val_loss": [0.7, 0.65]}'
        raise ValueError(f"{name} is {_kind(run)}; expected an object such as {expected}")  # noqa: TRY004  bad content
    columns = {}
    for metric, given in run.items():
        values = list(given.values()) if isinstance(given, dict) else given
        if not isinstance(values, list):
            told = f"{metric!r} is {_kind(values)}"
            raise ValueError(f"{name}: {told}; expected a list with one number an epoch")  # noqa: TRY004  bad content
        columns[str(metric)] = values
    return columns


def _from_csv(text: str, name: str) -> dict[str, Mapping[str, Any]]:
    first = text.splitlines()[0]
    separator = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    head = [title.strip() for title in rows[0]]
    if "loss" not in head:
        raise ValueError(f"{name} is neither JSON nor a CSV with a column 'loss'; its first line is {first[:60]!r}")
    by = next((head.index(column) for column in RUN_COLUMNS if column in head), None)
    runs: dict[str, dict[str, list[str]]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(head):
            raise ValueError(f"{name}, row {number} has {len(row)} cells where the first row has {len(head)}")
        run = runs.setdefault(row[by] if by is not None else "0", {title: [] for title in head})
        for title, cell in zip(head, row, strict=True):
            run[title].append(cell.strip())
    return {label: {k: v for k, v in run.items() if k not in RUN_COLUMNS} for label, run in runs.items()}


def _record(columns: Mapping[str, Sequence[Any]], name: str) -> Record:
    known = {title: values for title, values in columns.items() if title not in SKIPPED}
    if "loss" not in known:
        held = ", ".join(sorted(known)) or "nothing"
        raise ValueError(f"{name} has no 'loss', only {held}; expected what model.fit returned as .history")
    accuracy = next((key for key in ACCURACIES if key in known), None)
    accuracy = accuracy or next((key for key in known if key.endswith("accuracy") and not key.startswith("val_")), None)
    wanted = {"loss": "loss", "val_loss": "val_loss", "accuracy": f"{accuracy}", "val_accuracy": f"val_{accuracy}"}
    arrays = {field: _numbers(known[key], f"{name}: {key}") for field, key in wanted.items() if key in known}
    _check_lengths({wanted[field]: len(values) for field, values in arrays.items()}, name)
    if not len(arrays["loss"]):
        raise ValueError(f"{name} has no epochs")
    for field in ("accuracy", "val_accuracy"):
        _check_share(arrays.get(field), f"{name}: {wanted[field]}")
    return Record(**arrays)


def _check_lengths(lengths: Mapping[str, int], name: str) -> None:
    """Metrics of a kind have as many epochs as each other; validation may have been done in some epochs only."""
    training = {length for key, length in lengths.items() if not key.startswith("val_")}
    validation = {length for key, length in lengths.items() if key.startswith("val_")}
    if len(training) > 1 or len(validation) > 1 or max(validation, default=0) > max(training):
        told = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise ValueError(f"{name}: its metrics differ in their number of epochs: {told}")
    if validation == {0} and training != {0}:
        raise ValueError(f"{name}: its validation metrics are empty lists; leave them out if there was no validation")


def _numbers(values: Sequence[Any], name: str) -> Floats:
    """Numbers of a list; null, '' and 'nan' are NaN, since a diverged loss is written so."""
    return np.array(
        [_number(value, f"{name}, epoch {epoch}") for epoch, value in enumerate(values, start=1)], dtype=float
    )


def _number(value: Any, name: str) -> float:
    if value is None or value == "":
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{name} is {_kind(value)}; expected a number")  # noqa: TRY004  bad content, not a bad call
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{name} is {value!r}; expected a number") from None


def _check_share(values: Floats | None, name: str) -> None:
    if values is None:
        return
    wrong = np.flatnonzero((values < 0) | (values > 1))
    if len(wrong):
        seen = f"epoch {wrong[0] + 1} is {values[wrong[0]]:g}"
        raise ValueError(f"{name}, {seen}; an accuracy lies between 0 and 1 (divide percents by 100)")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), f"the number {value}")
