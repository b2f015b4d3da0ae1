"""What a variant trains and how: its identity, and whether it is compiled or goes through `fit`, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import keras
import numpy as np

from orchestrator.engine import backend_of, compiled, processor, users_flags
from orchestrator.engine.model import as_keras
from orchestrator.engine.shapes import Shapes, rows_in
from orchestrator.engine.study import PLAIN, Afresh, Study, study
from orchestrator.errors import LessonError
from orchestrator.lesson import Array, Data, Rows, Split, Variant, count, leaves
from orchestrator.nouns.identity import Identity, Sketch, digest, sketch
from orchestrator.reports.nouns.scope import Scope

CONTRACT = 4  # counts up when the engine would give other numbers for the same program
REACHES = 2  # the same for what is known by its files; before, runs did not reach the rows and the model that their callbacks knew
SEEDS: Mapping[Scope, Sequence[int]] = {"fixed": (0,), "redrawn": (0, 1)}  # whose rows stand for the data


@dataclass(frozen=True)
class Recipe:
    """How a variant is trained in one scope.

    Attributes:
        reason: why the engine is `fit` although `compiled` was asked for.
        traced: whether its training was traced as a program, and is known by that.
        width: the most seeds in a shard, one through `fit` and where the data are large. whole: whether fewer seeds take as long.
        cost: a guess at seconds for a shard, good enough to start the longest first.
    """

    identity: Identity
    study: Study
    engine: str
    reason: str | None
    traced: bool
    width: int
    whole: bool
    cost: float


def recipe(variant: Variant, data: Data, scope: Scope, engine: str, files: Callable[[], str], afresh: Afresh) -> Recipe:
    """Build the variant's model for two seeds, draw its data twice, and say what training it means.

    `files` gives the digest of the files that it is written in, `afresh` the lesson loaded once more.

    Raises:
        LessonError: runs of it would not be what they seem: data that differ at each draw, models that share variables.
    """
    split = data.draw(scope, 0)
    _refuse_lone_weights(variant, data, split)
    known = _study(variant, data, split, engine, afresh)
    traced = engine == "compiled" and known.text is not None
    program = known.text if traced else program_of_files(files(), variant)
    way = "fit-jax" if engine == "compiled" and known.reason else engine
    identity = Identity(
        str(program), settings_of(variant, engine if traced else way), known.start, drawn(data, scope), processor()
    )
    width = compiled.WIDTH if way == "compiled" and not compiled.is_large(split) else 1
    whole = width > 1 and compiled.is_narrow(variant)
    cost = _cost(variant, known, count(split.x_train), way, width)
    return Recipe(identity, known, way, known.reason, traced, width, whole, cost)


def _refuse_lone_weights(variant: Variant, data: Data, split: Split) -> None:
    if len(data.fresh_rows() or ()) > 2 and not split.weighted:
        raise LessonError("Data.fresh() gives weights and the rows to train and validate on have none; give them, too")
    if split.w_train is not None and variant.fit.get("sample_weight") is not None:
        raise LessonError(f"variant {variant.name!r}: both its fit and its data give sample weights; leave one out")


_studies: dict[tuple[int, Shapes, str], tuple[Variant, Study]] = {}


def _study(variant: Variant, data: Data, split: Split, engine: str, afresh: Afresh) -> Study:
    """Both scopes of a variant have one study, where their rows have the same shapes."""
    key = (id(variant), Shapes(split), engine)
    if key not in _studies:
        found = study(variant, data, split, engine, afresh)
        _studies[key] = (variant, found)  # the variant is kept, so that no other gets its id
    return _studies[key][1]


def program_of_files(files: str, variant: Variant) -> str:
    """What stands for a program that can't be traced: the digest of the files that it is written in, and its callbacks' settings."""
    kept = [
        [type(c).__name__, sorted((k, v) for k, v in vars(c).items() if isinstance(v, PLAIN))]
        for c in variant.callbacks
    ]
    return digest(REACHES, files, variant.name, kept)


def drawn(data: Data, scope: Scope) -> Sketch:
    """The data as fed: the fixed set, or two redrawn sets that stand for the process, and the fresh points.

    Raises:
        LessonError: a second draw gives other rows than the first.
    """
    first = list(_draws(data, scope))
    found = sketch(array for _, part in first for array in part)
    digests = [sketch(part).digest for _, part in first]
    del first  # which may be large
    for before, (name, part) in zip(digests, _draws(data, scope), strict=True):
        if sketch(part).digest != before:
            raise LessonError(
                f"{name} gave other rows at its second call, so that no run could be repeated; seed the generator in the function: np.random.default_rng(0)"
            )
    return found


def _draws(data: Data, scope: Scope) -> Iterator[tuple[str, list[Array]]]:
    """What each function of the data gives, as fed."""
    for seed in SEEDS[scope]:
        yield f"Data.{scope}({'' if scope == 'fixed' else seed})", arrays(data.draw(scope, seed))
    if fresh := data.fresh_rows():
        yield "Data.fresh()", _arrays(fresh)


def drawn_of(splits: Sequence[Split], fresh: tuple[Rows, ...] | None) -> Sketch:
    """What `drawn` says of these splits, those of SEEDS, and fresh points."""
    parts = [arrays(split) for split in splits] + ([_arrays(fresh)] if fresh else [])
    return sketch(array for part in parts for array in part)


def arrays(split: Split) -> list[Array]:
    """A split's arrays as they are fed, in a fixed order."""
    return _arrays(rows_in(split))


def _arrays(rows: Rows) -> list[Array]:
    return [array for _, array in leaves(as_keras(rows))]


def settings_of(variant: Variant, engine: str) -> str:
    """Digest of all that decides a run's numbers beside program and rows: arguments of `fit`, and versions."""
    arguments = {name: _argument(variant, name, value) for name, value in variant.fit.items()}
    versions = {name: version(name) for name in _versions(engine)}
    return digest(CONTRACT, engine, variant.epochs, variant.batch_size, arguments, versions, users_flags())


def _versions(engine: str) -> Sequence[str]:
    return ("keras", "tensorflow") if backend_of(engine) == "tensorflow" else ("keras", "jax", "jaxlib")


def _argument(variant: Variant, name: str, value: Any) -> Any:
    """An argument of `fit` as plain data."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return sketch([value]).digest
    if isinstance(value, Mapping):
        return [[repr(key), _argument(variant, name, part)] for key, part in sorted(value.items(), key=repr)]
    if isinstance(value, list | tuple):
        return [_argument(variant, name, part) for part in value]
    raise LessonError(
        f"variant {variant.name!r}: fit's argument {name} is {type(value).__name__}; give numbers or arrays"
    )


def _cost(variant: Variant, known: Study, rows: int, engine: str, width: int) -> float:
    """Seconds for a shard: so much per step, so much per weight and row; half where it may stop before its last epoch."""
    steps = variant.epochs * -(-rows // variant.batch_size)
    work = variant.epochs * rows * known.weights
    if engine == "compiled":
        at_once = width if compiled.is_narrow(variant) else 1
        early = any(isinstance(callback, keras.callbacks.EarlyStopping) for callback in variant.callbacks)
        return float(width * (2.8e-6 * steps / at_once + 6.5e-10 * work * (1 + 2 * known.noisy)) / (1 + early))
    return width * (1e-3 if backend_of(engine) == "jax" else 6e-3) * steps
