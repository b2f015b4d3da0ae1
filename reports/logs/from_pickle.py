"""Reads plain data out of a pickle without loading it.

Loading a pickle runs what it says. Here its instructions are followed only as far as they lay out lists, dictionaries,
numbers and text; whatever would be imported or called becomes an inert `Call` that keeps the name and the arguments.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MARK = object()
_DTYPES = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})


@dataclass
class Call:
    """What a pickle asks to be called; it is not."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None
    items: dict[Any, Any] | None = None


@dataclass
class _Reader:
    """A stack and a memo, as the pickle protocol has them."""

    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def since_mark(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        at = max(i for i, value in enumerate(self.stack) if value is MARK)
        taken = self.stack[at + 1 :]
        del self.stack[at:]
        return taken

    def step(self, code: str, value: Any) -> None:  # noqa: C901, PLR0912  one case an instruction
        """Follow one instruction."""
        stack = self.stack
        match code:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                stack.append(MARK)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[code])
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[code]())
            case "MEMOIZE" | "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[len(self.memo) if value is None else int(value)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self.memo[int(value)])
            case "TUPLE" | "LIST":
                items = self.since_mark()
                stack.append(tuple(items) if code == "TUPLE" else items)
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(code[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPEND":
                last = stack.pop()
                stack[-1].append(last)
            case "APPENDS":
                items = self.since_mark()
                stack[-1].extend(items)
            case "DICT" | "SETITEMS" | "SETITEM":
                self._items(code)
            case "GLOBAL" | "STACK_GLOBAL":
                stack.append(Call(value.replace(" ", ".") if value else ".".join([*map(str, stack[-2:])])))
                if code == "STACK_GLOBAL":
                    del stack[-3:-1]
            case "REDUCE" | "NEWOBJ":
                arguments = stack.pop()
                called = stack.pop()
                stack.append(Call(called.name, tuple(arguments)))
            case "BUILD":
                state = stack.pop()
                stack[-1].state = state
            case _ if value is not None and isinstance(value, int | float | str | bytes):
                stack.append(value)
            case _:
                raise ValueError(f"the pickle instruction {code} is not followed here")

    def _items(self, code: str) -> None:
        pairs = self.stack[-2:] if code == "SETITEM" else self.since_mark()
        if code == "SETITEM":
            del self.stack[-2:]
        if code == "DICT":
            self.stack.append({})
        into = self.stack[-1]
        if isinstance(into, Call):
            into.items = into.items or {}
            into = into.items
        into.update(zip(pairs[::2], pairs[1::2], strict=True))


def plain(data: bytes) -> Any:
    """What the pickle lays out; `Call`s stand where it asks for more, numbers and arrays of numpy are decoded.

    Raises:
        ValueError: it is no pickle, or not one of plain data.
    """
    reader = _Reader()
    try:
        for code, value, _ in pickletools.genops(data):
            reader.step(code.name, value)
        return _Decoder().value(reader.stack[-1])
    except (
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        UnicodeError,
        MemoryError,
        OverflowError,
    ) as error:
        raise ValueError(f"no pickle of plain data: {type(error).__name__}") from None


@dataclass
class _Decoder:
    """Counts what it decodes: a small pickle can refer to its parts again and again, and come to more than any memory."""

    left: int = 2**22

    def value(self, value: Any) -> Any:
        """`value` with numpy's scalars and arrays as numbers and lists, a dictionary's subclasses as dictionaries."""
        if isinstance(value, dict):
            self._spend(len(value))
            return {str(key): self.value(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            self._spend(len(value))
            return [self.value(each) for each in value]
        if isinstance(value, Call):
            return self._call(value)
        return value

    def _spend(self, items: int) -> None:
        self.left -= items + 1
        if self.left < 0:
            raise ValueError("it comes to more values than are read here")

    def _call(self, call: Call) -> Any:
        name = call.name.rpartition(".")[2]
        if name == "scalar" and len(call.arguments) == 2:
            return _numbers(call.arguments[0], call.arguments[1])[0]
        if name == "_reconstruct" and isinstance(call.state, tuple) and len(call.state) == 5:
            kind, content = call.state[2], call.state[4]
            return self.value(content) if isinstance(content, list) else _numbers(kind, content)
        if name in ("defaultdict", "OrderedDict") and call.items is not None:
            return self.value(call.items)
        raise ValueError(f"it asks for {call.name}")


def _numbers(kind: Any, content: Any) -> list[float]:
    """Numbers from their bytes, as numpy's pickles hold them."""
    code = kind.arguments[0] if isinstance(kind, Call) and kind.arguments else ""
    if code not in _DTYPES or not isinstance(content, bytes):
        raise ValueError(f"numbers of the kind {code!r} are not read here")
    order = kind.state[1] if isinstance(kind.state, tuple) and len(kind.state) > 1 else "<"
    return [float(each) for each in np.frombuffer(content, dtype=f"{'>' if order == '>' else '<'}{code}")]
