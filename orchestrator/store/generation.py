"""Which command the tables of a results folder are of.

A command writes histories.parquet, then runs.parquet, then effects.parquet and the pages, and it may be killed between
any two. So each names the one before it: runs.parquet the histories by the SHA-256 of their bytes, effects.parquet the
runs by the digest that seals them, which is what a generation is called by. What the command was is in runs.parquet, so
that a page made from the tables is of the command that wrote them, whatever was begun since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from orchestrator.errors import StoreError
from orchestrator.nouns.plan import Job
from orchestrator.store import parquet
from orchestrator.store.document import loads

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1  # of the three tables; raised when a column, or a word in one, no longer means what it did
ANEW = "the same `run` command writes them anew from the store, and trains nothing twice"


class OtherFormatError(StoreError):
    """Another version of this program wrote the table."""


@dataclass(frozen=True)
class Runs:
    """runs.parquet, and what it says beside its rows.

    Attributes:
        lessons: their descriptions. facts: the command, as in run.json. asked: what `asked` gives for it.
        histories: SHA-256 of the histories.parquet that was written with it. generation: what tells it from any other.
    """

    table: pa.Table
    lessons: list[dict[str, Any]]
    facts: dict[str, Any]
    asked: str
    histories: str
    generation: str

    @property
    def frame(self) -> pd.DataFrame:
        """The rows."""
        return parquet.frame(self.table)

    @property
    def command(self) -> str:
        """What was typed, and when."""
        return said(self.facts)


def said(facts: Mapping[str, Any]) -> str:
    """A command as messages name it."""
    return f"`{facts.get('command', '?')}` (begun {facts.get('started', '?')})"


def asked(jobs: Iterable[Job]) -> str:
    """Tells what was asked for from anything else: the same jobs with the same seeds give the same sixteen letters."""
    words = sorted((job.lesson, job.variant, job.data, job.key, job.seeds) for job in jobs)
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


def stamped(table: pa.Table, about: Mapping[str, str]) -> pa.Table:
    """The table with this format and `about` in its metadata, sealed."""
    metadata = {**(table.schema.metadata or {}), b"format": str(FORMAT).encode()}
    return parquet.sealed(
        table.replace_schema_metadata({**metadata, **{k.encode(): v.encode() for k, v in about.items()}})
    )


def whole(data: bytes, name: str) -> pa.Table:
    """The table in a file's bytes.

    Raises:
        OtherFormatError: another version of this program wrote it. One of parquet.FAILURES: it is damaged.
    """
    table = parquet.read(data)
    require_format(table.schema.metadata, name)
    parquet.unsealed(table)
    return table


def require_format(metadata: Mapping[bytes, bytes] | None, name: str) -> None:
    """Raise OtherFormatError where the metadata is not of this format."""
    found = (metadata or {}).get(b"format", b"").decode(errors="replace")
    if not found:
        raise OtherFormatError(f"{name} was written by an older version of this program")
    if found != str(FORMAT):
        raise OtherFormatError(f"{name} is of format {found[:20]}, this program reads format {FORMAT}")


def runs(data: bytes, name: str) -> Runs:
    """What runs.parquet says; raises as `whole` does."""
    table = whole(data, name)
    about = table.schema.metadata
    generation, facts = about[b"check"].decode(), loads(about[b"command"])
    lessons = _lessons(loads(about[b"lessons"]))
    if not isinstance(facts, dict):
        raise TypeError("its command is none")
    return Runs(
        table,
        lessons,
        {**facts, "generation": generation},
        about[b"asked"].decode(),
        about[b"histories"].decode(),
        generation,
    )


def _lessons(found: Any) -> list[dict[str, Any]]:
    """The lessons' descriptions, where they are such as far as every reader relies on it; raises KeyError or TypeError."""
    for lesson in found:
        names = [lesson["id"], *(variant["name"] for variant in lesson.get("variants", ()))]
        if not all(isinstance(name, str) for name in names):
            raise TypeError("its lessons have no names")
    return list(found)


def require_columns(schema: pa.Schema, fields: Sequence[tuple[str, pa.DataType]]) -> None:
    """Raise ValueError where a column is missing, or is of another type."""
    for name, kind in fields:
        if name not in schema.names or schema.field(name).type != kind:
            raise ValueError(f"it has no column {name!r} of {kind}")
