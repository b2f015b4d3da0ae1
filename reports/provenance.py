"""Where the numbers come from: what ran, on what, and the files that hold it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.results import Document
from reports.words import NONE, count

REBUILD = "python -m orchestrator report --out DIR"
FILES = (
    ("runs.parquet", "a row a run: its status and its scores", True),
    ("histories.parquet", "a row an epoch of a run: losses, accuracies, learning rate", True),
    ("effects.parquet", "a row a comparison by one measure: every statistic of this page", True),
    ("run.json", "this section, for programs", False),
    ("explore.html", "the curves again, to zoom into, with single seeds", False),
)
MINUTE = 60
LONG = 300
_WORDS = {
    "command": "Command",
    "started": "Started",
    "finished": "Finished",
    "wall_seconds": "Wall time",
    "cpu_seconds": "CPU time",
    "host": "Host",
    "cores": "Cores",
    "processors": "Processors",
    "gpus": "Graphics cards",
    "engine": "Engine",
    "git": "Commit",
    "seeds": "Seeds",
    "retries": "Retries",
    "peak_memory": "Peak memory",
    "versions": "Versions",
    "timings": "Timings",
}


@dataclass(frozen=True)
class File:
    """A file beside the page; `digest` is empty when it was not there, or is written after the page."""

    name: str
    holds: str
    digest: str


def files(out: Path) -> list[File]:
    """The files a reader can take along, the two tables with their hash."""
    return [File(name, holds, _digest(out / name) if hashed else "") for name, holds, hashed in FILES]


def origin(provenance: Document) -> list[tuple[str, str]]:
    """Terms and texts for all that `provenance` holds, the known keys first and in their order."""
    known = [key for key in _WORDS if provenance.get(key) not in (None, "", {}, [])]
    others = sorted(key for key in provenance if key not in _WORDS)
    named = [(_WORDS[key], _said(key, provenance[key])) for key in known]
    return named + [(key.replace("_", " ").capitalize(), _brief(provenance[key])) for key in others]


def spans(seeds: Sequence[int]) -> str:
    """Whole numbers as ranges: 0 to 3 and 7 in as few signs as can be."""
    parts: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if parts and seed == parts[-1][1] + 1:
            parts[-1][1] = seed
        else:
            parts.append([seed, seed])
    return ", ".join(str(a) if a == b else f"{a}{NONE}{b}" if b > a + 1 else f"{a}, {b}" for a, b in parts)


def duration(seconds: float) -> str:
    """`48.2 s`, `2 min 37 s`, `1 h 12 min`."""
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    return f"{minutes} min {rest} s" if minutes < MINUTE else f"{minutes // MINUTE} h {minutes % MINUTE} min"


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _said(key: str, value: Any) -> str:
    if key in ("wall_seconds", "cpu_seconds") and isinstance(value, int | float):
        return duration(value)
    if key == "git" and isinstance(value, Mapping):
        return f"{value.get('commit') or 'unknown'}{', with uncommitted changes' if value.get('dirty') else ''}"
    if key == "seeds" and isinstance(value, Sequence) and all(isinstance(seed, int) for seed in value):
        return f"{spans(value)} ({count(len(set(value)), 'seed')})"
    if key == "peak_memory" and isinstance(value, int | float):
        return f"{value / 2**20:,.0f} MiB"
    if key == "timings" and isinstance(value, Mapping):
        return ", ".join(
            f"{name} {duration(v) if isinstance(v, int | float) else _plain(v)}" for name, v in value.items()
        )
    return _plain(value)


def _brief(value: Any) -> str:
    """What nobody foresaw, unless it is long: then where to find it."""
    text = _plain(value)
    return text if len(text) <= LONG else "in run.json"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value)
