"""What many runs cost: memory and processor time of report, tables, plan and status, on stores that were never trained.

    python -m benchmarks.scale report [--seeds 1000] [--lessons one | seven] [--epochs 5]
    python -m benchmarks.scale blocks [--blocks 20000] [--uri s3://...]
    python -m benchmarks.scale plan [--shards 100000]
    python -m benchmarks.scale runs [--runs 10000]

`report` makes up tables (tests/simulate.py) and builds the page of them; `blocks` fills a store with blocks of eight tiny
runs, lists and reads them all, as `status` and a resumed command do, and writes tables; `runs` really trains, with the
command line. What is measured runs in a process of its own: processor seconds and memory at its peak are the kernel's
count for it and for those that it has waited for.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tasks import LESSON
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, Span, asked, plan, seeded
from orchestrator.store import Block, Store
from tests import simulate

MIB = 2**20
BLOCK = 8
SHORT = replace(simulate.LARGE, epochs=5, speed=1.0)
ONE = {
    "short": replace(simulate.LESSONS["noise"], variants={"without": SHORT, "with": replace(SHORT, level=0.835)}),
}
COMMAND = [sys.executable, "-m", "orchestrator"]


def main() -> None:
    """Measure one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("report", "blocks", "plan", "runs"))
    parser.add_argument("--seeds", type=int, default=1000, help="of report: per lesson, variant and scope")
    parser.add_argument(
        "--lessons", choices=("one", "seven"), default="one", help="of report: one of five epochs, or ours"
    )
    parser.add_argument("--blocks", type=int, default=20_000)
    parser.add_argument("--uri", default="", help="of blocks: where, instead of a temporary folder")
    parser.add_argument("--shards", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=10_000)
    of = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measures[of.what](Path(folder), of)


def report(folder: Path, of: argparse.Namespace) -> None:
    """The page of made-up tables."""
    lessons = simulate.LESSONS if of.lessons == "seven" else ONE
    runs, rows = made_up(folder, lessons, of.seeds)
    took = measured([*COMMAND, "report", "--out", folder])
    sizes = {
        name: (folder / name).stat().st_size / MIB for name in ("histories.parquet", "report.html", "explore.html")
    }
    print(
        f"{runs:,} runs, {rows:,} epochs: {took}; {', '.join(f'{name} {size:.1f} MiB' for name, size in sizes.items())}"
    )


def made_up(folder: Path, lessons: Mapping[str, simulate.Sketch], seeds: int) -> tuple[int, int]:
    """Tables of these lessons, written an arm at a time; gives how many runs and epochs they hold."""
    store = Store(folder)
    store.prepare()
    store.blocks.of = lambda job: arm(lessons[job.lesson], job, seeds)  # type: ignore[method-assign]
    jobs = [
        Job(name, variant, data, f"{name}-{variant}-{data}", "made up", "compiled", BLOCK, 1.0)  # type: ignore[arg-type]
        for name, sketch in lessons.items()
        for variant in sketch.variants
        for data in simulate.SCOPES
    ]
    documents = simulate.store(1, lessons=lessons, flaws={}, scale=0.01).lessons
    for document, sketch in zip(documents, lessons.values(), strict=True):
        for variant, recipe in zip(document["variants"], sketch.variants.values(), strict=True):
            variant["epochs"] = recipe.epochs
    rows = store.write_tables(
        seeded(jobs, range(seeds)), documents, lambda _: {"command": "made up", "started": "never"}
    )
    return len(rows), sum(row["epochs"] for row in rows)


def arm(sketch: simulate.Sketch, job: Job, seeds: int) -> Iterator[Block]:
    """Every run of an arm."""
    lessons = {job.lesson: replace(sketch, variants={job.variant: sketch.variants[job.variant]})}
    found = simulate.store(seeds, lessons=lessons, flaws={}, scopes=[job.data])
    ends = np.cumsum(found.runs["epochs"].to_numpy())
    curves = {name: found.histories[name].to_numpy() for name in simulate.METRICS}
    for run, end in zip(found.runs.to_dict("records"), ends, strict=True):
        history = {name: values[end - run["epochs"] : end] for name, values in curves.items()}
        scores = {name: float(run[name]) for name in simulate.SCORES}
        yield Block((Outcome(run["seed"], run["status"], history, scores, run["seconds"], "compiled", None),))


