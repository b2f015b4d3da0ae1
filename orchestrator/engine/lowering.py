"""One seed's training as text: Keras's own steps, the callbacks' rules, an epoch, the end, the scoring.

It is what JAX lowers the Reference to, without locations, so that it is the same in every process, whatever the names of
files, variables and layers. Every constant that the program holds stands in it in full. How the engine runs it (eight
seeds at a time, in segments, with metrics stacked) is not in it.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from orchestrator.engine import private
from orchestrator.engine.model import as_keras
from orchestrator.engine.reference import Reference
from orchestrator.engine.state import as_dicts
from orchestrator.engine.unrolled import as_jax_has_it
from orchestrator.lesson import Split, count
from orchestrator.nouns.identity import digest

CALLBACK = re.compile(r"custom_call @\w*callback\w*")


def lower(one: Reference, values: Any, split: Split) -> str:
    """The text of training an epoch and scoring, and the names of what comes out.

    Raises:
        Exception: whatever the user's code raises when it is traced.
    """
    rows = as_keras((split.x_train, split.y_train, split.x_test, split.y_test))
    names: list[list[str]] = []

    def program(values: Any, state: Any, order: Any, rows: Any, epoch: Any, last: Any) -> Any:
        after, logs = one.epoch(state, order, rows, epoch, last)
        scores = one.grade(one.finish(state), *rows[2:])[0]
        names[:] = [list(logs), list(scores)]
        return as_dicts(one.start(*values)), as_dicts(after), logs, scores

    state = jax.eval_shape(one.start, *values)
    order = jax.ShapeDtypeStruct((count(split.x_train),), jnp.int32)
    arguments = jax.tree.map(_shape, (values, state, order, rows, np.int32(0), np.bool_(False)))
    with as_jax_has_it():
        text = jax.jit(program).trace(*arguments).lower(lowering_platforms=("cpu",)).as_text()
    return f"{text}\n{names}"


def calls_python(text: str) -> bool:
    """Whether a program calls Python, whose code its text does not hold."""
    return bool(CALLBACK.search(text))


def is_slow(text: str) -> bool:
    """Whether XLA takes longer for a program in a loop than for its steps one by one: its convolutions on CPUs (jax issue 12868)."""
    return "stablehlo.convolution" in text


def loss_text(model: keras.Model, split: Split) -> str:
    """Digest of the loss as a program of labels and predictions: arms whose losses differ can't be compared by them."""
    own = type(model).compute_loss is not keras.Model.compute_loss
    if private.loss_of(model) is None and not own:
        return "what its layers add"
    x, y = jax.tree.map(lambda array: array[:2], as_keras((split.x_train, split.y_train)))
    inference = private.inference(model)
    try:
        variables = [[v.value for v in part] for part in (model.trainable_variables, model.non_trainable_variables)]
        given = jax.eval_shape(lambda x: model.stateless_call(*variables, x, **inference)[0], x)
        predictions = jax.tree.map(
            lambda p: jax.ShapeDtypeStruct(p.shape, jnp.float32), given
        )  # whatever the precision
        return digest(
            jax.jit(private.loss_of(model).call).trace(y, predictions).lower(lowering_platforms=("cpu",)).as_text()
        )
    except Exception:  # the user's own code: what can't be traced is nobody else's loss
        return uuid.uuid4().hex


def _shape(array: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(array), jax.dtypes.canonicalize_dtype(array.dtype))
