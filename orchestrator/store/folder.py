"""A results folder: who may use it, what is stored in it, and where everything lies.

    <out>/store/<key>/seeds-0000-0007.parquet   a block of runs
    <out>/histories.parquet, runs.parquet       the tidy tables of the last command
    <out>/failures/<key>/seed-0003.txt          tracebacks
    <out>/run.json, events.jsonl                provenance, ledger

A file is written beside its place, flushed, then renamed into it: the rename is the commit, so a reader sees a whole
file or none.
"""

from __future__ import annotations

import json
import os
import platform
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from orchestrator.errors import StoreError, StoreLockedError
from orchestrator.plan import Job, State, block_seeds, blocks
from orchestrator.store.block import FORMAT, Block, BrokenShardError, decode, encode
from orchestrator.store.tables import WRITING, Tables


class Store:
    """A results folder."""

    def __init__(self, out: str | Path) -> None:
        self.root = Path(out).expanduser().resolve()
        self.histories, self.runs, self.effects = (
            self.root / f"{name}.parquet" for name in ("histories", "runs", "effects")
        )
        self.report, self.explore = self.root / "report.html", self.root / "explore.html"
        self.provenance, self.events = self.root / "run.json", self.root / "events.jsonl"
        self.lock_file, self.driver = self.root / ".lock", self.root / "driver.json"

    def prepare(self) -> None:
        """Make the folder, or say why it can't be used.

        Raises:
            StoreError: not a folder, not writable, or of another version.
        """
        try:
            (self.root / "store").mkdir(parents=True, exist_ok=True)
            probe = self.root / f".probe-{uuid.uuid4().hex}"
            probe.write_text("")
            probe.unlink()
        except FileExistsError:
            raise StoreError(f"--out {self.root} is a file, or has one in its way; name a folder") from None
        except OSError as error:
            raise StoreError(f"--out {self.root} can't be written: {error.strerror}; name a folder that can") from None
        version = self.root / "store" / "FORMAT"
        if not version.exists():
            version.write_text(f"{FORMAT}\n")
        if version.read_text().strip() != str(FORMAT):
            raise StoreError(
                f"{self.root} was written in format {version.read_text().strip()!r}, "
                f"this program reads format {FORMAT}; name another --out folder"
            )

    def is_empty(self) -> bool:
        """Whether no block was ever stored here."""
        return next((self.root / "store").glob("*/*.parquet"), None) is None

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Hold the folder against other drivers; the lock dies with this process, however it ends.

        Raises:
            StoreLockedError: another driver is at work.
        """
        lock = FileLock(self.lock_file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            holder = self.holder() or {}
            pid, host, started, command = (holder.get(name, "?") for name in ("pid", "host", "started", "command"))
            who = f"process {pid} on {host}, since {started}: {command}"
            raise StoreLockedError(
                f"{self.root} is in use by another driver ({who}); wait for it, or name another --out folder"
            ) from None
        try:
            me = {
                "pid": os.getpid(),
                "host": platform.node(),
                "born": psutil.Process().create_time(),
                "command": command,
            }
            self._write_text(
                self.driver, json.dumps({**me, "started": pd.Timestamp.now("UTC").isoformat(timespec="seconds")})
            )
            yield
        finally:
            self.driver.unlink(missing_ok=True)
            lock.release()

    def is_held(self) -> bool | None:
        """Whether the driver that wrote itself down is alive; None when it ran on another host, where this one can't look."""
        holder = self.holder()
        if holder is None:
            return False
        if holder["host"] != platform.node():
            return None
        try:
            return bool(abs(psutil.Process(holder["pid"]).create_time() - holder["born"]) < 1)
        except psutil.NoSuchProcess:
            return False

    def holder(self) -> dict[str, Any] | None:
        """What the driver at work said of itself."""
        try:
            return json.loads(self.driver.read_text())  # type: ignore[no-any-return]
        except (OSError, ValueError):
            return None

    # Blocks

    def path(self, key: str, seeds: Sequence[int]) -> Path:
        """A block's place."""
        return self.root / "store" / key / f"seeds-{seeds[0]:04d}-{seeds[-1]:04d}.parquet"

    def write(self, key: str, block: Block) -> None:
        """Commit a block of runs.

        Raises:
            StoreError: the disk is full or gone.
        """
        with explained(self.root):
            self._write_tracebacks(key, block)
            _commit(
                self.path(key, [o.seed for o in block.outcomes]),
                lambda file: pq.write_table(encode(block), file, **WRITING),
            )

    def read(self, key: str, seeds: Sequence[int]) -> Block:
        """A block of runs.

        Raises:
            FileNotFoundError: it was never trained.
            BrokenShardError: its file was cut or changed.
        """
        path = self.path(key, seeds)
        data = path.read_bytes()
        try:
            return decode(pq.read_table(pa.BufferReader(data), page_checksum_verification=True), seeds)
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise BrokenShardError(
                f"{path}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
            ) from None

    def glance(self, key: str, seeds: Sequence[int]) -> list[str]:
        """The statuses of a block's runs, from its footer alone; empty when it is not there or not whole."""
        try:
            footer = pq.read_metadata(self.path(key, seeds)).metadata
            return [run["status"] for run in json.loads(footer[b"block"])["runs"]]
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
            return []

    def ledger(self) -> list[dict[str, Any]]:
        """The events so far; a line cut by a crash is passed over."""
        found = []
        for line in self.events.read_text().splitlines() if self.events.exists() else ():
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def last(self) -> dict[str, Any]:
        """What the last command wrote of itself.

        Raises:
            StoreError: there was none.
        """
        try:
            return json.loads(self.provenance.read_text())  # type: ignore[no-any-return]
        except (OSError, ValueError):
            raise StoreError(
                f"{self.root} holds no run yet; run `python -m orchestrator run all --out {self.root}` first"
            ) from None

    def state(self, jobs: Sequence[Job], seeds: Sequence[int]) -> dict[tuple[str, int], State]:
        """What is stored of these jobs' blocks; every file is read in full, so that what is called stored can be read."""
        found: dict[tuple[str, int], State] = {}
        for job in {job.key: job for job in jobs}.values():
            for first in blocks(seeds, job.width):
                state = self._state(job, first)
                if state:
                    found[job.key, first] = state
        return found

    def _state(self, job: Job, first: int) -> State | None:
        try:
            block = self.read(job.key, block_seeds(first, job.width))
        except FileNotFoundError:
            return None
        except BrokenShardError:
            return "broken"
        if not block.final:
            return None
        return "failed" if any(o.status in ("failed", "timeout") for o in block.outcomes) else "stored"

    def set_aside(self, key: str, seeds: Sequence[int]) -> Path:
        """Move a damaged file out of the way, and say where it lies now."""
        path = self.path(key, seeds)
        return path.replace(path.with_suffix(f".damaged-{uuid.uuid4().hex[:8]}"))

    def traceback_path(self, key: str, seed: int) -> Path:
        """Where a failed run's traceback lies."""
        return self.root / "failures" / key / f"seed-{seed:04d}.txt"

    def _write_tracebacks(self, key: str, block: Block) -> None:
        for outcome in block.outcomes:
            if outcome.traceback:
                path = self.traceback_path(key, outcome.seed)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(outcome.traceback)

    # Tables

    def write_tables(self, jobs: Sequence[Job], seeds: Sequence[int], lessons: Sequence[Mapping[str, Any]]) -> int:
        """Write the tidy tables of these jobs and seeds; returns the number of failed runs."""
        tables = Tables(jobs, frozenset(seeds), lambda job: self._blocks(job, seeds))
        with explained(self.root):
            rows = _commit(self.histories, tables.write_histories)
            runs = tables.runs(rows, lessons)
            _commit(self.runs, lambda file: pq.write_table(runs, file, **WRITING))
        return sum(row["status"] in ("failed", "timeout") for row in rows)

    def _blocks(self, job: Job, seeds: Sequence[int]) -> Iterator[Block]:
        for first in blocks(seeds, job.width):
            try:
                yield self.read(job.key, block_seeds(first, job.width))
            except FileNotFoundError:
                continue
            except BrokenShardError as error:
                raise StoreError(f"damaged just now: {error}; the same command trains it again") from None

    def load(self) -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, Any]], dict[str, Any]]:
        """Runs, histories, the lessons' descriptions and the provenance of the last command.

        Raises:
            StoreError: there are no tables, or they can't be read.
        """
        if not self.runs.exists() or not self.histories.exists():
            raise StoreError(
                f"{self.root} holds no results yet; run `python -m orchestrator run all --out {self.root}` first"
            )
        try:
            runs = pq.read_table(self.runs, page_checksum_verification=True)
            histories = pq.read_table(self.histories, page_checksum_verification=True)
            lessons = json.loads(runs.schema.metadata[b"lessons"])
            provenance = json.loads(self.provenance.read_text()) if self.provenance.exists() else {}
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"the tables in {self.root} can't be read ({error}); the same `run` command writes them anew from the store"
            ) from None
        return runs.to_pandas(), histories.to_pandas(), lessons, provenance

    def write_effects(self, effects: pd.DataFrame) -> None:
        """Write the effects beside the other tables."""
        table = pa.Table.from_pandas(effects, preserve_index=False)
        with explained(self.root):
            _commit(self.effects, lambda file: pq.write_table(table, file, **WRITING))

    def load_effects(self) -> pd.DataFrame | None:
        """The effects of the last report; None when there was none yet."""
        return pq.read_table(self.effects).to_pandas() if self.effects.exists() else None

    def write_provenance(self, facts: Mapping[str, Any]) -> None:
        """Write run.json."""
        self._write_text(self.provenance, json.dumps(facts, indent=1))

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Add a line to the ledger."""
        with explained(self.root), self.events.open("a") as file:
            file.write(json.dumps(event) + "\n")

    def _write_text(self, path: Path, text: str) -> None:
        with explained(self.root):
            _commit(path, lambda file: file.write(text.encode()))


@contextmanager
def explained(root: Path) -> Iterator[None]:
    """Turn a failed write below `root` into a StoreError."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise StoreError(
            f"{error.filename or root} can't be written: {why}; what was stored before is safe, and the same command goes on from there"
        ) from None


def _commit(path: Path, write: Any) -> Any:
    """Write beside the place, flush to disk, then rename into it; gives what `write` gave."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with aside.open("wb") as file:
            given = write(file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        return given
    finally:
        aside.unlink(missing_ok=True)
