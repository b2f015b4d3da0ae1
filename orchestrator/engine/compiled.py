"""One compiled program trains a block of seeds: a loop over epochs of a scan over batches of Keras's own train step.

The contract: for each seed, the history that `keras.utils.set_random_seed(seed)`, building, compiling and `fit` would
give on Keras's JAX backend. No layer, loss, metric or optimiser is written again here. What `fit` does in Python
between steps (shuffling, callbacks, validation) is done in its order.

On a CPU the seeds of a block take turns, epoch by epoch, so that every operation has the shape that it has in `fit`, and
rounds as it does there. Only where a batch has next to no rows do they train side by side, under `vmap`: that is twice
as fast there, and may differ in the last bit. The number of seeds in a program is fixed (`WIDTH`), since XLA may round
otherwise for another width, and a run's bytes would depend on its neighbours.
"""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import StatelessScope

from orchestrator.engine import callbacks
from orchestrator.engine.model import as_keras, build, grade, make, numpy_generator
from orchestrator.lesson import Array, Data, Scope, Split, Variant
from orchestrator.outcome import Outcome, failure, judge

WIDTH = 8  # seeds in a program; more spill the cache, fewer waste the dispatch
NARROW = 8  # rows in a batch below which a step leaves a processor's lanes empty, unless seeds fill them
SEGMENT = 100  # epochs between two looks of the host
CHUNK = 1024  # rows that are validated or scored at once
UNROLL = 10  # additions of a running sum in one iteration of its loop
STACK_BYTES = 2**22  # predictions of an epoch that may be kept until its end, per seed

Progress = Callable[[int], None]
State = dict[str, Any]


