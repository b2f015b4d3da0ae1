"""Judges results that were made elsewhere: two sides of runs, one endpoint, the words and levels of the page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from orchestrator.command.looks_ledger import Ledger
from orchestrator.command.user_files import files, log_of, logs, write_whole
from orchestrator.errors import UsageError
from orchestrator.reports.logs.final_scores import DIVERGED, ENDINGS, FAILED, FinalScores, final_scores
from orchestrator.reports.logs.log import Log, printable
from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.reports.nouns.history import LABELS
from orchestrator.reports.nouns.scope import SCOPES
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.verdict import BROKEN, HOLDS, IMPROVES, SAME, guard
from orchestrator.reports.wording.interval_warnings import FEW_PAIRS
from orchestrator.reports.wording.words import count

LESSON = "judge"
SIDES = ("baseline", "candidate")
MATCHED = 0.8
"""A smaller share of the seeds in common may be a selection: then nothing is said."""
OURS = "runs.parquet"
SPECIAL = frozenset(
    {"lesson", "variant", "data", "seed", "status", "final", "first_status", "error", "key"}
    | {"bad", "diverged", "stuck", "wobble", "gap", "epochs_to_threshold"}
)
"""Columns whose name means something here, and which so can't be judged by."""


@dataclass(frozen=True)
class Question:
    """What is asked of two sides.

    Attributes:
        endpoint: the column that decides, which way is better, the smallest effect that matters.
        guard: what must not get worse meanwhile.
        seed: the column that tells runs apart; None: one that is called so.
        paired: whether the runs of a seed on both sides belong together.
        data: the scope: all runs had the same data ("fixed"), or every run drew its own ("redrawn").
    """

    endpoint: Endpoint
    guard: Endpoint | None = None
    seed: str | None = None
    paired: bool = True
    data: str = "fixed"

    @property
    def columns(self) -> list[str]:
        """The columns that are read."""
        return list(dict.fromkeys([self.endpoint.measure, *([self.guard.measure] if self.guard else [])]))


def check(endpoint: Endpoint) -> Endpoint:
    """An endpoint that somebody else's column can be.

    Raises:
        UsageError: its name means something here, or its smallest effect that matters is none.
    """
    if endpoint.measure in SPECIAL:
        raise UsageError(
            f"column {endpoint.measure!r} can't be judged by, since that name means something here; call it otherwise"
        )
    if not endpoint.measure.isprintable():
        raise UsageError(f"column {endpoint.measure!r} has signs that can't be printed; call it otherwise")
    if not 0 < endpoint.sesoi < float("inf"):
        raise UsageError(
            f"the smallest effect that matters to {endpoint.measure} is {endpoint.sesoi:g}; it must be above 0"
        )
    return endpoint


def _check_guard(question: Question) -> None:
    if question.guard and question.guard.measure == question.endpoint.measure:
        raise UsageError(f"--guard {question.guard.measure}: that is what decides; a guard is another column")


def judge(baseline: Any, candidate: Any, question: Question, ledger: Path | None, command: str) -> Results:
    """The results of two sides, whose only comparison is candidate against baseline; the look at them is kept first.

    A side is a file, a folder of this program's results, or a pattern in quotation marks, and may end in `?column=value&...`,
    which says which rows are meant; or columns that Python holds.

    Raises:
        UsageError: a side can't be read, or what it holds can't be told; its sides can't be matched by seed.
    """
    _check_guard(question)
    names = _names(baseline, candidate) if isinstance(baseline, str) and isinstance(candidate, str) else SIDES
    sides = [_read(side, name, question) for side, name in zip((baseline, candidate), names, strict=True)]
    kept, remarks = _matched(sides, names) if question.paired else (sides, [])
    for runs, name in zip(kept, names, strict=True):
        if len(runs) < 2:
            raise UsageError(
                f"{name} has {count(len(runs), 'run')}, and an answer takes several; a file without a column that tells runs apart is"
                " the log of one: name that column (--seed COLUMN), or give a file a run"
            )
    remarks += [*_cut_short(kept), *_renamed(kept, question.paired), *_few(kept)]
    look = _look(kept, question, names)
    book = Ledger.read(ledger)
    looks = book.take(look)
    if ledger is None:
        remarks.append(
            "Earlier looks at these results are not known, so this counts as the first; keep them with --ledger FILE."
        )
    frame = _frame(kept, names, question)
    nothing = pd.DataFrame({name: [] for name in (*LABELS, "seed", "epoch")})
    words = [side if isinstance(side, str) else type(side).__name__ for side in (baseline, candidate)]
    told = {side: f"{word}, {count(len(runs), 'run')}" for side, word, runs in zip(SIDES, words, kept, strict=True)}
    about = {"command": command, **told, "digest of the runs": look["digest"], "notices": remarks}
    return Results.of(frame, nothing, [_lesson(names, question, looks)], about)


