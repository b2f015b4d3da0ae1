"""Files that a user names: those that a pattern means, what they hold, and what is written for him."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.reports import commit
from orchestrator.reports.logs import file_format
from orchestrator.reports.logs.log import Log
from orchestrator.store.user_parquet import columns

MOST_FILES = 1000
STDIN = "-"
EVENTS = "tfevents"
"""TensorBoard's event files have this in their names."""


def files(words: Sequence[str]) -> Iterator[str]:
    """The files meant: a pattern in quotation marks stands for all that fit it, `loss=FILE` names a file's one curve.

    Raises:
        UsageError: a pattern fits none, or too many.
    """
    for word in words:
        is_one = word == STDIN or Path(path_of(word)).exists() or not glob.has_magic(word)
        found = [word] if is_one else sorted(glob.glob(word, recursive=True))  # noqa: PTH207
        if not found:
            raise UsageError(f"no file fits {word}")
        if len(found) > MOST_FILES:
            raise UsageError(f"{word} fits {len(found)} files; {MOST_FILES} are read at most")
        yield from found


def path_of(word: str) -> str:
    """The path in `loss=FILE`; a file that is really called so goes first."""
    name, equals, path = word.partition("=")
    return path if equals and path and not Path(word).exists() and "/" not in name else word


def shown(word: str) -> str:
    """What a sentence calls a file."""
    return "standard input" if word == STDIN else Path(path_of(word)).name


def logs(word: str) -> list[Log]:
    """What a file holds.

    Raises:
        UsageError: it can't be read.
        ValueError: it holds no log.
    """
    name = shown(word)
    if EVENTS in name and Path(path_of(word)).is_file():
        from orchestrator.engine import event_files  # noqa: PLC0415  TensorFlow takes seconds to load

        return [Log(event_files.columns(Path(path_of(word))))]
    data = _bytes(word)
    if data[:4] == b"PAR1":
        return [Log(columns(data, name))]
    return file_format.logs(data, name)


def log_of(given: Any) -> Log:
    """The log in what Python holds: what `fit` gave, a mapping of columns, a pandas frame.

    Raises:
        UsageError: it is none of them.
    """
    columns = getattr(given, "history", given)
    try:
        return Log({str(title): list(columns[title]) for title in columns})
    except (TypeError, KeyError, IndexError):
        raise UsageError(
            f"{type(given).__name__} is no history; give what `fit` gave, a dict of lists, a pandas frame, or a path"
        ) from None


def _bytes(word: str) -> bytes:
    """A file's bytes, one more than are allowed at most: a device has no end."""
    if word == STDIN:
        return sys.stdin.buffer.read(file_format.MOST + 1)
    path = Path(path_of(word))
    try:
        with path.open("rb") as file:
            return file.read(file_format.MOST + 1)
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; name its files, or a pattern such as '{path}/*.csv'") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from None


def check_page(path: Path, option: str) -> None:
    """See that a page can be written in this place, and takes nothing else's.

    Raises:
        UsageError: it can't; `option` is what named it.
    """
    if not path.name or not path.parent.is_dir() or path.is_dir():
        raise UsageError(f"{option} {path} can't be written: it must be a file in a folder that is there")
    if not path.is_file():
        return
    with suppress(OSError), path.open("rb") as file:
        if (start := file.read(20)) and not start.lower().startswith(b"<!doctype html"):
            raise UsageError(f"{option} {path} is there and is no page; name another file")


def write_whole(path: Path, text: str, option: str) -> None:
    """Write a page, in one go.

    Raises:
        UsageError: it can't be written there; `option` is what named it.
    """
    check_page(path, option)
    try:
        commit(path, text)
    except OSError as error:
        raise UsageError(f"{option} {path} can't be written: {error.strerror}") from None
