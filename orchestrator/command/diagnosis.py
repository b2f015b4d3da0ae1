"""Diagnoses as text, JSON or a page: of the stored runs, and of any training log a user brings."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator.command.user_files import files, log_of, logs, shown, write_whole
from orchestrator.errors import NoResultsError, UsageError
from orchestrator.reports.diagnosis import diagnosis
from orchestrator.reports.diagnosis.diagnosis import Diagnosis
from orchestrator.reports.diagnosis.task import Task
from orchestrator.reports.logs import logged_runs
from orchestrator.reports.logs.log import printable
from orchestrator.reports.logs.logged_runs import LoggedRun
from orchestrator.reports.verdicts.results import Results
from orchestrator.store import Store


def of_results(store: Store) -> list[Diagnosis]:
    """Every variant of the last command."""
    return diagnosis.variants(Results.of(*store.load()))


def of_files(words: Sequence[str], store: Store, task: Task) -> tuple[Diagnosis, list[LoggedRun]]:
    """Logs of the user's, several being several seeds; what treats their problem is named as far as the store has measured it.

    Raises:
        UsageError: a file can't be read, or holds no log.
    """
    names = list(files(words))
    try:
        records = logged_runs.records([(name, logs(name)) for name in names])
    except ValueError as error:
        raise UsageError(printable(str(error))) from None
    title = shown(names[0]) if len(names) == 1 else f"{len(names)} files"
    return diagnosis.diagnose(records, title, _measured(store), task), records


def of_histories(given: Sequence[Any], store: Store, task: Task) -> Diagnosis:
    """The same of what Python holds: histories as `fit` gives them, mappings, pandas frames, or paths of logs.

    Raises:
        UsageError: one holds no log.
    """
    if all(isinstance(each, str | Path) for each in given):
        return of_files([str(each) for each in given], store, task)[0]
    named = [(f"history {i}" if len(given) > 1 else "the history", [log_of(each)]) for i, each in enumerate(given, 1)]
    try:
        records = logged_runs.records(named)
    except ValueError as error:
        raise UsageError(printable(str(error))) from None
    return diagnosis.diagnose(
        records, "the history" if len(given) == 1 else f"{len(given)} histories", _measured(store), task
    )


def _measured(store: Store) -> list[diagnosis.Technique]:
    """The techniques measured in the results folder; none where it holds no results."""
    with suppress(NoResultsError):
        return diagnosis.techniques(Results.of(*store.load()))
    return []


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
    """Write the page.

    Raises:
        UsageError: it can't be written there.
    """
    from orchestrator.reports.page import diagnosis_page  # noqa: PLC0415  drawing takes a second to load

    write_whole(path, diagnosis_page.render(found, records), "--html")
