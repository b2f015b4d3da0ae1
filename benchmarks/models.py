"""Kinds of models and lessons that people write: how each is trained, and how far its numbers are from plain `fit`.

    python benchmarks/models.py [--work build/models] [--page docs/models.md] [kind ...]

Every file of `kinds/` is a lesson whose variants are kinds; one named `redrawn_...` draws its rows for each seed and goes
through Ray, one named `refused_...` is turned away. The program trains eight seeds of each; `plain.py` trains seeds 1 and
3 in processes that never see the engine. What has been trained is kept in `--work`, so that the same command goes on from
where it was; another state of the program wants another folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
KINDS = HERE / "kinds"
SEEDS = (1, 3)
LIMIT = 5e-6  # difference of a number: relative, and absolute below 1
ROUNDING = 1.2e-7  # of a share of rows, stored in single precision
SHARES = ("accuracy", "acc")  # ends of the names of metrics that count rows, which must be equal

HEAD = """# Kinds of models

What people write, {count} kinds of it, each trained by this program and, beside it, by plain Keras: `set_random_seed(seed)`, data,
model, `fit`, `evaluate` on the JAX backend, in a process of its own that never imports the engine. `python benchmarks/models.py` makes this page from
the lesson files in `benchmarks/kinds/`. This one: {when}, {machine}, Keras {keras}, JAX {jax}.

| | kinds |
|---|---|
{counts}

*Compiled*: eight seeds in one program. *`fit`*: seed by seed through Keras's own `fit`, slower, the same numbers. The differences are the largest of two seeds,
relative where a number is above 1: of every column of `fit`'s history in every epoch, and of every metric of `evaluate` on training, test and fresh rows (the
loss without penalties). Accuracies must be equal, everything else within {limit:.0e}; what is not is **wrong**.
"""
TAIL = """
What a key can't see of a lesson that can't be traced: a file that is read only while it trains. All that it reads while it is
planned, and lies beside it, counts.
"""
WORDS = {
    "compiled": "equal, compiled",
    "fit": "equal, through `fit`",
    "failed": "fails as in `fit`",
    "refused": "refused",
    "wrong": "**wrong**",
}


@dataclass(frozen=True)
class Row:
    """A kind: how it is trained (a key of WORDS), why so, and the largest differences of histories and scores."""

    kind: str
    way: str
    why: str = ""
    histories: float | None = None
    scores: float | None = None

    def __str__(self) -> str:
        """The row of the page's table."""
        cells = (self.kind, WORDS[self.way], self.why, _number(self.histories), _number(self.scores))
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _number(gap: float | None) -> str:
    return "" if gap is None else "0" if gap == 0 else f"{gap:.0e}"


# What the program makes of the lessons.


def scope(path: Path) -> str:
    """The data that a lesson is run on."""
    return "redrawn" if path.stem.startswith("redrawn_") else "fixed"


