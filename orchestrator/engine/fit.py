"""Keras's own `fit`, one seed at a time: the yardstick, and the way for what can't be compiled."""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import keras
import numpy as np

from orchestrator.engine import allowed, callbacks, private
from orchestrator.engine.history import columns, gathered
from orchestrator.engine.model import as_keras, grade, has_own_loss, loss_name, make, right
from orchestrator.errors import LessonError
from orchestrator.lesson import Array, Data, Rows, Split, Variant, count
from orchestrator.nouns.outcome import Outcome, failure, judge
from orchestrator.reports.nouns.history import BESIDE
from orchestrator.reports.nouns.scope import Scope

CHUNK = 1024  # rows that are scored at once where it makes no difference


class LearningRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the learning rate of each epoch. It stands first, so that it reads before others set the next one's."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002  Keras's signature
        """Write the learning rate down."""
        self.rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the logs of every epoch; Keras's History forgets which epochs had none of a metric. It stands last."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__()
        self.logs: list[dict[str, Any]] = []
        self.stop_after = stop_after

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002  Keras's signature
        """Note the epoch; end training after so many."""
        self.logs.append(dict(logs or {}))
        if len(self.logs) == self.stop_after:
            self.model.stop_training = True


def fit(
    variant: Variant, split: Split, seed: int, stop_after: int | None = None
) -> tuple[keras.Model, dict[str, Array]]:
    """Train as a user would; returns the model and its history, per metric a float32 array of shape (epochs,), masked where an epoch has none."""
    model = make(variant, seed)
    rate, record = LearningRate(), Recorder(stop_after)
    model.fit(
        split.x_train,
        split.y_train,
        validation_data=rows_of(split.x_test, split.y_test, split.w_test),
        epochs=variant.epochs,
        batch_size=variant.batch_size,
        callbacks=[rate, *_of_this_run(variant.callbacks), record],
        verbose=0,
        **({} if split.w_train is None else {"sample_weight": split.w_train}),
        **variant.fit,
    )
    _refuse_columns(record.logs)
    logs = [{"learning_rate": used, **epoch} for used, epoch in zip(rate.rates, record.logs, strict=True)]
    return model, gathered(logs)


def _refuse_columns(logs: Sequence[Mapping[str, Any]]) -> None:
    """A callback may log what it likes, but not under the name of what the tables know a row by."""
    taken = {name for epoch in logs for name in epoch if name.lower() in BESIDE}
    if taken:
        raise LessonError(
            f"a callback logs {min(taken)!r}, as a column of the tables is named; log it under another name"
        )


def rows_of(x: Rows, y: Rows, w: Rows | None = None) -> tuple[Rows, ...]:
    """Rows as Keras takes them: with weights if they have any."""
    return (x, y) if w is None else (x, y, w)


def _of_this_run(given: Sequence[Any]) -> list[Any]:
    """Of Keras's callbacks copies, which keep what they count to themselves; what they hold, and others, may be known to model and rows."""
    return [copy.copy(c) if type(c) in callbacks.RULES else c for c in callbacks.without_files(given)]


def scores(model: keras.Model, split: Split, data: Data, variant: Variant, *, at_once: bool = True) -> dict[str, float]:
    """The finished model's scores on train, test and fresh rows, in inference mode and without penalties.

    Of plain models they are formed from all predictions at once; of others, and of all unless `at_once`, by `evaluate`.
    """
    parts, size = _parts(split, data), _size(variant)
    plain = at_once and allowed.is_plain(model) and all(len(rows) == 2 for rows in parts.values())
    found = {part: _graded(model, *rows) for part, rows in parts.items()} if plain else _evaluated(model, parts, size)
    graded = {f"{part}_{name}": value for part, logs in found.items() for name, value in logs.items()}
    return {name: float(value) for name, value in columns(graded, 0).items()}


def _parts(split: Split, data: Data) -> Mapping[str, tuple[Rows, ...]]:
    fresh = data.fresh_rows()
    parts = {
        "train": rows_of(split.x_train, split.y_train, split.w_train),
        "test": rows_of(split.x_test, split.y_test, split.w_test),
    }
    return parts if fresh is None else {**parts, "fresh": fresh}


