"""Runs that fail in every way a run can fail: one batch with all of them, on Ray."""

import resource
import subprocess

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.misdeeds import KINDS, SAYS, lesson, same_bytes, same_tables
from tests.processes import command

long = pytest.mark.long  # the batch waits for timeouts, and for processes that begin anew after each crash
BAD = 3
SEEDS = 8
LIMIT = 2 * 2**30  # bytes of memory that the batch's processes may take, each


def words(folder, *more):
    """What `run` is told, to train all lessons of a folder."""
    return [*sorted(folder.glob("*.py")), "--seeds", SEEDS, "--data", "redrawn", "--no-report", *more]


def with_little_memory(*words):
    """`orchestrator run` in a process that may take no more than its share, nor may those that it starts."""
    return subprocess.run(
        command("run", *words), capture_output=True, text=True, cwd=ROOT, timeout=280, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, resource.RLIM_INFINITY)),
    )  # fmt: skip


def mend(folder):
    """Write the lessons anew without misdeeds; but a run that goes to NaN is an answer, not a mishap."""
    for kind in KINDS:
        (folder / f"{kind}.py").write_text(lesson(kind, BAD if kind == "goes_nan" else None))


@pytest.fixture(scope="module")
def clean(here, tmp_path_factory):
    """The folder of the same lessons when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("clean")
    mend(folder)
    done = here("run", *words(folder, "--out", folder / "out", "--serial"))
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """The folder of a batch in which one seed of every lesson misbehaves, and the process that ran it."""
    folder = tmp_path_factory.mktemp("batch")
    for kind in KINDS:
        (folder / f"{kind}.py").write_text(lesson(kind, BAD))
    more = ("--out", folder / "out", "--retries", "0", "--timeout", "10")
    return folder, with_little_memory(*words(folder, *more))


@long
def test_a_bad_seed_fails_alone_and_its_neighbours_keep_their_bytes(batch, clean):
    """Of eight seeds only the one fails that raises, exits, crashes, hangs or devours; the other seven are as without it, to the bit."""
    folder, done = batch
    assert done.returncode == 1, done.stdout + done.stderr
    runs = pd.read_parquet(folder / "out" / "runs.parquet")
    assert len(runs) == len(KINDS) * SEEDS
    bad = runs[~runs.status.isin(["ok"])]
    assert dict(zip(bad.lesson, bad.status, strict=True)) == {
        kind.replace("_", "-"): {"hangs": "timeout", "hangs_in_c": "timeout", "goes_nan": "diverged"}.get(
            kind, "failed"
        )
        for kind in KINDS
    }
    assert set(bad.seed) == {BAD}
    ours, theirs = (pd.read_parquet(place / "histories.parquet") for place in (folder / "out", clean))
    assert same_bytes(ours[ours.seed != BAD], theirs[theirs.seed != BAD])


@long
def test_every_failure_is_told_at_once_with_its_cause_and_its_traceback(batch, here):
    """The batch's output, `list`, `show` and `status` name each failure's cause on one line; tracebacks name the line of the lesson."""
    folder, done = batch
    runs = pd.read_parquet(folder / "out" / "runs.parquet").set_index("lesson")
    listed = here("list", "--status", "failed", "--out", folder / "out").stdout
    status = here("status", "--out", folder / "out").stdout
    for kind, cause in SAYS.items():
        name = kind.replace("_", "-")
        error = runs[runs.status.isin(["failed", "timeout"])].loc[name, "error"]
        assert cause in error
        assert "\n" not in error
        assert f"failed {name}/one/redrawn seeds {BAD}: {error}" in done.stdout
        assert error in status
        assert (error in listed) == (not kind.startswith("hangs"))
    assert "driver: ended" in status
    shown = here("show", "crashes", "--out", folder / "out").stdout
    trace = next((folder / "out" / "failures" / runs.loc["crashes", "key"].iloc[0]).glob("*.txt"))
    assert str(trace) in shown
    assert "crashes.py" in trace.read_text()


@long
def test_attempts_are_counted(batch):
    """A run that had to be told from its neighbours was attempted twice: with them, and alone."""
    folder, _ = batch
    runs = pd.read_parquet(folder / "out" / "runs.parquet").set_index(["lesson", "seed"])
    assert runs.loc[("raises", BAD), "attempts"] == 1
    assert runs.loc[("exits-hard", BAD), "attempts"] == 2


@long
def test_failed_runs_stay_failed_until_retry_is_asked_for(batch, clean, cli, here):
    """The same command trains no failed run again; `retry --failed --yes` does, and once the lessons are mended gives the undisturbed tables."""
    folder, _ = batch
    again = here("run", *words(folder, "--out", folder / "out"))
    assert again.returncode == 1
    assert "nothing to train" in again.stdout
    mend(folder)
    done = cli("retry", "--failed", "--yes", "--out", folder / "out")
    assert "7 shards to train" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
    same_tables(folder / "out", clean)
    runs = pd.read_parquet(folder / "out" / "runs.parquet")
    assert set(runs.seed[runs.first_status.notna()]) == {BAD}
    assert len(runs[runs.first_status.notna()]) == 7


def test_fail_fast_begins_nothing_after_a_failure(tmp_path, here):
    """With `--fail-fast` a failure in the first of three shards leaves the other two to the same command; without it, that one trains them."""
    path, out = tmp_path / "raises.py", tmp_path / "out"
    path.write_text(lesson("raises", BAD))
    words = ("run", path, "--seeds", 24, "--data", "redrawn", "--serial", "--no-report", "--out", out)
    done = here(*words, "--fail-fast")
    assert done.returncode == 1
    assert "16 runs are missing; the same command goes on from here" in done.stdout
    assert set(pd.read_parquet(out / "runs.parquet").seed) == set(range(8))
    assert here(*words).returncode == 1
    assert set(pd.read_parquet(out / "runs.parquet").seed) == set(range(24))
