"""A block of runs as a Parquet table: history rows, and in the schema's metadata what else is known of each run."""

from __future__ import annotations

import json
import zlib
from base64 import b85decode, b85encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from orchestrator.errors import StoreError
from orchestrator.nouns.check import SelfCheck
from orchestrator.nouns.identity import Sketch
from orchestrator.nouns.outcome import Outcome

FORMAT = 2  # 1 had no key, processor, rows, nor which rows were right
READS = (1, FORMAT)
CURVES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


class BrokenShardError(Exception):
    """A block's file is not what was written."""


@dataclass(frozen=True)
class Block:
    """A block of runs as stored, and where and at which attempt it was trained.

    Attributes:
        final: False where the machine failed, not the run, so that the same command tries again.
        compiling: seconds of its worker's time that went into compilation. processor: the kind that trained it.
        stored: whether its worker has committed it. trouble: why that worker couldn't.
        code: `Job.code` of the job that it was trained for.
        verdict: of a self-check that was made on the way. refused: why its worker would not train it.
    """

    outcomes: tuple[Outcome, ...]
    node: str = ""
    attempts: int = 1
    final: bool = True
    compiling: float = 0.0
    stored: bool = False
    trouble: str = ""
    processor: str = ""
    code: str = ""
    verdict: SelfCheck | None = None
    refused: str = ""

    @property
    def trained(self) -> float:
        """Seconds of its worker's time that went into training proper."""
        return max(0.0, sum(o.seconds for o in self.outcomes) - self.compiling)

    def receipt(self) -> Block:
        """What the driver wants to know of a block that is stored already: how each run ended."""
        outcomes = tuple(replace(o, history={}, right={}, traceback=None) for o in self.outcomes)
        return replace(self, outcomes=outcomes, stored=True)


def encode(block: Block, key: str) -> pa.Table:
    """The block as a table of one row an epoch; `key` is what it trained, whatever its file may be called one day."""
    names = list(dict.fromkeys([*CURVES, *sorted({name for o in block.outcomes for name in o.history})]))
    columns = {
        "seed": np.concatenate([np.full(o.epochs, o.seed, np.int32) for o in block.outcomes]),
        "epoch": np.concatenate([np.arange(1, o.epochs + 1, dtype=np.int32) for o in block.outcomes]),
    }
    arrays = {name: pa.array(values) for name, values in columns.items()}
    for name in names:
        arrays[name] = pa.concat_arrays([as_column(o, o.history.get(name)) for o in block.outcomes])
    about = json.dumps(
        {
            "format": FORMAT,
            "key": key,
            "processor": block.processor,
            "code": block.code,
            "node": block.node,
            "attempts": block.attempts,
            "compiling": block.compiling,
            "final": block.final,
            "runs": [_about(o) for o in block.outcomes],
        }
    )
    table = pa.table(arrays)
    return table.replace_schema_metadata({"block": about, "check": str(_checksum(table, about.encode()))})


def _checksum(table: pa.Table, about: bytes) -> int:
    """CRC-32 over everything a block says: Parquet's own page checksums leave the footer out."""
    total = zlib.crc32(about)
    for name, column in zip(table.column_names, table.columns, strict=True):
        total = zlib.crc32(column.to_numpy().tobytes(), zlib.crc32(f"{name} {column.type}".encode(), total))
    return total


def as_column(outcome: Outcome, values: NDArray[np.float32] | None) -> pa.Array:
    """A curve of a run, an entry an epoch; nulls where it was not recorded."""
    return pa.nulls(outcome.epochs, pa.float32()) if values is None else pa.array(values, pa.float32())


def _about(o: Outcome) -> dict[str, Any]:
    return {
        "seed": o.seed,
        "status": o.status,
        "epochs": o.epochs,
        "scores": dict(o.scores),
        "seconds": o.seconds,
        "engine": o.engine,
        "error": o.error,
        "reason": o.reason,
        "right": {part: _packed(rows) for part, rows in o.right.items()},
        "rows": asdict(o.rows) if o.rows else None,
        "start": asdict(o.start) if o.start else None,
        "first_status": o.first_status,
    }


def _packed(rows: NDArray[np.bool_]) -> tuple[int, str]:
    """A bitmap as text: how many bits, and what they are."""
    return len(rows), b85encode(zlib.compress(np.packbits(rows).tobytes())).decode()


def _unpacked(count: int, text: str) -> NDArray[np.bool_]:
    bits = np.frombuffer(zlib.decompress(b85decode(text)), np.uint8)
    return np.unpackbits(bits, count=count).astype(bool)


def require_format(about: Mapping[str, Any]) -> None:
    """Raise StoreError where a block says that it is of a format which is not read."""
    if about["format"] not in READS:
        raise StoreError(
            f"blocks in this folder were written in format {about['format']}, this program reads format {FORMAT}; name another --out folder"
        )


def decode(table: pa.Table, key: str, seeds: Sequence[int]) -> Block:
    """The block that was encoded.

    Raises:
        ValueError: the table is not what was written, or of another key or other seeds. KeyError, TypeError: it is no block at all.
        StoreError: it is of another format.
    """
    text = table.schema.metadata[b"block"]
    if _checksum(table, text) != int(table.schema.metadata[b"check"]):
        raise ValueError("it is not what was written")
    about = json.loads(text)
    require_format(about)
    if about.get("key", key) != key:
        raise ValueError(f"it holds runs of {about['key']}, not of {key}")
    ends = np.cumsum([run["epochs"] for run in about["runs"]])
    if [run["seed"] for run in about["runs"]] != list(seeds) or ends[-1] != table.num_rows:
        raise ValueError("its rows are not those it speaks of")
    outcomes = [
        _outcome(run, table.slice(end - run["epochs"], run["epochs"]))
        for run, end in zip(about["runs"], ends, strict=True)
    ]
    return Block(
        tuple(outcomes),
        about["node"],
        about["attempts"],
        about["final"],
        about["compiling"],
        processor=about.get("processor", ""),
        code=about.get("code", ""),
    )


def _outcome(run: Mapping[str, Any], rows: pa.Table) -> Outcome:
    names = [name for name in rows.column_names[2:] if rows[name].null_count < len(rows)]
    history = {name: _values(rows[name]) for name in names}
    return Outcome(
        run["seed"],
        run["status"],
        history,
        run["scores"],
        run["seconds"],
        run["engine"],
        run["error"],
        reason=run["reason"],
        right={part: _unpacked(*packed) for part, packed in run.get("right", {}).items()},
        rows=sketch_of(run.get("rows")),
        start=sketch_of(run.get("start")),
        first_status=run.get("first_status", ""),
    )


def _values(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """A curve; masked where nothing was recorded, which is not the same as a value that is no number."""
    values = column.to_numpy()
    return np.ma.MaskedArray(values, column.is_null().to_numpy()) if column.null_count else values


def sketch_of(found: Mapping[str, Any] | None) -> Sketch | None:
    """A sketch as a block says it."""
    return Sketch(found["digest"], found["exact"], tuple(found["numbers"])) if found else None
