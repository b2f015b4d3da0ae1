"""The shortest way from a file to a lesson's data: one table, a target column, and rows kept apart to validate on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.errors import LessonError
from orchestrator.lesson import Array, Data, Split

if TYPE_CHECKING:
    import pandas as pd

FIXED = 2**32 - 1  # the seed of the split that is the lesson's own; draws have those of runs


def table(
    source: str | Path | pd.DataFrame | Callable[..., Any], target: str | None = None, test: float = 0.25
) -> Data:
    """Data out of one table: some of its rows to train on, and the others, drawn at random, to validate on.

    Each seed of `redrawn` splits the same rows anew. Such draws have rows in common, which the intervals take into account
    (`Data.resplit`); the answer is about this table's rows still.

    Args:
        source: the path of a CSV or Parquet file, a pandas frame, or one of scikit-learn's functions such as `load_wine`.
        target: the column to predict; scikit-learn's sets know theirs. Words become whole numbers, in the words' order.
        test: the share of the rows that is kept apart, above 0 and below 1.

    Returns:
        Data whose x is float32 of shape (rows, columns), as the table holds it: scale it in the model.

    Raises:
        LessonError: there is no such file or column, or a column holds words or has values missing.
    """
    if not 0 < test < 1:
        raise LessonError(f"test is {test!r}; it must be a share above 0 and below 1")
    if isinstance(source, str | Path) and not str(source).endswith((".csv", ".parquet")):
        raise LessonError(f"{str(source)!r} is no table; give the path of a .csv or .parquet file")
    place = Path(source).absolute() if isinstance(source, str | Path) else source
    return Data(
        fixed=partial(_split, place, target, test, FIXED),
        redrawn=partial(_split, place, target, test),
        resplit=True,
        note=f"{_called(source)}, {test:.0%} of its rows kept apart",
    )


def _split(source: Any, target: str | None, test: float, seed: int) -> Split:
    x, y = _rows(source, target)
    order = np.random.default_rng(seed).permutation(len(x))
    kept = max(1, round(test * len(x)))
    if kept == len(x):
        raise LessonError(
            f"the table has {len(x)} rows; at least two are needed, one to train on and one to validate on"
        )
    return Split(x[order[kept:]], y[order[kept:]], x[order[:kept]], y[order[:kept]])


def _called(source: Any) -> str:
    return Path(source).name if isinstance(source, str | Path) else getattr(source, "__name__", "a table")


def _rows(source: Any, target: str | None) -> tuple[Array, Array]:
    if callable(source):
        bunch = source()
        return _columns(np.asarray(bunch["data"], np.float32)), _target(np.asarray(bunch["target"]))
    frame = _read(source) if isinstance(source, Path) else source
    if target is None or target not in frame:
        raise LessonError(f"target is {target!r}; it must be a column of the table: {', '.join(map(str, frame))}")
    for name in frame:
        if missing := int(frame[name].isna().sum()):
            raise LessonError(f"column {name!r} has {missing} values missing; fill them, or leave their rows out")
    x = frame.drop(columns=[target])
    words = [str(name) for name, kind in x.dtypes.items() if kind.kind not in "biuf"]
    if words:
        raise LessonError(f"columns {', '.join(words)} hold no numbers; leave them out, or make numbers of them")
    return _columns(x.to_numpy(np.float32)), _target(frame[target].to_numpy())


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415  takes half a second to load

    try:
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise LessonError(f"{str(path)!r} can't be read: {error}") from None


def _columns(x: Array) -> Array:
    return x.reshape(len(x), -1) if x.ndim != 2 else x


def _target(y: Array) -> Array:
    """A column of numbers, or of classes where there are words."""
    if y.dtype.kind not in "biuf":
        y = np.unique(y.astype(str), return_inverse=True)[1]
    kind = np.float32 if y.dtype.kind == "f" else np.int32
    return y.reshape(len(y), -1).astype(kind)
