"""Digests of Python values that stay the same when source is moved, renamed or reformatted, and change when behaviour does."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)


def digest(parts: Iterable[Any]) -> str:
    """Hexadecimal SHA-256 over arrays (type, shape and bytes) and over other values by their canonical form."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            total.update(f"{part.dtype.str}{part.shape}".encode())
            total.update(np.ascontiguousarray(part).tobytes())
        else:
            total.update(repr(canonical(part)).encode())
    return total.hexdigest()


def canonical(value: Any, seen: tuple[int, ...] = ()) -> Any:  # noqa: C901  one line a kind of value
    """Nested tuples of plain values that say what `value` is and does; no addresses, paths, line numbers or module names."""
    if isinstance(value, PLAIN):
        return value.item() if isinstance(value, np.generic) else value
    if id(value) in seen:
        return "..."
    seen = (*seen, id(value))
    if isinstance(value, Mapping):
        return tuple(sorted((str(k), canonical(v, seen)) for k, v in value.items()))
    if isinstance(value, list | tuple):
        return tuple(canonical(v, seen) for v in value)
    if isinstance(value, set | frozenset):
        return tuple(sorted(repr(canonical(v, seen)) for v in value))
    if isinstance(value, np.ndarray):
        return digest([value])
    if isinstance(value, types.CodeType):
        return _code(value, seen)
    if isinstance(value, types.FunctionType):
        return _function(value, seen)
    if isinstance(value, types.MethodType):
        return canonical(value.__func__, seen), canonical(value.__self__, seen)
    if isinstance(value, type):
        return _class(value, seen)
    return _object(value, seen)


def _code(code: types.CodeType, seen: tuple[int, ...]) -> Any:
    return code.co_code.hex(), code.co_names, code.co_varnames, tuple(canonical(c, seen) for c in code.co_consts)


def _function(function: types.FunctionType, seen: tuple[int, ...]) -> Any:
    """A function by its bytecode, defaults, closure, and the values of the globals it names."""
    if is_library(function.__module__):
        return f"{function.__module__}.{function.__qualname__}"
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    named = {name: function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__}
    return _code(function.__code__, seen), canonical(
        [function.__defaults__, function.__kwdefaults__, cells, named], seen
    )


def _class(kind: type, seen: tuple[int, ...]) -> Any:
    if is_library(kind.__module__):
        return f"{kind.__module__}.{kind.__qualname__}"
    hidden = ("__module__", "__doc__", "__qualname__")
    own = {
        name: v for name, v in vars(kind).items() if isinstance(v, (types.FunctionType, *PLAIN)) and name not in hidden
    }
    return kind.__name__, canonical(own, seen), tuple(canonical(base, seen) for base in kind.__bases__)


def _object(value: Any, seen: tuple[int, ...]) -> Any:
    if isinstance(value, types.ModuleType):
        return value.__name__
    if is_library(type(value).__module__) and not hasattr(value, "get_config"):
        return f"{type(value).__module__}.{type(value).__qualname__}"
    fields = (
        value.get_config()
        if hasattr(value, "get_config")
        else {k: v for k, v in vars(value).items() if not k.startswith("_")}
    )
    return canonical(type(value), seen), canonical(fields, seen)


def is_library(module: str | None) -> bool:
    """Whether a module's code is named by its version rather than read: everything but what the user wrote."""
    return (module or "").partition(".")[0] in {
        "keras",
        "jax",
        "numpy",
        "tensorflow",
        "builtins",
        "functools",
        "math",
        "sklearn",
        "scipy",
    }
