"""Where a model's optimiser keeps what callbacks change: its learning rate, and the averages of its weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras

from orchestrator.engine import private
from orchestrator.engine.state import State


class Slots:
    """Where a model's optimiser keeps what rules change."""

    def __init__(self, model: keras.Model) -> None:
        variables = [id(v) for v in model.optimizer.variables]
        mover = private.optimizers_of(model)[-1]
        rate = private.learning_rate(mover)
        self.rate = variables.index(id(rate)) if id(rate) in variables else -1  # -1: a schedule sets it
        trained = [id(v) for v in model.trainable_variables]
        self.averages = {
            trained.index(id(v)): variables.index(id(a)) for v, a in private.moving_averages(mover) if a is not None
        }
        self.use_ema = bool(mover.use_ema)

    def swap(self, state: State, where: Any) -> State:
        """Exchange weights and their averages where the flag is set."""
        trainable, optimizer = list(state.trainable), list(state.optimizer)
        for w, a in self.averages.items():
            weight, average = trainable[w], optimizer[a]
            trainable[w], optimizer[a] = jnp.where(where, average, weight), jnp.where(where, weight, average)
        return state._replace(trainable=trainable, optimizer=optimizer)

    def set_rate(self, state: State, value: jax.Array) -> State:
        """Put another learning rate into the optimiser's state."""
        optimizer = list(state.optimizer)
        optimizer[self.rate] = value.astype(optimizer[self.rate].dtype)
        return state._replace(optimizer=optimizer)

    def finalize(self, state: State) -> State:
        """What `Optimizer.finalize_variable_values` does when training ends: averages become the weights."""
        if not self.use_ema:
            return state
        trainable = list(state.trainable)
        for w, a in self.averages.items():
            trainable[w] = state.optimizer[a]
        return state._replace(trainable=trainable)
