"""Making a lesson's models: seeded, compiled, built, and asked what they are."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np
from keras.src.utils import module_utils

from orchestrator.errors import LessonError
from orchestrator.lesson import Array, Split, Variant


def seeded(seed: int) -> None:
    """The state of a new process that has called `keras.utils.set_random_seed(seed)`: names count from the start, too.

    On JAX, Keras would import TensorFlow here, seconds of work, merely to seed it. Where nobody has loaded it there
    is nothing to seed.
    """
    if keras.backend.backend() != "tensorflow":
        module_utils.tensorflow._available = "tensorflow" in sys.modules
    keras.backend.clear_session(free_memory=False)
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
    if not model.compiled or model.optimizer is None or model._compile_loss is None:
        raise LessonError(
            f"variant {variant.name!r}: model() gave a model that is not compiled; call model.compile(optimizer=..., loss=...) in it"
        )
    return model


def build(model: keras.Model, split: Split) -> None:
    """Make all variables of the model, its metrics and its optimiser, as `fit` does before its first step."""
    batch = (as_keras(split.x_train[:1]), as_keras(split.y_train[:1]))
    model._symbolic_build(data_batch=batch)


def as_keras(array: Array) -> Array:
    """The array as `fit` would hand it to the model: floats in Keras's float type, the rest as they are."""
    return array.astype(keras.config.floatx()) if np.issubdtype(array.dtype, np.floating) else array


def loss_name(model: keras.Model) -> str:
    """What the model's loss is called in the tables: `bce` for binary cross-entropy, else `loss`."""
    names = ("binary_crossentropy", "bce", keras.losses.binary_crossentropy)
    return "bce" if isinstance(model.loss, keras.losses.BinaryCrossentropy) or model.loss in names else "loss"


def grade(model: keras.Model, y: Any, predictions: Any) -> dict[str, Any]:
    """Loss, without penalties, and every compiled metric of predictions made in inference mode; scalars of the backend's kind."""
    scores = {loss_name(model): model._compile_loss(y, predictions)}
    for metric in model._compile_metrics.metrics if model._compile_metrics else ():
        metric.reset_state()
        metric.update_state(y, predictions)
        scores[metric.name] = metric.result()
    return scores


def numpy_generator() -> np.random.RandomState:
    """A copy of NumPy's global generator as it stands after a model was built; `fit` draws its shuffles from there."""
    generator = np.random.RandomState()
    generator.set_state(np.random.get_state())  # noqa: NPY002  Keras shuffles with the global one
    return generator
