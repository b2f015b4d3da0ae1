"""Rows that come in batches, as tf.data, Keras's PyDataset and generators give them, read into arrays.

What is read is taken apart: a variant's batch size and shuffling are its own. So rows must be the same at every pass, or
what `fit` would see anew in each epoch, such as augmented rows, would be frozen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np

from orchestrator.errors import LessonError

MOST = 2**30  # bytes
ENDLESS = -1  # tf.data's cardinality of such


def are_batches(given: Any) -> bool:
    """Whether rows come in batches: a tf.data set, a PyDataset, or a generator."""
    return _is(given, "tensorflow", "DatasetV2") or _is(given, "keras", "PyDataset") or isinstance(given, Iterator)


def read(given: Any, name: str) -> tuple[Any, ...]:
    """The rows (x, y) or (x, y, weights) of all batches, each an array or a dict, list or tuple of arrays.

    Where each pass has an order of its own, which is a shuffle, rows stand in an order that depends on them alone.

    Raises:
        LessonError: they have no end, are too many, differ from pass to pass, or are no batches of (x, y).
    """
    _refuse_endless(given, name)
    batches = list(_limited(_batches(given), name))
    if not batches:
        raise LessonError(f"{name} holds no batch")
    rows: tuple[Any, ...] = _joined(batches)
    if isinstance(given, Iterator):
        return rows
    first, second = _digests(batches), _digests(_again(given, name, len(batches)))
    if Counter(first) != Counter(second):
        raise LessonError(
            f"{name} gives other rows at its second pass, and would be frozen if it were read into arrays;"
            " augment in layers of the model, and shuffle without dropping rows"
        )
    return rows if first == second else _taken(rows, np.argsort(np.array(first), kind="stable"))


def _is(given: Any, library: str, kind: str) -> bool:
    return any(each.__name__ == kind and each.__module__.partition(".")[0] == library for each in type(given).__mro__)


def _refuse_endless(given: Any, name: str) -> None:
    endless = (
        int(given.cardinality()) == ENDLESS
        if _is(given, "tensorflow", "DatasetV2")
        else _is(given, "keras", "PyDataset") and given.num_batches is None
    )
    if endless:
        raise LessonError(
            f"{name} has no end; give a finite one, without repeat(): its rows are read once, into arrays"
        )


def _batches(given: Any) -> Iterable[Any]:
    if _is(given, "keras", "PyDataset"):
        return (given[i] for i in range(given.num_batches))
    return given  # type: ignore[no-any-return]


def _limited(batches: Iterable[Any], name: str) -> Iterator[tuple[Any, ...]]:
    """Batches as arrays, as long as they are not too many."""
    size = 0
    for batch in batches:
        found = _checked(_as_arrays(batch), name)
        size += sum(array.nbytes for array in _leaves(found))
        if size > MOST:
            raise LessonError(
                f"{name} holds more than a gigabyte, or has no end; at most that much is read into arrays"
            )
        yield found


def _as_arrays(batch: Any) -> Any:
    if isinstance(batch, Mapping):
        return {key: _as_arrays(part) for key, part in batch.items()}
    if isinstance(batch, list | tuple):
        return tuple(_as_arrays(part) for part in batch)
    return np.asarray(batch)


def _leaves(rows: Any) -> list[Any]:
    if isinstance(rows, Mapping):
        return [leaf for key in sorted(rows) for leaf in _leaves(rows[key])]
    return [leaf for part in rows for leaf in _leaves(part)] if isinstance(rows, tuple) else [rows]


def _checked(batch: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(batch, tuple) or len(batch) not in (2, 3):
        raise LessonError(f"{name} must give batches (x, y), or (x, y, sample_weight)")
    rows = {array.shape[0] if array.ndim else None for array in _leaves(batch)}
    if len(rows) != 1 or None in rows:
        raise LessonError(f"{name} gives batches whose parts have not as many rows each; is there a batch(32) missing?")
    return batch


def _joined(batches: list[Any]) -> Any:
    """Batches of one structure, one behind the other."""
    first = batches[0]
    if isinstance(first, Mapping):
        return {key: _joined([batch[key] for batch in batches]) for key in first}
    if isinstance(first, tuple):
        return tuple(_joined(list(part)) for part in zip(*batches, strict=True))
    return np.concatenate(batches)


def _again(given: Any, name: str, most: int) -> Iterator[tuple[Any, ...]]:
    """The batches of a second pass."""
    if hasattr(given, "on_epoch_end"):
        given.on_epoch_end()
    return (_checked(_as_arrays(batch), name) for batch in islice(_batches(given), most + 1))


def _digests(batches: Iterable[Any]) -> list[str]:
    """A digest of each row."""
    return [
        blake2b(b"".join(part.tobytes() for part in row), digest_size=16).hexdigest()
        for batch in batches
        for row in zip(*_leaves(batch), strict=True)
    ]


def _taken(rows: Any, order: Any) -> Any:
    if isinstance(rows, Mapping):
        return {key: _taken(part, order) for key, part in rows.items()}
    return tuple(_taken(part, order) for part in rows) if isinstance(rows, tuple) else rows[order]
