"""A results folder: what is stored in it, and where everything lies.

    <out>/store/<key>/seeds-0000-0007.parquet   a block of runs
    <out>/store/<key>/about.json                what the key is of
    <out>/store/checks/<program>.json           what a self-check of a program said
    <out>/store/looks/<digest>.json             a look at a comparison (looks.py)
    <out>/histories.parquet, runs.parquet       the tidy tables of the last command that wrote some
    <out>/failures/<key>/seed-0003.txt          tracebacks
    <out>/run.json, events.jsonl                the last command that was begun, ledger (events/ where --out is a URI)

What it needs of the place where it lies is in files.py: a folder on a disk (disk.py), or a URI (remote.py). The blocks are in
blocks.py, what is known of keys and programs in notes.py; which tables belong together is in generation.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestrator.errors import NoResultsError, StoreError
from orchestrator.nouns.plan import Job
from orchestrator.store import generation, last, looks, parquet
from orchestrator.store.blocks import Blocks
from orchestrator.store.disk import Disk
from orchestrator.store.document import LONGEST, loads
from orchestrator.store.files import Files, write_text
from orchestrator.store.generation import ANEW, Runs
from orchestrator.store.histories import StoredHistories, opened
from orchestrator.store.notes import Notes
from orchestrator.store.parquet import FAILURES
from orchestrator.store.remote import Remote
from orchestrator.store.tables import LATER, Tables, run_fields
from orchestrator.store.uri import is_uri, local

if TYPE_CHECKING:
    import pandas as pd


class Store:
    """A results folder, on a disk or below a URI."""

    def __init__(self, out: str | Path) -> None:
        """Look at a place; nothing is made yet.

        Raises:
            UsageError, StoreError: it can't be one.
        """
        self.files: Files = Remote(str(out)) if is_uri(str(out)) else Disk(local(out))
        self.root, self.uri = self.files.root, self.files.uri
        self.blocks, self.notes = Blocks(self.files), Notes(self.files)
        where = self.files.where
        self.histories, self.runs, self.effects = (
            where(f"{name}.parquet") for name in ("histories", "runs", "effects")
        )
        self.report, self.explore = where("report.html"), where("explore.html")
        self.provenance, self.events = where("run.json"), where("events.jsonl")

    def prepare(self) -> None:
        """Make the folder, or say why it can't be used.

        Raises:
            StoreError: not a folder, or not writable.
        """
        self.files.prepare()

    def locked(self, command: str) -> AbstractContextManager[None]:
        """Hold the folder against other drivers.

        Raises:
            StoreLockedError: another driver is at work.
        """
        return self.files.locked(command)

    def is_held(self) -> bool | None:
        """Whether a driver is at work; None when it runs on another host, where this one can't look."""
        return self.files.is_held()

    def holder(self) -> dict[str, Any] | None:
        """What the driver at work said of itself."""
        return self.files.holder()

    def ledger(self) -> list[dict[str, Any]]:
        """The events so far; a line cut by a crash is passed over."""
        found = []
        for line in self.files.lines():
            with suppress(ValueError):
                found.append(loads(line))
        return [event for event in found if isinstance(event, dict)]

    def last(self) -> dict[str, Any]:
        """What the last command wrote of itself.

        Raises:
            StoreError: there was none, or it can't be read any more.
        """
        try:
            return self._last()
        except FileNotFoundError:
            raise StoreError(
                f"{self.root} holds no run yet; run `python -m orchestrator run all --out {self.root}` first"
            ) from None
        except ValueError:
            raise StoreError(
                f"{self.provenance} is damaged; the same `run` command writes it anew, and trains nothing twice"
            ) from None

    def _last(self) -> dict[str, Any]:
        try:
            return last.read(self.files.read("run.json", LONGEST))
        except ValueError:  # a driver may have written it anew while it was read
            return last.read(self.files.read("run.json", LONGEST))

    def write_tables(
        self,
        jobs: Sequence[Job],
        lessons: Sequence[Mapping[str, Any]],
        facts: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]] = lambda _: {},
    ) -> list[dict[str, Any]]:
        """Write the tidy tables of these jobs, then run.json; gives back the rows of the runs that are there.

        `facts` says, once it is known what runs there are, what the command was: that travels in runs.parquet.
        """
        tables = Tables(jobs, self.blocks.of)
        rows, right, histories = self.files.write("histories.parquet", tables.write_histories)
        about = facts(rows)
        described = right.noted(looks.noted(self.files, rows, lessons))
        runs = tables.runs(rows, {"lessons": described, "command": about}, histories)
        self.files.write("runs.parquet", lambda file: parquet.write(runs, file))
        self.write_provenance({**about, "generation": parquet.digest(runs)})
        return rows

    def load(self) -> tuple[pd.DataFrame, StoredHistories, list[dict[str, Any]], dict[str, Any]]:
        """Runs, histories to be read arm by arm, the lessons' descriptions and the command that wrote them, its `generation` among them.

        Raises:
            NoResultsError: there are no tables. StoreError: they can't be read, or are of two commands.
        """
        for _ in range(2):  # a driver may have written them anew between the two
            runs = self.load_runs()
            with self._readable("histories.parquet"):
                file, digest = opened(self.files)
            if digest == runs.histories:
                break
        else:
            raise StoreError(self._apart(runs, file))
        with self._readable("histories.parquet"):
            return runs.frame, StoredHistories(file, str(self.histories)), runs.lessons, runs.facts

    def load_runs(self) -> Runs:
        """What runs.parquet says; raises as `load` does."""
        with self._readable("runs.parquet"):
            runs = generation.runs(self.files.read("runs.parquet"), str(self.runs))
            generation.require_columns(runs.table.schema, [field for field in run_fields() if field[0] not in LATER])
            return runs

    @contextmanager
    def _readable(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise NoResultsError(
                f"{self.root} holds no results yet ({name} is not there); run `python -m orchestrator run all --out {self.root}` first"
            ) from None
        except generation.OtherFormatError as error:
            raise StoreError(f"{error}; {ANEW}") from None
        except FAILURES as error:
            raise StoreError(f"{self.files.where(name)} can't be read ({parquet.line_of(error)}); {ANEW}") from None

    def _apart(self, runs: Runs, histories: IO[bytes]) -> str:
        """What is told where histories.parquet is not the one that runs.parquet was written with."""
        with suppress(*FAILURES):
            about = pq.read_metadata(histories).metadata
            if about[b"asked"].decode() != runs.asked:
                begun = self.begun_since(runs.facts)
                perhaps = f", perhaps {generation.said(begun)}," if begun else ","
                return (
                    f"{self.runs} is of {runs.command}, {self.histories} of another command{perhaps}"
                    f" that was stopped before it had written both; give the one that you want again: it trains nothing twice"
                )
        return f"{self.histories} is not the file that {self.runs} was written with; {ANEW}"

    def begun_since(self, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        """The last command that was begun, unless it wrote the tables that `facts` are of; None where that isn't known."""
        try:
            begun = self._last()
        except (OSError, ValueError):
            return None
        same = all(begun[name] == facts.get(name) for name in ("command", "started"))
        return None if same or "command" not in facts else begun

    def record_looks(self, runs: pd.DataFrame, lessons: Sequence[Mapping[str, Any]]) -> bool:
        """Store that a verdict was made of these tables; False where this place can't be written."""
        rows = runs[["lesson", "variant", "data", "seed", "key"]].astype({"seed": int}).to_dict("records")
        return looks.record(self.files, [{str(name): value for name, value in row.items()} for row in rows], lessons)

    def write_effects(self, effects: pd.DataFrame, of: str) -> None:
        """Write the effects beside the other tables; `of` is the generation of the runs that they were made from."""
        table = generation.stamped(pa.Table.from_pandas(effects, preserve_index=False), {"generation": of})
        self.files.write("effects.parquet", lambda file: parquet.write(table, file))

    def write_page(self, name: str, text: str) -> None:
        """Write a page."""
        write_text(self.files, name, text)

    def folder(self) -> AbstractContextManager[Path]:
        """A folder with the tables in it, for pages to be written into."""
        return self.files.folder()

    def write_provenance(self, facts: Mapping[str, Any]) -> None:
        """Write run.json."""
        write_text(self.files, "run.json", json.dumps(facts, indent=1))

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Add a line to the ledger."""
        self.files.append(json.dumps(event))
