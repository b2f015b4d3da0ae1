"""The nouns: a lesson asks a question, its variants are the settings it compares.

A lesson file is plain Keras: it builds data and models, and ends in `LESSON = Lesson(...)`.
Everything here is frozen and checks itself when made, so a lesson that exists is a lesson that can run.
"""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from orchestrator import batches
from orchestrator.errors import LessonError
from orchestrator.reports.nouns.claim import Claim
from orchestrator.reports.nouns.contrast import Contrast
from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.reports.nouns.scope import SCOPES, Scope

Array = NDArray[Any]
# What a variant may hand to `fit`: all but what has a place of its own, and `validation_split`, which a Split leaves no use for.
FIT_ARGUMENTS = (
    "shuffle",
    "class_weight",
    "sample_weight",
    "initial_epoch",
    "steps_per_epoch",
    "validation_steps",
    "validation_batch_size",
    "validation_freq",
)
SETTABLE = ("epochs", "batch_size", *(name for name in FIT_ARGUMENTS if name not in ("sample_weight", "initial_epoch")))
"""Of the arguments of `fit`, those that can be set for all variants at once."""
Rows = Any  # an array, or a dict, list or tuple of such


def _require(true: bool, rule: str) -> None:
    if not true:
        raise LessonError(rule)


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows to validate on.

    Pandas frames and series become arrays as `fit` would make them: a series is a column.

    Attributes:
        x_train: an array (rows, ...), or several in a dict, list or tuple as the model takes them; finite numbers.
        y_train: likewise, with as many rows as `x_train`.
        x_test: rows to validate on; no run trains on them.
        y_test: likewise, with as many rows as `x_test`.
        w_train: weights of the rows, as `fit` takes them for `sample_weight`; None where all count alike.
        w_test: weights of the rows to validate on, likewise.

    Raises:
        LessonError: there are no rows, not as many in x as in y, or values that are not finite numbers.
    """

    x_train: Rows
    y_train: Rows
    x_test: Rows
    y_test: Rows
    w_train: Rows | None = None
    w_test: Rows | None = None

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            for side in "xy":
                object.__setattr__(self, f"{side}_{part}", _as_arrays(getattr(self, f"{side}_{part}")))
            object.__setattr__(self, f"w_{part}", _as_weights(getattr(self, f"w_{part}")))
            check_rows(part, *(getattr(self, f"{side}_{part}") for side in "xyw"))

    @property
    def weighted(self) -> bool:
        """Whether any of its rows have weights."""
        return self.w_train is not None or self.w_test is not None


def leaves(rows: Rows, name: str = "") -> list[tuple[str, Any]]:
    """The arrays in `rows` in a fixed order, each with what it is called."""
    if isinstance(rows, Mapping):
        return [leaf for key in sorted(rows) for leaf in leaves(rows[key], f"{name}[{key!r}]")]
    if isinstance(rows, list | tuple):
        return [leaf for i, part in enumerate(rows) for leaf in leaves(part, f"{name}[{i}]")]
    return [(name, rows)]


def count(rows: Rows) -> int:
    """How many rows there are."""
    return len(leaves(rows)[0][1])


TENSORS = ("jax", "jaxlib", "tensorflow", "torch")


def _as_weights(rows: Rows | None) -> Rows | None:
    """The same for weights, which `fit` wants to have no column."""
    kind = type(rows).__name__
    return rows.to_numpy() if kind == "Series" else None if rows is None else _as_arrays(rows)  # type: ignore[union-attr]


def _as_arrays(rows: Rows) -> Rows:
    """Pandas frames and series, and tensors, as arrays, wherever they stand; the rest as it is."""
    if isinstance(rows, Mapping):
        return {key: _as_arrays(part) for key, part in rows.items()}
    if isinstance(rows, list | tuple):
        return type(rows)(_as_arrays(part) for part in rows)
    library, kind = type(rows).__module__.partition(".")[0], type(rows).__name__
    if library in TENSORS and hasattr(rows, "__array__"):
        return np.asarray(rows)
    if library != "pandas" or kind not in ("DataFrame", "Series"):
        return rows
    values = rows.to_numpy()
    if values.dtype == object:  # columns of several kinds, as numbers where they are numbers
        with suppress(TypeError, ValueError):
            values = rows.to_numpy(dtype=np.float64)
    return values if kind == "DataFrame" else values[:, None]


def check_rows(part: str, x: Rows, y: Rows, w: Rows | None = None) -> None:
    """Raise LessonError unless x, y and weights hold finite arrays with the same number of rows, one at least."""
    found = [*leaves(x, f"x_{part}"), *leaves(y, f"y_{part}"), *([] if w is None else leaves(w, f"w_{part}"))]
    for side, rows in (("x", x), ("y", y)):
        _require(bool(leaves(rows)), f"{side}_{part} holds no array")
    for name, array in found:
        number = isinstance(array, bool | int | float)  # of a list of numbers
        _require(
            isinstance(array, np.ndarray),
            f"{name.partition('[')[0] if number else name} must be a NumPy array, a pandas frame or series, "
            f"or a dict, list or tuple of these, not {'a list of numbers' if number else type(array).__name__}",
        )
        _require(array.ndim > 0 and len(array) > 0, f"{name} has no rows")
        _require(
            not np.ma.is_masked(array), f"{name} is a masked array with values missing; a lesson's data must be whole"
        )
        real = array.dtype == bool or array.dtype.kind in "iuf"
        _require(real, f"{name} holds {array.dtype}, not numbers")
        bad = int((~np.isfinite(array)).sum())
        _require(bad == 0, f"{name} holds {bad} values that are NaN or infinite; a lesson's data must be finite")
    first, rows = found[0][0], len(found[0][1])
    for name, array in found[1:]:
        _require(len(array) == rows, f"{first} has {rows} rows and {name} has {len(array)}; they must be equal")


@dataclass(frozen=True)
class Data:
    """Where a lesson's rows come from.

    Attributes:
        fixed: gives the lesson's own data set.
        redrawn: gives, for a seed, another data set from the same process, best of the same sizes: others cost a
            compilation each; None if there is no such process.
        fresh: gives (x, y), or (x, y, weights), that no run trains on or stops by, 2,000 rows or more where there is a
            process.
        chance: accuracy of guessing, 0 to 1; None when unknown.
        bayes: the best accuracy that the process allows, 0 to 1; None when unknown.
        note: a line on the data, for the page.
        resplit: True where `redrawn` splits one file anew for each seed, so that its draws have rows in common. It is found
            out where their rows are the same to the byte, and must be said where they are changed on the way.
    """

    fixed: Callable[[], Any]
    redrawn: Callable[[int], Any] | None = None
    fresh: Callable[[], Any] | None = None
    chance: float | None = None
    bayes: float | None = None
    note: str = ""
    resplit: bool = False

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes this data can be trained in."""
        return SCOPES if self.redrawn else ("fixed",)

    def draw(self, scope: Scope, seed: int) -> Split:
        """The rows that a run of this scope and seed trains and validates on."""
        if scope == "fixed":
            return _split(self.fixed(), "fixed")
        _require(self.redrawn is not None, "this lesson has no `redrawn` data; ask for --data fixed")
        assert self.redrawn is not None
        return _split(self.redrawn(seed), "redrawn")

    def fresh_rows(self) -> tuple[Rows, ...] | None:
        """The fresh points (x, y) or (x, y, weights), checked; None where there are none."""
        if self.fresh is None:
            return None
        drawn = _part(self.fresh(), "Data.fresh()")
        _require(drawn is not None, "Data.fresh must give (x, y)")
        x, y, *w = drawn or ()
        rows = (_as_arrays(x), _as_arrays(y), *map(_as_weights, w))
        check_rows("fresh", *rows)
        return rows

    def is_resplit(self) -> bool:
        """Whether draws have rows in common, as said, or as seen in two of them."""
        if self.resplit or self.redrawn is None:
            return self.resplit
        return have_rows_in_common(self.draw("redrawn", 0), self.draw("redrawn", 1))