def write_page(results: Results, path: Path) -> None:
    """Write the page.

    Raises:
        UsageError: it can't be written there.
    """
    from orchestrator.reports.page import report  # noqa: PLC0415  drawing takes a second to load

    write_whole(path, report.render(results, path.parent), "--html")


def is_met(results: Results, required: str) -> bool:
    """Whether what is required holds: that it `improves`, or that harm as large as matters is ruled out (`no-harm`); a broken guard fails both."""
    (row,) = results.deciding
    if row.guard == BROKEN:
        return False
    return row.verdict == IMPROVES or (required == "no-harm" and (row.verdict == SAME or guard(row) == HOLDS))


def _read(side: Any, name: str, question: Question) -> list[FinalScores]:
    path, only = _parts(side) if isinstance(side, str) else ("", {})
    _check_filter(only, question)
    word = side if isinstance(side, str) else name
    try:
        held = [(each, logs(each)) for each in _files(path)] if path else [(name, [_columns(side)])]
        found = final_scores(held, question.columns, question.seed, only)
    except ValueError as error:
        raise UsageError(printable(str(error))) from None
    if question.paired:
        _check_seeds(found, word)
    return found


def _check_filter(only: Mapping[str, str], question: Question) -> None:
    """See that no filter leaves out what counts, or contradicts what is asked.

    Raises:
        UsageError: one does.
    """
    ending = next((title for title in only if title.strip().lower() in ENDINGS), None)
    if ending:
        raise UsageError(f"?{ending}=... would leave out runs by how they ended; those that went wrong count, too")
    if only.get("data", question.data) != question.data and only["data"] in SCOPES:
        raise UsageError(f"?data={only['data']} is asked for with --data {question.data}; give --data {only['data']}")


def _columns(side: Any) -> Log:
    """What Python holds; a frame has no other way than NaN to leave a cell out."""
    log = log_of(side)
    if not hasattr(side, "isna"):
        return log
    return Log({title: [None if cell != cell else cell for cell in cells] for title, cells in log.columns.items()})  # noqa: PLR0124  NaN


def _files(path: str) -> list[str]:
    table = Path(path) / OURS
    return [str(table)] if table.is_file() else list(files([path]))


def _parts(word: str) -> tuple[str, dict[str, str]]:
    """The path, and which rows are meant by column; a `?` without `=` behind it belongs to a pattern."""
    path, mark, query = word.rpartition("?")
    if not mark or "=" not in query or Path(word).exists():
        return word, {}
    return path, dict(part.partition("=")[::2] for part in query.split("&"))


def _check_seeds(found: Sequence[FinalScores], word: str) -> None:
    seen: dict[str, str] = {}
    for run in found:
        if not run.seed:
            raise UsageError(
                f"{run.name} of {word} tells no seed: give the column that does (--seed COLUMN), put it into the path (seed_3),"
                " or say --unpaired, where no run belongs with one of the other side"
            )
        if run.seed in seen:
            raise UsageError(
                f"{word} has seed {run.seed} twice, in {seen[run.seed]} and {run.name}; leave one out: FILE?column=value"
            )
        seen[run.seed] = run.name
    words = [seed for seed in seen if not seed.isdecimal()]
    if words and len(words) < len(seen) / 2:
        raise UsageError(f"{word} has {words[0]!r} among seeds that are numbers, as a row of means does; leave it out")


def _matched(sides: Sequence[list[FinalScores]], names: Sequence[str]) -> tuple[list[list[FinalScores]], list[str]]:
    """The runs of seeds that both sides have, and what is to be said of the others.

    Raises:
        UsageError: too few are in common.
    """
    seeds = [{run.seed for run in runs} for runs in sides]
    both, either = seeds[0] & seeds[1], seeds[0] | seeds[1]
    if len(both) < MATCHED * len(either):
        raise UsageError(
            f"{len(both)} of {len(either)} seeds are on both sides; below {MATCHED:.0%} what is left may be a selection. Give the"
            " missing runs, failed ones too, or say --unpaired, where no run belongs with one of the other side"
        )
    said = [
        f"Left out, since only {name} has them: {_listed(own - both)}."
        for own, name in zip(seeds, names, strict=True)
        if own - both
    ]
    return [[run for run in runs if run.seed in both] for runs in sides], said


def _cut_short(sides: Sequence[Sequence[FinalScores]]) -> list[str]:
    """Runs whose log ends before that of others: they may have stopped by themselves, or been cut."""
    last = max((run.times[-1] for runs in sides for run in runs if run.times), default=0.0)
    short = sum(bool(run.times) and run.times[-1] < last for runs in sides for run in runs)
    return (
        [f"The logs of {count(short, 'run')} end before the last epoch of others; their last values are taken."]
        if short
        else []
    )


def _renamed(sides: Sequence[Sequence[FinalScores]], paired: bool) -> list[str]:
    """What the numbers of runs stand for, where their names are none."""
    names = sorted({run.seed for runs in sides for run in runs})
    if not paired or all(_are_numbers([run.seed for run in runs]) for runs in sides):
        return []
    told = ", ".join(f"{at} is {name}" for at, name in enumerate(names[:5]))
    return [f"Seeds are numbered in the order of their names: {told}{' and so on' if len(names) > 5 else ''}."]


