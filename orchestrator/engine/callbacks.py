"""What Keras's callbacks do, per seed, inside a compiled program.

A lesson holds real Keras callbacks. Each that is known here has a rule: pure functions that act on a run's state at
the moments at which Keras would call the callback. The rules follow Keras's own source to the letter, odd corners
included, because the contract is `fit`'s history. A callback without a rule is no error: its variant runs through
`fit`.
"""

from __future__ import annotations

import glob
import inspect
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np

from orchestrator.engine import private
from orchestrator.engine.slots import Slots
from orchestrator.engine.state import State
from orchestrator.engine.watched import watched

Logs = dict[str, jax.Array]


class StoppingMemory(NamedTuple):
    """What early stopping remembers; its fields stand in the order of the alphabet, as programs' texts have them.

    Attributes:
        any: whether there is a best value yet. best: that value. wait: epochs since.
        kept: whether weights to be restored are kept. weights: these. Both are None where none are restored.
    """

    any: Any
    best: Any
    kept: Any
    wait: Any
    weights: Any


class PlateauMemory(NamedTuple):
    """What dropping the learning rate on a plateau remembers, in the order of the alphabet, too.

    Attributes:
        any: whether there is a best value yet. best: that value. wait: epochs since. cooldown: epochs before they count again.
        rung: how often the learning rate was dropped.
    """

    any: Any
    best: Any
    cooldown: Any
    rung: Any
    wait: Any


class Rule:
    """A callback's doings; each returns the state anew. `memory` is the rule's own part of it."""

    def memory(self, state: State) -> Any:
        return ()

    def epoch_begin(self, state: State, memory: Any, epoch: jax.Array) -> tuple[State, Any]:
        return state, memory

    def test_begin(self, state: State, memory: Any) -> tuple[State, Any]:
        return state, memory

    def test_end(self, state: State, memory: Any) -> tuple[State, Any]:
        return state, memory

    def epoch_end(
        self, state: State, memory: Any, epoch: jax.Array, last: jax.Array, logs: Logs
    ) -> tuple[State, Any, jax.Array]:
        return state, memory, jnp.array(False)

    def train_end(self, state: State, memory: Any) -> State:
        return state


def _float32(value: float) -> Any:
    return jnp.float32(value)


class _Monitor(Rule):
    """Keras's MonitorCallback: improvement is `current - min_delta < best` in float32 (or `>`, with the sign turned)."""

    def __init__(self, callback: Any, model: keras.Model) -> None:
        callback.set_model(model)
        private.set_monitor(callback)
        self.monitor = callback.monitor
        self.min_delta = float(callback.min_delta)  # signed by now
        self.less = callback.monitor_op == keras.ops.less

    def current(self, logs: Logs) -> jax.Array:
        """The monitored value, as one number: that of a metric with one class is an array of it."""
        value = logs[self.monitor]
        return jnp.reshape(value, ()) if jnp.ndim(value) else value

    def improves(self, current: jax.Array, best: Any) -> jax.Array:
        shifted = current - _float32(self.min_delta)
        return shifted < best if self.less else shifted > best


class EarlyStopping(_Monitor):
    """Stops a seed whose monitored value has not improved for `patience` epochs."""

    def __init__(self, callback: Any, model: keras.Model, slots: Slots, epochs: int) -> None:
        super().__init__(callback, model)
        self.callback = callback

    def memory(self, state: State) -> Any:
        restores = self.callback.restore_best_weights
        return StoppingMemory(
            any=jnp.array(False),
            best=jnp.float32(0),
            kept=jnp.array(False) if restores else None,
            wait=jnp.int32(0),
            weights=(state.trainable, state.frozen) if restores else None,
        )

    def epoch_end(
        self, state: State, memory: Any, epoch: jax.Array, last: jax.Array, logs: Logs
    ) -> tuple[State, Any, jax.Array]:
        callback, current = self.callback, self.current(logs)
        looks = epoch >= callback.start_from_epoch
        better = looks & (~memory.any | self.improves(current, memory.best))
        beats = better if callback.baseline is None else better & self.improves(current, _float32(callback.baseline))
        wait = jnp.where(beats, 0, memory.wait + 1)
        new = memory._replace(
            best=jnp.where(better, current, memory.best),
            any=memory.any | better,
            wait=jnp.where(looks, wait, memory.wait),
        )
        if callback.restore_best_weights:
            keep = better | (looks & ~memory.kept)
            now = (state.trainable, state.frozen)
            weights = jax.tree.map(lambda a, b: jnp.where(keep, a, b), now, memory.weights)
            new = new._replace(weights=weights, kept=memory.kept | keep)
        stop = looks & ~better & (wait >= callback.patience) & (epoch > 0)
        return state, new, stop

    def train_end(self, state: State, memory: Any) -> State:
        if not self.callback.restore_best_weights:
            return state
        trainable, frozen = jax.tree.map(
            lambda a, b: jnp.where(memory.kept, a, b), memory.weights, (state.trainable, state.frozen)
        )
        return state._replace(trainable=trainable, frozen=frozen)


