"""How long shards took on this machine before, kept beside the compiled programs: a guess for the next command."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator import engine
from orchestrator.store.document import loads


def remembered(programs: Iterable[str]) -> dict[str, float]:
    """Seconds that a shard trained, for each of these programs of which that is known."""
    noted = _noted()
    return {program: noted[program] for program in set(programs) if program in noted}


def remember(seconds: Mapping[str, float]) -> None:
    """Note what shards of these programs took; where it can't be noted, the next guess is no better than this one was."""
    with suppress(OSError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        aside.write_text(json.dumps({**_noted(), **{program: round(took, 3) for program, took in seconds.items()}}))
        aside.replace(path)


def _noted() -> dict[str, float]:
    try:
        found = loads(_path().read_bytes())
    except (OSError, ValueError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {program: took for program, took in pairs if isinstance(took, int | float) and 0 <= took < float("inf")}


def _path() -> Path:
    return engine.compile_cache().parent / f"{engine.compile_cache().name}.pace.json"
