"""What a column's title says: `val_acc`, `Validation Accuracy` and `accuracy/valid` are one thing.

A title is cut into words; one of them may say which rows (training or held out), the rest name the quantity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import MappingProxyType

TRAINING = frozenset({"train", "training", "tr", "trn"})
HELD_OUT = ("val", "valid", "validation", "dev", "eval", "evaluation", "test", "testing", "holdout")
"""Words for rows not trained on; where a log has several kinds, the earlier one is taken."""

FILLERS = frozenset({"epoch", "epochs", "metric", "metrics", "avg", "average", "averaged", "running", "total", "overall",
                     "logs", "log", "history", "the", "set", "percent", "pct", "end", "on", "of", "smoothed"})  # fmt: skip
PLURALS = MappingProxyType(
    {"losses": "loss", "accs": "acc", "accuracies": "accuracy", "errors": "error", "errs": "err", "scores": "score"}
)
ACCURACY = frozenset({"acc", "accuracy", "acc1", "top1"})
PLAIN = frozenset({"top", "1", "top1", "score", "mean"})
OWN = PLAIN | {"binary", "categorical", "sparse", "masked", "balanced", "multiclass"}
"""Words beside 'accuracy' that name its kind, not an output of the model; those of `PLAIN` don't even do that."""

SCORES = frozenset({"auc", "auroc", "rocauc", "prc", "auprc", "f1", "fscore", "f1score", "precision", "recall", "dice", "iou",
                    "miou", "jaccard", "map", "sensitivity", "specificity", "kappa"})  # fmt: skip
ERRORS = frozenset({
    "mse", "rmse", "mae", "mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "nll", "bce", "ce",
    "cross_entropy", "crossentropy", "binary_crossentropy", "categorical_crossentropy", "log_loss", "logloss",
    "sparse_categorical_crossentropy", "perplexity", "ppl", "cost", "objective", "huber", "error", "err",
})  # fmt: skip
RATES = frozenset({"lr", "rate"})
CLOCKS = frozenset({"step", "steps", "time", "seconds", "sec", "duration", "elapsed", "index", "iteration", "iterations",
                    "iter", "batch", "batches", "timestamp", "runtime", "wall", "unnamed", "eta", "date", "samples"})  # fmt: skip
RUNS = frozenset(
    {"seed", "run", "fold", "trial", "run_id", "run_name", "repeat", "replicate", "experiment", "run_uuid"}
)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_WORD = re.compile(r"[a-z0-9]+")
_TOP = re.compile(r"(?:^|_)(?:top_?k|top_?[2-9]\d*|acc_?(?:3|5|10))(?:_|$)")
_GLUED = re.compile(
    r"(training|train|validation|valid|val|test|dev|eval)(loss|accuracy|acc|error|auc|f1|mse|mae|iou|dice)"
)


class Kind(Enum):
    """What a quantity is good for."""

    LOSS = "a loss"
    ERROR = "an error, which does for a loss"
    ACCURACY = "an accuracy"
    SCORE = "another score from 0 to 1, higher being better"
    BESIDE = "epoch, step, time or learning rate"
    UNKNOWN = "something else"


@dataclass(frozen=True)
class Meaning:
    """What a title means.

    Attributes:
        kind: what it is good for.
        name: the quantity, without the rows and the output: loss, accuracy, auc.
        output: the model's output that it is of; '' for the whole model.
        rows: 'train' or one of `HELD_OUT`; '' where the title doesn't say, which means training.
        stepwise: whether it is of single batches rather than epochs.
    """

    kind: Kind
    name: str
    output: str = ""
    rows: str = ""
    stepwise: bool = False

    @property
    def held_out(self) -> bool:
        """Whether it is of rows not trained on."""
        return self.rows in HELD_OUT


@lru_cache(maxsize=4096)
def meaning(title: str) -> Meaning:
    """What a column's title means."""
    found = _WORD.findall(_GLUED.sub(r"\1_\2", _CAMEL.sub("_", title).lower()))
    words = [PLURALS.get(word, word) for word in found]
    rows = next((word for word in words if word in TRAINING or word in HELD_OUT), "")
    if rows:
        words.remove(rows)
    stepwise = len(words) > 1 and words[-1] in ("step", "batch")
    core = [word for word in (words[:-1] if stepwise else words) if word not in FILLERS]
    kind, name, output = _quantity(core) if core else (Kind.BESIDE, "", "")
    return Meaning(kind, name, output, "train" if rows in TRAINING else rows, stepwise)


def _quantity(words: list[str]) -> tuple[Kind, str, str]:
    """Kind, name and output of a title's words, rows and fillers taken out."""
    joined, last = "_".join(words), words[-1]
    if joined in ERRORS:
        return Kind.ERROR, joined, ""
    if last == "loss":
        output = "_".join(word for word in words[:-1] if word != "mean")
        return Kind.LOSS, "loss", output
    if _TOP.search(joined):
        return Kind.SCORE, joined, ""
    found = next((word for word in words if word in ACCURACY), None)
    if found:
        return _accuracy(words, found)
    score = next((word for word in words if word in SCORES), None)
    if score:
        return Kind.SCORE, joined, ""
    if RATES & set(words) or words[0].startswith("lr"):
        return Kind.BESIDE, "learning_rate", ""
    beside = CLOCKS & set(words) or joined.isdigit() or joined in RUNS
    error = next((known for known in sorted(ERRORS, key=len, reverse=True) if joined.endswith(f"_{known}")), None)
    if error and not beside:
        return Kind.ERROR, error, joined.removesuffix(f"_{error}")
    return (Kind.BESIDE if beside else Kind.UNKNOWN), joined, ""


def _accuracy(words: list[str], found: str) -> tuple[Kind, str, str]:
    """`accuracy`, or `binary_accuracy`; whatever else stands in the title is the output that it is of."""
    rest = [word for word in words if word != found]
    own = [word for word in rest if word in OWN - PLAIN]
    return Kind.ACCURACY, "_".join([*own, "accuracy"]), "_".join(word for word in rest if word not in OWN)


def rows_of(word: str) -> str:
    """'train' or one of `HELD_OUT` for a word that says which rows; '' for any other."""
    found = _WORD.findall(word.lower())
    if len(found) != 1:
        return ""
    return "train" if found[0] in TRAINING else found[0] if found[0] in HELD_OUT else ""


def known(title: str) -> bool:
    """Whether a title names a loss or a metric."""
    return meaning(title).kind in (Kind.LOSS, Kind.ERROR, Kind.ACCURACY, Kind.SCORE)


def is_epoch(title: str) -> bool:
    """Whether a title is that of the column that numbers the epochs."""
    return re.sub(r"[^a-z]", "", title.lower()) in (
        "epoch",
        "epochs",
        "epochnum",
        "epochnumber",
        "currentepoch",
        "trainerepoch",
        "epochepoch",
    )


def is_step(title: str) -> bool:
    """Whether a title is that of the column that numbers the steps."""
    return re.sub(r"[^a-z]", "", title.lower()) in (
        "step",
        "steps",
        "globalstep",
        "trainerglobalstep",
        "iteration",
        "iter",
    )
