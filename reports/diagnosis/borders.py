"""The borders a diagnosis goes by: from where on a number is called a problem, and where that comes from.

This is the one place. What the command prints, the page it makes and docs/diagnose.md all read this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

AREAS = ("learning", "generalization", "predictions")

SHORTEST = 10
"""Epochs below which nothing but a lost loss is told: the end of training, its last tenth, is then less than one epoch."""
LAST = 0.1
"""The end of training is its last tenth: one epoch alone is too noisy to judge a model by."""
SURE = 1.2816
"""Standard errors that a gap must be above zero to be told from chance: the normal distribution's 90 % point, one-sided."""


@dataclass(frozen=True)
class Border:
    """One sign's border.

    Attributes:
        area: which of the three it belongs to.
        name: what is measured.
        limit: from where on it is a problem.
        ideal: what it is in a model without any problem; the distance to the border counts from there.
        unit: how its numbers are told: percent, points, times, or count.
        rule: the border in words.
        source: where it comes from.
    """

    area: str
    name: str
    limit: float
    ideal: float
    unit: str
    rule: str
    source: str

    @property
    def below(self) -> bool:
        """Whether it is numbers below the border that are a problem."""
        return self.limit < self.ideal


BORDERS: Mapping[str, Border] = MappingProxyType({
    "lost": Border(
        "learning", "runs whose loss became NaN", 0, 0, "count", "any run",
        "no choice: a weight that is NaN stays NaN",
    ),
    "fitted": Border(
        "learning", "training accuracy", 0.6, 1, "percent",
        "below 60 % of the way from guessing to the best possible: 80 % with two classes alike, 64 % with ten",
        "Landis and Koch 1977, The measurement of observer agreement: from a chance-corrected 0.6 on, agreement is substantial",
    ),
    "auc": Border(
        "learning", "training AUC", 0.7, 1, "percent", "below 70 %",
        "Hosmer and Lemeshow 2000, Applied Logistic Regression: discrimination is acceptable from 0.7 on",
    ),
    "left": Border(
        "learning", "training loss left", 0.8, 0, "percent",
        "above 80 % of the first epoch's loss, where there is no accuracy",
        "a convention of this program: without an accuracy only a loss that hardly moves is told",
    ),
    "gap": Border(
        "generalization", "training minus validation accuracy", 0.05, 0, "points",
        "above 5 points, and above 1.28 standard errors where the number of rows can be read off the accuracies",
        "a convention of this program: one row in twenty right by heart; 1.28 leaves one chance in ten",
    ),
    "ratio": Border(
        "generalization", "validation over training loss", 1.5, 1, "times",
        "above 1.5 times, where there is no accuracy",
        "Akaike 1969, Fitting autoregressive models for prediction: (n+p)/(n-p) is 1.5 at a parameter for every five rows",
    ),
    "apart": Border(
        "generalization", "validation minus training loss", 0.5, 0, "percent",
        "above half of the training loss's descent, where losses reach 0 or lie below",
        "a convention of this program: what 1.5 times is where losses have a ratio",
    ),
    "turned": Border(
        "generalization", "validation loss, end over lowest", 1.1, 1, "times",
        "above 1.1 times, and above its own noise",
        "Prechelt 1998, Early stopping - but when?: generalization loss; 10 % is twice the slowest of the rules tried there",
    ),
    "risen": Border(
        "generalization", "validation loss, end minus lowest", 0.1, 0, "percent",
        "above a tenth of its own descent, and above its own noise, where losses reach 0 or lie below",
        "a convention of this program: what 1.1 times is where losses have a ratio",
    ),
    "spread": Border(
        "predictions", "spread of final validation accuracy", 0.01, 0, "points",
        "above 1 point from run to run (SD), or one validation row where that is more; on redrawn data the luck of the rows is added",
        "a convention of this program: the smallest difference in accuracy that its lessons call one",
    ),
    "wobble": Border(
        "predictions", "wobble of validation accuracy", 0.01, 0, "points",
        "above 1 point back and forth an epoch, late in training, or one validation row where that is more",
        "a convention of this program, as for the spread",
    ),
    "loose": Border(
        "predictions", "spread of final validation loss", 0.1, 0, "percent",
        "above 10 % of its mean from run to run (SD), where there is no accuracy",
        "a convention of this program: the border of validation loss that has turned",
    ),
    "shaky": Border(
        "predictions", "wobble of validation loss", 0.25, 0, "percent",
        "above 25 % of its mean back and forth an epoch, late in training, where there is no accuracy",
        "a convention of this program, set with one healthy regression in view, whose loss moves by 12 %",
    ),
})  # fmt: skip


def markdown() -> str:
    """The table of borders, as docs/diagnose.md holds it."""
    rows = [f"| {border.area} | {border.name} | {border.rule} | {border.source} |" for border in BORDERS.values()]
    return "\n".join(["| area | number | a problem | where the border comes from |", "|---|---|---|---|", *rows])
