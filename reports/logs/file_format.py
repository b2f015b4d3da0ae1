"""What a file holds, told by its first bytes and not by its name: JSON, rows of text, numpy's formats, or none of these.

Nothing read here is ever run, and nothing unpacks to more than `MOST` bytes.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib

from orchestrator.reports.logs import from_csv, from_json, from_numpy
from orchestrator.reports.logs.log import Log, shorten

MOST = 64 * 2**20
"""Bytes of a log: a million epochs of five numbers."""
SAVE = "import json; json.dump(history.history, open('history.json', 'w'), default=float)"

PICKLE = re.compile(rb"\x80[\x02-\x05]|\(?[dl]p\d+\n|\([dl]\n?p|c[a-zA-Z_][\w.]*\n[\w.]+\n")
PICKLED = (".pkl", ".pickle", ".p", ".joblib", ".dill", ".pt", ".pth")
FOREIGN = (
    (b"\x89HDF", "an HDF5 file, which holds a model's weights and no history"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3", "a database"),
    (b"\x1f\x9d", "compressed in a way that is not read here"),
    (b"BZh", "compressed by bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed by xz; unpack it first"),
    (b"(\xb5/\xfd", "compressed by zstd; unpack it first"),
)
MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


def logs(data: bytes, name: str) -> list[Log]:
    """The logs in a file's bytes; Parquet is read elsewhere, as columns.

    Raises:
        ValueError: there is none; one line says why, and what to do instead.
    """
    if len(data) > MOST:
        raise ValueError(f"{name} is larger than {MOST // 2**20} MiB; give a log with a row an epoch")
    if data[:2] == b"\x1f\x8b":
        return logs(_unzipped(data, name), name)
    if data[:6] == b"\x93NUMPY":
        return from_numpy.read(data, name)
    if data[:4] == b"PK\x03\x04" and not name.endswith(PICKLED):
        return from_numpy.archive(data, name)
    _refuse(data, name)
    return _from_text(_text(data, name), name)


def _unzipped(data: bytes, name: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            return file.read(MOST + 1)
    except (OSError, EOFError, zlib.error):
        raise ValueError(f"{name} is a damaged gzip file") from None


def _refuse(data: bytes, name: str) -> None:
    if PICKLE.match(data) or (data[:2] == b"PK" and name.endswith(PICKLED)):
        raise ValueError(
            f"{name} is a pickle, and loading one runs whatever code it holds; save the history as JSON where you made it: {SAVE}"
        )
    if "tfevents" in name:
        raise ValueError(f"{name} is TensorBoard's own event file; download its curves as CSV there, and give those")
    for magic, what in FOREIGN:
        if data.startswith(magic):
            raise ValueError(f"{name} is {what}; expected a log as JSON, CSV, Parquet or .npy")


def _text(data: bytes, name: str) -> str:
    encoding = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data[:1000]:
        encoding = next((each for each, at in (("utf-16-le", 1), ("utf-16-be", 0)) if _is_wide(data, at)), None)
        if encoding is None:
            raise ValueError(f"{name} is neither text nor a format that is read here: JSON, CSV, Parquet, .npy")
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        return data.decode(encoding or "cp1252", errors="replace")


def _is_wide(data: bytes, at: int) -> bool:
    """Whether every second byte is zero, as in UTF-16 without a mark."""
    sample = data[at:1000:2]
    return sample.count(0) > 0.9 * len(sample)


def _from_text(text: str, name: str) -> list[Log]:
    stripped = text.strip().lstrip("\ufeff")
    if not stripped:
        raise ValueError(f"{name} is empty; expected a log as JSON or CSV")
    if "\0" in stripped:
        raise ValueError(f"{name} is neither text nor a format that is read here: JSON, CSV, Parquet, .npy")
    if stripped[0] in "{[" or (stripped[0] == '"' and stripped[1:2] in ("{", "[")):
        return from_json.read(stripped, name)
    assigned = re.match(r"\w[\w.]*\s*=\s*(?=[{\[])", stripped)
    if assigned:
        return from_json.read(stripped[assigned.end() :], name)
    if "," not in stripped and len(stripped.splitlines()) == 1:
        raise ValueError(f"{name} is neither JSON nor rows under titles; it begins with {shorten(stripped)!r}")
    return from_csv.read(stripped, name)