IN_COMMON = 0.05  # more rows in common, as a share, than a draw has equal rows in itself


def have_rows_in_common(one: Split, other: Split) -> bool:
    """Whether two draws share more rows than rows of few values would by chance: than each repeats in itself."""
    first, second = ([hash(row.tobytes()) for row in _as_bytes(split)] for split in (one, other))
    times = Counter(first)
    repeated = sum(times[row] > 1 for row in first) / len(first)
    return sum(row in times for row in second) / len(second) > repeated + IN_COMMON


def _as_bytes(split: Split) -> NDArray[np.uint8]:
    """(rows, bytes) of all that a draw holds, to train on and to validate on."""
    parts = zip(leaves([split.x_train, split.y_train]), leaves([split.x_test, split.y_test]), strict=True)
    arrays = (np.concatenate([train, test]) for (_, train), (_, test) in parts)
    return np.concatenate([np.ascontiguousarray(a).reshape(len(a), -1).view(np.uint8) for a in arrays], axis=1)


def _split(drawn: Any, name: str) -> Split:
    """What a data function gave, as a Split: also of the form ((x, y), (x_test, y_test)), as Keras's own data sets come."""
    if isinstance(drawn, Split):
        return drawn
    if isinstance(drawn, tuple | list) and len(drawn) == 2:
        train, test = (_part(part, f"Data.{name}()[{i}]") for i, part in enumerate(drawn))
        if train and test:
            return Split(*train[:2], *test[:2], *(part[2] if part[2:] else None for part in (train, test)))
    raise LessonError(
        f"Data.{name} gave {type(drawn).__name__}; it must give Split(x_train, y_train, x_test, y_test) or ((x_train, y_train), (x_test, y_test)),"
        " each pair with weights if they have any, or a finite tf.data, PyDataset or generator of batches"
    )