class ReduceLROnPlateau(_Monitor):
    """Steps down a ladder of learning rates that is computed as Keras does: in double precision, rounded at each step."""

    def __init__(self, callback: Any, model: keras.Model, slots: Slots, epochs: int) -> None:
        super().__init__(callback, model)
        self.callback, self.slots = callback, slots
        rates = [np.float32(keras.ops.convert_to_numpy(model.optimizer.learning_rate))]
        while len(rates) <= epochs and rates[-1] > np.float32(callback.min_lr):
            rates.append(np.float32(max(float(rates[-1]) * callback.factor, callback.min_lr)))
        self.ladder = np.array(rates, np.float32)

    def memory(self, state: State) -> Any:
        zero = jnp.int32(0)
        return PlateauMemory(any=jnp.array(False), best=jnp.float32(0), cooldown=zero, rung=zero, wait=zero)

    def epoch_end(
        self, state: State, memory: Any, epoch: jax.Array, last: jax.Array, logs: Logs
    ) -> tuple[State, Any, jax.Array]:
        callback, current = self.callback, self.current(logs)
        cooling = memory.cooldown > 0
        cooldown = memory.cooldown - cooling
        wait = jnp.where(cooling, 0, memory.wait)
        better = ~memory.any | self.improves(current, memory.best)
        counts = ~better & (cooldown <= 0)
        wait = jnp.where(better, 0, wait + counts)
        drop = counts & (wait >= callback.patience) & (memory.rung < len(self.ladder) - 1)
        rung = memory.rung + drop
        new = PlateauMemory(
            best=jnp.where(better, current, memory.best),
            any=jnp.array(True),
            wait=jnp.where(drop, 0, wait),
            cooldown=jnp.where(drop, callback.cooldown, cooldown),
            rung=rung,
        )
        return self.slots.set_rate(state, jnp.asarray(self.ladder)[rung]), new, jnp.array(False)


class LearningRateScheduler(Rule):
    """Looks the learning rate of each epoch up in a table made by the callback's own function."""

    def __init__(self, callback: Any, model: keras.Model, slots: Slots, epochs: int) -> None:
        self.slots, self.table = slots, rate_table(callback.schedule, model, epochs)

    def epoch_begin(self, state: State, memory: Any, epoch: jax.Array) -> tuple[State, Any]:
        return self.slots.set_rate(state, jnp.asarray(self.table)[epoch]), memory


def rate_table(schedule: Any, model: keras.Model, epochs: int) -> np.ndarray:
    """The learning rate of every epoch as `LearningRateScheduler` would set it, float32 of shape (epochs,).

    Raises:
        TypeError: the schedule gives what Keras refuses, in some epoch. ValueError: it looks at the model, or changes it.
    """
    rate, before = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)), _variables_now(model)
    with watched() as taken:
        table = _asked(schedule, rate, epochs)
    if taken.numbers or any(a is not b for a, b in zip(before, _variables_now(model), strict=True)):
        raise ValueError("the schedule of the learning rate looks at the model as it trains, or changes it")
    return np.array(table, np.float32)


def _variables_now(model: keras.Model) -> list[Any]:
    """What a model's variables hold, and whether they train."""
    return [part for v in (*model.variables, *model.optimizer.variables) for part in (v.value, v.trainable)]


def _asked(schedule: Any, rate: float, epochs: int) -> list[float]:
    """What a schedule says of each epoch."""
    table: list[float] = []
    for epoch in range(epochs):
        try:
            rate = schedule(epoch, rate)
        except TypeError:  # Keras allows schedules that take the epoch alone
            rate = schedule(epoch)
        if not isinstance(rate, (float, np.float32)):
            raise TypeError(f"the schedule gives {rate!r} in epoch {epoch + 1}, not a float")
        rate = float(np.float32(rate))
        table.append(rate)
    return table


class SwapEMAWeights(Rule):
    """Puts the averaged weights in for validation, and with `swap_on_epoch` between epochs too."""

    def __init__(self, callback: Any, model: keras.Model, slots: Slots, epochs: int) -> None:
        self.slots, self.on_epoch = slots, callback.swap_on_epoch

    def memory(self, state: State) -> Any:
        return jnp.array(False)  # whether the averages are in the model

    def epoch_begin(self, state: State, memory: Any, epoch: jax.Array) -> tuple[State, Any]:
        return (self.slots.swap(state, memory), jnp.array(False)) if self.on_epoch else (state, memory)

    def test_begin(self, state: State, memory: Any) -> tuple[State, Any]:
        return self.slots.swap(state, ~memory), jnp.array(True)

    def test_end(self, state: State, memory: Any) -> tuple[State, Any]:
        return self.slots.swap(state, memory), jnp.array(False)

    def epoch_end(
        self, state: State, memory: Any, epoch: jax.Array, last: jax.Array, logs: Logs
    ) -> tuple[State, Any, jax.Array]:
        if not self.on_epoch:
            return state, memory, jnp.array(False)
        state = self.slots.swap(state, ~memory)
        optimizer = list(state.optimizer)
        for w, a in self.slots.averages.items():
            optimizer[a] = jnp.where(last, state.trainable[w], optimizer[a])
        return state._replace(optimizer=optimizer), jnp.array(True), jnp.array(False)


