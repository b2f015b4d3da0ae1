"""Diagnoses as text: of the stored runs, and of any Keras history a user brings."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import NoResultsError, UsageError
from orchestrator.session import effects_of
from orchestrator.store import Store
from reports import diagnosis, keras_history


def of_results(store: Store) -> list[str]:
    """Every variant of the last command."""
    runs, histories, lessons, _ = store.load()
    effects = effects_of(runs, histories, lessons)
    return [diagnosis.render(one) for one in diagnosis.variants(histories, effects, lessons)]


def of_file(file: Path, store: Store) -> str:
    """A history of the user's; what treats its problem is named as far as the store has measured it.

    Raises:
        UsageError: the file can't be read, or holds no history.
    """
    try:
        records = keras_history.parse(file.read_text(), file.name)
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    return diagnosis.render(diagnosis.diagnose(records, file.name, _measured(store)))


def _measured(store: Store) -> list[diagnosis.Technique]:
    """Every technique with its effect in the tables as they are now; none where there are none."""
    try:
        runs, histories, lessons, _ = store.load()
    except NoResultsError:
        return []
    return diagnosis.techniques(effects_of(runs, histories, lessons), lessons)