def have_same_targets(one: Data, other: Data, scope: Scope, seeds: Sequence[int]) -> bool:
    """Whether two sources of rows are validated and scored on the same targets, so that their runs can be paired row by row."""
    return all(
        len(first) == len(second) and all(map(_equal, first, second))
        for first, second in zip(*(_targets(data, scope, seeds) for data in (one, other)), strict=True)
    )


def _targets(data: Data, scope: Scope, seeds: Sequence[int]) -> list[list[tuple[str, Any]]]:
    splits, fresh = [data.draw(scope, seed) for seed in seeds], data.fresh_rows()
    rows = [(split.y_test, split.w_test) for split in splits] + ([fresh[1:]] if fresh else [])
    return [[leaf for part in parts if part is not None for leaf in leaves(part)] for parts in rows]


def _equal(one: tuple[str, Any], other: tuple[str, Any]) -> bool:
    """Whether two arrays say the same of every row, whether a row has a number or a list of one."""
    a, b = one[1], other[1]
    same = len(a) == len(b) and np.size(a) == np.size(b)
    return one[0] == other[0] and same and np.array_equal(np.reshape(a, (len(a), -1)), np.reshape(b, (len(b), -1)))


def _part(given: Any, name: str) -> tuple[Rows, ...] | None:
    """(x, y) or (x, y, weights), also of what gives batches; None where it is none of these."""
    if batches.are_batches(given):
        return batches.read(given, name)
    return tuple(given) if isinstance(given, tuple | list) and len(given) in (2, 3) else None


RATES = ("bad", "diverged", "stuck")


def check_endpoint(endpoint: Endpoint) -> None:
    """Raise LessonError unless a run can be judged by this endpoint."""
    _require(endpoint.better in ("higher", "lower"), f"better is {endpoint.better!r}; it must be 'higher' or 'lower'")
    _require(
        endpoint.statistic in ("mean", "spread", "rate"),
        f"statistic is {endpoint.statistic!r}; it must be 'mean', 'spread' or 'rate'",
    )
    sesoi = endpoint.sesoi
    _require(math.isfinite(sesoi) and sesoi > 0, f"sesoi is {sesoi!r}; it must be a number above 0")
    _require(
        (endpoint.threshold is not None) == (endpoint.measure == "epochs_to_threshold"),
        "threshold belongs to the measure 'epochs_to_threshold', and it to a threshold",
    )
    _require(
        (endpoint.statistic == "rate") == (endpoint.measure in RATES),
        f"measure is {endpoint.measure!r} and statistic {endpoint.statistic!r}; the statistic 'rate' and the measures"
        f" {', '.join(map(repr, RATES))} belong together",
    )
    _require(
        endpoint.statistic != "rate" or (sesoi < 1 and endpoint.better == "lower"),
        f"sesoi is {sesoi!r} and better {endpoint.better!r}; for a rate sesoi is a difference of shares below 1, and"
        " better is 'lower'",
    )


