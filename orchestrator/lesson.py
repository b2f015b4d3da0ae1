"""The nouns: a lesson asks a question, its variants are the settings it compares.

A lesson file is plain Keras: it builds data and models, and ends in `LESSON = Lesson(...)`.
Everything here is frozen and checks itself when made, so a lesson that exists is a lesson that can run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from orchestrator.errors import LessonError

Array = NDArray[Any]
Scope = Literal["fixed", "redrawn"]
SCOPES: tuple[Scope, ...] = ("fixed", "redrawn")


def _require(true: bool, rule: str) -> None:
    if not true:
        raise LessonError(rule)


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows to validate on; x is (rows, ...), y is (rows,) or (rows, ...)."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            check_rows(part, getattr(self, f"x_{part}"), getattr(self, f"y_{part}"))


def check_rows(part: str, x: Array, y: Array) -> None:
    """Raise LessonError unless x and y are finite arrays with the same number of rows, one at least."""
    for name, array in ((f"x_{part}", x), (f"y_{part}", y)):
        _require(isinstance(array, np.ndarray), f"{name} must be a NumPy array, not {type(array).__name__}")
        _require(array.ndim > 0 and len(array) > 0, f"{name} has no rows")
        _require(
            np.issubdtype(array.dtype, np.number) or array.dtype == bool, f"{name} holds {array.dtype}, not numbers"
        )
        bad = int((~np.isfinite(array)).sum())
        _require(bad == 0, f"{name} holds {bad} values that are NaN or infinite; a lesson's data must be finite")
    _require(len(x) == len(y), f"x_{part} has {len(x)} rows and y_{part} has {len(y)}; they must be equal")


@dataclass(frozen=True)
class Data:
    """Where a lesson's rows come from.

    Attributes:
        fixed: gives the lesson's own data set.
        redrawn: gives, for a seed, another data set of the same sizes from the same process; None if there is no such
            process.
        fresh: gives (x, y) that no run trains on or stops by, 2,000 rows or more where there is a process.
        chance: accuracy of guessing. bayes: the best accuracy that the process allows. Both None when unknown.
    """

    fixed: Callable[[], Split]
    redrawn: Callable[[int], Split] | None = None
    fresh: Callable[[], tuple[Array, Array]] | None = None
    chance: float | None = None
    bayes: float | None = None
    note: str = ""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes this data can be trained in."""
        return SCOPES if self.redrawn else ("fixed",)

    def draw(self, scope: Scope, seed: int) -> Split:
        """The rows that a run of this scope and seed trains and validates on."""
        if scope == "fixed":
            return self.fixed()
        _require(self.redrawn is not None, "this lesson has no `redrawn` data; ask for --data fixed")
        assert self.redrawn is not None
        return self.redrawn(seed)


RATES = ("bad", "diverged", "stuck")


@dataclass(frozen=True)
class Endpoint:
    """The one number a run is judged by, declared before anything runs.

    Attributes:
        measure: a score of a finished run (`fresh_accuracy`, `test_bce`, `epochs`, ...), `wobble` (mean absolute
            change of validation
            accuracy between epochs, last half) or `epochs_to_threshold` (first epoch with validation accuracy at
            `threshold`); for a rate `bad`, `diverged` or `stuck`.
        better: the direction that is better.
        sesoi: smallest effect of interest, in the measure's units; for a spread, the ratio of standard deviations; for a
            rate, a difference of shares such as 0.1.
        statistic: `mean` compares means over seeds, `spread` standard deviations across seeds, `rate` the shares of runs
            that went bad (failed, diverged or stuck), or that diverged, or that are stuck.
    """

    measure: str = "fresh_accuracy"
    better: Literal["higher", "lower"] = "higher"
    sesoi: float = 0.01
    statistic: Literal["mean", "spread", "rate"] = "mean"
    threshold: float | None = None

    def __post_init__(self) -> None:
        _require(self.better in ("higher", "lower"), f"better is {self.better!r}; it must be 'higher' or 'lower'")
        _require(
            self.statistic in ("mean", "spread", "rate"),
            f"statistic is {self.statistic!r}; it must be 'mean', 'spread' or 'rate'",
        )
        _require(math.isfinite(self.sesoi) and self.sesoi > 0, f"sesoi is {self.sesoi!r}; it must be a number above 0")
        _require(
            (self.threshold is not None) == (self.measure == "epochs_to_threshold"),
            "threshold belongs to the measure 'epochs_to_threshold', and it to a threshold",
        )
        _require(
            (self.statistic == "rate") == (self.measure in RATES),
            f"measure is {self.measure!r} and statistic {self.statistic!r}; the statistic 'rate' and the measures"
            f" {', '.join(map(repr, RATES))} belong together",
        )
        _require(
            self.statistic != "rate" or (self.sesoi < 1 and self.better == "lower"),
            f"sesoi is {self.sesoi!r} and better {self.better!r}; for a rate sesoi is a difference of shares below 1, and"
            " better is 'lower'",
        )


