"""Keras's own `fit`, one seed at a time: the yardstick, and the way for what can't be compiled."""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from orchestrator.engine.model import as_keras, grade, make
from orchestrator.lesson import Array, Data, Scope, Split, Variant
from orchestrator.outcome import Outcome, failure, judge


class LearningRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Adds the epoch's learning rate to its logs, as Keras's schedule callbacks do. It stands first, so that it reads before they write."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002  Keras's signature
        """Write the learning rate down."""
        if logs is not None:
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


def fit(variant: Variant, split: Split, seed: int) -> tuple[keras.Model, dict[str, Array]]:
    """Train as a user would; returns the model and its history, per metric a float32 array of shape (epochs,)."""
    model = make(variant, seed)
    history = model.fit(
        split.x_train,
        split.y_train,
        validation_data=(split.x_test, split.y_test),
        epochs=variant.epochs,
        batch_size=variant.batch_size,
        callbacks=[LearningRate(), *copy.deepcopy(list(variant.callbacks))],
        verbose=0,
        **variant.fit,
    ).history
    return model, {name: np.asarray(values, np.float32) for name, values in history.items()}


def scores(model: keras.Model, split: Split, data: Data) -> dict[str, float]:
    """The finished model's scores on train, test and fresh rows, in inference mode and without penalties."""
    parts = {"train": (split.x_train, split.y_train), "test": (split.x_test, split.y_test)}
    if data.fresh:
        parts["fresh"] = data.fresh()
    return {f"{part}_{name}": score for part, (x, y) in parts.items() for name, score in _score(model, x, y).items()}


def _score(model: keras.Model, x: Array, y: Array) -> dict[str, float]:
    predictions = model.predict(as_keras(x), batch_size=1024, verbose=0)
    graded: dict[str, Any] = grade(model, as_keras(y), predictions)
    return {name: float(keras.ops.convert_to_numpy(value)) for name, value in graded.items()}


def train(variant: Variant, seeds: Sequence[int], data: Data, scope: Scope, engine: str) -> list[Outcome]:
    """Train seed after seed; one that raises fails alone."""
    return [_train_one(variant, seed, data, scope, engine) for seed in seeds]


def _train_one(variant: Variant, seed: int, data: Data, scope: Scope, engine: str) -> Outcome:
    begun = time.perf_counter()
    try:
        split = data.draw(scope, seed)
        model, history = fit(variant, split, seed)
        graded = scores(model, split, data)
    except Exception as error:  # the lesson's own code: whatever it raises is this seed's answer
        return failure(seed, engine, error, traceback.format_exc())
    return Outcome(seed, judge(history), history, graded, time.perf_counter() - begun, engine)
