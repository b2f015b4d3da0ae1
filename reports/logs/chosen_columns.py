"""Which of a log's columns a diagnosis goes by: a loss, and a score where there is one, each with its held-out twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.reports.logs.column_titles import HELD_OUT, Kind, Meaning, meaning

Floats = npt.NDArray[np.float64]
Curves = Mapping[str, Floats]

ORDER = {Kind.LOSS: 0, Kind.ERROR: 1, Kind.ACCURACY: 0, Kind.SCORE: 1}
SPELLED = {"auc": "AUC", "auroc": "AUROC", "iou": "IoU", "miou": "mIoU", "f1": "F1", "mse": "MSE", "mae": "MAE", "rmse": "RMSE",
           "map": "mAP", "prc": "PRC", "nll": "NLL", "bce": "BCE"}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A quantity's title on the training rows and on held-out ones; None where the log has no such column."""

    means: Meaning
    train: str | None
    held_out: str | None

    @property
    def name(self) -> str:
        """What it is called: `accuracy`, or `l1 accuracy` where it is of one output."""
        words = [*self.means.output.split("_"), *(SPELLED.get(word, word) for word in self.means.name.split("_"))]
        return " ".join(filter(None, words))

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles there are."""
        return tuple(title for title in (self.train, self.held_out) if title is not None)


def pairs(curves: Curves) -> list[Pair]:
    """Every quantity of the log that a diagnosis could go by."""
    groups: dict[tuple[Kind, str, str], list[str]] = {}
    for title in curves:
        means = meaning(title)
        if means.kind in ORDER:
            groups.setdefault((means.kind, means.name, means.output), []).append(title)
    return [_pair(titles, curves) for titles in groups.values()]


def _pair(titles: Sequence[str], curves: Curves) -> Pair:
    trained = [title for title in titles if not meaning(title).held_out]
    held = [title for title in titles if meaning(title).held_out]
    train = min(trained, key=lambda title: (meaning(title).stepwise, -_known(curves[title])), default=None)
    held_out = min(held, key=lambda title: (meaning(title).stepwise, HELD_OUT.index(meaning(title).rows)), default=None)
    return Pair(meaning(titles[0]), train, held_out)


def _known(values: Floats) -> int:
    return int((~np.isnan(values)).sum())


def choose(curves: Curves, *kinds: Kind) -> Pair | None:
    """The pair of these kinds to go by; None where there is none.

    One of the whole model comes before one of a single output, one that moves before one that doesn't; of what is left,
    the pair whose two curves end farthest apart.
    """
    found = (pair for pair in pairs(curves) if pair.means.kind in kinds)
    return min(found, key=lambda pair: _rank(pair, curves), default=None)


def _rank(pair: Pair, curves: Curves) -> tuple[object, ...]:
    ends = [_last(curves[title]) for title in pair.titles]
    apart = abs(ends[0] - ends[1]) / (abs(ends[0]) or 1.0) if len(ends) == 2 else 0.0
    return ORDER[pair.means.kind], len(ends) < 2, not _moves(pair, curves), bool(pair.means.output), -apart


def _last(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else 0.0


def _moves(pair: Pair, curves: Curves) -> bool:
    return any(len(np.unique(curves[title][np.isfinite(curves[title])])) > 1 for title in pair.titles)


def taken(pair: Pair | None) -> str | None:
    """The note on which output a judgement is of, where it is of one only."""
    return f"several outputs: judged by {' and '.join(pair.titles)}" if pair and pair.means.output else None


def spare(titles: Iterable[str], used: Iterable[str]) -> list[str]:
    """Titles that were not used, times and learning rates apart."""
    known = set(used)
    return [title for title in titles if title not in known and meaning(title).kind is not Kind.BESIDE]
