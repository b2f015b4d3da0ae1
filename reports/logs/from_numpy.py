"""Logs out of numpy's files: structured arrays, archives of arrays, and a dictionary that `np.save` was given."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.lib import format as npy

from orchestrator.reports.logs import from_json, from_pickle
from orchestrator.reports.logs.log import Log

MOST = 2**26
"""Bytes that an array may come to."""
HOW = "save it by json.dump(history.history, open('history.json', 'w'), default=float) instead"


def read(data: bytes, name: str) -> list[Log]:
    """The runs in a .npy file.

    Raises:
        ValueError: it is damaged, names no columns, or holds objects that only running code would restore.
    """
    document = array(data, name)
    if isinstance(document, list) and len(document) == 1 and isinstance(document[0], dict):
        document = document[0]
    return from_json.shaped(document, name)


def array(data: bytes, name: str) -> Any:
    """What a .npy file holds: a dictionary of lists, or of what was pickled."""
    file = io.BytesIO(data)
    try:
        version = npy.read_magic(file)
        shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
    except (ValueError, OSError, SyntaxError, TypeError, RecursionError, MemoryError, EOFError):
        raise ValueError(f"{name} is a damaged .npy file; {HOW}") from None
    if dtype.hasobject:
        return _objects(data[file.tell() :], name)
    if np.prod(shape, dtype=float) * dtype.itemsize > MOST:
        raise ValueError(f"{name} claims an array of {shape}, beyond the {MOST // 2**20} MiB that are read here")
    try:
        values = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise ValueError(f"{name} is a damaged .npy file; {HOW}") from None
    if values.dtype.names is None:
        return holes(values)
    return {title: holes(np.atleast_1d(values[title])) for title in values.dtype.names}


def _objects(data: bytes, name: str) -> Any:
    try:
        return from_pickle.plain(data)
    except ValueError as error:
        raise ValueError(f"{name} holds pickled objects, and loading them would run code ({error}); {HOW}") from None


def holes(values: np.ndarray[Any, Any]) -> list[Any]:
    """Values as a list, None for NaN: an array has no other way to say that a value is missing."""
    found = np.atleast_1d(values).tolist()
    return [None if isinstance(value, float) and value != value else value for value in found]  # noqa: PLR0124  NaN


def archive(data: bytes, name: str) -> list[Log]:
    """The run in a .npz archive: an array a metric.

    Raises:
        ValueError: it is another kind of archive, or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = [member for member in file.infolist() if member.filename.endswith(".npy")]
            if not members:
                raise ValueError(f"{name} is a zip archive without arrays; unpack it, or save the log as CSV or JSON")
            if sum(member.file_size for member in members) > MOST:
                raise ValueError(f"{name} unpacks to more than the {MOST // 2**20} MiB that are read here")
            read_in = {each.filename.removesuffix(".npy"): array(file.read(each), name) for each in members}
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError):
        raise ValueError(f"{name} is a damaged zip archive") from None
    alone = len(read_in) == 1 and next(iter(read_in.values()))
    return from_json.shaped(alone if isinstance(alone, dict) else read_in, name)
