"""What training one run gave: its history, its scores, or why there are none."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from orchestrator.nouns.identity import Sketch

Status = Literal["ok", "diverged", "failed", "timeout"]

BOLD = re.compile(r"\x1b\[[\d;]*m")  # how Keras prints in bold and in colours
WITHOUT_RESULT = ("failed", "timeout")  # statuses that `retry` tries again


@dataclass(frozen=True)
class Outcome:
    """One run's end.

    Attributes:
        history: per metric a float32 array of shape (epochs,).
        scores: the finished model's `train_`, `test_` and `fresh_` scores, in inference mode and without penalties.
        error: one line saying why there is no history; `traceback` is the long form.
        reason: why `fit` did the work although the compiled engine was asked for.
        right: by part (`test`, `fresh`) which rows the finished model has right, of shape (rows,), where it has an accuracy.
        rows: digest and sketch of the rows that it trained on. start: of what it began with, where its program is known.
        first_status: how it ended when it was first tried, where that was a failure and it was tried again; else empty.
    """

    seed: int
    status: Status
    history: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    engine: str = ""
    error: str | None = None
    traceback: str | None = None
    reason: str | None = None
    right: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    rows: Sketch | None = None
    start: Sketch | None = None
    first_status: str = ""

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(next(iter(self.history.values()), ()))


def judge(history: Mapping[str, NDArray[np.float32]]) -> Status:
    """`diverged` when a loss ended as NaN or infinity (accuracy can't tell: NaN > 0.5 is merely False), else `ok`."""
    seen = [np.ma.compressed(history[name]) for name in ("loss", "val_loss") if name in history]
    ends = [float(values[-1]) for values in seen if len(values)]
    return "ok" if all(map(math.isfinite, ends)) else "diverged"


def failure(seed: int, engine: str, error: BaseException, trace: str) -> Outcome:
    """The outcome of a run that raised."""
    line = " ".join(BOLD.sub("", f"{type(error).__name__}: {error}").split())
    return Outcome(seed, "failed", engine=engine, error=line[:300], traceback=trace)
