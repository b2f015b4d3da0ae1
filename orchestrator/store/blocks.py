"""The stored blocks of runs: store/<key>/seeds-0000-0007.parquet, and failures/<key>/seed-0003.txt for tracebacks."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from orchestrator.errors import BlockDamagedError, StoreError, StoreLostError
from orchestrator.nouns.outcome import WITHOUT_RESULT
from orchestrator.nouns.plan import BlockState, Job, Span, asked
from orchestrator.store import parquet
from orchestrator.store.block import Block, BrokenShardError, decode, encode, require_format
from orchestrator.store.document import loads
from orchestrator.store.files import Files, side_by_side, write_text
from orchestrator.store.parquet import FAILURES

UPLOADS = 3  # of a block, until it reads back as it was written
LARGEST = 2**30  # bytes of a block
WIDEST = 1024  # seeds of a block; this program makes eight
FILE = re.compile(r"store/(?P<key>[^/]+)/seeds-(?P<first>\d{4,10})-(?P<last>\d{4,10})\.parquet")


class Blocks:
    """The blocks of a results folder."""

    def __init__(self, files: Files) -> None:
        """Where they lie."""
        self._files = files

    def is_empty(self) -> bool:
        """Whether no block was ever stored here."""
        return not any(name.endswith(".parquet") for name in self._files.names("store"))

    def path(self, key: str, seeds: Sequence[int]) -> Path | str:
        """A block's place."""
        return self._files.where(_name(key, seeds))

    def write(self, key: str, block: Block) -> None:
        """Commit a block of runs; one that failed before keeps its first status.

        What was uploaded is read back, and uploaded again unless it is whole.

        Raises:
            StoreLostError: the disk is full or gone, or what was uploaded comes back as something else.
        """
        for o in block.outcomes:
            if o.traceback:
                write_text(self._files, _traceback(key, o.seed), o.traceback)
        seeds = [o.seed for o in block.outcomes]
        block, name = _remembering(block, self._failed_first(key, seeds)), _name(key, seeds)
        for _ in range(UPLOADS):
            self._files.write(name, lambda file: parquet.write(encode(block, key), file))
            if self._files.uri is None or self._is_whole(key, seeds):
                return
        self.set_aside(key, seeds)
        raise StoreLostError(
            f"{self._files.where(name)} came back other than it was written, {UPLOADS} times; it is set aside"
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
        name = _name(key, seeds)
        data = self._files.read(name, LARGEST)
        try:
            return decode(parquet.read(data), key, seeds)
        except (*FAILURES, RecursionError) as error:
            raise BrokenShardError(f"{self._files.where(name)}: {parquet.line_of(error)}") from None

    def glance(self, key: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
        """What a block's footer alone says of its runs: seed, status, error; empty when it is not there or not whole.

        Damage elsewhere in the file is found when it is read.

        Raises:
            StoreError: it was written in another format.
        """
        try:
            with self._files.open(_name(key, seeds)) as file:
                about = loads(pq.read_metadata(file).metadata[b"block"])
            require_format(about)
            if about.get("key", key) != key or [run["seed"] for run in about["runs"]] != list(seeds):
                return []
            of_block = {name: about.get(name, "") for name in ("processor", "code")} | {"final": about["final"]}
            return [{**run, **of_block} for run in about["runs"]]
        except FileNotFoundError:
            return []
        except StoreError:
            raise
        except FAILURES:
            if self._files.uri:
                self._files.read(_name(key, seeds), LARGEST)  # where the network is down, says so
            return []

    def spans(self, under: str = "store") -> list[Span]:
        """The blocks that have a file below a folder, by key and then by seed; goes by the files' names alone."""
        found = filter(None, map(FILE.fullmatch, self._files.names(under)))
        spans = (Span(block["key"], int(block["first"]), int(block["last"])) for block in found)
        return sorted(span for span in spans if 0 < len(span.seeds) <= WIDEST)

    def _holding(self, wanted: Mapping[str, frozenset[int]], under: str = "store") -> list[Span]:
        """Those that hold any of these seeds, by key."""
        return [span for span in self.spans(under) if not wanted.get(span.key, frozenset()).isdisjoint(span.seeds)]

    def held(self, wanted: Mapping[str, frozenset[int]]) -> dict[Span, list[dict[str, Any]]]:
        """What `glance` says of each block with a file that holds any of these seeds, by key.

        Raises:
            StoreError: one was written in another format.
        """
        spans = self._holding(wanted)
        found = side_by_side(self._files, lambda span: self.glance(span.key, span.seeds), spans)
        return dict(zip(spans, found, strict=True))

    def damaged(self, jobs: Sequence[Job]) -> list[Span]:
        """The blocks with seeds of these jobs that are not what was written, every file read in full."""
        spans = self._holding(asked(jobs))
        found = side_by_side(self._files, self._is_damaged, spans)
        return [span for span, is_damaged in zip(spans, found, strict=True) if is_damaged]

    def _is_damaged(self, span: Span) -> bool:
        with suppress(FileNotFoundError):
            return not self._is_whole(span.key, span.seeds)
        return False

    def seeds_beyond(self, jobs: Sequence[Job]) -> tuple[int, ...]:
        """All seeds stored of any of these jobs, in ascending order, where a block of them holds none that any of them asks for.

        Else none: that a block's last seeds were not asked for is nobody's doing. Goes by files' names alone.
        """
        wanted = asked(jobs)
        held = [span.seeds for span in self.spans() if span.key in wanted]
        every = frozenset[int]().union(*wanted.values())
        beyond = any(every.isdisjoint(seeds) for seeds in held)
        return tuple(sorted({seed for seeds in held for seed in seeds})) if beyond else ()

    def stored_runs(self) -> dict[str, int]:
        """How many runs the names of each key's blocks speak of."""
        counts: dict[str, int] = {}
        for span in self.spans():
            counts[span.key] = counts.get(span.key, 0) + len(span.seeds)
        return counts

    def set_aside(self, key: str, seeds: Sequence[int]) -> Path | str:
        """Move a damaged file out of the way, and say where it lies now."""
        name = _name(key, seeds)
        aside = f"{name.removesuffix('.parquet')}.damaged-{uuid.uuid4().hex[:8]}"
        self._files.move(name, aside)
        return self._files.where(aside)

    def traceback_path(self, key: str, seed: int) -> Path | str:
        """Where a failed run's traceback would lie."""
        return self._files.where(_traceback(key, seed))

    def traceback(self, key: str, seed: int) -> Path | str | None:
        """Where a failed run's traceback lies; None where there is none."""
        name = _traceback(key, seed)
        return self._files.where(name) if name in self._files.names(name.rpartition("/")[0]) else None

    def of(self, job: Job) -> Iterator[Block]:
        """The stored blocks that hold a job's seeds, in ascending order."""
        spans = self._holding(asked([job]), f"store/{job.key}")
        found = side_by_side(self._files, lambda span: self._needed(span.key, span.seeds), spans)
        return (block for block in found if block)

    def _needed(self, key: str, seeds: Sequence[int]) -> Block | None:
        try:
            return self.read(key, seeds)
        except FileNotFoundError:
            return None
        except BrokenShardError as error:
            raise BlockDamagedError(f"{error}; the same command trains it again") from None


def state(runs: Sequence[Mapping[str, Any]]) -> BlockState:
    """What a block counts as whose footer says this of its runs."""
    if not runs:
        return "broken"
    if not runs[0]["final"]:
        return "lost"
    return "failed" if any(run["status"] in WITHOUT_RESULT for run in runs) else "stored"


def _remembering(block: Block, first: Mapping[int, str]) -> Block:
    """The block whose runs have these first statuses, where any failed before."""
    if not first:
        return block
    return replace(block, outcomes=tuple(replace(o, first_status=first.get(o.seed, "")) for o in block.outcomes))


def _name(key: str, seeds: Sequence[int]) -> str:
    return f"store/{key}/seeds-{seeds[0]:04d}-{seeds[-1]:04d}.parquet"


def _traceback(key: str, seed: int) -> str:
    return f"failures/{key}/seed-{seed:04d}.txt"