class Program:
    """A variant's compiled program; made once, then trains any block of seeds of either scope."""

    def __init__(self, variant: Variant, split: Split) -> None:
        self.variant = variant
        self.model = make(variant, 0)
        build(self.model, split)
        self.rules = callbacks.rules(copy.deepcopy(list(variant.callbacks)), self.model, variant.epochs)
        self.halts = any(isinstance(rule, callbacks.TerminateOnNaN) for rule in self.rules)
        self.slots = callbacks.Slots(self.model)
        self.model.reset_metrics()
        self.blank = [v.value for v in self.model.metrics_variables]
        self.stacked = not self.halts and _metrics_add_up(self.model, split)
        self.segment = jax.jit(self._segment, donate_argnums=0)
        self.score = jax.jit(self._score)

    # One seed, traced: everything below is mapped over the seeds of a block.

    def _start(self, trainable: Any, frozen: Any, optimizer: Any) -> State:
        # The counters ride along though they are always 0: a constant count would let XLA divide by
        # multiplying, and round otherwise than `fit`.
        state = {"trainable": trainable, "frozen": frozen, "optimizer": optimizer, "counters": self.blank}
        memories = [rule.memory(state) for rule in self.rules]
        return {**state, "rules": memories, "active": jnp.array(True), "epochs": jnp.int32(0)}

    def _each_rule(self, state: State, moment: str, *arguments: Any) -> State:
        memories = []
        for rule, before in zip(self.rules, state["rules"], strict=True):
            state, memory = getattr(rule, moment)(state, before, *arguments)
            memories.append(memory)
        return {**state, "rules": memories}

    def _epoch(self, empty: Any, epoch: Any, last: Any, seed: Any) -> tuple[State, dict[str, Any]]:
        """An epoch of a seed; one that has stopped stays as it is, and its logs are of no account."""
        train = lambda: self._whole_epoch(epoch, last, seed)  # noqa: E731
        return jax.lax.cond(seed[0]["active"], train, lambda: (seed[0], empty))  # type: ignore[no-any-return]

    def _whole_epoch(self, epoch: Any, last: Any, seed: Any) -> tuple[State, dict[str, Any]]:
        state, order, (x, y, x_test, y_test) = seed
        state = self._each_rule(state, "epoch_begin", epoch)
        state, logs = self._train(state, x[order], y[order])
        state = self._each_rule(state, "test_begin")
        state, test_logs = self._test(state, x_test, y_test)
        state = self._each_rule(state, "test_end")
        logs = {**logs, **{f"val_{name}": value for name, value in test_logs.items()}}
        logs["learning_rate"] = self._learning_rate(state)
        state, stop = self._end_epoch(state, epoch, last, logs)
        return {**state, "active": ~stop, "epochs": state["epochs"] + 1}, logs

    def _end_epoch(self, state: State, epoch: Any, last: Any, logs: Any) -> tuple[State, Any]:
        memories, stop = [], jnp.array(False)
        for rule, before in zip(self.rules, state["rules"], strict=True):
            state, memory, wants = rule.epoch_end(state, before, epoch, last, logs)
            memories.append(memory)
            stop |= wants
        return {**state, "rules": memories}, stop

    def _learning_rate(self, state: State) -> Any:
        with StatelessScope(list(zip(self.model.optimizer.variables, state["optimizer"], strict=True))):
            return jnp.asarray(self.model.optimizer.learning_rate, jnp.float32)

    def _train(self, state: State, x: Any, y: Any) -> tuple[State, dict[str, Any]]:
        """An epoch over rows already in order: full batches in a scan, the short last one as a step of its own shape."""
        step = self._stacked_step if self.stacked else self._whole_step
        carry = (
            state["trainable"],
            state["frozen"],
            state["optimizer"],
            () if self.stacked else (state["counters"], jnp.array(False)),
        )
        carry, results = _over_batches(step, carry, x, y, self.variant.batch_size)
        trainable, frozen, optimizer, counters = carry
        logs = self._stacked_logs(state["counters"], x, y, results) if self.stacked else self._logs(counters[0])
        return {**state, "trainable": trainable, "frozen": frozen, "optimizer": optimizer}, logs

    def _whole_step(self, carry: Any, batch: Any) -> tuple[Any, None]:
        """Keras's train step, metrics and all; frozen once the loss has left the finite numbers where TerminateOnNaN asks for it."""
        *weights, (metrics, halted) = carry
        logs, (*new_weights, new_metrics) = self.model.train_step((*weights, metrics), batch)
        if not self.halts:
            return (*new_weights, (new_metrics, halted)), None
        kept = jax.tree.map(partial(jnp.where, halted), (weights, metrics), (new_weights, new_metrics))
        return (*kept[0], (kept[1], halted | ~jnp.isfinite(logs["loss"]))), None

    def _stacked_step(self, carry: Any, batch: Any) -> tuple[Any, Any]:
        """Keras's train step less its metrics: their sums are formed once an epoch, from what this returns."""
        trainable, frozen, optimizer, nothing = carry
        gradient = jax.value_and_grad(self.model.compute_loss_and_updates, has_aux=True)
        (_, (loss, predictions, frozen, _)), slope = gradient(
            trainable, frozen, self.blank, *batch, None, training=True, optimizer_variables=optimizer
        )
        trainable, optimizer = self.model.optimizer.stateless_apply(optimizer, slope, trainable)
        return (trainable, frozen, optimizer, nothing), (loss, predictions)

    def _stacked_logs(self, counters: Any, x: Any, y: Any, results: Any) -> dict[str, Any]:
        """An epoch's logs from the losses and predictions of all its batches; losses are added one by one, to round as `fit` does."""
        losses, predictions, rows = results
        metrics = self.model.metrics_variables

        def add(counters: Any, batch: Any) -> tuple[Any, None]:
            with self._with_counters(counters) as scope:
                self.model._loss_tracker.update_state(batch[0], sample_weight=batch[1])
            return [scope.get_current_value(v) for v in metrics], None

        counters, _ = jax.lax.scan(add, counters, (losses, rows), unroll=min(UNROLL, len(losses)))
        with self._with_counters(counters):
            return dict(self.model.compute_metrics(x, y, predictions, None))

    def _logs(self, metrics: Any) -> dict[str, Any]:
        with self._with_counters(metrics):
            return dict(self.model.get_metrics_result())

    def _with_counters(self, values: Any) -> StatelessScope:
        return StatelessScope(list(zip(self.model.metrics_variables, values, strict=True)))

    def _test(self, state: State, x: Any, y: Any) -> tuple[State, dict[str, Any]]:
        size = self.variant.fit.get("validation_batch_size") or self.variant.batch_size
        weights = (state["trainable"], state["frozen"])
        if self.stacked and len(x) <= CHUNK:
            _, results = _over_batches(self._test_batch(weights, state["counters"]), None, x, y, size, scan=_at_once)
            return state, self._stacked_logs(state["counters"], x, y, results)
        step = lambda carry, batch: (self.model.test_step(carry, batch)[1], None)  # noqa: E731
        (_, frozen, counters), _ = _over_batches(step, (*weights, state["counters"]), x, y, size)
        return {**state, "frozen": frozen}, self._logs(counters)

    def _test_batch(self, weights: Any, counters: Any) -> Any:
        def test(carry: None, batch: Any) -> tuple[None, Any]:
            _, (loss, predictions, _, _) = self.model.compute_loss_and_updates(
                *weights, counters, *batch, None, training=False
            )
            return carry, (loss, predictions)

        return test

    def _finish(self, state: State) -> State:
        state = self.slots.finalize(state)
        for rule, memory in zip(self.rules, state["rules"], strict=True):
            state = rule.train_end(state, memory)
        return state

    # A block of seeds.

    def _segment(self, state: State, orders: Any, data: Any, first: Any, count: Any, total: Any) -> tuple[State, Any]:
        """Train `count` epochs (at most SEGMENT), or until every seed has stopped; logs have shape (SEGMENT, seeds)."""
        mapped = _side_by_side if self.variant.batch_size < NARROW or jax.default_backend() != "cpu" else jax.lax.map
        one = jax.tree.map(lambda a: a[0], (state, orders[:, 0], data))
        empty = _zeros(jax.eval_shape(self._whole_epoch, first, False, one)[1])

        def body(carry: Any) -> Any:
            i, state, logs = carry
            epoch = partial(self._epoch, empty, first + i, first + i == total - 1)
            state, new = mapped(epoch, (state, orders[:, i], data))
            return i + 1, state, jax.tree.map(lambda kept, value: kept.at[i].set(value), logs, new)

        def goes_on(carry: Any) -> Any:
            i, state, _ = carry
            return (i < count) & jnp.any(state["active"])

        logs = _zeros(empty, SEGMENT, orders.shape[0])
        _, state, logs = jax.lax.while_loop(goes_on, body, (jnp.int32(0), state, logs))
        return state, logs

    def _score(self, state: State, parts: Any) -> Any:
        """Scores of the finished models of a block, each of shape (seeds,)."""

        def one(both: Any) -> dict[str, Any]:
            state, parts = both
            state = self._finish(state)
            return {
                f"{part}_{name}": score
                for part, (x, y) in parts.items()
                for name, score in self._grade(state, x, y).items()
            }

        return jax.lax.map(one, (state, parts))

    def _grade(self, state: State, x: Any, y: Any) -> dict[str, Any]:
        def predict(chunk: Any) -> Any:
            return self.model.stateless_call(state["trainable"], state["frozen"], chunk, training=False)[0]

        _, predictions = _over_batches(
            lambda carry, batch: (carry, (jnp.float32(0), predict(batch[0]))), (), x, y, CHUNK
        )[0:2]
        with self._with_counters(state["counters"]):
            return grade(self.model, y, predictions[1])

    def initial(self, seed: int, split: Split) -> tuple[State, np.random.RandomState]:
        """A seed's state before its first epoch, and the generator that shuffles its rows."""
        model = make(self.variant, seed)
        if all(layer.built for layer in model._flatten_layers()):
            model.optimizer.build(model.trainable_variables)
        else:
            build(model, split)
        shuffler = numpy_generator()
        if self.variant.fit.get("shuffle", True):
            next(
                row_orders(shuffler, len(split.x_train), self.variant)
            )  # `fit` draws one to see a batch before it builds
        values = [
            [np.asarray(v) for v in part]
            for part in (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
        ]
        return self._start(*values), shuffler

    def train(
        self, seeds: Sequence[int], data: Data, scope: Scope, progress: Progress = lambda _epochs: None
    ) -> list[Outcome]:
        """Train a block of WIDTH seeds; a seed that can't even start fails alone, and its lane runs along empty."""
        begun = time.perf_counter()
        starts: dict[int, tuple[Split, State, np.random.RandomState]] = {}
        failed: dict[int, Outcome] = {}
        for seed in seeds:
            try:
                split = data.draw(scope, seed)
                starts[seed] = (split, *self.initial(seed, split))
            except Exception as error:  # the lesson's own code: whatever it raises is this seed's answer
                failed[seed] = failure(seed, "compiled", error, traceback.format_exc())
        if not starts:
            return [failed[seed] for seed in seeds]
        lanes = [seed if seed in starts else next(iter(starts)) for seed in seeds]
        histories, scores = self._run([starts[seed] for seed in lanes], data, progress)
        seconds = (time.perf_counter() - begun) / len(seeds)
        return [
            failed.get(seed) or Outcome(seed, judge(histories[i]), histories[i], scores[i], seconds, "compiled")
            for i, seed in enumerate(seeds)
        ]

    def _run(self, starts: Sequence[Any], data: Data, progress: Progress) -> tuple[list[Any], list[Any]]:
        splits = [split for split, _, _ in starts]
        state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[state for _, state, _ in starts])
        rows = _stack([(s.x_train, s.y_train, s.x_test, s.y_test) for s in splits])
        shufflers = {
            id(generator): row_orders(generator, len(splits[0].x_train), self.variant) for _, _, generator in starts
        }
        total, logs = self.variant.epochs, []
        for first in range(0, total, SEGMENT):
            count = min(SEGMENT, total - first)
            drawn = {key: _segment_orders(orders, count) for key, orders in shufflers.items()}
            orders = np.stack([drawn[id(generator)] for _, _, generator in starts])
            state, new = self.segment(state, orders, rows, np.int32(first), np.int32(count), np.int32(total))
            logs.append(jax.tree.map(np.asarray, new))
            progress(first + count)
            if not np.asarray(state["active"]).any():
                break
        epochs = np.asarray(state["epochs"])
        whole = {name: np.concatenate([part[name] for part in logs]) for name in logs[0]}
        histories = [
            {name: values[: epochs[i], i].astype(np.float32) for name, values in whole.items()}
            for i in range(len(starts))
        ]
        return histories, self._scores(state, splits, data)

    def _scores(self, state: State, splits: Sequence[Split], data: Data) -> list[dict[str, float]]:
        parts = {
            "train": _stack([(s.x_train, s.y_train) for s in splits]),
            "test": _stack([(s.x_test, s.y_test) for s in splits]),
        }
        if data.fresh:
            parts["fresh"] = _stack([data.fresh()] * len(splits))
        scores = jax.tree.map(np.asarray, self.score(state, parts))
        return [{name: float(values[i]) for name, values in scores.items()} for i in range(len(splits))]


