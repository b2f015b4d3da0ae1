"""What the rows that runs were scored on add to the uncertainty of an accuracy: two mean squares a comparison.

Blocks hold which rows each run has right. The tables carry of that what a report needs, in the lessons' descriptions under
`scored`, for each comparison whose runs were all scored on the same rows: the test rows of `fixed` data, and fresh points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.nouns.measures import named
from orchestrator.nouns.outcome import Outcome
from orchestrator.reports.nouns.contrast import contrasts

MOST = 16  # weights of contrasts up to which sums of rows fit into a byte
SAME_ROWS = {"fixed": ("test", "fresh"), "redrawn": ("fresh",)}

Document = Mapping[str, Any]
Bits = NDArray[np.uint8]


@dataclass
class Right:
    """Which rows the finished runs have right: (lesson, variant, data, part) -> seed -> how many rows, and their bits."""

    _arms: dict[tuple[str, str, str, str], dict[int, tuple[int, Bits]]] = field(default_factory=dict)

    def take(self, lesson: str, variant: str, data: str, outcomes: Iterable[Outcome]) -> None:
        """Keep an arm's bitmaps, where they are of the rows that all its seeds share and give the accuracy stored."""
        for o in outcomes:
            for part in SAME_ROWS.get(data, ()):
                right = o.right.get(part)
                if o.status == "ok" and right is not None and _is_of(right, named(o.scores, f"{part}_accuracy")):
                    self._arms.setdefault((lesson, variant, data, part), {})[o.seed] = len(right), np.packbits(right)

    def noted(self, lessons: Sequence[Document]) -> list[dict[str, Any]]:
        """The lessons' descriptions with `scored`: of each comparison and part its rows, pairs and mean squares."""
        found = ((dict(lesson), list(self._of(lesson))) for lesson in lessons)
        return [lesson | ({"scored": scored} if scored else {}) for lesson, scored in found]

    def _of(self, lesson: Document) -> Iterator[dict[str, Any]]:
        for contrast in (each for each in contrasts(lesson) if not each.among):  # what is chosen is one of the others
            for data, parts in SAME_ROWS.items():
                for part in parts:
                    arms = [self._arms.get((lesson["id"], name, data, part), {}) for name in contrast.variants]
                    seeds = sorted(set(arms[0]).intersection(*arms[1:]))
                    counts = {arm[seed][0] for arm in arms for seed in seeds}
                    if len(seeds) > 1 and len(counts) == 1 and min(counts) > 1:
                        weights = (contrast.weights[name] for name in contrast.variants)
                        masks = (_unpacked([arm[seed] for seed in seeds]) for arm in arms)
                        d = reduce(np.add, (_times(weight, mask) for weight, mask in zip(weights, masks, strict=True)))
                        yield {"variant": contrast.name, "data": data, "part": part, **squares(d)}


def _is_of(right: NDArray[np.bool_], accuracy: float | None) -> bool:
    """Whether that many rows right are the accuracy: one that weighs its rows is not."""
    return accuracy is not None and abs(float(right.mean()) - accuracy) < 0.5 / len(right)


def _unpacked(arm: Sequence[tuple[int, Bits]]) -> NDArray[np.int8]:
    return np.stack([np.unpackbits(bits, count=count) for count, bits in arm]).astype(np.int8)


def _times(weight: float, mask: NDArray[np.int8]) -> NDArray[Any]:
    """The mask times the weight, still in whole numbers where that is one."""
    return mask * (np.int8(weight) if weight == int(weight) and abs(weight) < MOST else np.float32(weight))


def squares(d: NDArray[Any]) -> dict[str, Any]:
    """Of (n, R) differences, n pairs of runs on R rows: the variances of the two-way layout without replicates.

    `between` is the variance across rows of a row's mean difference, `residual` that of the single differences once seeds
    and rows have had their means.
    """
    n, rows = d.shape
    by_seed, by_row, mean = d.mean(axis=1), d.mean(axis=0), d.mean()
    total = float(np.einsum("ij,ij->", d, d, dtype=np.float64)) - n * rows * mean**2
    left = total - rows * ((by_seed - mean) ** 2).sum() - n * ((by_row - mean) ** 2).sum()
    residual = max(0.0, float(left)) / ((n - 1) * (rows - 1))
    return {"rows": rows, "pairs": n, "between": float(by_row.var(ddof=1)), "residual": residual}
