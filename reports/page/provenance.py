"""Where the numbers come from: what ran, on what, and the files that hold it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from orchestrator.reports.verdicts.results import Document, Results
from orchestrator.reports.wording.words import NONE, count

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
FOREVER = 1e12
_WORDS = {
    "finished": "Finished",
    "cpu_seconds": "CPU time of the driver",
    "processors": "Processors",
    "gpus": "Graphics cards",
    "engine": "Engine",
    "git": "Commit",
    "retries": "Retries",
    "peak_memory": "Peak memory",
    "versions": "Versions",
    "timings": "Timings",
    "cluster": "Ray's resources",
    "settings": "Settings",
    "generation": "Version of the tables",
}
FIRST = {
    "command": "Command",
    "started": "Started",
    "seeds": "Seeds",
    "host": "Host",
    "cores": "Cores",
}
"""What stands open; the rest is folded."""
NOTHING: tuple[Any, ...] = (None, "", {}, [])
_ELSEWHERE = ("notices", "wall_seconds", "jobs", "lessons", "scopes")
"""Said by other parts of the page, or only of use to programs, which have run.json."""


@dataclass(frozen=True)
class File:
    """A file beside the page; `digest` is empty when it was not there, or is written after the page."""

    name: str
    holds: str
    digest: str


def files(out: Path) -> list[File]:
    """The files a reader can take along, the two tables with their hash."""
    return [File(name, holds, _digest(out / name) if hashed else "") for name, holds, hashed in FILES]


def origin(results: Results) -> list[tuple[str, str]]:
    """What most readers ask: the command, when, on what, and the times that training took."""
    told = results.provenance
    first = [(name, _said(key, told[key])) for key, name in FIRST.items() if told.get(key) not in NOTHING]
    return [*first, *_processors(results.runs), *_times(results)]


def further(provenance: Document) -> list[tuple[str, str]]:
    """Terms and texts for all else that `provenance` holds, the known keys first and in their order."""
    known = [key for key in _WORDS if key not in FIRST and provenance.get(key) not in NOTHING]
    others = sorted(
        key for key in provenance if key not in (*_WORDS, *FIRST, *_ELSEWHERE) and provenance[key] not in NOTHING
    )
    named = [(_WORDS[key], _said(key, provenance[key])) for key in known]
    return named + [(key.replace("_", " ").capitalize(), _brief(provenance[key])) for key in others]


def _processors(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """The models that trained, with the share of the runs where there are several."""
    if "processor" not in runs:
        return []
    counts = runs["processor"].dropna().astype(str).value_counts()
    names = [name if len(counts) == 1 else f"{name} ({count(int(n), 'run')})" for name, n in counts.items()]
    return [("Processor", "; ".join(map(str, names)))] if names else []


def _times(results: Results) -> list[tuple[str, str]]:
    """Three times that are easily taken for each other."""
    told, runs = results.provenance, results.runs
    timings = told.get("timings")
    wall, train = told.get("wall_seconds"), timings.get("train") if isinstance(timings, Mapping) else None
    once = runs.drop_duplicates(["key", "data", "seed"]) if "key" in runs else runs
    spent = float(once["seconds"].fillna(0).sum()) if "seconds" in once else 0.0
    known = [
        ("The command, start to end", wall),
        ("Training, by the clock, all workers at once", train),
        (f"Training, {count(len(once), 'run')} added up, whenever they ran", spent),
    ]
    return [(name, duration(v)) for name, v in known if isinstance(v, int | float) and 0 < v < FOREVER]


def notices(provenance: Document) -> list[str]:
    """What a reader must know before the numbers: seeds that are stored and not shown, runs that are missing."""
    found = provenance.get("notices", [])
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


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
    if key in ("wall_seconds", "cpu_seconds") and isinstance(value, int | float) and 0 <= value < FOREVER:
        return duration(value)
    if key == "git" and isinstance(value, Mapping):
        return f"{value.get('commit') or 'unknown'}{', with uncommitted changes' if value.get('dirty') else ''}"
    if key == "seeds" and isinstance(value, Sequence) and all(isinstance(seed, int) for seed in value):
        return f"{spans(value)} ({count(len(set(value)), 'seed')})"
    if key == "peak_memory" and isinstance(value, int | float) and 0 <= value < FOREVER:
        return f"{value / 2**20:,.0f} MiB"
    if key in ("started", "finished") and isinstance(value, str):
        return moment(value)
    if key == "cluster" and isinstance(value, Mapping):
        return ", ".join(f"{name} {_size(each) if name == 'memory' else _plain(each)}" for name, each in value.items())
    if key == "timings" and isinstance(value, Mapping):
        return ", ".join(
            f"{name} {duration(v) if isinstance(v, int | float) and 0 <= v < FOREVER else _plain(v)}"
            for name, v in value.items()
        )
    return _plain(value)


def moment(text: str) -> str:
    """`2026-11-26 02:12 UTC`; what is no such time stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at.tzinfo else at.strftime("%Y-%m-%d %H:%M")


def _size(value: Any) -> str:
    return f"{value / 2**30:,.1f} GiB" if isinstance(value, int | float) and 0 <= value < FOREVER**2 else _plain(value)


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
