"""A run's state as the engine carries it from epoch to epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

Leaves = list[Any]  # arrays, or what JAX traces in their place


class State(NamedTuple):
    """What a seed's training goes on from; its fields stand in the order of the alphabet, as programs' texts have them.

    Attributes:
        active: whether it trains on. counters: the metrics' variables, always as they begin. epochs: how many it has trained.
        trainable, frozen, optimizer: values of the model's variables. rules: what each callback's rule remembers.
    """

    active: Any
    counters: Leaves
    epochs: Any
    frozen: Leaves
    optimizer: Leaves
    rules: list[Any]
    trainable: Leaves


def as_dicts(value: Any) -> Any:
    """The same values with dicts in place of named tuples, whose entries a program's text calls by name."""
    if isinstance(value, list):
        return [as_dicts(part) for part in value]
    if hasattr(value, "_asdict"):
        return {name: as_dicts(part) for name, part in value._asdict().items()}
    return value
