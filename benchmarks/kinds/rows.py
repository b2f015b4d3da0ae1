"""Small data for the kinds: each function gives the same rows at every call."""

import numpy as np
from orchestrator import Split


def _split(x, y, train=120):
    return Split(x[:train], y[:train], x[train:], y[train:])


def points(rows=190, width=6, seed=0):
    """Standard normal points, float32 of shape (rows, width)."""
    return np.random.default_rng(seed).normal(size=(rows, width)).astype("float32")


def binary(rows=190):
    """Two classes that a plane divides but for noise, y of shape (rows, 1)."""
    x = points(rows)
    noise = np.random.default_rng(1).normal(size=rows)
    return _split(x, (x[:, 0] + x[:, 1] * x[:, 2] + 0.5 * noise > 0).astype("float32")[:, None])


def flat(rows=190):
    """The same with y of shape (rows,), as whole numbers."""
    split = binary(rows)
    return Split(split.x_train, split.y_train[:, 0].astype("int64"), split.x_test, split.y_test[:, 0].astype("int64"))


def classes(rows=190):
    """Three classes, y of shape (rows,)."""
    x = points(rows)
    return _split(x, np.digitize(x[:, 0] + 0.3 * x[:, 1], [-0.5, 0.5]))


def one_hot(rows=190):
    """The same three, y of shape (rows, 3)."""
    split = classes(rows)
    return Split(
        split.x_train, np.eye(3, dtype="float32")[split.y_train], split.x_test, np.eye(3, dtype="float32")[split.y_test]
    )


def labels(rows=190):
    """Four labels that a row has or not, y of shape (rows, 4)."""
    x = points(rows)
    return _split(x, (x[:, :4] + 0.3 * x[:, 2:] > 0.3).astype("float32"))


def numbers(rows=190):
    """A number to predict, y of shape (rows, 1)."""
    x = points(rows)
    return _split(x, (2 * x[:, :1] - x[:, 1:2] ** 2 + 3).astype("float32"))


def tokens(rows=190, length=9):
    """Words of 30, padded with 0 behind, and whether a sentence holds a small one, y of shape (rows, 1)."""
    rng = np.random.default_rng(2)
    x = rng.integers(1, 30, size=(rows, length))
    x[np.arange(length) >= rng.integers(2, length + 1, size=rows)[:, None]] = 0
    return _split(x, ((x > 0) & (x < 5)).any(axis=1, keepdims=True).astype("float32"))


def tags(rows=190):
    """The same words, and the class of each, y of shape (rows, length)."""
    split = tokens(rows)
    return Split(split.x_train, split.x_train % 3, split.x_test, split.x_test % 3)


def waves(rows=190, length=8):
    """Short series of two channels and the sign of their trend, y of shape (rows, 1)."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, length, 2)).cumsum(axis=1).astype("float32")
    return _split(x, (x[:, -1, :1] > x[:, 0, :1]).astype("float32"))


def images(rows=150, dtype="float32"):
    """Images of 8 x 8 with one channel of 0 to 255, brighter on one side, y of shape (rows,)."""
    rng = np.random.default_rng(4)
    x, y = rng.uniform(0, 128, size=(rows, 8, 8, 1)), rng.integers(0, 2, size=rows)
    x[y == 1, :, :4] += 100
    return _split(x.astype(dtype), y, 100)