def _few(sides: Sequence[Sequence[FinalScores]]) -> list[str]:
    if min(map(len, sides)) >= FEW_PAIRS:
        return []
    return [
        f"With fewer than {FEW_PAIRS} runs a side, intervals of skewed measures hold the truth less often than they say."
    ]


def _listed(seeds: set[str]) -> str:
    shown = sorted(seeds, key=lambda seed: (len(seed), seed))
    return f"seed{'s' if len(shown) > 1 else ''} {', '.join(shown[:10])}{' and more' if len(shown) > 10 else ''}"


def _names(baseline: str, candidate: str) -> tuple[str, str]:
    """What tells the sides apart: the values of the rows that are meant, or where the paths differ.

    Raises:
        UsageError: nothing does.
    """
    (one, only_one), (other, only_other) = map(_parts, (baseline, candidate))
    keys = [key for key in {**only_one, **only_other} if only_one.get(key) != only_other.get(key)]
    if one == other and all(key in only for key in keys for only in (only_one, only_other)) and keys:
        told = [", ".join(only[key] for key in keys) for only in (only_one, only_other)]
    else:
        told = ["/".join(_bare(part) for part in parts if part) for parts in _apart(one, other)]
    if told[0] == told[1] or not all(told):
        told = [baseline, candidate]
    if told[0] == told[1]:
        raise UsageError(f"both sides are {baseline}; name two")
    return printable(told[0]), printable(told[1])


def _apart(one: str, other: str) -> tuple[list[str], list[str]]:
    """The parts of two paths that differ."""
    pairs = list(zip_longest(Path(one).parts, Path(other).parts, fillvalue=""))
    kept = [pair for pair in pairs if pair[0] != pair[1]]
    return [a for a, _ in kept], [b for _, b in kept]


def _bare(part: str) -> str:
    return re.sub(r"\.(csv|json|jsonl|parquet|txt|npy|npz|gz|log)$", "", part)


def _frame(sides: Sequence[Sequence[FinalScores]], names: Sequence[str], question: Question) -> pd.DataFrame:
    """The runs as a store has them: a row each, seeds as whole numbers."""
    numbers = _numbered(sides, question.paired)
    rows = [
        {"lesson": LESSON, "variant": name, "data": question.data, "seed": seed, "status": run.ended, **_scores(run)}
        for runs, name, own in zip(sides, names, numbers, strict=True)
        for run, seed in zip(runs, own, strict=True)
    ]
    return pd.DataFrame(rows)


def _scores(run: FinalScores) -> Mapping[str, float]:
    """What counts of its numbers: a run that failed has none."""
    return {column: float("nan") if run.ended in (FAILED, DIVERGED) else value for column, value in run.scores.items()}


def _numbered(sides: Sequence[Sequence[FinalScores]], paired: bool) -> list[list[int]]:
    names = [[run.seed for run in runs] for runs in sides]
    if not paired and not all(_are_numbers(own) for own in names):
        return [list(range(len(own))) for own in names]
    if all(map(_are_numbers, names)) and _are_numbers({*names[0], *names[1]}):
        return [[int(seed) for seed in own] for own in names]
    places = {name: at for at, name in enumerate(sorted({*names[0], *names[1]}))}
    return [[places[seed] for seed in own] for own in names]


def _are_numbers(seeds: Collection[str]) -> bool:
    """Whether seeds are whole numbers, each another one: `01` beside `1` is a name."""
    return all(re.fullmatch(r"\d{1,18}", seed) for seed in seeds) and len({*map(int, seeds)}) == len(seeds)


def _look(sides: Sequence[Sequence[FinalScores]], question: Question, names: Sequence[str]) -> dict[str, Any]:
    """What a ledger keeps of a look: the question, and a digest of the runs that were looked at."""
    told = [sorted((run.seed, run.ended, sorted(run.scores.items())) for run in runs) for runs in sides]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "endpoint": asdict(question.endpoint),
        "guard": asdict(question.guard) if question.guard else None,
        "data": question.data,
        "paired": question.paired,
        "baseline": names[0],
        "variant": names[1],
        "seeds": _numbered(sides, question.paired)[1],
        "digest": hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16],
    }


def _lesson(names: Sequence[str], question: Question, looks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The comparison as a lesson's description."""
    baseline, candidate = names
    return {
        "id": LESSON,
        "title": f"{candidate} instead of {baseline}",
        "question": f"Does {candidate} do better than {baseline}?",
        "endpoint": asdict(question.endpoint),
        "guard": asdict(question.guard) if question.guard else None,
        "variants": [{"name": name} for name in names],
        "contrasts": [
            {"name": candidate, "weights": {candidate: 1, baseline: -1}, "says": f"{candidate} instead of {baseline}"}
        ],
        "looks": [{**look, "variant": candidate} for look in looks],
        "paired": question.paired,
        "elsewhere": True,
    }