def _graded(model: keras.Model, x: Rows, y: Rows) -> Mapping[str, Any]:
    predictions = model.predict(as_keras(x), batch_size=CHUNK, verbose=0)
    graded: dict[str, Any] = grade(model, as_keras(y), predictions)
    return {name: keras.ops.convert_to_numpy(value) for name, value in graded.items()}


def _evaluated(model: keras.Model, parts: Mapping[str, tuple[Rows, ...]], size: int) -> dict[str, Mapping[str, Any]]:
    """What `evaluate` gives, part after part; only then penalties are looked for, since a call may draw numbers."""
    found = {part: _evaluate(model, size, *rows) for part, rows in parts.items()}
    if not has_own_loss(model) and _has_penalties(model, parts["test"][0], size):
        for part, rows in parts.items():
            found[part]["loss"] = _without_penalties(model, size, *rows)
    return {
        part: {loss_name(model) if name == "loss" else name: value for name, value in logs.items()}
        for part, logs in found.items()
    }


def _evaluate(model: keras.Model, size: int, x: Rows, y: Rows, w: Rows | None = None) -> dict[str, Any]:
    return dict(model.evaluate(x, y, sample_weight=w, batch_size=size, return_dict=True, verbose=0))


def _has_penalties(model: keras.Model, x: Rows, size: int) -> bool:
    """Whether a call of the model adds losses; what a compiled call added, the model has forgotten."""
    batch = jax.tree.map(lambda array: as_keras(array[:size]), x)
    model(batch, **private.inference(model))
    return bool(model.losses)


def _without_penalties(model: keras.Model, size: int, x: Rows, y: Rows, w: Rows | None = None) -> float:
    """The compiled loss alone, a mean over batches by their rows."""
    total, rows = 0.0, count(jax.tree.leaves(x)[0])
    loss_of, inference = private.loss_of(model), private.inference(model)
    for first in range(0, rows, size):
        batch_x, batch_y, weights = jax.tree.map(lambda array, at=first: as_keras(array[at : at + size]), (x, y, w))
        loss = loss_of(batch_y, model(batch_x, **inference), weights)
        total += float(keras.ops.convert_to_numpy(loss)) * min(size, rows - first)
    return total / rows


def _size(variant: Variant) -> int:
    return int(variant.fit.get("validation_batch_size") or variant.batch_size)


def hits(model: keras.Model, split: Split, data: Data, variant: Variant) -> dict[str, Array]:
    """By part which of its rows the finished model has right, of shape (rows,); empty where it has no accuracy."""
    found, size = {}, CHUNK if allowed.is_plain(model) else _size(variant)
    for part, (x, y, *w) in _parts(split, data).items():
        weighted = w and private.has_weighted_metrics(model)
        if part != "train" and not weighted and not isinstance(y, dict | list | tuple):
            correct = right(model, as_keras(y), model.predict(as_keras(x), batch_size=size, verbose=0))
            if correct is not None:
                found[part] = np.asarray(keras.ops.convert_to_numpy(correct))
    return found


def train_one(
    variant: Variant,
    seed: int,
    data: Data,
    scope: Scope,
    engine: str,
    reason: str | None = None,
    stop_after: int | None = None,
    *,
    at_once: bool = True,
) -> Outcome:
    """Train one seed; what the lesson's code raises is its answer. `at_once` as in `scores`."""
    begun = time.perf_counter()
    try:
        split = data.draw(scope, seed)
        model, history = fit(variant, split, seed, stop_after)
        graded, correct = scores(model, split, data, variant, at_once=at_once), hits(model, split, data, variant)
    except Exception as error:  # the lesson's own code: whatever it raises is this seed's answer
        return failure(seed, engine, error, traceback.format_exc())
    seconds = time.perf_counter() - begun
    return Outcome(seed, judge(history), history, graded, seconds, engine, reason=reason, right=correct)
