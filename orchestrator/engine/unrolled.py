"""Random numbers without a loop: JAX hashes counters in twenty rounds, and on a processor loops over them to compile sooner.

Drawn in a loop's body, as noise and dropout are, numbers take a third less without: the same bits. A program's text, by
which runs are known, keeps JAX's own way. It stands on JAX's private parts; where they are others, all stays as JAX has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from jax._src.interpreters import mlir

try:
    from jax._src.random.threefry2x32 import _threefry2x32_lowering, threefry2x32_p
except ImportError:
    threefry2x32_p = None


def unroll() -> None:
    """From now on programs for a processor hash without a loop."""
    _lower(rolled=False)


@contextmanager
def as_jax_has_it() -> Iterator[None]:
    """What is lowered meanwhile hashes in JAX's own way."""
    _lower(rolled=True)
    try:
        yield
    finally:
        _lower(rolled=False)


def _lower(*, rolled: bool) -> None:
    if threefry2x32_p is not None:
        hashing: Any = partial(_threefry2x32_lowering, use_rolled_loops=rolled)
        mlir.register_lowering(threefry2x32_p, mlir.lower_fun(hashing, multiple_results=True), platform="cpu")
