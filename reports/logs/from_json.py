"""Logs out of JSON, JSON lines and Python literals: histories, records, and what pandas makes of a frame."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.reports.logs.column_titles import known, rows_of
from orchestrator.reports.logs.log import Columns, Log, kind, shorten

DEEPEST = 64
"""Brackets within brackets; a history needs four."""
LONGEST_LITERAL = 8 * 2**20
"""Characters of a Python literal: its syntax tree takes a hundred times the room of the text."""

WRAPPERS = ("history", "log_history", "metrics", "logs", "log", "results", "train_history", "data", "records", "rows")
"""Keys under which histories are kept beside other things."""

EXPECTED = 'expected an object such as {"loss": [0.7, 0.6], "val_loss": [0.7, 0.65]}'
_WRONG = "{} is not valid JSON: {}"


def read(text: str, name: str) -> list[Log]:
    """The runs in a text that begins with a bracket or a quotation mark.

    Raises:
        ValueError: it is neither JSON, nor JSON lines, nor a Python literal, or holds no history.
    """
    try:
        document, notes = _parsed(text, name)
        logs = shaped(document, name)
    except RecursionError:
        raise ValueError(f"{name} has brackets within brackets, too deep to be a history; {EXPECTED}") from None
    return [Log(log.columns, log.run, (*notes, *log.notes)) for log in logs]


def _depth(text: str) -> int:
    """How deep brackets lie in each other; those in quoted text count, too, which only a hostile text minds."""
    deepest = depth = 0
    for character in text:
        if character in "[{(":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]})":
            depth -= 1
    return deepest


def _parsed(text: str, name: str) -> tuple[Any, tuple[str, ...]]:
    """The document, and what to say of how it was read."""
    try:
        return json.loads(text), ()
    except ValueError as error:
        wrong = _WRONG.format(name, _where(error))
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and _is_json(lines[0]):
        return _lines(lines, name)
    try:
        return literal(text), ()
    except ValueError:
        raise ValueError(wrong) from None


def _where(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    return f"a number in it is too long ({str(error).split(';', maxsplit=1)[0]})"


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _lines(lines: Sequence[str], name: str) -> tuple[Any, tuple[str, ...]]:
    """JSON lines; the last may be cut, since a killed run leaves one so."""
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            if number == len(lines):
                return found, ("the last line is cut and is left out",)
            raise ValueError(_WRONG.format(f"{name}, line {number}", _where(error))) from None
    return found, ()


def literal(text: str) -> Any:
    """What a Python literal means, as `str` and `repr` write a history: nan, array(...) and np.float32(...) included.

    Nothing in it is called.

    Raises:
        ValueError: it is none.
    """
    if len(text) > LONGEST_LITERAL or _depth(text) > DEEPEST:
        raise ValueError("too long or too deep for a Python literal")
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"no Python literal: {error}") from None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.List(elements) | ast.Tuple(elements):
            return [_value(each) for each in elements]
        case ast.Dict(keys, values) if all(keys):
            return {str(_value(key)): _value(value) for key, value in zip(keys, values, strict=True) if key}
        case ast.UnaryOp(ast.USub(), operand):
            return -_number(_value(operand))
        case ast.Name("nan" | "inf" | "NaN" | "NA") | ast.Attribute(attr="nan" | "inf"):
            return math.nan
        case ast.Call(_, [*arguments], _) if arguments:
            return _value(arguments[-1])
    raise ValueError("no Python literal")


def _number(value: Any) -> float:
    if isinstance(value, int | float):
        return value
    raise ValueError("no Python literal")


def shaped(document: Any, name: str) -> list[Log]:
    """The runs in a document of any known shape; text that was written into JSON as a whole is read once more."""
    if isinstance(document, str) and document.strip()[:1] in ("{", "["):
        return read(document.strip(), name)
    if isinstance(document, list):
        return _from_list(document, name)
    if not isinstance(document, dict):
        return _refuse(document, name)
    for shape in _SHAPES:
        found = shape(document, name)
        if found is not None:
            return found
    raise ValueError(f"{name} holds no run; {EXPECTED}")


def _refuse(document: Any, name: str) -> list[Log]:
    raise ValueError(f"{name} is {kind(document)}; {EXPECTED}")


def _from_list(document: Sequence[Any], name: str) -> list[Log]:
    """Records, histories of several runs, or a series as TensorBoard exports it."""
    if document and all(isinstance(each, list) for each in document):
        return [_series(document, name)]
    odd = next((i for i, each in enumerate(document) if not isinstance(each, dict)), None)
    if odd is not None:
        raise ValueError(f"{name}, item {odd} is {kind(document[odd])}; {EXPECTED}")
    flat = [_flat(each) for each in document]
    if any(not any(isinstance(value, list | dict) for value in record.values()) for record in flat):
        return [Log(table(flat))]
    return [log for i, each in enumerate(document) for log in shaped(each, f"{name}, item {i}")]


def _series(rows: Sequence[Sequence[Any]], name: str) -> Log:
    if any(len(row) != 3 for row in rows):
        raise ValueError(f"{name} is a list of lists, which names no columns; {EXPECTED}")
    return Log(dict(zip(("Wall time", "Step", "Value"), map(list, zip(*rows, strict=True)), strict=True)))


def table(records: Sequence[Mapping[str, Any]]) -> Columns:
    """Columns of records, None where a record has no such key."""
    titles = dict.fromkeys(title for record in records for title in record)
    return {title: [record.get(title) for record in records] for title in titles}


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose inner objects (`{"train": {"loss": 1}}`) are flattened to `train/loss`."""
    found: dict[str, Any] = {}
    for title, value in record.items():
        inner = isinstance(value, dict) and not any(isinstance(each, list | dict) for each in value.values())
        found |= {f"{title}/{key}": each for key, each in value.items()} if inner else {str(title): value}
    return found


