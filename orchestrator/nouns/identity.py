"""What is trained, as digests: two runs are one when all of these are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLES = 8  # numbers that a sketch takes from each array, beside its sum
CLOSE = 1e-5  # differences that rounding makes: relative, and absolute below 1
PART = 2**16  # numbers that are looked at in one go
DIGITS = 20  # hexadecimal digits of a digest: 80 bits


@dataclass(frozen=True)
class Sketch:
    """What arrays are.

    Attributes:
        digest: over all their bytes, types and shapes. exact: the same over types, shapes and whole numbers alone.
        numbers: sums and samples of the others, by which arrays that only round otherwise can be told.
    """

    digest: str
    exact: str = ""
    numbers: tuple[float, ...] = ()

    def is_like(self, other: Sketch) -> bool:
        """Whether the arrays are the same but for rounding, as between processors of different kinds."""
        alike = self.exact == other.exact and len(self.numbers) == len(other.numbers)
        return alike and np.allclose(self.numbers, other.numbers, rtol=CLOSE, atol=CLOSE)

    def matches(self, other: Sketch, elsewhere: bool) -> bool:
        """Whether the arrays are the same; where the other was made elsewhere, on a processor of another kind, but for rounding."""
        return self.digest == other.digest or (elsewhere and self.is_like(other))


def sketch(arrays: Iterable[NDArray[Any]]) -> Sketch:
    """Digest and sketch some arrays."""
    whole, exact, numbers = hashlib.sha256(), hashlib.sha256(), list[float]()
    for array in arrays:
        about = f"{array.dtype.str}{array.shape}".encode()
        flat = np.ascontiguousarray(array).ravel()
        data = flat.view(np.uint8).data
        for total in (whole, exact):
            total.update(about)
        whole.update(data)
        if np.issubdtype(array.dtype, np.floating) and not _are_whole(flat):
            numbers.append(float(flat.sum(dtype=np.float64)))
            numbers += [float(flat[i]) for i in np.linspace(0, flat.size - 1, SAMPLES).astype(int)]
        else:
            exact.update(data)
    return Sketch(whole.hexdigest()[:DIGITS], exact.hexdigest()[:DIGITS], tuple(numbers))


def _are_whole(flat: NDArray[Any]) -> bool:
    """Whether all are whole numbers; looked at in parts, since of large data there is to be no copy."""
    parts = (flat[first : first + PART] for first in range(0, flat.size, PART))
    return all((part == np.floor(part)).all() for part in parts)


def digest(*parts: Any) -> str:
    """Of plain values: text, numbers, and lists and objects of them."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:DIGITS]


@dataclass(frozen=True)
class Identity:
    """What a job trains.

    Attributes:
        program: digest of the training as a program, or of the files that it is written in where it can't be traced.
        start: initial variables of two seeds, and the order of their rows in two epochs. rows: the data as fed.
        settings: digest of epochs, batch size, other arguments of `fit`, engine, and versions.
        processor: the kind on which it was found.
    """

    program: str
    settings: str
    start: Sketch
    rows: Sketch
    processor: str = ""

    @property
    def training(self) -> str:
        """The program with its settings and its start: what a self-check is of, whatever the rows."""
        return digest(self.program, self.settings, self.start.digest)

    @property
    def key(self) -> str:
        """The key under which runs are stored."""
        return digest(self.training, self.rows.digest)

    def parts(self) -> Mapping[str, str]:
        """The three that a person is told of."""
        return {
            "program": digest(self.program, self.start.digest),
            "rows": self.rows.digest,
            "settings": self.settings,
        }

    def differs(self, other: Identity) -> str | None:
        """What tells `other` from this, in a word; None where nothing does, but perhaps the processor's rounding."""
        if self.program != other.program:
            return "another program"
        if self.settings != other.settings:
            return "other settings or versions"
        elsewhere = self.processor != other.processor
        for what, mine, theirs in (
            ("other rows", self.rows, other.rows),
            ("other initial weights", self.start, other.start),
        ):
            if not mine.matches(theirs, elsewhere):
                return what
        return None
