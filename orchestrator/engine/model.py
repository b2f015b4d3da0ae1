"""Making a lesson's models: seeded, compiled, built, and asked what they are."""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np

from orchestrator.engine import globals as settings
from orchestrator.engine import private
from orchestrator.engine.watched import needs_numbers, watched
from orchestrator.errors import LessonError
from orchestrator.lesson import Array, Data, Rows, Split, Variant, count

ASKED = 64  # variants of which a process knows whether they look at numbers


def seeded(seed: int) -> None:
    """The state of a new process that has loaded the lesson and called `keras.utils.set_random_seed(seed)`.

    Names count from there, and what another model function set globally is put back. On JAX, Keras would import
    TensorFlow here, seconds of work, merely to seed it. Where nobody has loaded it there is nothing to seed.
    """
    if keras.backend.backend() != "tensorflow":
        private.never_seed_tensorflow(unless="tensorflow" in sys.modules)
    keras.backend.clear_session(free_memory=False)
    settings.put_back()
    keras.utils.set_random_seed(seed)


def make(variant: Variant, seed: int) -> keras.Model:
    """The variant's model for that seed.

    Raises:
        LessonError: the function gave no compiled Keras model.
    """
    seeded(seed)
    model = variant.model()
    if not isinstance(model, keras.Model):
        raise LessonError(f"variant {variant.name!r}: model() gave {type(model).__name__}, not a keras.Model")
    if not model.compiled or model.optimizer is None:
        raise LessonError(
            f"variant {variant.name!r}: model() gave a model that is not compiled; call model.compile(optimizer=..., loss=...) in it"
        )
    return model


def build(model: keras.Model, split: Split, rows: int = 1) -> None:
    """Make all variables of the model, its metrics and its optimiser, as `fit` does before its first step of that many rows."""
    batch = jax.tree.map(lambda array: array[:rows], (as_keras(split.x_train), as_keras(split.y_train)))
    private.build(model, batch)


@dataclass(frozen=True)
class Beginning:
    """A seed's model before its first step.

    Attributes:
        values: arrays of its trainable, non-trainable and optimiser variables.
        generator: NumPy's global generator as it stands then; `fit` draws its shuffles from there.
        looks: whether `fit` draws a batch before the first epoch, to see what to build.
        drew: whose generator was drawn from in Python to make and build it, so that its program may hold what was drawn; else empty.
        chooses: whether model() looked at numbers of its own, so that its program may depend on them.
    """

    model: keras.Model
    values: tuple[list[Array], list[Array], list[Array]]
    generator: np.random.RandomState
    looks: bool
    drew: str = ""
    chooses: bool = False


def begin(variant: Variant, split: Split, seed: int, whole: bool = True) -> Beginning:
    """Make and build the variant's model for a seed; unless `whole`, its loss and metrics may be left unbuilt."""
    rows = min(variant.batch_size, count(split.x_train))
    with watched() as taken:
        model = make(variant, seed)
        looks = _is_unbuilt(model)
        if whole or not all(layer.built for layer in private.layers_in(model)):
            build(model, split, rows)
        else:
            model.optimizer.build(model.trainable_variables)
        chooses = taken.numbers > 0 or _needs_numbers(variant, split, rows)
        if chooses and not whole:  # its program will be asked for
            build(model, split, rows)
    drew = _drew(seed, taken.seeds)
    generator = numpy_generator()
    parts = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    trainable, frozen, optimizer = ([np.asarray(keras.ops.convert_to_numpy(v)) for v in part] for part in parts)
    return Beginning(model, (trainable, frozen, optimizer), generator, looks, drew, chooses)


def begin_two(variant: Variant, data: Data, split: Split) -> tuple[Beginning, Beginning]:
    """Its models for seeds 0 and 1, built for rows such as `split`'s; each after other rows were drawn, where there are others: model() may depend on them."""
    data.draw(data.scopes[0], 0)
    one = begin(variant, split, 0)
    if data.redrawn:
        with suppress(Exception):  # the lesson's own code: whoever trains on these rows will tell
            data.draw("redrawn", 1)
    return one, begin(variant, split, 1)


_asked: dict[int, tuple[Variant, bool]] = {}


