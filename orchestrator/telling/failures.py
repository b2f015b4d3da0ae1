"""Runs that failed, by their causes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.nouns import seeds
from orchestrator.store import Store


def by_cause(rows: Iterable[Mapping[str, Any]], store: Store) -> Iterator[str]:
    """Lines that name each cause once: how many runs it took, which, and where the first one's traceback lies.

    A row holds a run's lesson, variant, data, seed, key and error, as `runs.parquet` does.
    """
    causes: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        causes.setdefault(row["error"], []).append(row)
    for cause, runs in causes.items():
        yield f"{len(runs)} failed: {cause}{trace_of(runs[0], store)}"
        jobs: dict[str, list[int]] = {}
        for row in runs:
            jobs.setdefault(f"{row['lesson']}/{row['variant']}/{row['data']}", []).append(row["seed"])
        yield from (f"  {job} seeds {seeds.show(tuple(sorted(which)))}" for job, which in jobs.items())


def trace_of(row: Mapping[str, Any], store: Store) -> str:
    """Where a run's traceback lies, in brackets; empty where there is none."""
    path = store.blocks.traceback(row["key"], row["seed"])
    return f" ({path})" if path else ""
