"""Parquet that others may have written: looked at before it is read, and sealed so that a flipped bit is noticed.

A few kilobytes of Parquet can declare gigabytes. So its footer is read first, and what no file of this program's holds
is refused before memory is taken for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import pandas as pd

WRITING = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}
FAILURES = (
    pa.ArrowException,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
)  # what reading a damaged file raises

ROWS = 2**28  # of a file; ten gigabytes of histories
DENSE, FEW = 100, 2**20  # rows a byte where there are more than a few; constant curves come to ten
PART = 2**30  # bytes that a row group unpacks to
ENTRY = 2**12  # bytes of one entry, on average
TEXT = 2**28  # bytes of a column of words


def frame(table: pa.Table) -> pd.DataFrame:
    """The table as pandas has it, by this thread alone."""
    made: pd.DataFrame = table.to_pandas(use_threads=False)
    return made


def write(table: pa.Table, file: IO[bytes]) -> None:
    """Write all of a file."""
    pq.write_table(table, file, **WRITING)


def read(data: bytes) -> pa.Table:
    """The table in all of a file's bytes. Read by this thread alone: Arrow's, late to begin, abort a process that ends.

    Raises:
        ValueError: it declares what no file of this program's holds. One of FAILURES: it can't be read.
    """
    file = _look(data)
    _refuse(file.metadata, file.schema_arrow, len(data))
    words = [field.name for field in file.schema_arrow if _is_text(field.type)]
    if not words:
        return file.read(use_threads=False)
    table = _look(data, read_dictionary=words).read(use_threads=False)  # a long word that is said often is held once
    for name in words:
        _require(_length(table[name]) <= TEXT, f"column {name!r} says more than {TEXT:,} bytes of text")
    return table.cast(file.schema_arrow)


def opened(file: IO[bytes]) -> pq.ParquetFile:
    """A file to be read part by part, its footer looked at; raises as `read` does."""
    found = pq.ParquetFile(file, page_checksum_verification=True)
    _refuse(found.metadata, found.schema_arrow, file.seek(0, 2))
    return found


def _look(data: bytes, **more: Any) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True, **more)


def _refuse(footer: pq.FileMetaData, schema: pa.Schema, size: int) -> None:
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    rows = max(footer.num_rows, sum(group.num_rows for group in groups))
    most = min(ROWS, max(FEW, DENSE * size))
    _require(rows <= most, f"it declares {rows:,} rows in {size:,} bytes, where {most:,} are the most")
    for field in schema:
        _require(_is_known(field.type), f"column {field.name!r} holds {field.type}, which this program never writes")
    for group in groups:  # whose columns are not looked at one by one: of a damaged footer that aborts the process
        most, size = min(PART, len(schema) * (FEW + ENTRY * group.num_rows)), group.total_byte_size
        _require(size <= most, f"it declares {size:,} bytes for {group.num_rows:,} rows, where {most:,} are the most")


def _require(true: bool, trouble: str) -> None:
    if not true:
        raise ValueError(trouble)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_known(kind: pa.DataType) -> bool:
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return bool(plain or _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _length(column: pa.ChunkedArray) -> int:
    """Bytes of text in a column of words, each counted whenever it is said."""
    each = (pc.sum(pc.binary_length(c.dictionary).take(c.indices), min_count=0).as_py() for c in column.chunks)
    return sum(each)


def sealed(table: pa.Table) -> pa.Table:
    """The table, each column of a type, with a digest of all it says in its schema's metadata."""
    for place, field in enumerate(table.schema):
        if pa.types.is_null(field.type.value_type if pa.types.is_dictionary(field.type) else field.type):
            empty = pa.nulls(len(table), pa.string())  # a column without entries, to which none has given a type
            table = table.set_column(place, field.name, empty)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), b"check": digest(table).encode()})


def unsealed(table: pa.Table) -> str:
    """The digest in its metadata.

    Raises:
        KeyError: it has none. ValueError: it says something else.
    """
    found: str = table.schema.metadata[b"check"].decode()
    _require(digest(table) == found, "it is not what was written")
    return found


def digest(table: pa.Table) -> str:
    """SHA-256 of all that a table says, in hexadecimal: metadata, names, types, entries.

    Parquet's own checksums leave footer and page headers out.
    """
    total = hashlib.sha256()
    about = {key: value for key, value in (table.schema.metadata or {}).items() if key != b"check"}
    for part in (*[part for item in sorted(about.items()) for part in item], *_columns(table)):
        total.update(len(part).to_bytes(8, "little") + part)
    return total.hexdigest()


def _columns(table: pa.Table) -> Iterable[bytes]:
    """Names, types, which entries there are, and the entries; however the file has cut or listed them."""
    for field, column in zip(table.schema, table.columns, strict=True):
        text = _is_text(field.type) or pa.types.is_dictionary(field.type)
        yield f"{field.name} {pa.types.is_dictionary(field.type)} {'text' if text else field.type}".encode()
        yield np.packbits(column.is_valid().to_numpy()).tobytes()
        yield from _text(column) if text else [_numbers(column)]


def _numbers(column: pa.ChunkedArray) -> bytes:
    return bytes(pc.fill_null(column, pa.scalar(False).cast(column.type)).to_numpy().tobytes())


def _text(column: pa.ChunkedArray) -> Iterable[Any]:
    """Lengths, then letters."""
    words = pa.concat_arrays(
        pc.fill_null(column.cast(pa.large_string()), "").chunks or [pa.array([], pa.large_string())]
    )
    ends = np.frombuffer(words.buffers()[1], np.int64)[words.offset :][: len(words) + 1]
    yield np.diff(ends).tobytes()
    yield bytes(words.buffers()[2] or b"")[ends[0] : ends[-1]] if len(words) else b""


def line_of(error: BaseException) -> str:
    """What a failure says, on one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
