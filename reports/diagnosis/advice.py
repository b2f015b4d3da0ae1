"""What is commonly tried against each kind of problem. Textbook advice, to be told apart from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from orchestrator.reports.diagnosis.problem_signs import Sign

LOST = (
    "a lower learning rate, or a warm-up",
    "clipping gradients by their norm",
    "looking for NaN, infinity or unscaled columns in the rows",
)
COMMON: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "learning": (
        "more epochs, or a higher learning rate, while the loss still falls",
        "scaled inputs, batch normalization, smaller batches",
        "a larger network, where the loss no longer falls; first see whether it can learn ten rows by heart",
        "weights for rare classes, where the most frequent one is always answered",
    ),
    "generalization": (
        "more training rows, or augmented ones",
        "stopping when validation loss turns, keeping the best weights",
        "an L2 penalty, dropout, noise on the inputs, or a smaller network",
        "a look at the split: do both parts come from the same source?",
    ),
    "predictions": (
        "averaging the weights over the last updates, or several runs' answers",
        "dropping the learning rate late in training, or larger batches",
        "more validation rows, where one row is more than a point",
    ),
})  # fmt: skip


def advice(area: str, found: Sequence[Sign]) -> tuple[str, ...]:
    """What to try in an area, given the signs found there."""
    if any(sign.border.unit == "count" for sign in found):
        return LOST
    return COMMON[area]
