"""A results folder: what is stored in it, and where everything lies.

    <out>/store/<key>/seeds-0000-0007.parquet   a block of runs
    <out>/store/<key>/about.json                what the key is of
    <out>/store/checks/<program>.json           what a self-check of a program said
    <out>/store/looks/<digest>.json             a look at a comparison (looks.py)
    <out>/histories.parquet, runs.parquet       the tidy tables of the last command that wrote some
    <out>/failures/<key>/seed-0003.txt          tracebacks
    <out>/run.json, events.jsonl                the last command that was begun, ledger (events/ where --out is a URI)

What it needs of the place where it lies is in files.py: a folder on a disk (disk.py), or a URI (remote.py). Which
tables belong together is in generation.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from orchestrator.errors import NoResultsError, StoreError, StoreLostError
from orchestrator.nouns.check import Verdict
from orchestrator.nouns.outcome import WITHOUT_RESULT
from orchestrator.nouns.plan import Job, State, block_seeds, blocks, owners
from orchestrator.store import generation, last, looks, parquet
from orchestrator.store.block import Block, BrokenShardError, decode, encode
from orchestrator.store.disk import Disk
from orchestrator.store.document import LONGEST, loads
from orchestrator.store.files import Files
from orchestrator.store.generation import ANEW, Runs
from orchestrator.store.parquet import FAILURES
from orchestrator.store.remote import Remote
from orchestrator.store.tables import EPOCH, LATER, Tables, run_fields
from orchestrator.store.uri import is_uri, local

if TYPE_CHECKING:
    import pandas as pd

CHECKS = "store/checks/"
TRIES = 3  # uploads of a block until it reads back as it was written
LARGEST = 2**30  # bytes of a block

Item = TypeVar("Item")
Found = TypeVar("Found")


class Store:
    """A results folder, on a disk or below a URI."""

    def __init__(self, out: str | Path) -> None:
        """Look at a place; nothing is made yet.

        Raises:
            UsageError, StoreError: it can't be one.
        """
        self.files: Files = Remote(str(out)) if is_uri(str(out)) else Disk(local(out))
        self.root, self.uri = self.files.root, self.files.uri
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

    def is_empty(self) -> bool:
        """Whether no block was ever stored here."""
        return not any(name.endswith(".parquet") for name in self.files.names("store"))

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

    # Blocks

    def path(self, key: str, seeds: Sequence[int]) -> Path | str:
        """A block's place."""
        return self.files.where(_block(key, seeds))

    def write(self, key: str, block: Block) -> None:
        """Commit a block of runs; one that failed before keeps its first status.

        What was uploaded is read back, and uploaded again unless it is whole.

        Raises:
            StoreLostError: the disk is full or gone, or what was uploaded comes back as something else.
        """
        for o in block.outcomes:
            if o.traceback:
                self._write_text(_traceback(key, o.seed), o.traceback)
        seeds = [o.seed for o in block.outcomes]
        block, name = _remembering(block, self._failed_first(key, seeds)), _block(key, seeds)
        for _ in range(TRIES):
            self.files.write(name, lambda file: parquet.write(encode(block, key), file))
            if self.uri is None or self._is_whole(key, seeds):
                return
        self.set_aside(key, seeds)
        raise StoreLostError(
            f"{self.files.where(name)} came back other than it was written, {TRIES} times; it is set aside"
        )

    def _failed_first(self, key: str, seeds: Sequence[int]) -> dict[int, str]:
        """By seed how its run first ended, of those in this block that failed at some time; what a machine lost was no end."""
        found = {
            run["seed"]: run.get("first_status") or (run["final"] and run["status"]) for run in self.glance(key, seeds)
        }
        return {seed: status for seed, status in found.items() if status in WITHOUT_RESULT}

    def _is_whole(self, key: str, seeds: Sequence[int]) -> bool:
        try:
            self.read(key, seeds)
        except BrokenShardError:
            return False
        return True

    def read(self, key: str, seeds: Sequence[int]) -> Block:
        """A block of runs.

        Raises:
            FileNotFoundError: it was never trained.
            BrokenShardError: its file was cut or changed.
            StoreError: it is whole, but another version of this program wrote it.
        """
        name = _block(key, seeds)
        data = self.files.read(name, LARGEST)
        try:
            return decode(parquet.read(data), key, seeds)
        except (*FAILURES, RecursionError) as error:
            raise BrokenShardError(f"{self.files.where(name)}: {_line(error)}") from None

    def glances(self, wanted: Sequence[tuple[str, Sequence[int]]]) -> list[list[dict[str, Any]]]:
        """What the footers of blocks say of their runs, for each block (key, seeds): empty where it is not there or not whole."""
        there = set(self.files.names("store"))
        return list(self._each(lambda block: self.glance(*block) if _block(*block) in there else [], wanted))

    def glance(self, key: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
        """What a block's footer alone says of its runs: seed, status, error; empty when it is not there or not whole."""
        try:
            with self.files.open(_block(key, seeds)) as file:
                footer = pq.read_metadata(file).metadata
            about = loads(footer[b"block"])
            of_block = {"processor": about.get("processor", ""), "final": about["final"]}
            return [{**run, **of_block} for run in about["runs"]]
        except FileNotFoundError:
            return []
        except FAILURES:
            if self.uri:
                self.files.read(_block(key, seeds), LARGEST)  # where the network is down, says so
            return []

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

    def seeds_beyond(self, jobs: Sequence[Job]) -> tuple[int, ...]:
        """All seeds stored of any of these jobs, in ascending order, where a block of them holds none that any of them asks for.

        Else none: that a block's last seeds were not asked for is nobody's doing. Goes by files' names alone.
        """
        keys = {job.key for job in jobs}
        found = filter(None, map(BLOCK.fullmatch, self.files.names("store")))
        ends = {(int(block["first"]), int(block["last"])) for block in found if block["key"] in keys}
        held = [range(first, end + 1) for first, end in ends if end - first < last.WIDEST]
        wanted = frozenset(seed for job in jobs for seed in job.seeds)
        beyond = any(wanted.isdisjoint(block) for block in held)
        return tuple(sorted({seed for block in held for seed in block})) if beyond else ()

    def state(self, jobs: Sequence[Job]) -> dict[tuple[str, int], State]:
        """What is stored of these jobs' blocks; every file is read in full, so that what is called stored can be read."""
        there = set(self.files.names("store"))
        found = [
            (job, first)
            for (key, first), job in owners(jobs).items()
            if _block(key, block_seeds(first, job.width)) in there
        ]
        states = self._each(lambda block: self._state(*block), found)
        return {(job.key, first): state for (job, first), state in zip(found, states, strict=True) if state}

    def _state(self, job: Job, first: int) -> State | None:
        try:
            block = self.read(job.key, block_seeds(first, job.width))
        except FileNotFoundError:
            return None
        except BrokenShardError:
            return "broken"
        if not block.final:
            return None
        return "failed" if any(o.status in WITHOUT_RESULT for o in block.outcomes) else "stored"

    def _each(self, do: Callable[[Item], Found], items: Sequence[Item]) -> Iterable[Found]:
        """What `do` gives for each; side by side where a file is far away."""
        if self.files.at_once == 1:
            return map(do, items)
        with ThreadPoolExecutor(self.files.at_once) as pool:
            return list(pool.map(do, items))

    def set_aside(self, key: str, seeds: Sequence[int]) -> Path | str:
        """Move a damaged file out of the way, and say where it lies now."""
        name = _block(key, seeds)
        aside = f"{name.removesuffix('.parquet')}.damaged-{uuid.uuid4().hex[:8]}"
        self.files.move(name, aside)
        return self.files.where(aside)

    def traceback_path(self, key: str, seed: int) -> Path | str:
        """Where a failed run's traceback would lie."""
        return self.files.where(_traceback(key, seed))

    def traceback(self, key: str, seed: int) -> Path | str | None:
        """Where a failed run's traceback lies; None where there is none."""
        name = _traceback(key, seed)
        return self.files.where(name) if name in self.files.names(name.rpartition("/")[0]) else None

    # What is known of keys and programs

    def write_about(self, key: str, facts: Mapping[str, Any]) -> None:
        """Note what a key is of: its job, and the digests that it is made of."""
        self._write_text(_about(key), json.dumps(facts, indent=1))

    def abouts(self) -> dict[str, dict[str, Any]]:
        """What is known of each key that has blocks; nothing of those that an earlier version of this program trained."""
        there = [name for name in self.files.names("store") if not name.startswith(CHECKS)]
        keys = list(dict.fromkeys(name.split("/")[1] for name in there if name.endswith(".parquet")))
        return dict(zip(keys, self._each(lambda key: self._noted(_about(key)), keys), strict=True))

    def stored_runs(self) -> dict[str, int]:
        """How many runs the names of each key's blocks speak of."""
        counts: dict[str, int] = {}
        for name in self.files.names("store"):
            if block := BLOCK.fullmatch(name):
                counts[block["key"]] = counts.get(block["key"], 0) + int(block["last"]) - int(block["first"]) + 1
        return counts

    def write_verdict(self, training: str, verdict: Verdict) -> None:
        """Remember what a self-check said of a program."""
        self._write_text(f"{CHECKS}{training}.json", json.dumps(asdict(verdict)))

    def verdict(self, training: str) -> Verdict | None:
        """What a self-check said of a program; None where there was none."""
        noted = self._noted(f"{CHECKS}{training}.json")
        with suppress(TypeError):
            return Verdict(**noted) if noted else None
        return None

    def _noted(self, name: str) -> dict[str, Any]:
        """A small file of JSON; empty where it is not there or damaged."""
        try:
            found = loads(self.files.read(name, LONGEST))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    # Tables

    def write_tables(
        self,
        jobs: Sequence[Job],
        lessons: Sequence[Mapping[str, Any]],
        facts: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]] = lambda _: {},
    ) -> list[dict[str, Any]]:
        """Write the tidy tables of these jobs, then run.json; gives back the rows of the runs that are there.

        `facts` says, once it is known what runs there are, what the command was: that travels in runs.parquet.
        """
        tables = Tables(jobs, self._blocks)
        rows, right, histories = self.files.write("histories.parquet", tables.write_histories)
        about = facts(rows)
        described = right.noted(looks.noted(self.files, rows, lessons))
        runs = tables.runs(rows, {"lessons": described, "command": about}, histories)
        self.files.write("runs.parquet", lambda file: parquet.write(runs, file))
        self.write_provenance({**about, "generation": parquet.digest(runs)})
        return rows

    def _blocks(self, job: Job) -> Iterator[Block]:
        wanted = [block_seeds(first, job.width) for first in blocks(job.seeds, job.width)]
        return (block for block in self._each(lambda members: self._needed(job.key, members), wanted) if block)

    def _needed(self, key: str, seeds: Sequence[int]) -> Block | None:
        try:
            return self.read(key, seeds)
        except FileNotFoundError:
            return None
        except BrokenShardError as error:
            raise StoreLostError(f"damaged just now: {error}; the same command trains it again") from None

    def load(self) -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, Any]], dict[str, Any]]:
        """Runs, histories, the lessons' descriptions and the command that wrote them, its `generation` among them.

        Raises:
            NoResultsError: there are no tables. StoreError: they can't be read, or are of two commands.
        """
        for _ in range(2):  # a driver may have written them anew between the two
            runs = self.load_runs()
            with self._readable("histories.parquet"):
                data = self.files.read("histories.parquet")
            if hashlib.sha256(data).hexdigest() == runs.histories:
                break
        else:
            raise StoreError(self._apart(runs, data))
        with self._readable("histories.parquet"):
            histories = parquet.read(data)
            generation.require_columns(histories, EPOCH)
        return runs.frame, parquet.frame(histories), runs.lessons, runs.facts

    def load_runs(self) -> Runs:
        """What runs.parquet says; raises as `load` does."""
        with self._readable("runs.parquet"):
            runs = generation.runs(self.files.read("runs.parquet"), str(self.runs))
            generation.require_columns(runs.table, [field for field in run_fields() if field[0] not in LATER])
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
            raise StoreError(f"{self.files.where(name)} can't be read ({_line(error)}); {ANEW}") from None

    def _apart(self, runs: Runs, histories: bytes) -> str:
        """What is told where histories.parquet is not the one that runs.parquet was written with."""
        with suppress(*FAILURES):
            about = pq.read_metadata(pa.BufferReader(histories)).metadata
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
        self._write_text(name, text)

    def folder(self) -> AbstractContextManager[Path]:
        """A folder with the tables in it, for pages to be written into."""
        return self.files.folder()

    def write_provenance(self, facts: Mapping[str, Any]) -> None:
        """Write run.json."""
        self._write_text("run.json", json.dumps(facts, indent=1))

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Add a line to the ledger."""
        self.files.append(json.dumps(event))

    def _write_text(self, name: str, text: str) -> None:
        self.files.write(name, lambda file: file.write(text.encode()))


BLOCK = re.compile(r"store/(?P<key>[^/]+)/seeds-(?P<first>\d{4,10})-(?P<last>\d{4,10})\.parquet")


def _remembering(block: Block, first: Mapping[int, str]) -> Block:
    return (
        replace(block, outcomes=tuple(replace(o, first_status=first.get(o.seed, "")) for o in block.outcomes))
        if first
        else block
    )


def _block(key: str, seeds: Sequence[int]) -> str:
    return f"store/{key}/seeds-{seeds[0]:04d}-{seeds[-1]:04d}.parquet"


def _about(key: str) -> str:
    return f"store/{key}/about.json"


def _traceback(key: str, seed: int) -> str:
    return f"failures/{key}/seed-{seed:04d}.txt"


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
