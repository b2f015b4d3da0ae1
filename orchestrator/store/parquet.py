"""Reads a small Parquet file of the user's, never more of it than was claimed and allowed."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MOST_ROWS, MOST_BYTES = 2_000_000, 2**28


def columns(data: bytes, name: str) -> dict[str, list[Any]]:
    """Title -> values of a Parquet file's bytes; None for NaN, since a frame has no other way to leave a cell out.

    Raises:
        ValueError: it is damaged, or claims more than `MOST_ROWS` rows or `MOST_BYTES` bytes.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        about = file.metadata
        claimed = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        if about.num_rows > MOST_ROWS or claimed > MOST_BYTES:
            raise ValueError(
                f"{name} claims {about.num_rows:,} rows and {claimed / 2**20:,.0f} MiB; a log with a row an epoch has"
                f" {MOST_ROWS:,} and {MOST_BYTES // 2**20} at most"
            )
        table = file.read()
        return {
            title: [None if isinstance(value, float) and value != value else value for value in column.to_pylist()]  # noqa: PLR0124  NaN
            for title, column in zip(table.column_names, table.columns, strict=True)
        }
    except (pa.ArrowException, OSError, OverflowError, MemoryError) as error:
        raise ValueError(f"{name} is a damaged Parquet file: {str(error).splitlines()[0] if str(error) else 'cut'}") from None