def _needs_numbers(variant: Variant, split: Split, rows: int) -> bool:
    """Whether the variant's models are made and built from numbers of their own; asked once a process, after one was made without a trace."""
    if keras.backend.backend() != "jax":
        return False
    if id(variant) not in _asked:
        if len(_asked) == ASKED:
            del _asked[next(iter(_asked))]
        found = needs_numbers(lambda: build(variant.model(), split, rows))
        _asked[id(variant)] = (variant, found)  # the variant is kept, so that no other gets its id
    return _asked[id(variant)][1]


def _is_unbuilt(model: keras.Model) -> bool:
    """Whether anything but the optimiser is to be built, as `Trainer._symbolic_build` asks."""
    parts = [part for part in (private.compiled_metrics(model), private.loss_of(model)) if part is not None]
    return not all(part.built for part in (*private.layers_in(model), *parts))


def _drew(seed: int, taken: int) -> str:
    """Whose generator stands elsewhere than where seeding, and Keras's taking of seeds, leave it."""
    if _state(numpy_generator()) != _state(np.random.RandomState(seed)):
        return "NumPy's"
    expected = random.Random(seed)  # noqa: S311  it is followed, not trusted
    for _ in range(taken):
        expected.randint(1, int(1e9))
    if random.getstate() != expected.getstate():
        return "Python's"
    kept = private.global_state.get_global_attribute(private.seed_generator.GLOBAL_SEED_GENERATOR)
    return "Keras's global" if kept is not None else ""


def _state(generator: np.random.RandomState) -> str:
    return repr(generator.get_state(legacy=False)["state"]["key"].tolist())


def as_keras(rows: Rows) -> Any:
    """Arrays as `fit` would hand them to the model: floats in Keras's float type, the rest as they are."""
    return jax.tree.map(_as_keras, rows)


def _as_keras(array: Array) -> Array:
    return array.astype(keras.config.floatx(), copy=False) if np.issubdtype(array.dtype, np.floating) else array


def loss_name(model: keras.Model) -> str:
    """What the model's loss is called in the tables: `bce` for binary cross-entropy, else `loss`."""
    names = ("binary_crossentropy", "bce", keras.losses.binary_crossentropy)
    known = isinstance(model.loss, (keras.losses.Loss, str)) or callable(model.loss)
    usual = isinstance(model.loss, keras.losses.BinaryCrossentropy) or (known and model.loss in names)
    return "bce" if usual else "loss"


def has_own_loss(model: keras.Model) -> bool:
    """Whether a model's loss is what it computes itself, and not what it was compiled with."""
    kind = type(model)
    own = kind.test_step is not keras.Model.test_step or kind.compute_loss is not keras.Model.compute_loss
    return own or private.loss_of(model) is None


def grade(model: keras.Model, y: Any, predictions: Any) -> dict[str, Any]:
    """Loss, without penalties, and every compiled metric of predictions made in inference mode; scalars of the backend's kind."""
    scores = {loss_name(model): private.loss_of(model)(y, predictions)}
    for metric in private.metrics_of(model):
        metric.reset_state()
        metric.update_state(y, predictions)
        scores[metric.name] = metric.result()
    return scores


ACCURACIES = ("BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy")


def right(model: keras.Model, y: Any, predictions: Any) -> Any:
    """Which rows the model has right by its first accuracy, of shape (rows,); None where it has none, or not one answer a row."""
    kinds = tuple(getattr(keras.metrics, name) for name in ACCURACIES)
    metric = next((m for m in private.metrics_of(model) if type(m) in kinds), None)
    if metric is None or isinstance(predictions, dict | list | tuple):
        return None
    function, arguments = private.function_of(metric)
    values = function(y, predictions, **arguments)
    if int(np.prod(values.shape)) != predictions.shape[0]:
        return None
    return keras.ops.reshape(values, (-1,)) > 0.5


def numpy_generator() -> np.random.RandomState:
    """A copy of NumPy's global generator as it stands after a model was built; `fit` draws its shuffles from there."""
    generator = np.random.RandomState()
    generator.set_state(np.random.get_state())  # noqa: NPY002  Keras shuffles with the global one
    return generator
