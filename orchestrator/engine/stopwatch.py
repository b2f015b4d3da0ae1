"""How long XLA has been compiling in this process."""

from __future__ import annotations

from functools import lru_cache

import jax

COMPILING = ("/jax/core/compile/jaxpr_to_mlir_module_duration", "/jax/core/compile/backend_compile_duration")


class Stopwatch:
    """Adds up what JAX says of its compilations."""

    def __init__(self) -> None:
        self.seconds = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._add)

    def _add(self, event: str, seconds: float, **_facts: object) -> None:
        if event in COMPILING:
            self.seconds += seconds


@lru_cache(maxsize=1)
def stopwatch() -> Stopwatch:
    """The process's stopwatch; it runs from the first call."""
    return Stopwatch()
