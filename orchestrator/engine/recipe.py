"""What a variant trains, as a key: two variants with one key are one training run."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np
from keras.src.trainers.trainer import model_supports_jit

from orchestrator.engine import KERAS, backend_of, callbacks, compiled
from orchestrator.engine.fingerprint import canonical, digest, is_library
from orchestrator.engine.model import as_keras, build, make
from orchestrator.lesson import Array, Data, Scope, Split, Variant, check_rows

CONTRACT = 2  # counts up when the engine would give other numbers for the same recipe
WIDTHS = {"compiled": compiled.WIDTH, "fit-jax": 1, "fit-tensorflow": 1}
COMPILED_FIT = {"shuffle", "validation_batch_size"}  # the arguments of `fit` that the compiled engine knows


@dataclass(frozen=True)
class Recipe:
    """How a variant is trained in one scope.

    Attributes:
        key: 20 hexadecimal digits over everything that decides the numbers.
        program: the same less the data's values: recipes that share it share one compiled program.
        reason: why the engine is `fit` although `compiled` was asked for.
        width: seeds in a shard. cost: a guess at seconds for a shard, good enough to start the longest first.
    """

    key: str
    program: str
    engine: str
    reason: str | None
    width: int
    cost: float


def recipe(variant: Variant, data: Data, scope: Scope, engine: str) -> Recipe:
    """Build the variant's model once and say what training it means."""
    split = data.draw(scope, 0)
    model = make(variant, 0)
    reason = why_not(variant, model, split) if engine == "compiled" else None
    engine = "fit-jax" if reason else engine
    build(model, split)
    parts = [CONTRACT, KERAS, engine, _model(model), _training(variant, model)]
    weights = [np.asarray(keras.ops.convert_to_numpy(v)) for v in model.variables]
    program = digest([*parts, *weights, [a.shape for a in (split.x_train, split.y_train, split.x_test, split.y_test)]])[
        :20
    ]
    key = digest([program, *_rows(data, scope)])[:20]
    return Recipe(key, program, engine, reason, WIDTHS[engine], _cost(variant, model, split, engine))


def why_not(variant: Variant, model: keras.Model, split: Split) -> str | None:
    """Why `fit` must do what the compiled engine can't; None when it can."""
    strange = sorted(set(variant.fit) - COMPILED_FIT)
    if strange:
        return f"fit's argument {strange[0]!r} has no compiled equivalent"
    if model.run_eagerly:
        return "the model asks to run eagerly"
    if not model_supports_jit(model):
        names = [layer.name for layer in model._flatten_layers() if not layer.supports_jit]
        return f"the layer {names[0] if names else model.name!r} can't be compiled"
    if hasattr(model.optimizer, "optimizers"):
        return "several optimisers share the model"
    return callbacks.why_not(copy.deepcopy(list(variant.callbacks)), model) or _untraceable(model, split)


def _untraceable(model: keras.Model, split: Split) -> str | None:
    """Trace a train step of a model with code of the user's own; whatever it raises is the reason."""
    kinds = [type(layer) for layer in model._flatten_layers()] + [type(model.optimizer), type(model.loss)]
    if all(is_library(kind.__module__) for kind in kinds):
        return None
    build(model, split)
    state = [
        [v.value for v in part]
        for part in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
    ]
    try:
        jax.eval_shape(model.train_step, tuple(state), (as_keras(split.x_train[:2]), as_keras(split.y_train[:2])))
    except Exception as error:  # the user's own code, traced
        return f"tracing its train step raised {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".strip()
    return None


def _model(model: keras.Model) -> Any:
    """Architecture, loss, metrics and optimiser; Keras's own objects by their configuration, the user's by their code as well."""
    pieces = [
        *model._flatten_layers(),
        model.optimizer,
        model.loss,
        *(model._compile_metrics.metrics if model._compile_metrics else ()),
    ]
    code = [
        canonical(type(p) if not callable(p) or isinstance(p, keras.Layer) else p)
        for p in pieces
        if not is_library(type(p).__module__)
    ]
    return _config(model), _optimizer(model), canonical(_plain(model.loss)), code


def _config(model: keras.Model) -> Any:
    try:
        return canonical(_plain(model.get_config()))
    except Exception:  # a subclassed model without get_config: its code and its weights speak for it
        return [type(layer).__name__ for layer in model._flatten_layers()]


def _optimizer(model: keras.Model) -> Any:
    return type(model.optimizer).__name__, canonical(_plain(model.optimizer.get_config()))


def _plain(config: Any) -> Any:
    """A Keras configuration as JSON, without the module names of user code."""
    text = json.dumps(keras.saving.serialize_keras_object(config), sort_keys=True, default=lambda o: str(canonical(o)))
    return _without_own_modules(json.loads(text))


def _without_own_modules(config: Any) -> Any:
    if isinstance(config, list):
        return [_without_own_modules(c) for c in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "__lambda__":
        return "lambda"  # its serialized form holds paths; its code is in the key by itself
    own = not is_library(config.get("module") or "keras")
    return {
        name: _without_own_modules(value)
        for name, value in config.items()
        if not (own and name in ("module", "registered_name"))
    }


def _training(variant: Variant, model: keras.Model) -> Any:
    return (
        variant.epochs,
        variant.batch_size,
        canonical(variant.fit),
        [_callback(c, model, variant.epochs) for c in variant.callbacks],
    )


def _callback(callback: Any, model: keras.Model, epochs: int) -> Any:
    """A callback by its class and settings; a schedule by the learning rates it gives."""
    if type(callback) is keras.callbacks.LearningRateScheduler:
        return "LearningRateScheduler", digest([callbacks.rate_table(callback.schedule, model, epochs)])
    hidden = {"verbose", "params", "monitor_op"}
    settings: Mapping[str, Any] = {k: v for k, v in vars(callback).items() if not k.startswith("_") and k not in hidden}
    return canonical(type(callback)), canonical(settings)


def _rows(data: Data, scope: Scope) -> Iterable[Array]:
    """The bytes of the data: the fixed set, or two redrawn sets that stand for the process, and the fresh points."""
    splits = [data.fixed()] if scope == "fixed" else [data.draw(scope, 0), data.draw(scope, 1)]
    for split in splits:
        yield from (split.x_train, split.y_train, split.x_test, split.y_test)
    yield from fresh(data)


def fresh(data: Data) -> tuple[Array, ...]:
    """The fresh points, checked; empty where a lesson has none."""
    if data.fresh is None:
        return ()
    x, y = data.fresh()
    check_rows("fresh", x, y)
    return x, y


def _cost(variant: Variant, model: keras.Model, split: Split, engine: str) -> float:
    """Seconds for a shard: so much per step, so much per weight and row."""
    steps = variant.epochs * -(-len(split.x_train) // variant.batch_size)
    work = variant.epochs * len(split.x_train) * model.count_params()
    noisy = sum(hasattr(layer, "seed_generator") for layer in model._flatten_layers())
    if engine == "compiled":
        return float(compiled.WIDTH * (4e-6 * steps + 5e-10 * work * (1 + 5 * noisy)))
    return (1e-3 if backend_of(engine) == "jax" else 6e-3) * steps
