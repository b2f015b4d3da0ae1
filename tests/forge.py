"""What a stranger could do to a results folder: write what they like into it, under the seals that this program checks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestrator.store import parquet


def forge(out: Path, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change a table of a results folder so that it is believed."""
    path = out / name
    pq.write_table(parquet.sealed(change(pq.read_table(path))), path)
    if name == "histories.parquet":
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        forge(out, "runs.parquet", lambda table: told(table, histories=digest))


def told(table: pa.Table, **about: str) -> pa.Table:
    """The table with this in its metadata."""
    more = {name.encode(): text.encode() for name, text in about.items()}
    return table.replace_schema_metadata({**table.schema.metadata, **more})


def replaced(table: pa.Table, **columns: Any) -> pa.Table:
    """The table with one value throughout these columns."""
    for name, value in columns.items():
        place = table.schema.get_field_index(name)
        values = pa.array([value] * len(table)).cast(table.schema.field(name).type)
        table = table.set_column(place, table.schema.field(name), values)
    return table


def rewrite(path: Path, **changes: Any) -> None:
    """Change what run.json says."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
