"""What functions can reach outside themselves: the names of their modules and what they close over, as text that can be compared."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from orchestrator.nouns.identity import sketch

PLAIN = (bool, int, float, complex, str, bytes, type(None))
DEEP = 4  # things in things
MANY = 10_000  # things, or bytes of an array in thousands, beyond which only their number counts
LIBRARIES = ("builtins", "jax", "jaxlib", "keras", "numpy", "orchestrator", "pandas", "sklearn", "tensorflow")


def standing(*functions: Callable[..., Any] | None) -> str:
    """All that these functions can reach, as it stands now."""
    return repr([_told(part, DEEP) for function in functions if function for part in _reached(function)])


def _reached(function: Any) -> Iterator[Any]:
    while isinstance(function, functools.partial):
        yield [function.args, function.keywords]
        function = function.func
    if isinstance(function, MethodType):
        yield function.__self__
        function = function.__func__
    function = getattr(function, "__wrapped__", function)
    if isinstance(function, FunctionType):
        yield {name: value for name, value in function.__globals__.items() if not name.startswith("__")}
        yield [cell.cell_contents for cell in function.__closure__ or () if _is_full(cell)]


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # nothing was put into it yet
        return False


def _told(thing: Any, deep: int) -> Any:
    """A thing as text or a tree of texts; of what is a library's own, or lies too deep, which thing it is."""
    if isinstance(thing, PLAIN):
        return repr(thing)
    if isinstance(thing, np.ndarray):
        if thing.nbytes >= 1000 * MANY:
            return id(thing), thing.shape
        return repr(thing.tolist()) if thing.dtype.hasobject else sketch([thing]).digest
    if hasattr(thing, "cache_info"):
        return thing.cache_info().currsize
    inside = _inside(thing) if deep else None
    if inside is None:
        return id(thing)
    return (len(inside), id(thing)) if len(inside) > MANY else [(n, _told(part, deep - 1)) for n, part in inside]


def _inside(thing: Any) -> list[tuple[str, Any]] | None:
    """What a thing holds, by name or place; None where that is nobody's concern."""
    if isinstance(thing, Mapping):
        return [(repr(key), value) for key, value in thing.items()]
    if isinstance(thing, list | tuple | set | frozenset):
        return [("", part) for part in (sorted(thing, key=repr) if isinstance(thing, set | frozenset) else thing)]
    kind = thing if isinstance(thing, type) else type(thing)
    if kind.__module__.partition(".")[0] in LIBRARIES or not hasattr(thing, "__dict__"):
        return None
    return [(name, part) for name, part in vars(thing).items() if not name.startswith("__") and not callable(part)]