def _zeros(shapes: Any, *axes: int) -> Any:
    """Zeros of these shapes, below further axes."""
    return jax.tree.map(lambda s: jnp.zeros((*axes, *s.shape), s.dtype), shapes)


def _side_by_side(function: Any, seeds: Any) -> Any:
    """Like `jax.lax.map`, all seeds at once."""
    return jax.vmap(function)(seeds)


def _stack(rows: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
    return tuple(np.stack([as_keras(array) for array in column]) for column in zip(*rows, strict=True))


def row_orders(generator: np.random.RandomState, rows: int, variant: Variant) -> Iterator[Array]:
    """The order of the rows in each epoch, drawn as Keras's array adapter draws it; shape (rows,)."""
    shuffle, size = variant.fit.get("shuffle", True), variant.batch_size
    while True:
        if shuffle == "batch":
            yield np.concatenate([generator.permutation(min(size, rows - i)) + i for i in range(0, rows, size)])
        else:
            yield generator.permutation(rows) if shuffle else np.arange(rows)


def _segment_orders(orders: Iterator[Array], count: int) -> Array:
    """`count` epochs' orders, in an array of SEGMENT that keeps the program's shapes fixed."""
    drawn = [next(orders) for _ in range(count)]
    return np.stack(drawn + [drawn[0]] * (SEGMENT - count)).astype(np.int32)


def _at_once(step: Any, carry: Any, batches: Any) -> tuple[Any, Any]:
    """Like `jax.lax.scan` for a step that carries nothing on: all batches side by side."""
    return carry, jax.vmap(lambda batch: step(carry, batch)[1])(batches)


def _over_batches(step: Any, carry: Any, x: Any, y: Any, size: int, scan: Any = jax.lax.scan) -> tuple[Any, Any]:
    """Take `step` over the full batches, then over the short rest.

    Returns the carry and, where the step gives (loss, predictions), the losses (steps,), predictions (rows, ...) and
    rows of each step (steps,).
    """
    rows = x.shape[0]
    size = min(size, rows)
    full = rows // size

    def batches(a: Any) -> Any:
        return a[: full * size].reshape(full, size, *a.shape[1:])

    carry, out = scan(step, carry, (batches(x), batches(y)))
    rest = rows - full * size
    last = None
    if rest:
        carry, last = step(carry, (x[full * size :], y[full * size :]))
    if out is None:
        return carry, None
    losses, predictions = out[0], out[1].reshape(full * size, *out[1].shape[2:])
    if last is not None:
        losses, predictions = jnp.append(losses, last[0]), jnp.concatenate([predictions, last[1]])
    return carry, (losses, predictions, jnp.asarray([size] * full + [rest] * bool(rest), jnp.float32))


def _metrics_add_up(model: keras.Model, split: Split) -> bool:
    """Whether the metrics of an epoch are sums over its rows, and its predictions few enough to keep: then they leave the inner loop."""
    own = (
        type(model).train_step is keras.Model.train_step and type(model).compute_metrics is keras.Model.compute_metrics
    )
    own = own and type(model).compute_loss is keras.Model.compute_loss
    metrics = model._compile_metrics.metrics if model._compile_metrics else []
    known = len(model._loss_tracker.variables) + (
        len(model._compile_metrics.variables) if model._compile_metrics else 0
    )
    own = own and all(type(layer).__module__.startswith("keras.") for layer in model._flatten_layers())
    sums = all(isinstance(m, keras.metrics.MeanMetricWrapper) for m in metrics) and known == len(
        model.metrics_variables
    )
    outputs = jax.tree.leaves(model.compute_output_shape((len(split.x_train), *split.x_train.shape[1:])))
    return own and sums and 4 * float(np.prod([n or 1 for n in outputs])) < STACK_BYTES