def trained(paths: Sequence[Path], work: Path) -> str:
    """Run the program on lessons of one scope; what it says."""
    where = [] if scope(paths[0]) == "redrawn" else ["--serial"]
    command = [
        "run",
        *map(str, paths),
        "--seeds",
        "8",
        "--data",
        scope(paths[0]),
        *where,
        "--no-report",
        "--out",
        str(work),
    ]
    told = subprocess.run(
        [sys.executable, "-m", "orchestrator", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    with (work.parent / f"{work.name}.log").open("a") as log:
        log.write(told.stdout)
    return told.stdout


def reasons(log: str) -> dict[tuple[str, str], str]:
    """Why a variant goes through `fit`, by lesson and variant, as the program told."""
    planned = re.findall(r"^([\w-]+)/(.+) runs through fit, not compiled: (.+)$", log, re.MULTILINE)
    checked = re.findall(r"^checked ([\w-]+)/(.+) against fit in .*?: (?!holds)(.+)$", log, re.MULTILINE)
    return {(lesson, variant): why for lesson, variant, why in planned + checked}


# What plain Keras makes of them.


def plain(path: Path, work: Path) -> list[dict[str, Any]]:
    """The runs of `plain.py`, kept by the text of the lesson."""
    text = "".join(file.read_text() for file in (path, KINDS / "rows.py", HERE / "plain.py"))
    kept = work / "plain" / f"{path.stem}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        seeds = map(str, SEEDS)
        environment = {
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": str(HERE.parent),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        told = subprocess.run(
            [sys.executable, HERE / "plain.py", path, scope(path), *seeds],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            check=True,
        )
        kept.write_text(told.stdout)
    found: list[dict[str, Any]] = json.loads(kept.read_text())
    return found


# Both, side by side.


def gap(ours: Any, theirs: Any) -> float:
    """Largest difference of two series, relative above 1; infinite where their lengths differ."""
    a, b = (np.asarray(side, np.float64).ravel() for side in (ours, theirs))
    if a.shape != b.shape:
        return np.inf
    with np.errstate(invalid="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b) / np.maximum(1, np.abs(b)))
    return float(np.max(np.nan_to_num(apart, nan=np.inf), initial=0.0))


def columns(values: Mapping[str, Any], axes: int) -> Iterator[tuple[str, Any]]:
    """Names and numbers; a metric with a value a class is its mean, and a column a class."""
    for name, given in values.items():
        array = np.asarray(given, np.float64)
        if array.ndim > axes:
            yield name, array.mean(axis=-1)
        if array.ndim > axes and array.shape[-1] > 1:
            yield from ((f"{name}_{i}", array[..., i]) for i in range(array.shape[-1]))
        elif array.ndim == axes:
            yield name, array


def _first(row: pd.Series, name: str) -> float:
    """A score by its name; binary cross-entropy is called so in the tables."""
    part, _, bare = name.partition("_")
    names = (name, f"{part}_bce") if bare == "loss" else (name,)
    found = [row[n] for n in names if n in row and not np.isnan(row[n])]
    return float(found[0]) if found else np.nan


def differences(
    run: Mapping[str, Any], mine: pd.Series, history: pd.DataFrame
) -> tuple[dict[str, float], dict[str, float]]:
    """By name how far a run's history and its scores are from those of plain `fit`."""
    curves = {}
    for name, values in columns(run["history"], 1):
        ours = history[name].to_numpy(np.float64) if name in history else np.array([])
        curves[name] = gap(ours if len(ours) == len(values) else ours[~np.isnan(ours)], values)
    return curves, {name: gap(_first(mine, name), value) for name, value in columns(run["scores"], 0)}


def is_wrong(gaps: Mapping[str, float]) -> bool:
    """Whether any of these numbers is further from `fit` than it may be."""
    return any(value > (ROUNDING if name.endswith(SHARES) else LIMIT) for name, value in gaps.items())


def row(variant: str, runs: Sequence[Mapping[str, Any]], mine: pd.DataFrame, histories: pd.DataFrame, why: str) -> Row:
    """A kind's row, of plain runs of its variant and of ours."""
    curves, scores, failed = dict[str, float](), dict[str, float](), 0
    for run in runs:
        ours = mine[mine.seed == run["seed"]].iloc[0]
        if run["error"] or ours.status == "failed":
            failed += 1
            if not (run["error"] and ours.status == "failed"):
                return Row(variant, "wrong", f"plain fit: {run['error'] or 'trains'}; here: {ours.error or 'trains'}")
            continue
        both = differences(run, ours, histories[histories.seed == run["seed"]].sort_values("epoch"))
        for all_of, new in zip((curves, scores), both, strict=True):
            all_of.update({name: max(value, all_of.get(name, 0.0)) for name, value in new.items()})
    if failed:
        return Row(variant, "failed", runs[0]["error"])
    way = "wrong" if is_wrong(curves) or is_wrong(scores) else "compiled" if set(mine.engine) == {"compiled"} else "fit"
    return Row(variant, way, why, max(curves.values()), max(scores.values()))


def rows(
    path: Path, runs: pd.DataFrame, histories: pd.DataFrame, why: Mapping[tuple[str, str], str], work: Path
) -> list[Row]:
    """The rows of a lesson's kinds."""
    name = path.stem.replace("_", "-")
    mine, curves = runs[runs.lesson == name], histories[histories.lesson == name]
    found = plain(path, work)
    return [
        row(
            variant,
            [run for run in found if run["variant"] == variant],
            mine[mine.variant == variant],
            curves[curves.variant == variant],
            why.get((name, variant), ""),
        )
        for variant in dict.fromkeys(run["variant"] for run in found)
    ]


# The page.


def sections(paths: Sequence[Path], work: Path) -> Iterator[tuple[str, list[Row]]]:
    """A title and the rows of each lesson."""
    refused = [path for path in paths if path.stem.startswith("refused_")]
    for wanted in ("fixed", "redrawn"):
        group = [path for path in paths if scope(path) == wanted and path not in refused]
        if not group:
            continue
        out = work / wanted
        said = trained(group, out)
        if not (out / "runs.parquet").exists():
            raise SystemExit(said)
        runs, histories = (pd.read_parquet(out / f"{table}.parquet") for table in ("runs", "histories"))
        why = reasons((work / f"{wanted}.log").read_text())
        for path in group:
            yield title(path), rows(path, runs, histories, why, work)
    if refused:
        yield "Refused, before anything trains", [turned_away(path, work) for path in refused]


def turned_away(path: Path, work: Path) -> Row:
    """The row of a lesson that is not to be trained."""
    said = trained([path], work / "refused")
    error = next((line for line in said.splitlines() if line.startswith("error: ")), "")
    return Row(
        title(path),
        "refused" if error else "wrong",
        error.removeprefix("error: ").replace(f"{KINDS}/", "") or said[-200:],
    )


def title(path: Path) -> str:
    """A file's question."""
    return path.read_text().split('"""')[1].strip().splitlines()[0].rstrip(".")


def page(parts: Sequence[tuple[str, list[Row]]]) -> str:
    """The page in markdown."""
    every = [each for _, found in parts for each in found]
    counts = Counter(each.way for each in every)
    head = HEAD.format(
        count=len(every),
        when=date.today().isoformat(),  # noqa: DTZ011  the day on the wall
        machine=f"{os.cpu_count()} cores, {platform.machine()}",
        keras=version("keras"),
        jax=version("jax"),
        limit=LIMIT,
        counts="\n".join(f"| {word} | {counts[way]} |" for way, word in WORDS.items()),
    )
    tables = (
        "\n".join(
            [f"## {name}", "", "| kind | | why | histories | scores |", "|---|---|---|---|---|", *map(str, found)]
        )
        for name, found in parts
    )
    return "\n\n".join([head.strip(), *tables]) + "\n" + TAIL


def main() -> None:
    """Train what is missing on both sides, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help="files of kinds/, by name; all without")
    parser.add_argument("--work", type=Path, default=Path("build/models"))
    parser.add_argument("--page", type=Path, default=HERE.parent / "docs" / "models.md")
    asked = parser.parse_args()
    paths = [
        path for path in sorted(KINDS.glob("*.py")) if path.stem != "rows" and path.stem in (asked.kinds or [path.stem])
    ]
    asked.work.mkdir(parents=True, exist_ok=True)
    parts = list(sections(paths, asked.work.resolve()))
    asked.page.write_text(page(parts))
    print(*(f"{name}: {each}" for name, found in parts for each in found if each.way in {"wrong", "failed"}), sep="\n")


if __name__ == "__main__":
    main()
