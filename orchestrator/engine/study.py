"""What is found out about a variant by building its model for two seeds: its program as text, and what speaks against compiling it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jax
import keras
import numpy as np

from orchestrator.engine import allowed, callbacks, private
from orchestrator.engine.form import start_of
from orchestrator.engine.history import columns
from orchestrator.engine.lowering import calls_python, is_slow, loss_text, lower
from orchestrator.engine.model import Beginning, begin, begin_two, loss_name
from orchestrator.engine.reference import Reference
from orchestrator.engine.row_order import row_orders, shuffler
from orchestrator.engine.standing import standing
from orchestrator.errors import LessonError
from orchestrator.lesson import Data, Lesson, Split, Variant, count
from orchestrator.nouns.identity import Sketch, digest, sketch
from orchestrator.reports.nouns.history import BESIDE

Afresh = Callable[[], AbstractContextManager[Lesson]]

COMPILED_FIT = {"shuffle", "validation_batch_size"}  # the arguments of `fit` that the compiled engine knows
ORDERS = 2  # epochs whose order of rows is part of a start
TAKEN = {*BESIDE, "loss", "learning_rate"}  # columns of the histories
PLAIN = (bool, int, float, str, type(None))  # what an object keeps that can be compared as text
SEEN = {"compute_loss", "compute_metrics", "metrics", "get_metrics_result", "compile", "train_step", "test_step"}


@dataclass(frozen=True)
class Study:
    """What is known of a variant, for rows of certain shapes.

    Attributes:
        text: digest of its training as a program; None where it can't be traced.
        reason: why it goes through `fit`; None where it may be compiled.
        start: initial variables of two seeds and the order of their rows.
        measures: what its runs are scored by. loss: digest of its loss as a program.
        weights: how many it trains. noisy: layers that draw numbers. notes: what a reader of its results must know.
    """

    text: str | None
    reason: str | None
    start: Sketch
    measures: tuple[str, ...]
    loss: str
    weights: int
    noisy: int
    notes: tuple[str, ...]


def study(variant: Variant, data: Data, split: Split, engine: str, afresh: Afresh) -> Study:
    """Build the variant's model for seeds 0 and 1, for rows such as `split`'s; `afresh` loads its lesson once more.

    Raises:
        LessonError: its runs would not be what they seem.
    """
    _refuse_double_precision(variant)
    _refuse_meddling(variant)
    _refuse_old_files(variant)
    pair = begin_two(variant, data, split)
    model = pair[0].model
    _refuse_shared_variables(variant, pair)
    measures = _measures(variant, model)
    text, reason = _traced(variant, data, split, pair, afresh) if engine == "compiled" else (None, None)
    return Study(
        text,
        reason,
        start(variant, split, pair),
        measures,
        loss_text(model, split) if engine != "fit-tensorflow" else "",
        model.count_params(),
        sum(hasattr(layer, "seed_generator") for layer in private.layers_in(model)),
        tuple(_notes(variant, pair)),
    )


def start(variant: Variant, split: Split, pair: Iterable[Beginning]) -> Sketch:
    """Initial variables, and the order of the rows in two epochs, of some seeds' models."""
    found = []
    for beginning in pair:
        orders = row_orders(shuffler(beginning, variant, split), count(split.x_train), variant)
        found += [array for part in beginning.values for array in part] + list(islice(orders, ORDERS))
    return sketch(found)


def _traced(
    variant: Variant, data: Data, split: Split, pair: tuple[Beginning, Beginning], afresh: Afresh
) -> tuple[str | None, str | None]:
    """The digest of the program, None where that says too little of what is trained; and why it goes through `fit`."""
    drew = next((beginning.drew for beginning in pair if beginning.drew), "")
    reason = f"model() draws from {drew} generator: its program may hold what it drew" if drew else None
    reason = reason or ("rows have weights" if split.weighted else None) or _unseen(variant, pair[0].model)
    if reason:
        return None, reason
    try:
        if _remembers(pair[0].model):
            return None, "a metric keeps something in Python that changes from epoch to epoch"
        if data.redrawn:
            if _leaves_something(variant, data):
                return None, "drawing rows changes what lies outside the data's function, where model() may find it"
            data.draw(data.scopes[0], 0)  # what is traced may look at what was drawn last
        text, _ = _known_by(variant, split, pair[0])
        other, start = _in_fresh_load(variant, split, afresh) if data.redrawn else _known_by(variant, split, pair[1])
        again = start_of(begin(variant, split, 1, whole=False)).digest
    except Exception as error:  # the user's own code, traced
        return None, f"tracing it raised {_line(error)}"
    if text != other:
        why = (
            "its program differs from seed to seed, or with the rows drawn last: it holds what comes from outside Keras"
        )
        return None, why
    if calls_python(text):
        return None, "it calls Python while it trains"
    if not start == again == start_of(pair[1]).digest:
        return None, "model() gives another model when it is called again: it depends on something outside itself"
    return digest(text), why_not(variant, pair[0].model, text)


