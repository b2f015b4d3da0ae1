"""A lesson that was made in Python, packed so that a process anywhere can train it: no file of it need exist.

Functions travel by value, with what they use: those of a script, a notebook's cells or standard input, and those of
modules that are not installed. What must be made anew for every run can't travel, and is named.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from ray import cloudpickle

from orchestrator.engine import globals as settings
from orchestrator.errors import LessonError, VersionError
from orchestrator.lesson import Lesson, Variant
from orchestrator.lessons.catalog import Source, Value
from orchestrator.lessons.loaded import is_own
from orchestrator.nouns.identity import DIGITS, digest

try:
    inner = cloudpickle.cloudpickle
    _reduced_code, _class_names = inner._code_reduce, inner._DYNAMIC_CLASS_TRACKER_BY_CLASS
except AttributeError as error:
    raise VersionError(
        f"Ray's cloudpickle lacks what this program stands on ({error}); install the versions of requirements.lock"
    ) from None
KINDS = {
    "Model": "model",
    "layers.Layer": "layer",
    "Variable": "variable",
    "optimizers.Optimizer": "optimizer",
    "metrics.Metric": "metric",
}
_lock = threading.Lock()  # which modules go by value is one fact for the whole process


def source(lesson: Lesson) -> Source:
    """The lesson as it travels.

    Raises:
        LessonError: it holds what can't, such as a Keras model that was built outside the model function.
    """
    name = lesson.id or _name(lesson.title)
    with _lock, _by_value():
        data = _pickled(_Pickler, lesson)
        codes = tuple((variant.name, _code(variant)) for variant in lesson.variants)
    value = Value(data, _digest(data), codes, tuple(sorted(settings.chosen().items())))
    return Source(name, None, _home(lesson), digest(codes), value=value)


def _name(title: str) -> str:
    """An id made of a title."""
    return "-".join(re.findall(r"\w+", title.lower())) or "lesson"


def _home(lesson: Lesson) -> str:
    """The file that the lesson is written in; where there is none, a name in the current folder."""
    code = getattr(lesson.variants[0].model, "__code__", None)
    written = Path(code.co_filename) if code else None
    return str(written.resolve() if written and written.is_file() else Path.cwd() / "<lesson>")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def _code(variant: Variant) -> str:
    """A digest of what trains: the same wherever it stands, and whenever it is run again."""
    return _digest(_pickled(_Plain, [variant.model, variant.callbacks]))


@contextmanager
def _by_value() -> Iterator[None]:
    """While the block runs, what comes from modules that are not installed is pickled by value."""
    own = [module for name, module in list(sys.modules.items()) if name != "__main__" and _is_foreign(module)]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


def _is_foreign(module: Any) -> bool:
    known = getattr(module, "__name__", None) in inner.list_registry_pickle_by_value()
    return hasattr(module, "__name__") and module.__name__ in sys.modules and not known and is_own(module)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles by value; refuses what belongs to one run."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._functions: list[FunctionType] = []

    def reducer_override(self, thing: Any) -> Any:
        """How a thing is pickled, as `pickle` asks."""
        if isinstance(thing, FunctionType):
            self._functions.append(thing)
        if kind := _kind(thing):
            raise LessonError(self._refusal(kind, thing))
        return super().reducer_override(thing)

    def _refusal(self, kind: str, thing: Any) -> str:
        for function in self._functions:
            for name, value in _uses(function):
                if value is thing:
                    return (
                        f"{function.__qualname__}() uses {name!r}, a Keras {kind} made outside of it, so that one run would"
                        " change the next; build it inside the model function"
                    )
        called = getattr(thing, "path", None) or getattr(thing, "name", "")
        return f"the lesson brings along {called!r}, a Keras {kind}; build it inside the model function, and give callbacks that are new"


def _kind(thing: Any) -> str | None:
    """What a Keras object that belongs to one run is called; None for all else."""
    keras = sys.modules.get("keras")
    if keras is None or isinstance(thing, type):
        return None
    return next((kind for path, kind in KINDS.items() if isinstance(thing, attrgetter(path)(keras))), None)


def _uses(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The global and enclosing variables that a function names."""
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not set yet
            continue


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inside in code.co_consts:
        if isinstance(inside, CodeType):
            yield from _names(inside)


class _Plain(_Pickler):
    """Leaves out what changes when the same text is run again, or elsewhere: file, line, the ids of classes, a set's order."""

    def persistent_id(self, thing: Any) -> Any:
        """A set by its members in a fixed order, since a process orders strings by its hash seed; None for all else."""
        return (type(thing).__name__, sorted(thing, key=repr)) if type(thing) in (set, frozenset) else None

    def reducer_override(self, thing: Any) -> Any:
        """How a thing is pickled, as `pickle` asks."""
        if isinstance(thing, CodeType):
            return _reduced_code(_without_place(thing))
        reduced = super().reducer_override(thing)
        if isinstance(thing, type) and isinstance(reduced, tuple) and thing in _class_names:
            known = _class_names[thing]
            arguments = tuple("" if isinstance(part, str) and part == known else part for part in reduced[1])
            return (reduced[0], arguments, *reduced[2:])
        return reduced


def _without_place(code: CodeType) -> CodeType:
    """The code without file and lines; a set among its constants in a fixed order."""
    fixed = tuple(tuple(sorted(map(repr, each))) if isinstance(each, frozenset) else each for each in code.co_consts)
    return code.replace(co_filename="", co_firstlineno=1, co_linetable=b"", co_consts=fixed)


def _pickled(pickler: type[_Pickler], thing: Any) -> bytes:
    """The thing's bytes.

    Raises:
        LessonError: something in it can't travel.
    """
    file = io.BytesIO()
    try:
        pickler(file).dump(thing)
    except LessonError:
        raise
    except Exception as error:  # whatever a user's object raises
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise LessonError(
            f"the lesson can't travel to another process ({why}); make that inside the function that uses it"
        ) from None
    return file.getvalue()