def _split(document: Mapping[str, Any], name: str) -> list[Log] | None:
    """`DataFrame.to_json(orient="split")`."""
    columns, rows = document.get("columns"), document.get("data")
    if not isinstance(columns, list) or not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return None
    if any(len(row) != len(columns) for row in rows):
        raise ValueError(f"{name} names {len(columns)} columns, and a row of its data has another number")
    return [Log({str(title): [row[i] for row in rows] for i, title in enumerate(columns)})]


def _by_rows(document: Mapping[str, Any], name: str) -> list[Log] | None:
    """`{"train": {"loss": [...]}, "val": {"loss": [...]}}`."""
    if not document or not all(rows_of(key) and isinstance(value, dict | list) for key, value in document.items()):
        return None
    if all(
        isinstance(value, list) and value and all(isinstance(row, dict) for row in value) for value in document.values()
    ):
        document = {key: table(value) for key, value in document.items()}
    if not all(isinstance(value, dict) for value in document.values()):
        return None
    if any(rows_of(inner) for value in document.values() for inner in value):
        return None
    joined = {f"{key}/{title}": values for key, value in document.items() for title, values in value.items()}
    return [Log(columns(joined, name))]


def _wrapped(document: Mapping[str, Any], name: str) -> list[Log] | None:
    """A history kept beside other things, as `vars(History)` or a trainer's state."""
    for key in WRAPPERS:
        inner = document.get(key)
        beside = any(known(each) and isinstance(value, dict | list) for each, value in document.items())
        if not beside and isinstance(inner, dict | list) and inner:
            return shaped(inner, name)
    return None


def _nested(document: Mapping[str, Any], name: str) -> list[Log] | None:
    """Objects of objects: a frame by columns or by rows, or runs by name."""
    inner = {key: value for key, value in document.items() if isinstance(value, dict)}
    if not inner:
        return None
    if any(known(key) for key in inner):
        return [Log(columns(document, name))]
    scalars = [not any(isinstance(each, list | dict) for each in value.values()) for value in inner.values()]
    if all(scalars) and len(inner) == len(document):
        return [Log(table([_flat(document[key]) for key in _ordered(document)]))]
    odd = next((key for key in document if key not in inner), None)
    if odd is not None:
        raise ValueError(f"{name}: {shorten(odd)!r} is {kind(document[odd])}; {EXPECTED}")
    found = [(key, log) for key, value in inner.items() for log in shaped(value, f"{name}, {shorten(key)!r}")]
    return [Log(log.columns, log.run or shorten(key), log.notes) for key, log in found]


def _plain(document: Mapping[str, Any], name: str) -> list[Log] | None:
    """`history.history`; a single record is a history of one epoch."""
    if not document:
        return None
    scalars = not any(
        isinstance(value, list) or (isinstance(value, str) and value[:1] == "[") for value in document.values()
    )
    if any(known(key) for key in document) and scalars:
        return [Log({key: [value] for key, value in document.items()})]
    return [Log(columns(document, name))]


_SHAPES: tuple[Callable[[Mapping[str, Any], str], list[Log] | None], ...] = (
    _split,
    _wrapped,
    _by_rows,
    _nested,
    _plain,
)


def columns(document: Mapping[str, Any], name: str) -> Columns:
    """Title -> values. pandas writes the values as objects by row number; some people write lists as text."""
    return dict(_columns(document, name))


def _columns(document: Mapping[str, Any], name: str) -> Iterator[tuple[str, list[Any]]]:
    for title, given in document.items():
        values = [given[key] for key in _ordered(given)] if isinstance(given, dict) else given
        if isinstance(values, str) and values.strip()[:1] == "[":
            values = _list(values)
        if isinstance(values, list):
            yield str(title), values
        elif known(title):
            told = f"{shorten(title)!r} is {kind(values)}"
            raise ValueError(f"{name}: {told}; expected a list with one number an epoch")


def _list(text: str) -> Any:
    try:
        return literal(text)
    except ValueError:
        return text


def _ordered(rows: Mapping[str, Any]) -> list[str]:
    """The keys by number where they are numbers: an object has no order that every program keeps."""
    return sorted(rows, key=int) if all(key.isdecimal() and len(key) < 19 for key in rows) else list(rows)
