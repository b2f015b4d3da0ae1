"""Diagnoses as text, JSON or a page: of the stored runs, and of any training log a user brings."""

from __future__ import annotations

import glob
import json
import shutil
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator.errors import NoResultsError, UsageError
from orchestrator.reports.diagnosis import diagnosis
from orchestrator.reports.diagnosis.diagnosis import Diagnosis
from orchestrator.reports.diagnosis.task import Task
from orchestrator.reports.logs import file_format, logged_runs
from orchestrator.reports.logs.log import Log, printable
from orchestrator.reports.logs.logged_runs import LoggedRun
from orchestrator.reports.verdicts.results import Results
from orchestrator.store import Store
from orchestrator.store.user_parquet import columns

MOST_FILES = 1000
STDIN = "-"


def of_results(store: Store) -> list[Diagnosis]:
    """Every variant of the last command."""
    return diagnosis.variants(Results.of(*store.load()))


def of_files(words: Sequence[str], store: Store, task: Task) -> tuple[Diagnosis, list[LoggedRun]]:
    """Logs of the user's, several being several seeds; what treats their problem is named as far as the store has measured it.

    Raises:
        UsageError: a file can't be read, or holds no log.
    """
    names = list(_files(words))
    try:
        records = logged_runs.records([(name, _logs(name)) for name in names])
    except ValueError as error:
        raise UsageError(printable(str(error))) from None
    title = _shown(names[0]) if len(names) == 1 else f"{len(names)} files"
    return diagnosis.diagnose(records, title, _measured(store), task), records


def of_histories(given: Sequence[Any], store: Store, task: Task) -> Diagnosis:
    """The same of what Python holds: histories as `fit` gives them, mappings, pandas frames, or paths of logs.

    Raises:
        UsageError: one holds no log.
    """
    if all(isinstance(each, str | Path) for each in given):
        return of_files([str(each) for each in given], store, task)[0]
    named = [
        (f"history {i}" if len(given) > 1 else "the history", [_of_python(each)]) for i, each in enumerate(given, 1)
    ]
    try:
        records = logged_runs.records(named)
    except ValueError as error:
        raise UsageError(printable(str(error))) from None
    return diagnosis.diagnose(
        records, "the history" if len(given) == 1 else f"{len(given)} histories", _measured(store), task
    )


def _of_python(given: Any) -> Log:
    columns = getattr(given, "history", given)
    try:
        return Log({str(title): list(columns[title]) for title in columns})
    except (TypeError, KeyError, IndexError):
        raise UsageError(
            f"{type(given).__name__} is no history; give what `fit` gave, a dict of lists, a pandas frame, or a path"
        ) from None


def _measured(store: Store) -> list[diagnosis.Technique]:
    """The techniques measured in the results folder; none where it holds no results."""
    with suppress(NoResultsError):
        return diagnosis.techniques(Results.of(*store.load()))
    return []


def _files(words: Sequence[str]) -> Iterator[str]:
    """The files meant: a pattern in quotation marks stands for all that fit it, `loss=FILE` names a file's one curve.

    Raises:
        UsageError: a pattern fits none, or too many.
    """
    for word in words:
        is_one = word == STDIN or Path(_path(word)).exists() or not glob.has_magic(word)
        found = [word] if is_one else sorted(glob.glob(word))  # noqa: PTH207
        if not found:
            raise UsageError(f"no file fits {word}")
        if len(found) > MOST_FILES:
            raise UsageError(f"{word} fits {len(found)} files; {MOST_FILES} are read at most")
        yield from found


def _path(word: str) -> str:
    """The path in `loss=FILE`; a file that is really called so goes first."""
    name, equals, path = word.partition("=")
    return path if equals and path and not Path(word).exists() and "/" not in name else word


def _shown(word: str) -> str:
    return "standard input" if word == STDIN else Path(_path(word)).name


def _logs(word: str) -> list[Log]:
    """What a file holds.

    Raises:
        UsageError: it can't be read.
        ValueError: it holds no log.
    """
    name, data = _shown(word), _bytes(word)
    if data[:4] == b"PAR1":
        return [Log(columns(data, name))]
    return file_format.logs(data, name)


def _bytes(word: str) -> bytes:
    """A file's bytes, one more than are allowed at most: a device has no end."""
    if word == STDIN:
        return sys.stdin.buffer.read(file_format.MOST + 1)
    path = Path(_path(word))
    try:
        with path.open("rb") as file:
            return file.read(file_format.MOST + 1)
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; name its files, or a pattern such as '{path}/*.csv'") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from None


def as_text(found: Diagnosis) -> str:
    """Lines that fit the terminal; into a file or a pipe they go whole."""
    return diagnosis.render(found, shutil.get_terminal_size().columns if sys.stdout.isatty() else None)


def as_json(found: Diagnosis | Sequence[Diagnosis]) -> str:
    """One diagnosis as an object, several as a list."""
    made: Any = (
        diagnosis.document(found) if isinstance(found, Diagnosis) else [diagnosis.document(each) for each in found]
    )
    return json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False)


def write_page(found: Diagnosis, records: Sequence[LoggedRun], path: Path) -> None:
    """Write the page beside its place, then rename it into it.

    Raises:
        UsageError: it can't be written there.
    """
    from orchestrator.reports.page import diagnosis_page  # noqa: PLC0415  drawing takes a second to load

    text = diagnosis_page.render(found, records)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        aside.write_text(text, "utf-8", newline="\n")
        aside.replace(path)
    except OSError as error:
        raise UsageError(f"--html {path} can't be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
