"""The seven lessons' training as somebody would write it in JAX for these models alone: no Keras, nothing general.

A seed's epoch is one function of its weights, as a scan over batches; several epochs are one program. It starts from the
weights and takes its rows in the orders that `fit` would, so that what it trains can be held against the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from orchestrator.engine.model import begin
from orchestrator.engine.row_order import row_orders, shuffler
from orchestrator.lesson import Split, Variant

RATE, MOMENTUM, AVERAGED = 0.01, 0.9, 0.999
ADAM, FIRST, SECOND, TINY = 0.001, 0.9, 0.999, 1e-7
PENALTY, DEVIATION = 0.01, 0.1
STEADY, EPSILON = 0.99, 0.001  # batch normalization's


@dataclass(frozen=True)
class Recipe:
    """What of the lessons' models and callbacks a variant has."""

    batch: int
    adam: bool
    averages: bool
    normalizes: bool
    penalized: bool
    noisy: bool
    stops: bool
    drops: bool


def recipe(variant: Variant) -> Recipe:
    """Read off the model that the variant builds."""
    model = variant.model()
    kinds = {type(layer) for layer in model.layers}
    callbacks = {type(callback) for callback in variant.callbacks}
    return Recipe(
        variant.batch_size,
        isinstance(model.optimizer, keras.optimizers.Adam),
        bool(model.optimizer.use_ema),
        keras.layers.BatchNormalization in kinds,
        model.layers[0].kernel_regularizer is not None,
        keras.layers.GaussianNoise in kinds,
        keras.callbacks.EarlyStopping in callbacks,
        keras.callbacks.ReduceLROnPlateau in callbacks,
    )


def start(variant: Variant, split: Split, seed: int) -> tuple[dict[str, Any], Iterator[np.ndarray]]:
    """A seed's state as `fit` would begin with it, and its rows' orders, epoch by epoch."""
    beginning = begin(variant, split, seed)
    weights = beginning.values[0]
    state = {
        "weights": list(weights),
        "moments": [np.zeros_like(w) for w in weights],
        "squares": [np.zeros_like(w) for w in weights],
        "average": list(weights),
        "running": [np.zeros(weights[1].shape, np.float32), np.ones(weights[1].shape, np.float32)],
        "key": jax.random.key_data(jax.random.key(seed)),
        "steps": np.int32(0),
        "rate": np.float32(RATE),
        "best": np.float32(np.inf),
        "waited": np.int32(0),
        "going": np.bool_(True),
    }
    return state, row_orders(shuffler(beginning, variant, split), len(split.x_train), variant)


def cross_entropy(logits: jax.Array, y: jax.Array) -> jax.Array:
    """Of each row, (rows,)."""
    return jnp.ravel(jnp.maximum(logits, 0) - logits * y + jnp.log1p(jnp.exp(-jnp.abs(logits))))


def outputs(r: Recipe, weights: Any, running: Any, x: jax.Array, key: Any = None) -> tuple[jax.Array, Any]:
    """Logits (rows, 1) and, while training, the running mean and variance after it."""
    hidden = jax.nn.relu(x @ weights[0] + weights[1])
    if r.normalizes:
        mean, variance = (jnp.mean(hidden, 0), jnp.var(hidden, 0)) if key is not None else running
        if key is not None:
            running = [STEADY * old + (1 - STEADY) * new for old, new in zip(running, (mean, variance), strict=True)]
        hidden = (hidden - mean) * jax.lax.rsqrt(variance + EPSILON) * weights[2] + weights[3]
    if r.noisy and key is not None:
        hidden = hidden + DEVIATION * jax.random.normal(key, hidden.shape)
    return hidden @ weights[-2] + weights[-1], running


def step(r: Recipe, state: dict[str, Any], batch: Any) -> tuple[dict[str, Any], tuple[jax.Array, jax.Array]]:
    """One update; gives the batch's loss times its rows, and how many rows it had right."""
    x, y = batch
    key, sub = jax.random.split(jax.random.wrap_key_data(state["key"])) if r.noisy else (None, 0)

    def loss(weights: Any) -> Any:
        logits, running = outputs(r, weights, state["running"], x, sub)
        penalty = PENALTY * jnp.sum(weights[0] ** 2) if r.penalized else 0.0
        return jnp.mean(cross_entropy(logits, y)) + penalty, (logits, running)

    (value, (logits, running)), slope = jax.value_and_grad(loss, has_aux=True)(state["weights"])
    new = {**state, "running": running, "steps": state["steps"] + 1}
    if r.noisy:
        new["key"] = jax.random.key_data(key)
    if r.adam:
        n = new["steps"].astype(jnp.float32)
        rate = ADAM * jnp.sqrt(1 - SECOND**n) / (1 - FIRST**n)
        new["moments"] = [m + (g - m) * (1 - FIRST) for m, g in zip(state["moments"], slope, strict=True)]
        new["squares"] = [s + (g * g - s) * (1 - SECOND) for s, g in zip(state["squares"], slope, strict=True)]
        parts = zip(state["weights"], new["moments"], new["squares"], strict=True)
        new["weights"] = [w - rate * m / (jnp.sqrt(s) + TINY) for w, m, s in parts]
    else:
        new["moments"] = [MOMENTUM * m - state["rate"] * g for m, g in zip(state["moments"], slope, strict=True)]
        new["weights"] = [w + m for w, m in zip(state["weights"], new["moments"], strict=True)]
    if r.averages:
        kept = jnp.where(state["steps"] == 0, 0.0, AVERAGED)
        pairs = zip(state["average"], new["weights"], strict=True)
        new["average"] = [kept * a + (1 - kept) * w for a, w in pairs]
    return new, (value * len(x), jnp.sum((logits > 0) == (y > 0.5)))


