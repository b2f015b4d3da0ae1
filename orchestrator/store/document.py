"""JSON that others may have written: refused where it is too long or too deep to be of this program."""

from __future__ import annotations

import json
from typing import Any

LONGEST = 2**24  # bytes; 80,000 jobs in run.json
DEEPEST = 32  # levels; this program writes six
NESTED = frozenset({dict, list})  # what has members, as `json` makes it


def loads(text: str | bytes) -> Any:
    """What the text says.

    Raises:
        ValueError: it is no JSON, or none that this program wrote.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{len(text):,} bytes of JSON, where {LONGEST:,} are the most")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    _require_shallow(found)
    return found


def _require_shallow(value: Any) -> None:
    level = [value] if type(value) in NESTED else []
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) in NESTED
        ]
        if not level:
            return
    raise ValueError("JSON that is nested too deeply")