def _leaves_something(variant: Variant, data: Data) -> bool:
    """Whether other rows leave other things in the modules of `model` and of the function that draws them."""
    data.draw("redrawn", 0)
    before = standing(variant.model, data.redrawn)
    data.draw("redrawn", 1)
    return standing(variant.model, data.redrawn) != before


def _known_by(variant: Variant, split: Split, beginning: Beginning) -> tuple[str, str]:
    """A seed's program, and the digest of what it begins with."""
    return lower(Reference(variant, beginning), beginning.values, split), start_of(beginning).digest


def _in_fresh_load(variant: Variant, split: Split, afresh: Afresh) -> tuple[str, str]:
    """The same of seed 1, where other rows were drawn before anything was made, of which something may have been kept."""
    with afresh() as lesson:
        twin = lesson.variant(variant.name)
        lesson.data_of(twin).draw("redrawn", 1)
        return _known_by(twin, split, begin(twin, split, 1))


def _line(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"[:200]


def _unseen(variant: Variant, model: keras.Model) -> str | None:
    """What a trace would not see of the training; None when it sees all."""
    strange = sorted(set(variant.fit) - COMPILED_FIT)
    if strange:
        return f"fit's argument {strange[0]!r} has no compiled equivalent"
    if jax.config.jax_debug_nans or jax.config.jax_debug_infs:
        return "jax_debug_nans or jax_debug_infs ends a run at its first bad number"
    unruled = callbacks.without_rule(variant.callbacks)
    if unruled:
        return f"the callback {unruled} has no compiled equivalent"
    if model.steps_per_execution > 1 and any(isinstance(c, keras.callbacks.TerminateOnNaN) for c in variant.callbacks):
        return "with steps_per_execution TerminateOnNaN looks after several batches at once"
    optimizers = private.optimizers_of(model)
    if any(hasattr(optimizer, "optimizers") for optimizer in optimizers):
        return "several optimisers share the model"
    if model.run_eagerly or not model.jit_compile:
        layer = next((type(layer).__name__ for layer in private.layers_in(model) if not layer.supports_jit), None)
        return f"the layer {layer} can't be compiled" if layer else "the model asks to run step by step, not compiled"
    own = (_overridden(model) - SEEN) | (_replaced(model) & TRAINER)
    if own:
        return f"the model has its own {min(own)}()"
    kinds = [kind for optimizer in optimizers for kind in _own_kinds(optimizer)]
    changed = [name for kind in kinds for name in vars(kind) if name in OUTSIDE]
    if changed:
        return f"the optimiser has its own {changed[0]}()"
    patched = [name for thing in (*variant.callbacks, *private.metrics_of(model)) for name in sorted(_replaced(thing))]
    if patched:
        return f"a callback or metric has its own {patched[0]}()"
    return None if _resets_alike(model) else "a metric's reset_state() leaves something of the epoch before"


def _own_kinds(thing: Any) -> list[type]:
    """The classes of the user's among those that an object is of."""
    return [kind for kind in type(thing).__mro__ if kind.__module__.partition(".")[0] not in ("keras", "builtins")]


def _replaced(thing: Any) -> set[str]:
    """Methods of its class that stand anew in this very object."""
    return {name for name, own in vars(thing).items() if callable(own) and callable(getattr(type(thing), name, None))}


def _remembers(model: keras.Model) -> bool:
    """Whether a metric is another after an epoch's end and the next one's beginning, both of which `fit` runs in Python."""
    seen = []
    for _ in range(2):
        for metric in private.metrics_of(model):
            metric.result()
            metric.reset_state()
        seen.append([repr(sorted(_plain(metric).items())) for metric in private.metrics_of(model)])
    return seen[0] != seen[1]


def _plain(thing: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(thing).items() if isinstance(value, (*PLAIN, list, dict, set, tuple))}


def _resets_alike(model: keras.Model) -> bool:
    """Whether metrics begin each epoch as they began the first, whatever they have counted: `fit` resets them in Python."""
    before = [np.asarray(v) for v in model.metrics_variables]
    for variable in model.metrics_variables:
        variable.assign(variable + 1)
    model.reset_metrics()
    after = [np.asarray(v) for v in model.metrics_variables]
    for variable, value in zip(model.metrics_variables, before, strict=True):
        variable.assign(value)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True))


