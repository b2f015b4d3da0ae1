"""How far a run goes that takes seeds as they are needed: by rule, and as a command."""

import io
import json
import math

import pandas as pd
import pytest

from orchestrator.errors import UsageError
from orchestrator.nouns.plan import Job, seeded
from orchestrator.planning.until import Course, Until, until_of
from orchestrator.reports.nouns.effect import Effect

ROW = {
    "lesson": "a", "baseline": "without", "variant": "with", "data": "fixed", "measure": "epochs", "statistic": "mean", "primary": True,
    "verdict": "inconclusive", "alpha": 0.01, "low": -0.02, "high": 0.04, "n_seeds": 16, "shared": 0.0, "rows_dominate": False,
    "bad_baseline": 0, "bad_variant": 0, "seeds_settle": 50.0,
}  # fmt: skip


def row(**changes):
    """An open comparison at sixteen seeds, but for these changes."""
    return Effect(**{**ROW, **changes})


def jobs(seeds, lesson="a", variants=("without", "with")):
    """A lesson's jobs with so many seeds."""
    made = [Job(lesson, name, "fixed", f"{lesson}-{name}", "p", "compiled", 8, 1.0) for name in variants]
    return seeded(made, range(seeds))


def test_the_looks_are_declared_and_end_at_the_most():
    """16, 32, 64 and 128 below the most, then the most; a most of sixteen is one look."""
    assert Until(200).looks == (16, 32, 64, 128, 200)
    assert Until(64).looks == (16, 32, 64)
    assert Until(16).looks == (16,)
    assert Until(10).looks == (10,)


def test_only_what_is_open_goes_on():
    """An inconclusive comparison takes the next look's seeds; any verdict ends it, and so does the most."""
    until = Until(100)
    assert [until.following(row(), n) for n in (16, 32, 64, 100)] == [32, 64, 100, 100]
    for verdict in ("improves", "harms", "real but small", "no practical difference", "not testable"):
        assert until.following(row(verdict=verdict), 16) == 16


def test_too_few_seeds_for_the_level_is_no_end():
    """Where sixteen seeds can't show anything at so small a level (2/2^16 = 3e-5 at the least), more may."""
    assert Until(100).following(row(verdict="not testable", alpha=1e-6), 16) == 32


@pytest.mark.parametrize("limit", [{"shared": 0.25}, {"rows_dominate": True}])
def test_where_rows_limit_what_can_be_known_more_seeds_are_not_taken(limit):
    """Data sets with rows in common, or too few rows to score on: a seed more tells nothing more."""
    assert Until(100).following(row(**limit), 16) == 16
    assert Until(100, 0.01).following(row(**limit), 32) == 32


def test_a_width_is_believed_from_thirty_seeds_on_and_not_with_many_bad_runs():
    """Six points wide: enough where seven were asked for, unless a tenth of the runs are bad; for four, it takes more."""
    assert Until(200, 0.07).following(row(n_seeds=16), 16) > 16
    assert Until(200, 0.07).following(row(n_seeds=32), 32) == 32
    assert Until(200, 0.07).following(row(n_seeds=32, bad_variant=4), 32) > 32
    assert Until(200, 0.04).following(row(n_seeds=32), 32) == 64  # 32 (6/4)^2 = 72, but never more than twice as many
    assert Until(200, 0.055).following(row(n_seeds=32), 32) == 40  # 32 (6/5.5)^2 = 38
    assert Until(200, 0.04).following(row(n_seeds=200), 200) == 200


def test_the_width_of_a_ratio_is_that_of_its_logarithm():
    """From half to twice as much is 1.39 wide."""
    ratio = row(statistic="spread", low=0.5, high=2.0, n_seeds=32)
    assert Until(200, 1.39).following(ratio, 32) == 32
    assert Until(200, 1.38).following(ratio, 32) > 32
    assert Until(200, 1.39).following(row(statistic="spread", n_seeds=32, low=math.nan, high=math.nan), 32) > 32


def test_a_baseline_has_the_seeds_of_its_largest_comparison():
    """Of two variants one is decided: it stays at sixteen seeds, the other and the baseline go on."""
    three = jobs(16, variants=("without", "x", "y"))
    course = Course(Until(64), three, [row(variant="x", verdict="improves"), row(variant="y")])
    assert [len(job.seeds) for job in course.further] == [32, 16, 32]
    assert (
        Course(Until(64), three, [row(variant="x", verdict="harms"), row(variant="y", verdict="improves")]).further
        is None
    )


def test_what_is_left_is_said_in_seconds():
    """Two jobs of a second a block: 50 seeds settle it, 34 each more, and 64 are the most, six blocks each."""
    said = Course(Until(64), jobs(16), [row()]).said(1.0)
    assert "at 16 seeds 0 of 1 comparisons are decided; 1 goes on to 32" in said
    assert "about 8 s more" in said
    assert "12 s at the most" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((False, None, 100, None), "--max-seeds goes with"),
        ((True, 0.1, None, None), "one of them"),
        ((True, None, None, "30"), "--seeds 30"),
        ((True, None, 1, None), "--max-seeds 1"),
        ((True, None, 10**9, None), "--max-seeds 1000000000"),
        ((False, -1.0, None, None), "--until-precise -1"),
        ((False, math.nan, None, None), "--until-precise nan"),
        ((False, math.inf, None, None), "--until-precise inf"),
    ],
)
def test_what_makes_no_sense_is_refused(words, said):
    """One line says what is wrong and what is allowed."""
    with pytest.raises(UsageError, match=said):
        until_of(*words)


def test_a_command_takes_seeds_where_it_is_open_and_resumes_at_its_look(tiny, tmp_path, here):
    """A variant that trains long enough improves at the first look; the other goes on to the most and stays open: no failure.

    The same command again trains nothing, makes the same looks, and gives the same effects.
    """
    tiny.write_text(
        tiny.read_text().replace("model(2), ", 'model(2), epochs=3, batch_size=8), Variant("long", model, ')
    )
    tiny.write_text(tiny.read_text().replace("epochs=3, batch_size=8)],", "epochs=99, batch_size=8)],"))
    out = tmp_path / "out"
    words = (
        "run",
        tiny,
        "--until-decided",
        "--max-seeds",
        "32",
        "--data",
        "fixed",
        "--serial",
        "--no-report",
        "--out",
        out,
    )
    done = here(*words)
    assert done.returncode == 0, done.stderr
    assert "at 16 seeds 1 of 2 comparisons are decided; 1 goes on to 32" in done.stdout
    assert "at 32 seeds 1 of 2 comparisons are decided; 1 not with 32, the most" in done.stdout
    asked = json.loads((out / "run.json").read_text())
    assert {job["variant"]: job["seeds"] for job in asked["jobs"]} == {"one": 32, "two": 32, "long": 16}
    effects = here("report", "--format", "csv", "--out", out)
    rows = pd.read_csv(io.StringIO(effects.stdout)).query("primary").set_index("variant")
    assert rows["n_seeds"].to_dict() == {"two": 32, "long": 16}
    assert rows["alpha"].to_list() == pytest.approx(
        [0.045 / 2 / 4] * 2
    )  # two looks of .045 together, four comparisons declared
    again = here(*words)
    assert (again.returncode, "nothing to train" in again.stdout) == (0, True)
    assert here("report", "--format", "csv", "--out", out).stdout == effects.stdout
    assert "32" in here("status", "--out", out).stdout
