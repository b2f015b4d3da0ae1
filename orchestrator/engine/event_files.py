"""TensorBoard's event files: the scalars that PyTorch, Lightning, Keras and others log there, read with TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def columns(path: Path) -> dict[str, list[Any]]:
    """`step`, and a column a tag with a value or None for every step, in the order of the steps.

    Raises:
        ValueError: the file is cut or damaged, or holds no scalar.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets at length
    import tensorflow as tf  # noqa: PLC0415
    from tensorflow.python.summary.summary_iterator import summary_iterator  # noqa: PLC0415  has no public name

    found: dict[str, dict[int, float]] = {}
    try:
        for event in summary_iterator(str(path)):
            for value in event.summary.value:
                number = _scalar(value, tf)
                if number is not None:
                    found.setdefault(value.tag, {})[event.step] = number
    except tf.errors.OpError:
        raise ValueError(f"{path.name} is cut or damaged; an event file ends with a whole record") from None
    if not found:
        raise ValueError(f"{path.name} holds no scalars")
    steps = sorted({step for curve in found.values() for step in curve})
    return {"step": steps} | {tag: [curve.get(step) for step in steps] for tag, curve in found.items()}


def _scalar(value: Any, tf: Any) -> float | None:
    """The number in a summary's value, as PyTorch and as TensorFlow write one; None for pictures and all else."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if value.HasField("tensor") and value.metadata.plugin_data.plugin_name in ("", "scalars"):
        array = tf.make_ndarray(value.tensor)
        return float(array) if array.ndim == 0 and array.dtype.kind in "fiu" else None
    return None