OUTSIDE = {"finalize_variable_values", "learning_rate", "_overwrite_model_variables_with_average_value"}
TRAINER = {name for kind in keras.Model.__mro__ if kind.__name__.endswith("Trainer") for name in vars(kind)}


def _overridden(model: keras.Model) -> set[str]:
    """The methods of Keras's trainer that a class of the user's has anew."""
    return {name for kind in _own_kinds(model) for name in vars(kind) if name in TRAINER and not name.startswith("__")}


def why_not(variant: Variant, model: keras.Model, text: str) -> str | None:
    """Why `fit` must train what could be traced; None when it can be compiled."""
    steps = _overridden(model) & {"train_step", "test_step"}
    if steps:
        return f"the model has its own {min(steps)}()"
    slow = "convolutions take longer in a compiled loop than in fit" if is_slow(text) else None
    return callbacks.why_not(variant.callbacks, model) or allowed.why_not(model) or slow


def _refuse_double_precision(variant: Variant) -> None:
    """Rows are fed, and numbers kept, in single precision; with JAX's 64 bits `fit` would draw other weights, too."""
    if jax.config.jax_enable_x64 or keras.config.floatx() == "float64":
        raise LessonError(
            f"variant {variant.name!r}: its lesson asks for double precision (jax_enable_x64, or floatx 'float64');"
            " runs are trained in single precision, so leave that setting as it is"
        )


def _refuse_meddling(variant: Variant) -> None:
    meddling = [type(callback).__name__ for callback in variant.callbacks if callbacks.meddles(callback)]
    if meddling:
        raise LessonError(
            f"variant {variant.name!r}: the callback {meddling[0]} is a kind of BackupAndRestore, which would start one"
            " seed from another's file; leave it out: the store keeps what was trained"
        )


def _refuse_old_files(variant: Variant) -> None:
    """A callback of the user's own may read what one of Keras's writes, which is left out, and would find what another run wrote."""
    own, path = callbacks.without_rule(variant.callbacks), callbacks.left_behind(variant.callbacks)
    if own and path:
        raise LessonError(
            f"variant {variant.name!r}: {path} lies there from another run; the callback that writes it is left out, and {own} would read the old one"
            " if it reads it: delete it, or leave one of the two callbacks out"
        )


def _refuse_shared_variables(variant: Variant, pair: tuple[Beginning, Beginning]) -> None:
    """Two models that share a variable would train each other."""
    first, second = ({id(v): v for v in _variables(beginning.model)} for beginning in pair)
    both = [first[key] for key in first.keys() & second.keys()]
    if both:
        raise LessonError(
            f"variant {variant.name!r}: two calls of model() share the variable {both[0].path!r}, "
            "so that one run would change the next; build layers, metrics and optimisers inside model()"
        )


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables, *model.metrics_variables]


def _measures(variant: Variant, model: keras.Model) -> tuple[str, ...]:
    """The names of what the model is scored by, as the tables have them.

    Raises:
        LessonError: one is a column's already.
    """
    own = private.metric_names(model)
    columns_of_ours = TAKEN | {loss_name(model)}
    taken = sorted(name for name in own if name.lower() in columns_of_ours or name.lower().startswith("val_"))
    if taken:
        raise LessonError(
            f"variant {variant.name!r}: a metric is named {taken[0]!r}, as a column of the tables is; give it another name, such as name='my_{taken[0]}'"
        )
    found = columns(model.get_metrics_result(), 0)
    return tuple(loss_name(model) if name == "loss" else name for name in found)


def _notes(variant: Variant, pair: tuple[Beginning, Beginning]) -> Iterable[str]:
    files = [type(c).__name__ for c in variant.callbacks if callbacks.writes_files(c)]
    if files:
        yield f"{', '.join(files)} left out: the store keeps what they would write, and seeds would share their paths"
    one, other = (beginning.generator.get_state(legacy=False)["state"] for beginning in pair)
    if np.array_equal(one["key"], other["key"]) and one["pos"] == other["pos"]:
        yield "model() seeds the random generators itself, so that every seed gives the same run"
    elif _alike(pair):
        yield "every seed begins with the same weights"


def _alike(pair: tuple[Beginning, Beginning]) -> bool:
    weights = list(zip(*(beginning.values[0] for beginning in pair), strict=True))
    vary = any(np.ptp(one) > 0 for one, _ in weights if one.size)
    return vary and all(np.array_equal(one, other) for one, other in weights)
