"""The tidy tables: a row an epoch, and a row a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestrator.nouns.measures import named
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job
from orchestrator.store.block import CURVES, Block, as_column
from orchestrator.store.generation import FORMAT, asked, stamped
from orchestrator.store.parquet import WRITING
from orchestrator.store.rows import Right

if TYPE_CHECKING:
    import pandas as pd

SCORES = ("train_accuracy", "test_accuracy", "fresh_accuracy", "train_bce", "test_bce", "fresh_bce")
BESIDE_SCORES = (
    "lesson",
    "variant",
    "data",
    "seed",
    "key",
    "status",
    "epochs",
    "seconds",
    "engine",
    "attempts",
    "node",
    "processor",
    "error",
    "final",
    "first_status",
)
LATER = ("first_status",)  # what tables of this format that were written earlier don't have
ROW_GROUP = 2**20
WORD = pa.dictionary(pa.int32(), pa.string())
RUN = (("lesson", WORD), ("variant", WORD), ("data", WORD), ("seed", pa.int32()))
EPOCH = (*RUN, ("epoch", pa.int32()))

Blocks = Callable[[Job], Iterable[Block]]
Names = Mapping[str, list[str]]


@dataclass(frozen=True)
class Tables:
    """The tables of some jobs; `blocks` reads what is stored of a job."""

    jobs: Sequence[Job]
    blocks: Blocks

    @property
    def names(self) -> Names:
        """The words of the categorical columns."""
        return {part: sorted({getattr(job, part) for job in self.jobs}) for part in ("lesson", "variant", "data")}

    @property
    def asked(self) -> str:
        """Tells these jobs and their seeds from any others."""
        return asked(self.jobs)

    def write_histories(self, file: Any) -> tuple[list[dict[str, Any]], Right, str]:
        """Write a row an epoch, one job in memory at a time; gives back what is to be told of each run, and the SHA-256.

        Between the two comes which rows each run has right.

        The same histories are the same bytes, whoever trained them, so that no command's name may be in them.
        """
        names, rows, right = self.names, [], Right()
        curves = [(name, pa.float32()) for name in (*CURVES, *self._further_curves())]
        schema = pa.schema([*EPOCH, *curves]).with_metadata({"format": str(FORMAT), "asked": self.asked})
        with pq.ParquetWriter(file, schema, **WRITING) as writer:
            for job in self.jobs:
                outcomes = list(self._outcomes(job))
                rows += [_run(job, block, o) for block, o in outcomes]
                right.take(job.lesson, job.variant, job.data, (o for _, o in outcomes))
                tables = [_history(job, o, schema, names) for _, o in outcomes if o.epochs]
                if tables:
                    writer.write_table(pa.concat_tables(tables), row_group_size=ROW_GROUP)
        file.seek(0)
        return rows, right, hashlib.file_digest(file, "sha256").hexdigest()

    def runs(self, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any], histories: str) -> pa.Table:
        """A row a run. `about`, the lessons' descriptions and the command, goes into the schema as JSON."""
        import pandas as pd  # noqa: PLC0415  takes half a second to load, and only tables need it

        frame = pd.DataFrame(rows)
        scores = [*SCORES, *sorted(set(frame.columns) - set(BESIDE_SCORES) - set(SCORES))]
        schema = pa.schema(run_fields(scores))
        table = pa.table([_column(frame, field, self.names) for field in schema], schema=schema)
        words = {name: json.dumps(value) for name, value in about.items()}
        return stamped(table, {**words, "asked": self.asked, "histories": histories})

    def _outcomes(self, job: Job) -> Iterator[tuple[Block, Outcome]]:
        left = set(job.seeds)
        for block in self.blocks(job):
            for o in block.outcomes:
                if o.seed in left:  # which two blocks may hold, where a store was copied into another
                    left.discard(o.seed)
                    yield block, o

    def _further_curves(self) -> list[str]:
        """Names of the metrics beyond the usual ones."""
        trained = {job.key: job for job in self.jobs}
        return sorted({name for job in trained.values() for name in self._names_of(job)} - set(CURVES))

    def _names_of(self, job: Job) -> set[str]:
        """A training's metrics: compiled runs have the same ones, and in others a callback may log more in some than in others."""
        found = set[str]()
        for _, o in self._outcomes(job):
            found |= set(o.history)
            if o.epochs and o.engine == "compiled":
                break
        return found


def run_fields(scores: Iterable[str] = SCORES) -> list[tuple[str, pa.DataType]]:
    """Names and types of the columns of runs.parquet."""
    before = [("key", pa.string()), ("status", pa.string()), ("epochs", pa.int32())]
    after = [
        ("seconds", pa.float64()),
        ("engine", pa.string()),
        ("attempts", pa.int32()),
        ("node", pa.string()),
        ("processor", pa.string()),
        ("error", pa.string()),
        ("final", pa.bool_()),
        ("first_status", pa.string()),
    ]
    return [*RUN, *before, *[(name, pa.float64()) for name in scores], *after]


def _run(job: Job, block: Block, o: Outcome) -> dict[str, Any]:
    known = {
        "lesson": job.lesson,
        "variant": job.variant,
        "data": job.data,
        "seed": o.seed,
        "key": job.key,
        "status": o.status,
        "epochs": o.epochs,
    }
    how = {
        "seconds": o.seconds,
        "engine": o.engine,
        "attempts": block.attempts,
        "node": block.node,
        "processor": block.processor,
        "error": o.error,
        "final": block.final,
        "first_status": o.first_status or None,
    }
    accuracies = {name: named(o.scores, name) for name in SCORES if name.endswith("accuracy")}
    return {**known, **o.scores, **accuracies, **how}


def _column(frame: pd.DataFrame, field: pa.Field, names: Names) -> pa.Array:
    import pandas as pd  # noqa: PLC0415

    values = frame[field.name] if field.name in frame else pd.Series([None] * len(frame), dtype=object)
    if field.name in names:
        return _words([names[field.name].index(v) for v in values], names[field.name])
    if pa.types.is_string(field.type):
        return pa.array([v if isinstance(v, str) else None for v in values], field.type)
    return pa.array(pd.to_numeric(values), field.type, from_pandas=True)


def _words(codes: Any, names: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), _dictionary(tuple(names)))


@lru_cache(maxsize=8)
def _dictionary(names: tuple[str, ...]) -> pa.Array:
    """The words, once for all runs."""
    return pa.array(names, pa.string())


def _history(job: Job, o: Outcome, schema: pa.Schema, names: Names) -> pa.Table:
    words = [
        _words(np.full(o.epochs, names[part].index(getattr(job, part)), np.int32), names[part])
        for part in ("lesson", "variant", "data")
    ]
    counts = [pa.array(np.full(o.epochs, o.seed, np.int32)), pa.array(np.arange(1, o.epochs + 1, dtype=np.int32))]
    return pa.table(
        [*words, *counts, *[as_column(o, named(o.history, name)) for name in schema.names[5:]]], schema=schema
    )