def check_contrast(contrast: Contrast, variants: Sequence[str], endpoint: Endpoint) -> None:
    """Raise LessonError unless a lesson of these variants can compare so."""
    name, weights = contrast.name, contrast.weights
    _require_word("contrast", name)
    strange = [each for each in weights if each not in variants]
    _require(
        not strange, f"contrast {name!r}: there is no variant {strange[:1]}; there are {', '.join(map(repr, variants))}"
    )
    for each, weight in weights.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        _require(
            number and math.isfinite(weight) and weight != 0,
            f"contrast {name!r}: the weight of {each!r} is {weight!r}; it must be a number other than 0",
        )
    if contrast.among:
        _require(
            set(contrast.among) <= set(variants) and [*weights.values()] == [-1] and endpoint.statistic == "mean",
            f"contrast {name!r}: what is chosen among variants is held against one of weight -1, by a mean",
        )
        return
    total = math.fsum(weights.values())
    _require(
        len(weights) > 1 and abs(total) < 1e-9,
        f"contrast {name!r}: its weights add up to {total:g}; of two variants or more they must add up to 0",
    )
    _require(
        contrast.pair is not None or endpoint.statistic == "mean",
        f"contrast {name!r}: sums of runs can be compared by a mean, not by the statistic {endpoint.statistic!r}",
    )


def check_claim(claim: Claim, names: Sequence[str]) -> None:
    """See that a claim can be held against one of these contrasts.

    Raises:
        LessonError: it can't.
    """
    _require(isinstance(claim, Claim), "published claims must all be made with Claim(...)")
    said = claim.source if isinstance(claim.source, str) else ""
    _require(bool(said.strip()), "a claim needs a source: who said so, and where")
    given = [each for each in (claim.effect, claim.value) if each is not None]
    number = len(given) == 1 and isinstance(given[0], int | float) and math.isfinite(given[0])
    _require(
        number,
        f"the claim of {said!r} has effect {claim.effect!r} and value {claim.value!r}; give one of them, a number",
    )
    runs = isinstance(claim.n, int) and not isinstance(claim.n, bool) and claim.n >= 1
    _require(runs, f"the claim of {said!r} is of {claim.n!r} runs; n must be a whole number of 1 or more")
    known = claim.contrast in ("", *names) and bool(names)
    _require(
        known, f"the claim of {said!r} is about {claim.contrast!r}; the lesson compares {', '.join(map(repr, names))}"
    )


def check_model(model: Any, arguments: Mapping[str, Any]) -> None:
    """See that a model function can be called so.

    Raises:
        LessonError: it is none, or has no such argument.
    """
    _require(
        callable(model) and not hasattr(model, "layers"), "the model must be a function that builds and compiles one"
    )
    try:
        inspect.signature(model).bind(**arguments)
    except TypeError as error:
        raise LessonError(f"the model function doesn't take {', '.join(arguments)}: {error}") from None
    except ValueError:  # it has no signature that Python can tell
        return


def _require_word(what: str, name: Any) -> None:
    word = isinstance(name, str) and bool(name.strip()) and name.isprintable()
    _require(word, f"a {what}'s name is {name!r}; it must be a word")


