"""What runs are scored by, and what a lesson's variants can be compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.errors import LessonError
from orchestrator.reports.nouns.endpoint import Endpoint

ACCURACIES = ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
OF_CURVES = ("wobble", "epochs_to_threshold")  # measures of the curve of validation accuracy


@dataclass(frozen=True)
class Traits:
    """What planning found out of a variant.

    Attributes:
        measures: what its runs are scored by. loss: digest of its loss. notes: what a reader of its results must know.
    """

    measures: tuple[str, ...]
    loss: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Measures:
    """What a lesson's variants can be compared by: scores by their names in the tables; None where that isn't known."""

    names: tuple[str, ...] | None

    @classmethod
    def shared(cls, traits: Sequence[Traits | None], fresh: bool) -> Measures:
        """What the first of these variants and any other are scored by; a loss only where all have the same."""
        known = [found for found in traits if found]
        if not known or len(known) < len(traits):
            return cls(None)
        others = known[1:] or known
        metrics = [m for m in known[0].measures if any(m in other.measures for other in others)]
        if len({found.loss for found in known}) > 1:
            metrics = [m for m in metrics if m != "bce" and not m.endswith("loss")]
        if "accuracy" not in metrics and any(name in metrics for name in ACCURACIES):
            metrics.append("accuracy")
        parts = ("test", "train", *(["fresh"] if fresh else []))
        curves = OF_CURVES if "accuracy" in metrics else ()
        return cls((*(f"{part}_{metric}" for part in parts for metric in metrics), *curves, "epochs"))

    def find(self, endpoint: Endpoint) -> Endpoint | None:
        """The endpoint by its name in the tables; None where no run is scored by it."""
        if self.names is None or endpoint.statistic == "rate":
            return endpoint
        asked = endpoint.measure
        asked = f"test_{asked.removeprefix('val_')}" if asked.startswith("val_") else asked
        known = {"loss": "bce", "bce": "loss", "acc": "accuracy"}
        part, _, metric = asked.partition("_")
        for name in (asked, f"{part}_{known.get(metric)}"):
            if name in self.names:
                return replace(endpoint, measure=name)
        return None

    def scores(self) -> tuple[str, ...]:
        """The scores on fresh points, else on the test set."""
        names = self.names or ()
        return next(
            (found for part in ("fresh_", "test_") if (found := tuple(n for n in names if n.startswith(part)))), ()
        )

    def of(self, endpoint: Endpoint) -> Endpoint:
        """The same for what decides.

        Raises:
            LessonError: no run is scored by it.
        """
        found = self.find(endpoint)
        if found is None:
            hint = (
                "; a loss counts only where all variants have the same"
                if endpoint.measure.endswith(("loss", "bce"))
                else ""
            )
            raise LessonError(
                f"the endpoint is {endpoint.measure!r}, which its runs are not scored by; they have {', '.join(self.names or ())}{hint}"
            )
        return found


def named(values: Mapping[str, Any], name: str) -> Any:
    """A curve or score by its name in the tables, where accuracy is accuracy, whatever Keras calls it; None where there is none."""
    if not name.endswith("accuracy"):
        return values.get(name)
    before = name.removesuffix("accuracy")
    return next((values[before + other] for other in ACCURACIES if before + other in values), None)
