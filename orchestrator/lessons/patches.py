"""What a lesson puts in the place of functions and methods of Keras, JAX or NumPy is its own, as its settings are."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any

Owner = ModuleType | type
Patches = Mapping[tuple[Owner, str], Any]
BESIDE = ("jax", "jax.lax", "jax.nn", "jax.numpy", "jax.random", "numpy", "numpy.linalg", "numpy.random", "random")
NOTHING = object()  # stands where there is none of that name


def found() -> Patches:
    """What stands in modules and classes that did not stand there before any lesson was loaded; nothing where Keras is not."""
    if "keras" not in sys.modules:
        return {}
    return {
        (owner, name): vars(owner).get(name, NOTHING)
        for owner, before in _as_imported().items()
        if _differ(before, vars(owner))
        for name in {*before, *vars(owner)}
        if (now := vars(owner).get(name, NOTHING)) is not (then := before.get(name, NOTHING))
        and (_is_code(now) or _is_code(then))
    }


def put(patches: Patches) -> None:
    """Let them be as they were imported, but for these."""
    before = {(owner, name): _as_imported()[owner].get(name, NOTHING) for owner, name in found()}
    for (owner, name), value in {**before, **patches}.items():
        stands = vars(owner).get(name, NOTHING)
        if stands is not value and value is NOTHING:
            delattr(owner, name)
        elif stands is not value:
            setattr(owner, name, value)


@lru_cache(maxsize=1)
def _as_imported() -> Mapping[Owner, Mapping[str, Any]]:
    """By module and class what stood in it when this was asked first, before any lesson's file ran."""
    return {owner: dict(vars(owner)) for owner in _owners()}


def _owners() -> Iterator[Owner]:
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "keras"]
    yield from modules
    yield from (sys.modules[name] for name in BESIDE if name in sys.modules)
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__.partition(".")[0] == "keras":
                yield value


def _differ(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether to look closer: a comparison of dicts is quick, since it asks for identity first."""
    try:
        return before != now
    except Exception:  # values that can't be compared, such as arrays
        return True


def _is_code(value: Any) -> bool:
    return callable(value) or isinstance(value, property | staticmethod | classmethod)
