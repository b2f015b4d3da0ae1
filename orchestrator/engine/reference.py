"""One seed's training as pure functions: what `fit` does, written once and without speed tricks.

No layer, loss, metric or optimiser is written again here: a step is Keras's own `train_step`. What `fit` does in Python
between steps (callbacks, validation, the end of training) is done in its order. `identity.py` digests this as text, so
that a run is addressed by the program that trains it; `compiled.py` runs it for eight seeds at a time.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from keras import StatelessScope

from orchestrator.engine import callbacks, private
from orchestrator.engine.model import Beginning, has_own_loss, loss_name, right
from orchestrator.engine.slots import Slots
from orchestrator.engine.state import State
from orchestrator.lesson import Array, Rows, Variant, count

Scores = dict[str, Any]


class Reference:
    """A variant's training and scoring of one seed, as functions of its state."""

    def __init__(self, variant: Variant, beginning: Beginning, by_batch: bool = False) -> None:
        """Take the built model of one seed; the numbers in it are not part of the functions.

        With `by_batch` a step takes its own rows out of all of them, instead of an epoch putting a copy in order.
        """
        self.variant, self.model, self.by_batch = variant, beginning.model, by_batch
        self.rules = callbacks.rules(
            copy.deepcopy(callbacks.without_files(variant.callbacks)), self.model, variant.epochs
        )
        self.halts = any(isinstance(rule, callbacks.TerminateOnNaN) for rule in self.rules)
        self.slots = Slots(self.model)
        self.model.reset_metrics()
        self.blank = [v.value for v in self.model.metrics_variables]

    def start(self, trainable: Any, frozen: Any, optimizer: Any) -> State:
        """The state before the first epoch, of the variables' values."""
        # The counters ride along though they are always 0: a constant count would let XLA divide by
        # multiplying, and round otherwise than `fit`.
        state = State(jnp.array(True), self.blank, jnp.int32(0), frozen, optimizer, [], trainable)
        return state._replace(rules=[rule.memory(state) for rule in self.rules])

    def epoch(self, state: State, order: Any, rows: Any, epoch: Any, last: Any) -> tuple[State, dict[str, Any]]:
        """An epoch over rows (x, y, x_test, y_test) in that order; gives the state after it and its logs."""
        x, y, x_test, y_test = rows
        state = self._each_rule(state, "epoch_begin", epoch)
        state, logs = self.train(state, (x, y), order)
        state = self._each_rule(state, "test_begin")
        state, test_logs = self.test(state, x_test, y_test)
        state = self._each_rule(state, "test_end")
        logs = {**logs, **{f"val_{name}": value for name, value in test_logs.items()}}
        logs["learning_rate"] = self._learning_rate(state)
        state, stop = self._end_epoch(state, epoch, last, logs)
        return state._replace(active=~stop, epochs=state.epochs + 1), logs

    def finish(self, state: State) -> State:
        """What happens to the weights when training ends."""
        state = self.slots.finalize(state)
        for rule, memory in zip(self.rules, state.rules, strict=True):
            state = rule.train_end(state, memory)
        return state

    def train(self, state: State, rows: Rows, order: Any) -> tuple[State, dict[str, Any]]:
        """An epoch over rows in that order: full batches in a scan, the short last one as a step of its own shape."""
        step, batches = self.in_order(self._train_step, rows, order)
        carry = ((state.trainable, state.frozen, state.optimizer), state.counters, jnp.array(False))
        (weights, counters, _), _ = over_batches(step, carry, batches, self.variant.batch_size)
        trainable, frozen, optimizer = weights
        return state._replace(trainable=trainable, frozen=frozen, optimizer=optimizer), self.logs(counters)

    def in_order(self, step: Any, rows: Rows, order: Any = None) -> tuple[Any, Any]:
        """A step, and what it takes batches of so that rows come in that order, or as they stand."""
        if self.by_batch:
            places = jnp.arange(count(jax.tree.leaves(rows)[0])) if order is None else order
            return lambda carry, batch: step(carry, take(rows, batch)), places
        return step, rows if order is None else take(rows, order)

    def _train_step(self, carry: Any, batch: Any) -> tuple[Any, None]:
        """Keras's train step; frozen once the loss has left the finite numbers where TerminateOnNaN asks for it."""
        weights, metrics, halted = carry
        logs, (*new_weights, new_metrics) = self.model.train_step((*weights, metrics), batch)
        if not self.halts:
            return (tuple(new_weights), new_metrics, halted), None
        new = (tuple(new_weights), new_metrics)
        kept = jax.tree.map(partial(jnp.where, halted), (weights, metrics), new)
        return (*kept, halted | ~jnp.isfinite(logs["loss"])), None

    def test(self, state: State, x: Any, y: Any) -> tuple[State, dict[str, Any]]:
        """Validation, batch by batch; the state goes on, since a layer may draw numbers here too."""

        def step(carry: Any, batch: Any) -> tuple[Any, None]:
            return self.model.test_step(carry, batch)[1], None

        carry = (state.trainable, state.frozen, state.counters)
        step, batches = self.in_order(step, (x, y))
        (_, frozen, counters), _ = over_batches(step, carry, batches, self.test_rows)
        return state._replace(frozen=frozen), self.logs(counters)

    @property
    def test_rows(self) -> int:
        """Rows in a batch of validation."""
        return int(self.variant.fit.get("validation_batch_size") or self.variant.batch_size)

    def grade(self, state: State, x: Any, y: Any) -> tuple[Scores, Any]:
        """Scores as `evaluate` gives them, less penalties; and which rows were right, (rows,), or None."""
        if has_own_loss(self.model):
            _, logs = self.test(state, x, y)
            return self._named(logs), None
        step, batches = self.in_order(partial(self._grade_step, state.trainable), (x, y))
        (_, counters), correct = over_batches(step, (state.frozen, state.counters), batches, self.test_rows)
        return self._named(self.logs(counters)), in_rows(correct)

    def _grade_step(self, trainable: Any, carry: Any, batch: Any) -> tuple[Any, Any]:
        (frozen, counters), (x, y) = carry, batch
        inference = private.inference(self.model)
        predictions, frozen = self.model.stateless_call(trainable, frozen, x, **inference)
        with self.with_counters(counters) as scope:
            loss = private.loss_of(self.model)(y, predictions)
            private.loss_tracker(self.model).update_state(loss, sample_weight=count(x))
            self.model.compute_metrics(x, y, predictions, None)
        counters = [scope.get_current_value(v) for v in self.model.metrics_variables]
        return (frozen, counters), right(self.model, y, predictions)

    def _named(self, logs: dict[str, Any]) -> Scores:
        return {loss_name(self.model) if name == "loss" else name: value for name, value in logs.items()}

    def logs(self, metrics: Any) -> dict[str, Any]:
        """What the metrics' variables come to."""
        with self.with_counters(metrics):
            return dict(self.model.get_metrics_result())

    def with_counters(self, values: Any) -> StatelessScope:
        """A scope in which the metrics' variables have these values."""
        return StatelessScope(list(zip(self.model.metrics_variables, values, strict=True)))

    def _learning_rate(self, state: State) -> Any:
        with StatelessScope(list(zip(self.model.optimizer.variables, state.optimizer, strict=True))):
            return jnp.asarray(self.model.optimizer.learning_rate, jnp.float32)

    def _each_rule(self, state: State, moment: str, *arguments: Any) -> State:
        memories = []
        for rule, before in zip(self.rules, state.rules, strict=True):
            state, memory = getattr(rule, moment)(state, before, *arguments)
            memories.append(memory)
        return state._replace(rules=memories)

    def _end_epoch(self, state: State, epoch: Any, last: Any, logs: Any) -> tuple[State, Any]:
        memories, stop = [], jnp.array(False)
        for rule, before in zip(self.rules, state.rules, strict=True):
            state, memory, wants = rule.epoch_end(state, before, epoch, last, logs)
            memories.append(memory)
            stop |= wants
        return state._replace(rules=memories), stop


def take(rows: Rows, order: Array) -> Any:
    """These rows of each array, in this order."""
    return jax.tree.map(lambda array: array[order], rows)


def over_batches(step: Any, carry: Any, rows: Rows, size: int, scan: Any = jax.lax.scan) -> tuple[Any, Any]:
    """Take `step` over the full batches, then over the short rest.

    Returns the carry, and what the steps gave: for the full batches stacked, and for the rest, None where there is none.
    """
    total = count(jax.tree.leaves(rows)[0])
    size = min(size, total)
    full = total // size

    def batches(array: Any) -> Any:
        return array[: full * size].reshape(full, size, *array.shape[1:])

    carry, out = scan(step, carry, jax.tree.map(batches, rows))
    rest = None
    if total > full * size:
        carry, rest = step(carry, jax.tree.map(lambda array: array[full * size :], rows))
    return carry, (out, rest)


def in_rows(given: Any) -> Any:
    """What steps gave with an entry a row, as arrays of shape (rows, ...)."""
    out, rest = given
    out = jax.tree.map(lambda array: array.reshape(-1, *array.shape[2:]), out)
    return out if rest is None else jax.tree.map(lambda *parts: jnp.concatenate(parts), out, rest)
