"""A training log as a file holds it: columns of values by title, not yet understood, and how to read one value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Sequence[Any]]

HOLES = frozenset({"", "na", "n/a", "<na>", "null", "none", "nil", "-", "--", "nat", "#n/a", "missing"})
"""What a cell without a value says. CSVLogger writes NA; 'nan' is not among them, since it is a result."""

BROKEN = math.inf
"""Stands for a value that was written down as NaN or infinity; NaN stands for a hole: nothing was written there."""

LARGEST = 3.4028235e38
"""Of the numbers that training computes with (float32); what lies beyond is infinite there."""

LONGEST = 60
"""Characters of a user's text that an error repeats."""

_WRAPPED = re.compile(r"(?:np\.|numpy\.|torch\.|tf\.)?(?:float\d*|tensor|array|Tensor)\(\s*([-+.\deE]+)\s*[,)].*")
_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Log:
    """One run's columns.

    Attributes:
        columns: title -> values, of any type and length; None is a hole.
        run: what the file calls this run, where it tells several apart.
        notes: sentences about what was left out or taken for what.
        comma: whether its decimals are written with a comma.
    """

    columns: Columns
    run: str = ""
    notes: tuple[str, ...] = ()
    comma: bool = False


def numbers(values: Sequence[Any], where: str, comma: bool = False) -> Floats:
    """Values as numbers, (n,): NaN where there is a hole, `BROKEN` where NaN or infinity was logged.

    Raises:
        ValueError: one is no number; the message begins with `where` and its place.
    """
    found = [_number(value, comma) for value in values]
    wrong = next((i for i, value in enumerate(found) if isinstance(value, str)), None)
    if wrong is not None:
        raise ValueError(f"{where}, row {wrong + 1} is {found[wrong]}")
    return np.array(found, dtype=float)


def _number(value: Any, comma: bool) -> float | str:
    """A number, or why it is none."""
    if value is None:
        return math.nan
    if isinstance(value, str):
        return _read(value.strip(), comma)
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return f"{kind(value)}; expected a number"
    try:
        read = float(value)
    except OverflowError:
        return f"a whole number of {len(str(abs(value)))} digits, beyond what a number can hold here (1.8e308)"
    return read if abs(read) <= LARGEST else BROKEN


def _read(text: str, comma: bool) -> float | str:
    if text.lower() in HOLES:
        return math.nan
    bare = text.removesuffix("%").rstrip()
    if comma and _COMMA.fullmatch(bare):
        bare = bare.replace(",", ".")
    wrapped = _WRAPPED.fullmatch(bare)
    try:
        read = float(wrapped[1] if wrapped else bare)
    except ValueError:
        return f"{shorten(text)!r}; expected a number"
    return read if abs(read) <= LARGEST else BROKEN


def kind(value: Any) -> str:
    """What a value of JSON is, in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value)) or f"the number {shorten(str(value))}"


def shorten(text: str) -> str:
    """At most `LONGEST` characters of a user's text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def printable(text: str) -> str:
    """Text on one line without what would steer a terminal: a title or a file's name may hold anything."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in " ".join(text.split())
    )


def titles(columns: Columns) -> str:
    """The titles of columns, as an error tells them."""
    held = [shorten(str(title)) or "''" for title in columns]
    more = f" and {len(held) - 12} more" if len(held) > 12 else ""
    return ", ".join(held[:12]) + more if held else "nothing"
