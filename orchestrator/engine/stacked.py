"""The fast way through an epoch, for models all of whose parts are plain (allowed.py).

Metrics that are sums over rows leave the inner loop: they are formed once an epoch from the predictions of all its
batches. Losses are added one by one, in `fit`'s order, so that they round as they do there.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from orchestrator.engine import allowed, private
from orchestrator.engine.model import Beginning, grade, right
from orchestrator.engine.reference import Reference, Scores, in_rows, over_batches, take
from orchestrator.engine.state import State
from orchestrator.lesson import Rows, Split, Variant, count

CHUNK = 1024  # rows that are validated or scored at once
UNROLL = 10  # additions of a running sum in one iteration of its loop
STACK_BYTES = 2**22  # predictions of an epoch that may be kept until its end, per seed


class Stacked(Reference):
    """A Reference whose metrics are formed once an epoch."""

    def train(self, state: State, rows: Rows, order: Any) -> tuple[State, dict[str, Any]]:
        """An epoch over rows in that order."""
        step, batches = self.in_order(self._stacked_step, rows, order)
        carry = (state.trainable, state.frozen, state.optimizer)
        carry, given = over_batches(step, carry, batches, self.variant.batch_size)
        trainable, frozen, optimizer = carry
        x, y = take(rows, order)
        logs = self._logs_of(state.counters, x, y, given, self.variant.batch_size)
        return state._replace(trainable=trainable, frozen=frozen, optimizer=optimizer), logs

    def test(self, state: State, x: Any, y: Any) -> tuple[State, dict[str, Any]]:
        """Validation; all batches side by side where they are few."""
        if count(x) > CHUNK:
            return super().test(state, x, y)
        step = self._test_step(state)
        _, given = over_batches(step, None, (x, y), self.test_rows, scan=_at_once)
        return state, self._logs_of(state.counters, x, y, given, self.test_rows)

    def grade(self, state: State, x: Any, y: Any) -> tuple[Scores, Any]:
        """Scores of all rows at once."""

        def predict(carry: Any, chunk: Any) -> tuple[Any, Any]:
            return carry, self.model.stateless_call(state.trainable, state.frozen, chunk, training=False)[0]

        step, batches = self.in_order(predict, x)
        predictions = in_rows(over_batches(step, (), batches, CHUNK)[1])
        with self.with_counters(state.counters):
            return grade(self.model, y, predictions), right(self.model, y, predictions)

    def _stacked_step(self, carry: Any, batch: Any) -> tuple[Any, Any]:
        """Keras's train step less its metrics."""
        trainable, frozen, optimizer = carry
        gradient = jax.value_and_grad(self.model.compute_loss_and_updates, has_aux=True)
        (_, (loss, predictions, frozen, _)), slope = gradient(
            trainable, frozen, self.blank, *batch, None, training=True, optimizer_variables=optimizer
        )
        trainable, optimizer = self.model.optimizer.stateless_apply(optimizer, slope, trainable)
        return (trainable, frozen, optimizer), (loss, predictions)

    def _test_step(self, state: State) -> Any:
        def step(carry: None, batch: Any) -> tuple[None, Any]:
            _, (loss, predictions, _, _) = self.model.compute_loss_and_updates(
                state.trainable, state.frozen, state.counters, *batch, None, training=False
            )
            return carry, (loss, predictions)

        return step

    def _logs_of(self, counters: Any, x: Any, y: Any, given: Any, size: int) -> dict[str, Any]:
        """Logs from the losses and predictions of all batches."""
        (losses, out), rest = given
        rows = jnp.asarray(_sizes(count(x), size))
        if rest is not None:
            losses = jnp.append(losses, rest[0])
        predictions = in_rows((out, None if rest is None else rest[1]))
        metrics = self.model.metrics_variables

        def add(counters: Any, batch: Any) -> tuple[Any, None]:
            with self.with_counters(counters) as scope:
                private.loss_tracker(self.model).update_state(batch[0], sample_weight=batch[1])
            return [scope.get_current_value(v) for v in metrics], None

        counters, _ = jax.lax.scan(add, counters, (losses, rows), unroll=min(UNROLL, len(losses)))
        with self.with_counters(counters):
            return dict(self.model.compute_metrics(x, y, predictions, None))


def _sizes(total: int, size: int) -> np.ndarray:
    """Rows in each batch, float32 of shape (batches,)."""
    size = min(size, total)
    return np.array([size] * (total // size) + [total % size] * bool(total % size), np.float32)


def _at_once(step: Any, carry: Any, batches: Any) -> tuple[Any, Any]:
    """Like `jax.lax.scan` for a step that carries nothing on: all batches side by side."""
    return carry, jax.vmap(lambda batch: step(carry, batch)[1])(batches)


def fastest(variant: Variant, beginning: Beginning, split: Split, by_batch: bool) -> Reference:
    """The fastest way that gives `fit`'s numbers."""
    halts = any(isinstance(callback, keras.callbacks.TerminateOnNaN) for callback in variant.callbacks)
    stacks = not halts and allowed.is_plain(beginning.model) and _fits(beginning.model, count(split.x_train))
    return (Stacked if stacks else Reference)(variant, beginning, by_batch)


def _fits(model: keras.Model, rows: int) -> bool:
    """Whether an epoch's predictions are one array, and small enough to keep."""
    shape = model.output_shape
    one = isinstance(shape, tuple) and all(n is None or isinstance(n, int) for n in shape)
    return one and 4 * rows * float(np.prod([n or 1 for n in shape[1:]])) < STACK_BYTES