SECONDARY = (
    Endpoint("fresh_accuracy"),
    Endpoint("test_accuracy"),
    Endpoint("fresh_bce", better="lower", sesoi=0.02),
    Endpoint("wobble", better="lower", sesoi=0.002),
    Endpoint("epochs_to_threshold", better="lower", sesoi=5, threshold=0.8),
    Endpoint("fresh_accuracy", better="lower", sesoi=0.8, statistic="spread"),
)


@dataclass(frozen=True)
class Variant:
    """One setting a lesson compares.

    Attributes:
        model: builds and compiles a Keras model; called once a run, after the seed is set.
        epochs, batch_size: as for `fit`. fit: further keyword arguments for `fit`.
        callbacks: Keras callbacks; each run gets copies of its own.
    """

    name: str
    model: Callable[[], Any]
    epochs: int
    batch_size: int = 32
    callbacks: Sequence[Any] = ()
    fit: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        _require(
            isinstance(self.name, str) and bool(self.name.strip()) and self.name.isprintable(),
            f"a variant's name is {self.name!r}; it must be a word",
        )
        _require(
            callable(self.model),
            f"variant {self.name!r}: model must be a function that builds and compiles a Keras model",
        )
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            _require(
                isinstance(value, int) and not isinstance(value, bool) and value >= 1,
                f"variant {self.name!r}: {name} is {value!r}; it must be a whole number of 1 or more",
            )
        taken = {"x", "y", "validation_data", "epochs", "batch_size", "callbacks", "verbose"} & set(self.fit)
        _require(not taken, f"variant {self.name!r}: fit may not set {', '.join(sorted(taken))}")

    def with_fit(self, arguments: Mapping[str, Any]) -> Variant:
        """This variant with other arguments for `fit`."""
        own = {name: arguments[name] for name in ("epochs", "batch_size") if name in arguments}
        rest = {name: value for name, value in arguments.items() if name not in own}
        return replace(self, **own, fit={**self.fit, **rest})


@dataclass(frozen=True)
class Lesson:
    """A question, the variants that answer it (the first is the baseline), and the endpoint that decides.

    `about` is the lesson file's docstring: its first paragraph is the question, the rest explains. `guard` is what must not
    get worse meanwhile, by default accuracy on fresh points (else on the test set) where that doesn't decide. `technique` is
    what a sentence on the result speaks of, where that is not the title. `family` is what the technique treats:
    learning, generalization or predictions. `id`, `number` and `source` are set by whoever loads the file.
    """

    title: str
    about: str
    data: Data
    variants: Sequence[Variant]
    endpoint: Endpoint = Endpoint()
    secondary: Sequence[Endpoint] = SECONDARY
    guard: Endpoint | None = None
    family: Literal["learning", "generalization", "predictions"] | None = None
    technique: str = ""
    id: str = ""
    number: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        _require(
            bool(self.about and self.about.strip()),
            "a lesson needs a question: give the file a docstring and pass about=__doc__",
        )
        _require(isinstance(self.data, Data), f"data must be a Data, not {type(self.data).__name__}")
        _require(len(self.variants) > 0, "a lesson needs one variant at least")
        _require(all(isinstance(v, Variant) for v in self.variants), "variants must all be made with Variant(...)")
        _require(
            self.guard is None or isinstance(self.guard, Endpoint),
            f"guard must be an Endpoint, not {type(self.guard).__name__}",
        )
        twice = [name for name, count in Counter(v.name for v in self.variants).items() if count > 1]
        _require(not twice, f"two variants are named {', '.join(map(repr, twice))}; names must differ")

    @property
    def question(self) -> str:
        """The docstring's first paragraph on one line."""
        return " ".join(self.about.strip().split("\n\n")[0].split())

    @property
    def explanation(self) -> str:
        """The docstring's further paragraphs."""
        return "\n\n".join(" ".join(part.split()) for part in self.about.strip().split("\n\n")[1:])

    def variant(self, name: str) -> Variant:
        """The variant of that name."""
        return next(v for v in self.variants if v.name == name)

    def with_fit(self, arguments: Mapping[str, Any]) -> Lesson:
        """This lesson with other arguments for `fit` in every variant."""
        return replace(self, variants=tuple(v.with_fit(arguments) for v in self.variants))

    def describe(self, rows: Mapping[str, int], reasons: Mapping[str, str | None]) -> dict[str, Any]:
        """What a report needs to know, as plain JSON; `reasons` says per variant why it can't be compiled."""
        primary = self.endpoint
        return {
            "id": self.id,
            "number": self.number,
            "title": self.title,
            "technique": self.technique or self.title,
            "question": self.question,
            "explanation": self.explanation,
            "family": self.family,
            "endpoint": asdict(primary),
            "guard": asdict(self.guard) if self.guard else None,
            "secondary": [asdict(e) for e in self.secondary if e != primary],
            "variants": [
                {
                    "name": v.name,
                    "note": v.note,
                    "epochs": v.epochs,
                    "batch_size": v.batch_size,
                    "callbacks": [type(c).__name__ for c in v.callbacks],
                    "engine_reason": reasons.get(v.name),
                }
                for v in self.variants
            ],
            "data": {
                "fixed": True,
                "redrawn": self.data.redrawn is not None,
                **rows,
                "chance": self.data.chance,
                "bayes": self.data.bayes,
                "note": self.data.note,
            },
        }
