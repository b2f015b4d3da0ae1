"""JSON that others may have written: refused where it is too long or too deep to be of this program."""

from __future__ import annotations

import json
from typing import Any

LONGEST = 2**24  # bytes; 80,000 jobs in run.json
DEEPEST = 32  # levels; this program writes six


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
    _measure(found, DEEPEST)
    return found


def _measure(value: Any, left: int) -> None:
    if not left:
        raise ValueError("JSON that is nested too deeply")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _measure(each, left - 1)
