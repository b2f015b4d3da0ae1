"""Where the atlas's data comes from, beside the rings of the lessons: two moons, a linear function, small pictures."""

from collections.abc import Callable

import numpy as np
from sklearn.datasets import load_digits, make_moons, make_regression

from orchestrator import Data, Split
from orchestrator.jobs.problems import FIXED, FRESH, FRESH_ROWS, REDRAWN

Change = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _moons(rows: int, random_state: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = make_moons(n_samples=rows, noise=0.2, random_state=random_state)
    return x.astype("float32"), y.astype("float32").reshape(-1, 1)


def moons() -> Data:
    """Two classes, thirty rows to learn from and seventy to validate on."""

    def draw(random_state: int) -> Split:
        x, y = _moons(100, random_state)
        return Split(x[:30], y[:30], x[30:], y[30:])

    return Data(
        fixed=lambda: draw(FIXED),
        redrawn=lambda seed: draw(REDRAWN + seed),
        fresh=lambda: _moons(FRESH_ROWS, FRESH),
        chance=0.5,
        note="two noisy half moons, 30 rows to train on and 70 to validate on",
    )


def regression(inputs: Change | None = None, scaled: bool = True) -> Data:
    """Twenty inputs, ten of which make a linear target with a little noise; 500 rows to learn from, 500 to validate on.

    `inputs` changes rows by what it learns of the rows to train on; targets have a standard deviation of 1 if `scaled`,
    else of about 100.
    """

    def draw(random_state: int) -> Split:
        x, y = make_regression(n_samples=1000, n_features=20, noise=0.1, random_state=random_state)
        x = inputs(x[:500], x) if inputs else x
        y = (y - y[:500].mean()) / y[:500].std() if scaled else y
        x, y = x.astype("float32"), y.astype("float32").reshape(-1, 1)
        return Split(x[:500], y[:500], x[500:], y[500:])

    return Data(
        fixed=lambda: draw(FIXED),
        redrawn=lambda seed: draw(REDRAWN + seed),
        note="a linear function of twenty inputs, 500 rows to train on and 500 to validate on",
    )


def digits(augment: Change | None = None) -> Data:
    """Pictures of digits, 8 x 8: 200 to learn from, 300 to validate on, 1,297 that no run sees.

    `augment` makes the rows to train on out of them and their targets, which come back as one array, targets last.
    """

    def rows() -> tuple[np.ndarray, np.ndarray]:
        x, y = load_digits(return_X_y=True)
        order = np.random.default_rng(FIXED).permutation(len(x))
        return x[order].astype("float32") / 16, y[order].astype("float32").reshape(-1, 1)

    def fixed() -> Split:
        x, y = rows()
        both = augment(x[:200], y[:200]) if augment else np.hstack([x[:200], y[:200]])
        return Split(both[:, :-1], both[:, -1:], x[200:500], y[200:500])

    return Data(
        fixed=fixed,
        fresh=lambda: tuple(each[500:] for each in rows()),
        chance=0.1,
        note="pictures of digits, 200 to train on and 300 to validate on",
    )