def blocks(folder: Path, of: argparse.Namespace) -> None:
    """A store of so many blocks: written, listed, read in full, and made tables of."""
    store = Store(of.uri or folder)
    store.prepare()
    keys = [f"{i:020x}" for i in range(4)]
    jobs = [
        Job("tiny", variant, data, key, "made up", "compiled", BLOCK, 1.0)  # type: ignore[arg-type]
        for key, (variant, data) in zip(
            keys, [(v, d) for v in ("plain", "twice") for d in simulate.SCOPES], strict=True
        )
    ]
    jobs = list(seeded(jobs, range(BLOCK * of.blocks // len(jobs))))
    step("written", lambda: written(store, jobs))
    step("listed", lambda: len(store.files.names("store")))
    step("their footers read (status, a resumed command)", lambda: len(store.blocks.held(asked(jobs))))
    step("read in full", lambda: len(jobs) * len(jobs[0].seeds) // BLOCK - len(store.blocks.damaged(jobs)))
    step("tables", lambda: len(store.write_tables(jobs, [])))


def written(store: Store, jobs: list[Job]) -> int:
    """Store every block of these jobs."""
    generator, count = np.random.default_rng(0), 0
    for job in jobs:
        for first in range(0, len(job.seeds), BLOCK):
            outcomes = [outcome(seed, generator) for seed in range(first, first + BLOCK)]
            store.blocks.write(job.key, Block(tuple(outcomes)))
            count += 1
    return count


def outcome(seed: int, generator: np.random.Generator) -> Outcome:
    """A run of five epochs."""
    history = {name: generator.random(5, np.float32) for name in simulate.METRICS}
    scores = {name: float(generator.random()) for name in simulate.SCORES}
    return Outcome(seed, "ok", history, scores, 0.01, "compiled", None)


def step(name: str, do: Callable[[], Any]) -> None:
    """Do it, and say what it took."""
    wall, used = time.perf_counter(), time.process_time()
    found = do()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{found:,} {name}: {time.process_time() - used:.1f} s of processor, {time.perf_counter() - wall:.1f} s, {peak:.0f} MiB at the most so far",
        flush=True,
    )


def shards(_folder: Path, of: argparse.Namespace) -> None:
    """A plan of so many shards, of which every tenth is stored."""
    job = Job("tiny", "plain", "fixed", "key", "program", "compiled", BLOCK, 1.0)
    jobs = seeded([job], range(BLOCK * of.shards))
    stored = {Span("key", first, first + BLOCK - 1): "stored" for first in range(0, BLOCK * of.shards, 10 * BLOCK)}
    step("shards planned", lambda: len(plan(jobs, stored).shards))  # type: ignore[arg-type]


def trained(folder: Path, of: argparse.Namespace) -> None:
    """Runs of three and six epochs, with the command line; then the same command, which finds them."""
    lesson = folder / "tiny.py"
    lesson.write_text(LESSON)
    words = [*COMMAND, "run", lesson, "--seeds", str(of.runs // 4), "--out", folder / "out", "-q"]
    print(f"{of.runs:,} runs trained, with their page: {measured(words)}", flush=True)
    print(f"found again: {measured(words)}")


def measured(words: list[Any]) -> str:
    """What a command takes, and those that it waits for."""
    begun = time.perf_counter()
    with subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words} ended with {process.returncode}")
    seconds = used.ru_utime + used.ru_stime
    return f"{seconds:.0f} s of processor, {time.perf_counter() - begun:.0f} s, {used.ru_maxrss / 1024:.0f} MiB at the most"


measures = {"report": report, "blocks": blocks, "plan": shards, "runs": trained}

if __name__ == "__main__":
    main()
