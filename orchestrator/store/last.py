"""What the last command wrote of itself, in run.json: checked before it is believed, since others may have written it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.nouns import literals
from orchestrator.nouns.seeds import LARGEST, MOST
from orchestrator.reports.nouns.scope import SCOPES
from orchestrator.store.document import loads

WORDS = ("command", "started", "engine")
LISTS = ("lessons", "scopes", "seeds", "jobs")
ENGINES = ("compiled", "fit-jax", "fit-tensorflow")
RUNS = 10**8


def read(data: bytes) -> dict[str, Any]:
    """What run.json says.

    Raises:
        ValueError: it is not what a command writes.
    """
    found = loads(data)
    if not (isinstance(found, dict) and _has_its_parts(found) and _can_be_asked_for(found)):
        raise ValueError("it is not what a command writes of itself")
    return found


def _has_its_parts(found: dict[str, Any]) -> bool:
    return (
        all(isinstance(found.get(name), str) for name in WORDS)
        and all(isinstance(found.get(name), list) for name in LISTS)
        and _are_settings(found.get("settings"))
        and _is_until(found.get("until"))
    )


def _are_settings(found: Any) -> bool:
    """Arguments for `fit`, each as a Python literal; what an earlier version wrote reads as one, too."""
    try:
        literals.read(found)
    except (AttributeError, ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _is_until(found: Any) -> bool:
    """How far a command goes: None, or its most seeds and a width (until.py)."""
    return found is None or (
        isinstance(found, dict)
        and found.keys() == {"most", "width"}
        and type(found["most"]) is int
        and 1 <= found["most"] <= MOST
        and (found["width"] is None or (type(found["width"]) in (int, float) and found["width"] > 0))
    )


def _can_be_asked_for(found: dict[str, Any]) -> bool:
    return (
        all(isinstance(lesson, str) for lesson in found["lessons"])
        and all(scope in SCOPES for scope in found["scopes"])
        and found["engine"] in ENGINES
        and _are_seeds(found["seeds"])
        and all(_is_job(job, len(found["seeds"])) for job in found["jobs"])
        and len(found["jobs"]) * len(found["seeds"]) <= RUNS
    )


def _are_seeds(found: Sequence[Any]) -> bool:
    return len(found) <= MOST and all(type(seed) is int and 0 <= seed <= LARGEST for seed in found)


def _is_job(found: Any, seeds: int) -> bool:
    return (
        isinstance(found, dict)
        and all(isinstance(found.get(name), str) for name in ("lesson", "variant", "data", "key"))
        and type(found.get("seeds", 0)) is int
        and 0 <= found.get("seeds", 0) <= seeds
    )
