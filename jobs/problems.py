"""Where the lessons' data comes from: two noisy rings, one inside the other.

The rows are `sklearn.datasets.make_circles` with noise 0.1. A point's class can't be told better than 84.06 times in
a hundred (the Bayes accuracy: the rings overlap), so a model that does better on the rows it was judged by was
flattered by them.
"""

import numpy as np
from sklearn.datasets import make_circles

from orchestrator import Data, Split

FIXED = 1  # the course's data set
FRESH = 987_654_321  # points that no run ever trains on
REDRAWN = 1_000_000  # seed s trains on data set 1,000,000 + s
FRESH_ROWS = 10_000
BAYES = 0.8406


def rings(rows: int, random_state: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of shape (rows, 2) and their classes, 0 (outer) or 1 (inner), of shape (rows, 1)."""
    x, y = make_circles(n_samples=rows, noise=0.1, random_state=random_state)
    return x.astype("float32"), y.astype("float32").reshape(-1, 1)


def circles(train: int, test: int) -> Data:
    """A two-class problem: the first `train` rows to learn from, the next `test` rows to validate on."""

    def draw(random_state: int) -> Split:
        x, y = rings(train + test, random_state)
        return Split(x[:train], y[:train], x[train:], y[train:])

    return Data(
        fixed=lambda: draw(FIXED),
        redrawn=lambda seed: draw(REDRAWN + seed),
        fresh=lambda: rings(FRESH_ROWS, FRESH),
        chance=0.5,
        bayes=BAYES,
        note=f"two noisy rings, {train} rows to train on and {test} to validate on",
    )
