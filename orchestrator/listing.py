"""Plans, runs and effects as text, for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from orchestrator.catalog import Source
from orchestrator.plan import Plan
from orchestrator.status import Status
from orchestrator.store import Store
from orchestrator.terminal import clean

RUN = ("lesson", "variant", "data", "seed", "status", "epochs", "error")
STATUSES = ("ok", "diverged", "failed", "timeout")


def _table(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> Table:
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(
            *(Text("" if pd.isna(cell) else clean(str(cell))) for cell in row)
        )  # no markup, and cleaned before columns are measured: errors hold what they like
    return table


def of_lessons(sources: Iterable[Source]) -> Table:
    """Numbers, ids and questions."""
    return _table(("number", "lesson", "question"), ((s.number, s.id, s.question) for s in sources))


def of_plan(plan: Plan) -> Table:
    """A row a job: how many runs would train for it, and why."""
    return _table(("lesson", "variant", "data", "key", "engine", "to train", "why"), _jobs(plan))


def of_chances(rows: Sequence[Sequence[str]], seeds: Sequence[int]) -> Table:
    """A row a comparison and true effect: with what chance which verdict, by the number of seeds."""
    columns = ("lesson", "variant", "data", "SD", "if the effect is", *(f"{n} seeds" for n in seeds))
    return _table(columns, rows)


def _jobs(plan: Plan) -> Iterator[tuple[Any, ...]]:
    trained_for: dict[str, str] = {}
    for job in plan.jobs:
        shards = [shard for shard in plan.shards if shard.job.key == job.key]
        elsewhere = trained_for.get(job.key)
        why = "stored" if not shards else f"trained for {elsewhere}" if elsewhere else shards[0].why
        count = 0 if elsewhere else sum(len(shard.seeds) for shard in shards)
        yield job.lesson, job.variant, job.data, job.key[:10], job.engine, count, why
        trained_for.setdefault(job.key, job.name)


def of_runs(runs: pd.DataFrame) -> Table:
    """A row a run: how it ended, and why it failed."""
    return _table(RUN, (tuple(row) for row in runs[list(RUN)].itertuples(index=False)))


def of_scores(runs: pd.DataFrame) -> Table:
    """A row a run with its scores."""
    parts = ("train_", "test_", "fresh_")
    scores = [name for name in runs.columns if name.startswith(parts) and runs[name].notna().any()]
    columns = ["variant", "data", "seed", "status", "epochs", *scores]
    return _table(columns, (tuple(row) for row in runs[columns].round(4).itertuples(index=False)))


def of_failures(runs: pd.DataFrame, store: Store) -> list[str]:
    """A line for each run without a result: its cause, and where its traceback lies."""
    lines = []
    for row in runs[runs["error"].notna()].to_dict("records"):
        path = store.traceback(row["key"], row["seed"])
        where = f" ({path})" if path else ""
        lines.append(f"{row['variant']} {row['data']} seed {row['seed']}: {row['error']}{where}")
    return lines


def of_effects(effects: pd.DataFrame) -> Table:
    """A row a primary effect."""
    columns = ("lesson", "variant", "data", "measure", "effect", "interval", "verdict")
    primary = effects[effects["primary"]].to_dict("records")
    return _table(columns, (_effect(row) for row in primary))


def _effect(row: dict[Any, Any]) -> tuple[str, ...]:
    effect, low, high = (f"{row[name]:+.4g}" for name in ("effect", "low", "high"))
    measure = f"{row['statistic']} of {row['measure']}"
    return row["lesson"], row["variant"], row["data"], measure, effect, f"{low} to {high}", row["verdict"]


def of_status(status: Status) -> Table:
    """A row a lesson: how many of its runs ended how, and how many wait."""
    columns = (*STATUSES, "waiting")
    return _table(("lesson", *columns), ((name, *(n.get(c, 0) for c in columns)) for name, n in status.lessons.items()))
