"""histories.parquet, of which an arm's column is read at a time: all of them may not fit into memory."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from orchestrator.errors import StoreError
from orchestrator.reports.nouns.history import LABELS, Arm
from orchestrator.store import generation, parquet
from orchestrator.store.files import Files
from orchestrator.store.parquet import FAILURES
from orchestrator.store.tables import EPOCH

if TYPE_CHECKING:
    import pandas as pd

NAME = "histories.parquet"
KEPT = 2**28  # bytes of columns that are kept for whoever asks again
CHUNK = 2**24

Part = tuple[int, slice]  # a row group, and the arm's rows in it


class StoredHistories:
    """The histories in a file that stays open, so that it is the same one to the end, whatever a driver writes."""

    def __init__(self, file: IO[bytes], where: str) -> None:
        """See what is where in it.

        Raises:
            ValueError: it is no table of histories. One of FAILURES: it can't be read.
        """
        self._bytes, self._where = file, where
        self._file = parquet.opened(file)
        schema = self._file.schema_arrow
        generation.require_columns(schema, EPOCH)
        beside = {name for name, _ in EPOCH}
        self.names = tuple(each.name for each in schema if each.name not in beside and _is_number(each.type))
        self._parts: dict[Arm, list[Part]] = defaultdict(list)
        for group in range(self._file.num_row_groups):
            for arm, rows in _arms(self._file.read_row_group(group, LABELS, use_threads=False)):
                self._parts[arm].append((group, rows))
        self._kept: OrderedDict[tuple[Arm, str], NDArray[Any]] = OrderedDict()

    def column(self, arm: Arm, name: str) -> NDArray[Any]:
        """A column in the rows of an arm, in the file's order.

        Raises:
            StoreError: the file was damaged since it was opened.
        """
        which = arm, name
        if which not in self._kept:
            self._kept[which] = self._read(*which)
        self._kept.move_to_end(which)
        found = self._kept[which]
        while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > KEPT:
            self._kept.popitem(last=False)
        return found

    def _read(self, arm: Arm, name: str) -> NDArray[Any]:
        try:
            parts = [
                self._file.read_row_group(group, [name], use_threads=False).column(0).to_numpy()[rows]
                for group, rows in self._parts.get(arm, ())
            ]
        except FAILURES as error:
            raise StoreError(f"{self._where} can't be read ({parquet.line_of(error)}); {generation.ANEW}") from None
        return np.concatenate(parts) if parts else np.empty(0)

    def frame(self) -> pd.DataFrame:
        """All of them."""
        self._bytes.seek(0)
        return parquet.frame(parquet.read(self._bytes.read()))


def opened(files: Files) -> tuple[IO[bytes], str]:
    """The file, and the SHA-256 of its bytes; a far one is copied here first, where it stays as it is."""
    source, total = files.open(NAME), hashlib.sha256()
    if files.uri is None:
        while chunk := source.read(CHUNK):
            total.update(chunk)
        source.seek(0)
        return source, total.hexdigest()
    handle, path = tempfile.mkstemp()
    try:
        with source, os.fdopen(handle, "wb") as copy:
            while chunk := source.read(CHUNK):
                total.update(chunk)
                copy.write(chunk)
        return pa.OSFile(path), total.hexdigest()
    finally:
        Path(path).unlink()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _arms(labels: pa.Table) -> Iterator[tuple[Arm, slice]]:
    """Which arms' rows stand together, and where."""
    columns = [column.unify_dictionaries().combine_chunks() for column in labels.select(LABELS).columns]
    codes = np.stack([column.indices.to_numpy() for column in columns])
    starts = np.flatnonzero(np.any(np.diff(codes, axis=1, prepend=codes[:, :1] - 1) != 0, axis=0))
    for start, end in zip(starts, np.append(starts[1:], codes.shape[1]), strict=True):
        a, b, c = (str(column.dictionary[column.indices[int(start)].as_py()].as_py()) for column in columns)
        yield (a, b, c), slice(int(start), int(end))