def epoch(r: Recipe, rows: Any, state: dict[str, Any], order: jax.Array) -> tuple[dict[str, Any], dict[str, jax.Array]]:
    """An epoch over the rows in this order, validation and callbacks included; a seed that has stopped stays as it is."""
    x, y, x_test, y_test = rows
    total, size = len(x), min(r.batch, len(x))
    full = total // size

    def train(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, jax.Array]]:
        first, second = x[order], y[order]
        batches = [part[: full * size].reshape(full, size, -1) for part in (first, second)]
        state, (losses, right) = jax.lax.scan(partial(step, r), state, batches)
        loss, right = jnp.sum(losses), jnp.sum(right)
        if total % size:
            state, (last, more) = step(r, state, (first[full * size :], second[full * size :]))
            loss, right = loss + last, right + more
        weights = state["average"] if r.averages else state["weights"]
        logits, _ = outputs(r, weights, state["running"], x_test)
        value = jnp.mean(cross_entropy(logits, y_test))
        value = value + (PENALTY * jnp.sum(weights[0] ** 2) if r.penalized else 0.0)
        accuracy = jnp.mean((logits > 0) == (y_test > 0.5))
        logs = {"loss": loss / total, "accuracy": right / total, "val_loss": value, "val_accuracy": accuracy}
        return called_back(r, state, value), logs

    nothing = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy"), jnp.float32(0))
    return jax.lax.cond(state["going"], train, lambda state: (state, nothing), state) if r.stops else train(state)


def called_back(r: Recipe, state: dict[str, Any], value: jax.Array) -> dict[str, Any]:
    """What EarlyStopping and ReduceLROnPlateau make of a validation loss."""
    if not (r.stops or r.drops):
        return state
    better = value < state["best"] - (1e-7 if r.drops else 0.0)
    waited = jnp.where(better, 0, state["waited"] + 1)
    new = {**state, "best": jnp.where(better, value, state["best"]), "waited": waited}
    if r.stops:
        return {**new, "going": waited < 200}
    late = waited >= 5
    return {**new, "rate": jnp.where(late, state["rate"] * 0.1, state["rate"]), "waited": jnp.where(late, 0, waited)}


Arrangement = Callable[[Callable[[Any], Any], Any], Any]


def in_turns(function: Callable[[Any], Any], seeds: Any) -> Any:
    """One seed after the other, epoch by epoch."""
    return jax.lax.map(function, seeds)


def side_by_side(function: Callable[[Any], Any], seeds: Any) -> Any:
    """All seeds at once."""
    return jax.vmap(function)(seeds)


def program(variant: Variant, split: Split, arranged: Arrangement) -> Callable[[Any, Any], Any]:
    """So many epochs of several seeds, compiled: of states and orders, (epochs, seeds, rows), to states and logs, (epochs, seeds)."""
    r = recipe(variant)
    rows = tuple(jnp.asarray(part, jnp.float32) for part in (split.x_train, split.y_train, split.x_test, split.y_test))

    @partial(jax.jit, donate_argnums=0)
    def several(states: Any, orders: Any) -> Any:
        def one(states: Any, orders: Any) -> Any:
            return arranged(lambda both: epoch(r, rows, *both), (states, orders))

        return jax.lax.scan(one, states, orders)

    return several


def segments(
    variant: Variant, split: Split, arranged: Arrangement, seeds: int, epochs: int
) -> Iterator[dict[str, Any]]:
    """Logs, (epochs, seeds), of so many epochs at a time, trained when they are asked for."""
    starts = [start(variant, split, seed) for seed in range(seeds)]
    states = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[state for state, _ in starts])
    several = program(variant, split, arranged)
    while True:
        orders = np.array([[next(orders) for _, orders in starts] for _ in range(epochs)], np.int32)
        states, logs = several(states, orders)
        yield jax.tree.map(np.asarray, logs)
