"""What a stranger could do to a results folder: write what they like into it, under the seals that this program checks."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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


def packed(table):
    """A table as Parquet."""
    file = io.BytesIO()
    parquet.write(table, file)
    return file.getvalue()


def declared(table, times):
    """A file that says it holds the table so many times."""
    data = packed(table)
    footer = pq.read_metadata(pa.BufferReader(data))
    whole = footer
    for _ in range(times - 1):
        whole = whole if whole is not footer else pq.read_metadata(pa.BufferReader(data))
        whole.append_row_groups(footer)
    written = io.BytesIO()
    whole.write_metadata_file(written)
    length = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - length] + written.getvalue()[4:]


def words(text, times):
    """A column that says one text so many times, as plain words."""
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(times, np.int32)), pa.array([text]))
    data = packed(pa.table({"a": column}))
    return data.replace(b"ARROW:schema", b"ARROW:schemb")  # which said that they be read as a dictionary


BOMBS = {
    "1,000,000,000 rows": lambda: declared(pa.table({"a": pa.array(np.zeros(10**7, np.int32))}), 100),
    "declares 67,": lambda: packed(pa.table({"a": pa.array(["x" * 2**26])})),
    "holds list": lambda: packed(pa.table({"a": pa.array([[1]])})),
    "bytes of text": lambda: words("x" * 2**20, 2**18),
}


if __name__ == "__main__":
    for says, make in BOMBS.items():
        Path(sys.argv[1], says).write_bytes(make())