def _require_different(what: str, names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    _require(not twice, f"two {what} are named {', '.join(map(repr, twice))}; names must differ")


FRESH = Endpoint()
SECONDARY = (
    FRESH,
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
        name: a word, such as "without" or "with".
        model: builds and compiles a Keras model; called once a run, after the seed is set.
        epochs: as for `fit`, 1 or more.
        batch_size: as for `fit`, 1 or more rows.
        callbacks: Keras callbacks; each run gets copies of its own.
        fit: further keyword arguments for `fit`: shuffle, class_weight, sample_weight, initial_epoch, steps_per_epoch,
            validation_steps, validation_batch_size, validation_freq.
        note: a line on this setting, for the page.
        data: rows of its own where they are what it changes, such as scaled, augmented or fewer rows to train on; else those
            of the lesson. Targets to validate on are the same for all variants.
    """

    name: str
    model: Callable[[], Any]
    epochs: int
    batch_size: int = 32
    callbacks: Sequence[Any] = ()
    fit: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    data: Data | None = None

    def __post_init__(self) -> None:
        given = [] if self.callbacks is None else [self.callbacks]
        object.__setattr__(
            self, "callbacks", tuple(each for _, each in leaves(given))
        )  # one, or nested, as `fit` takes them
        _require_word("variant", self.name)
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
        _require(
            self.data is None or isinstance(self.data, Data),
            f"variant {self.name!r}: data must be a Data, not {type(self.data).__name__}",
        )
        strange = sorted(set(self.fit) - set(FIT_ARGUMENTS))
        _require(
            not strange,
            f"variant {self.name!r}: fit may not set {', '.join(map(str, strange))}; it may set {', '.join(FIT_ARGUMENTS)} "
            "(data, epochs, batch_size and callbacks have places of their own)",
        )

    def with_fit(self, arguments: Mapping[str, Any]) -> Variant:
        """This variant with other arguments for `fit`."""
        own = {name: arguments[name] for name in ("epochs", "batch_size") if name in arguments}
        rest = {name: value for name, value in arguments.items() if name not in own}
        return replace(self, **own, fit={**self.fit, **rest})


@dataclass(frozen=True)
class Lesson:
    """A question, the variants that answer it, and the endpoint that decides.

    Attributes:
        title: what the page calls it.
        about: the lesson file's docstring; its first paragraph is the question, the rest explains.
        data: where the rows come from.
        variants: one or more with different names; the first is the baseline.
        endpoint: what decides, declared before anything runs.
        secondary: what is looked into besides, and decides nothing.
        contrasts: what is compared, where that is something else than each other variant with the first.
        guard: what must not get worse meanwhile; by default accuracy on fresh points, else on the test set, where that
            doesn't decide.
        published: what others claim of it, which the page holds against what is measured.
        family: what the technique treats.
        technique: what a sentence on the result speaks of, where that is not the title.
        id: set by whoever loads the file.
        number: set likewise, for the seven lessons.
        source: set likewise.
    """

    title: str
    about: str
    data: Data
    variants: Sequence[Variant]
    endpoint: Endpoint = FRESH
    secondary: Sequence[Endpoint] = SECONDARY
    guard: Endpoint | None = None
    contrasts: Sequence[Contrast] = ()
    published: Sequence[Claim] = ()
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
        for endpoint in (self.endpoint, *self.secondary, *([self.guard] if self.guard else [])):
            check_endpoint(endpoint)
        _require_different("variants", [v.name for v in self.variants])
        _require(all(isinstance(c, Contrast) for c in self.contrasts), "contrasts must all be made with Contrast(...)")
        for contrast in self.contrasts:
            check_contrast(contrast, [v.name for v in self.variants], self.endpoint)
        _require_different("contrasts", [c.name for c in self.contrasts])
        decide = not self.contrasts or any(c.decides for c in self.contrasts)
        _require(decide, "none of the lesson's contrasts decides; leave `decides` as it is for one at least")
        several = isinstance(self.published, list | tuple)
        _require(several, "published takes a list of claims: [Claim(...)]")
        names = [c.name for c in self.contrasts] or [v.name for v in self.variants[1:]]
        for claim in self.published:
            check_claim(claim, names)
        for name in ("redrawn", "fresh"):
            lacks = [v.name for v in self.variants if _lacks(getattr(self.data_of(v), name), getattr(self.data, name))]
            _require(not lacks, f"variant {lacks[:1]}: of its data and the lesson's, only one has {name!r}")

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

    @property
    def sources(self) -> tuple[Data, ...]:
        """The lesson's data, and those that variants bring, each once."""
        own = {id(v.data): v.data for v in self.variants if v.data}
        return (self.data, *own.values())

    def data_of(self, variant: Variant) -> Data:
        """Where a variant's rows come from."""
        return variant.data or self.data

    def with_fit(self, arguments: Mapping[str, Any]) -> Lesson:
        """This lesson with other arguments for `fit` in every variant."""
        return replace(self, variants=tuple(v.with_fit(arguments) for v in self.variants))


def _lacks(own: Any, ours: Any) -> bool:
    return (own is None) != (ours is None)