class TerminateOnNaN(Rule):
    """Stops a seed after the epoch in which its running loss left the finite numbers; the batches behind that point do not train."""

    def __init__(self, callback: Any, model: keras.Model, slots: Slots, epochs: int) -> None:
        pass

    def epoch_end(
        self, state: State, memory: Any, epoch: jax.Array, last: jax.Array, logs: Logs
    ) -> tuple[State, Any, jax.Array]:
        return state, memory, ~jnp.isfinite(logs["loss"])


RULES: dict[type, type[Any]] = {
    keras.callbacks.EarlyStopping: EarlyStopping,
    keras.callbacks.ReduceLROnPlateau: ReduceLROnPlateau,
    keras.callbacks.LearningRateScheduler: LearningRateScheduler,
    keras.callbacks.SwapEMAWeights: SwapEMAWeights,
    keras.callbacks.TerminateOnNaN: TerminateOnNaN,
}


# They write files, which the store does for every run, and say where in this attribute: with many seeds their paths
# would collide, and BackupAndRestore would start one seed from another's file.
WRITERS: dict[type, str] = {
    keras.callbacks.BackupAndRestore: "backup_dir",
    keras.callbacks.CSVLogger: "filename",
    keras.callbacks.ModelCheckpoint: "filepath",
    keras.callbacks.OrbaxCheckpoint: "directory",
    keras.callbacks.TensorBoard: "log_dir",
}
IDLE = (keras.callbacks.History, keras.callbacks.ProgbarLogger)  # what they do, `fit` does anyway


def writes_files(callback: Any) -> bool:
    """Whether a callback is one of Keras's that write files."""
    return type(callback) in WRITERS


def without_files(callbacks: Sequence[Any]) -> list[Any]:
    """The callbacks that training is to have."""
    return [callback for callback in callbacks if type(callback) not in (*WRITERS, *IDLE)]


def left_behind(callbacks: Sequence[Any]) -> str | None:
    """A file that one of these would write, and that lies there from before; where the path names epochs or metrics, whichever."""
    for callback in filter(writes_files, callbacks):
        path = str(getattr(callback, WRITERS[type(callback)]))
        found = glob.glob("*".join(map(glob.escape, re.split(r"\{[^{}]*\}", path))))  # noqa: PTH207  a user's whole path
        if found:
            return min(found)
    return None


def meddles(callback: Any) -> bool:
    """Whether a callback starts a run from a file that another may have left."""
    return isinstance(callback, keras.callbacks.BackupAndRestore) and not writes_files(callback)


def without_rule(callbacks: Sequence[Any]) -> str | None:
    """The name of the first callback without a rule, or with a method that is not Keras's; None when there is none."""
    return next(
        (type(c).__name__ for c in without_files(callbacks) if type(c) not in RULES or _is_patched(type(c))), None
    )


def _is_patched(kind: type) -> bool:
    """Whether somebody has put methods of his own into a class of Keras's, or into one that it is made from."""
    methods = [part for base in kind.__mro__[:-1] for part in vars(base).values() if inspect.isfunction(part)]
    return any(not method.__module__.startswith("keras.") for method in methods)


def why_not(callbacks: Sequence[Any], model: keras.Model) -> str | None:
    """Why these callbacks of a built model, which all have rules, can't be compiled; None when they can."""
    movers = [
        c for c in callbacks if isinstance(c, keras.callbacks.ReduceLROnPlateau | keras.callbacks.LearningRateScheduler)
    ]
    if movers and Slots(model).rate < 0:
        return f"{type(movers[0]).__name__} needs an optimiser whose learning rate is a number"
    if len(movers) > 1:
        return "two callbacks set the learning rate"
    if any(getattr(c, "raise_error", False) for c in callbacks):
        return "TerminateOnNaN(raise_error=True) raises in the middle of an epoch"
    names = set(model.get_metrics_result())
    for callback in callbacks:
        monitor = getattr(callback, "monitor", None)
        if monitor is not None and type(callback) in RULES and monitor.removeprefix("val_") not in names:
            return f"{type(callback).__name__} monitors {monitor!r}, which is not among the metrics ({', '.join(sorted(names))})"
    if any(type(c) is keras.callbacks.SwapEMAWeights for c in callbacks) and not Slots(model).use_ema:
        return "SwapEMAWeights needs an optimiser with use_ema=True"
    return None


def rules(callbacks: Sequence[Any], model: keras.Model, epochs: int) -> list[Rule]:
    """A rule for each callback, in the callbacks' order."""
    slots = Slots(model)
    return [RULES[type(c)](c, model, slots, epochs) for c in without_files(callbacks)]
