"""Reads a small Parquet file of the user's: numbers and short words, never more of them than a log can have."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MOST_ROWS, MOST_CELLS, MOST_BYTES = 2_000_000, 8_000_000, 2**26
LONGEST = 200
"""Characters of a word that can be a run's name; a column with longer ones is left out."""


def columns(data: bytes, name: str) -> dict[str, list[Any]]:
    """Title -> values of a Parquet file's bytes; None for NaN, since a frame has no other way to leave a cell out.

    Raises:
        ValueError: it is damaged, or claims more than `MOST_ROWS` rows, `MOST_CELLS` cells or `MOST_BYTES` bytes.
    """
    try:
        schema = pq.read_schema(pa.BufferReader(data))
        numbers = [each.name for each in schema if pa.types.is_integer(each.type) or pa.types.is_floating(each.type)]
        words = [each.name for each in schema if _is_text(each.type)]
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=words)
        _check(file.metadata, len(numbers) + len(words), name)
        table = file.read([*numbers, *words])
        found = {title: _numbers(table[title]) for title in numbers} | {title: _words(table[title]) for title in words}
        return {title: values for title in schema.names if (values := found.get(title)) is not None}
    except (pa.ArrowException, OSError, OverflowError, MemoryError, KeyError) as error:
        raise ValueError(
            f"{name} is a damaged Parquet file: {str(error).splitlines()[0] if str(error) else 'cut'}"
        ) from None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind)) or (
        pa.types.is_dictionary(kind) and _is_text(kind.value_type)
    )


def _check(about: Any, width: int, name: str) -> None:
    """Hold what the footer claims against the limits; a few bytes can unfold to any number of rows."""
    claimed = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    if about.num_rows > MOST_ROWS or about.num_rows * width > MOST_CELLS or claimed > MOST_BYTES:
        raise ValueError(
            f"{name} claims {about.num_rows:,} rows and {claimed / 2**20:,.0f} MiB; a log with a row an epoch has"
            f" {MOST_ROWS:,} and {MOST_BYTES // 2**20} at most"
        )


def _numbers(column: Any) -> list[Any]:
    return [None if value is None or value != value else value for value in column.to_pylist()]  # noqa: PLR0124  NaN


def _words(column: Any) -> list[Any] | None:
    """Words by their codes; None where one of them is too long."""
    found: list[Any] = []
    for chunk in column.chunks:
        lengths = chunk.dictionary.to_pandas().str.len()
        if (lengths > LONGEST).any():
            return None
        words = chunk.dictionary.to_pylist()
        found += [None if code is None else words[code] for code in chunk.indices.to_pylist()]
    return found
