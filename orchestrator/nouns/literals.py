"""Arguments for `fit` as Python literals: they can be hashed, and JSON, which has no whole numbers as keys, changes none."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any


def written(arguments: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as text."""
    return {name: repr(value) for name, value in arguments.items()}


def read(texts: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that `written` was given; a plain number, as earlier versions wrote it, reads as itself.

    Raises:
        ValueError, SyntaxError, RecursionError, MemoryError: a text is no literal.
    """
    return {name: ast.literal_eval(str(text)) for name, text in texts.items()}
