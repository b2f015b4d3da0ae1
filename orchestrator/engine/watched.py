"""What a function of the user's takes for itself: seeds that Keras draws for it, and numbers that it looks at.

A model function that looks at no number makes the same program for every seed; one that does may choose by what it sees.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import jax
import numpy as np
from jax._src.array import ArrayImpl  # to ask an array for its type would start JAX, under TensorFlow too

from orchestrator.engine import private


@dataclass
class Taken:
    """How many seeds Keras took from Python's generator; and how often a number was taken from an array, or the state of a generator."""

    seeds: int = 0
    numbers: int = 0


@contextmanager
def watched() -> Iterator[Taken]:
    """Counts while it is open. NumPy may take numbers from an array of JAX's unseen; `needs_numbers` tells."""
    taken = Taken()

    class Counting:
        """Python's generator, as Keras takes seeds from it for layers and initial weights."""

        @staticmethod
        def randint(low: int, high: int) -> int:
            taken.seeds += 1
            return random.randint(low, high)  # noqa: S311  Keras's own

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **more: Any) -> Any:
            taken.numbers += 1
            return function(*arguments, **more)

        return counting

    def value(variable: Any) -> Any:
        if not sys._getframe(1).f_globals.get("__name__", "").startswith("keras."):  # noqa: SLF001  public in all but name
            taken.numbers += 1
        return of_variable.fget(variable)

    of_variable = vars(private.KerasVariable)["value"]
    with ExitStack() as stack:
        for owner, name, other in (
            (private.seed_generator, "python_random", Counting),
            (private.KerasVariable, "value", property(value)),
            (ArrayImpl, "_value", property(counted(vars(ArrayImpl)["_value"].fget))),
            (ArrayImpl, "item", counted(ArrayImpl.item)),
            (np.random, "get_state", counted(np.random.get_state)),
            (random, "getstate", counted(random.getstate)),
        ):
            stack.enter_context(patch.object(owner, name, other))
        yield taken


def needs_numbers(function: Callable[[], Any]) -> bool:
    """Whether a function, called once more, takes numbers from arrays in whatever way: under a trace, which JAX alone has, there are none to take.

    It leaves the generators, and what Keras keeps for all models, as they were.
    """
    numpy, python = np.random.get_state(), random.getstate()  # noqa: NPY002  the global one is what Keras seeds
    try:
        with (
            patch.object(private.global_state, "GLOBAL_STATE_TRACKER", threading.local()),
            patch.object(private.seed_generator, "python_random", random),
        ):
            jax.eval_shape(lambda: (function(), None)[1])
    except Exception:  # the user's own code: whatever it lacks here, it can't be told that it takes none
        return True
    finally:
        np.random.set_state(numpy)  # noqa: NPY002
        random.setstate(python)
    return False
