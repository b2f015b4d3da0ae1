"""Plans, runs and effects as text, for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from orchestrator.lessons.catalog import Source
from orchestrator.nouns.plan import Plan
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import scale
from orchestrator.store import Store
from orchestrator.telling.status import Status
from orchestrator.telling.terminal import clean

if TYPE_CHECKING:
    import pandas as pd

RUN = ("lesson", "variant", "data", "seed", "status", "epochs", "error")
PARTS = ("train_", "test_", "fresh_")
STATUSES = ("ok", "diverged", "failed", "timeout")


def _table(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> Table:
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(
            *(Text("" if cell is None else clean(str(cell))) for cell in row)
        )  # no markup, and cleaned before columns are measured: errors hold what they like
    return table


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with None where there is nothing."""
    return frame.astype(object).where(frame.notna(), None)


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
    return _table(RUN, _filled(runs[list(RUN)]).itertuples(index=False))


def of_scores(runs: pd.DataFrame, width: int) -> Group:
    """A heading for each variant and scope, and below it a row a run; scores that a line has no room for follow in further tables."""
    parts: list[Any] = []
    for (variant, data), some in runs.groupby(["variant", "data"], observed=True, sort=False):
        parts += [Text(f"{clean(str(variant))}, {scope_heading(str(data)).lower()}", "bold"), *_scores(some, width)]
    return Group(*parts)


def _scores(runs: pd.DataFrame, width: int) -> Iterator[Table]:
    """The runs' scores: accuracies in percent, and a column for how runs ended only where they ended differently."""
    names = [name for name in runs.columns if name.startswith(PARTS) and runs[name].notna().any()]
    about = ["seed", *(["status"] if set(runs["status"]) != {"ok"} else []), "epochs"]
    cells = {name: [_cell(name, value) for value in _filled(runs)[name]] for name in (*about, *names)}
    heads = {name: name.replace("_", "\n", 1) if name in names else name for name in cells}
    room = width - sum(map(len, about)) - 2 * len(about) - len("timeout")
    for group in _fitting(names, heads, room) or [[]]:
        shown = [*about, *group]
        yield _table([heads[name] for name in shown], zip(*(cells[name] for name in shown), strict=True))


def _cell(name: str, value: Any) -> Any:
    if not name.startswith(PARTS):
        return value
    kind = scale(name)
    return kind.value(kind.factor * value) if value is not None else None


def _fitting(names: Sequence[str], heads: Mapping[str, str], room: int) -> list[list[str]]:
    """The names in groups that fit beside each other."""
    groups: list[list[str]] = []
    left = 0
    for name in names:
        need = max(len("100.0 %"), *map(len, heads[name].split("\n"))) + 2
        if need > left or not groups:
            groups.append([])
            left = room
        groups[-1].append(name)
        left -= need
    return groups


def of_failures(runs: pd.DataFrame, store: Store) -> list[str]:
    """A line for each run without a result: its cause, and where its traceback lies."""
    lines = []
    for row in runs[runs["error"].notna()].to_dict("records"):
        path = store.blocks.traceback(row["key"], row["seed"])
        where = f" ({path})" if path else ""
        lines.append(f"{row['variant']} {row['data']} seed {row['seed']}: {row['error']}{where}")
    return lines


def of_status(status: Status) -> Table:
    """A row a lesson: how many of its runs ended how, and how many wait."""
    columns = (*STATUSES, "waiting")
    return _table(("lesson", *columns), ((name, *(n.get(c, 0) for c in columns)) for name, n in status.lessons.items()))
