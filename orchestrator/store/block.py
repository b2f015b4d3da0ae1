"""A block of runs as a Parquet table: history rows, and in the schema's metadata what else is known of each run."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from orchestrator.errors import StoreError
from orchestrator.outcome import Outcome

FORMAT = 1
CURVES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


class BrokenShardError(Exception):
    """A block's file is not what was written."""


@dataclass(frozen=True)
class Block:
    """A block of runs as stored, and where and at which attempt it was trained.

    `stored` is true once its worker has committed it, `trouble` says why that worker couldn't.
    """

    outcomes: tuple[Outcome, ...]
    node: str = ""
    attempts: int = 1
    final: bool = True  # False: the machine failed, not the run; the same command tries again
    compiling: float = 0.0  # seconds of its worker's time that went into compilation
    stored: bool = False
    trouble: str = ""

    def receipt(self) -> Block:
        """What the driver wants to know of a block that is stored already: how each run ended."""
        outcomes = tuple(replace(o, history={}, traceback=None) for o in self.outcomes)
        return replace(self, outcomes=outcomes, stored=True)


def encode(block: Block) -> pa.Table:
    """The block as a table of one row an epoch."""
    names = list(dict.fromkeys([*CURVES, *sorted({name for o in block.outcomes for name in o.history})]))
    columns = {
        "seed": np.concatenate([np.full(o.epochs, o.seed, np.int32) for o in block.outcomes]),
        "epoch": np.concatenate([np.arange(1, o.epochs + 1, dtype=np.int32) for o in block.outcomes]),
    }
    arrays = {name: pa.array(values) for name, values in columns.items()}
    for name in names:
        arrays[name] = pa.concat_arrays([curve(o, name) for o in block.outcomes])
    about = json.dumps(
        {
            "format": FORMAT,
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


def curve(outcome: Outcome, name: str) -> pa.Array:
    """One metric of a run, an entry an epoch; nulls where it was not recorded."""
    values = outcome.history.get(name)
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
    }


def decode(table: pa.Table, seeds: Sequence[int]) -> Block:
    """The block that was encoded.

    Raises:
        ValueError: the table is not what was written, or of other seeds. KeyError, TypeError: it is no block at all.
        StoreError: it is of another format.
    """
    text = table.schema.metadata[b"block"]
    if _checksum(table, text) != int(table.schema.metadata[b"check"]):
        raise ValueError("it is not what was written")
    about = json.loads(text)
    if about["format"] != FORMAT:
        raise StoreError(
            f"blocks in this folder were written in format {about['format']}, this program reads format {FORMAT}; name another --out folder"
        )
    ends = np.cumsum([run["epochs"] for run in about["runs"]])
    if [run["seed"] for run in about["runs"]] != list(seeds) or ends[-1] != table.num_rows:
        raise ValueError("its rows are not those it speaks of")
    outcomes = [
        _outcome(run, table.slice(end - run["epochs"], run["epochs"]))
        for run, end in zip(about["runs"], ends, strict=True)
    ]
    return Block(tuple(outcomes), about["node"], about["attempts"], about["final"], about["compiling"])


def _outcome(run: Mapping[str, Any], rows: pa.Table) -> Outcome:
    names = [name for name in rows.column_names[2:] if rows[name].null_count < len(rows)]
    history = {name: rows[name].to_numpy() for name in names}
    return Outcome(
        run["seed"],
        run["status"],
        history,
        run["scores"],
        run["seconds"],
        run["engine"],
        run["error"],
        reason=run["reason"],
    )
