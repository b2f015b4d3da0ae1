"""What a seed's model is made with, by which one that departs from its neighbours is told."""

from __future__ import annotations

import re
from dataclasses import replace

import jax
import keras
import numpy as np

from orchestrator.engine import private
from orchestrator.engine.lowering import lower
from orchestrator.engine.model import Beginning
from orchestrator.engine.reference import Reference
from orchestrator.lesson import Split, Variant
from orchestrator.nouns.identity import Sketch, digest, sketch

ADDRESS = re.compile(r"0x[0-9a-f]+")
RATE = re.compile(r"'learning_rate': [-+.0-9e]+")


def form_of(variant: Variant, split: Split, beginning: Beginning) -> str:
    """What a seed's layers, optimiser and losses are made with, as text; empty where they can't tell.

    Where model() chooses by numbers that it looks at, with the digest of the seed's program.
    """
    return _configured(beginning.model) + (program_of(variant, split, beginning) if beginning.chooses else "")


def program_of(variant: Variant, split: Split, beginning: Beginning) -> str:
    """The digest of a seed's program; raises what the user's code raises when it is traced."""
    return digest(lower(Reference(variant, beginning), beginning.values, split))


def _configured(model: keras.Model) -> str:
    """The configuration of a model without the addresses of objects.

    Names are put in order: those that Keras gives count on when a model is made a second time. A rate that is a number is a
    variable, with which a seed begins.
    """
    try:
        losses = [part.get_config() if isinstance(part, keras.Loss) else part for part in jax.tree.leaves(model.loss)]
        found = repr([model.get_config(), model.optimizer.get_config() | {"name": None}, losses])
    except Exception:  # the user's own layers may have no configuration
        return ""
    found = RATE.sub("", ADDRESS.sub("", found))
    for i, layer in enumerate(private.layers_in(model)):
        found = found.replace(f"'{layer.name}'", f"'#{i}'")
    return found


def form_of_both(variant: Variant, split: Split, one: Beginning, other: Beginning) -> str:
    """What the models of two seeds are made with; empty where that differs."""
    form = form_of(variant, split, one)
    return form if form == form_of(variant, split, other) else ""


def start_of(beginning: Beginning, unlike: str = "") -> Sketch:
    """All that a seed's training depends on beside its program and its rows: initial variables, and what its shuffles are drawn from.

    `unlike` is what its model is made with, where that is not as of others.
    """
    state = beginning.generator.get_state(legacy=False)["state"]
    found = sketch(
        [array for part in beginning.values for array in part]
        + [state["key"], np.array([state["pos"], beginning.looks])]
        + [np.frombuffer(unlike.encode(), np.uint8)] * bool(unlike)
    )
    return replace(found, numbers=(sum(found.numbers),))  # one will do: it is kept for every run


def start_in(form: str, variant: Variant, split: Split, beginning: Beginning) -> Sketch:
    """What a seed begins with among others of this form; where it is of another, that counts too."""
    own = form and form_of(variant, split, beginning)
    return start_of(beginning, own if own != form else "")
