"""What a technique does to the learning curves, in a sentence an aspect."""

import re

import pytest

from reports.effects import table
from reports.notes import notes
from tests.simulate import LESSONS, duel, endpoint, store


@pytest.fixture(scope="module")
def effects():
    """The effects of a small store in which nothing fails."""
    made = store(12, scale=0.1, flaws={})
    return table(made.runs, made.histories, made.lessons)


def test_every_comparison_has_all_five(effects):
    """Speed, level, wobble, gap and spread, in this order, for all eight comparisons in both scopes."""
    for (lesson, variant, data), _ in effects.groupby(["lesson", "variant", "data"], observed=True):
        assert [n.aspect for n in notes(effects, lesson, variant, data)] == [
            "speed",
            "level",
            "wobble",
            "gap",
            "spread",
        ]


def test_a_note_says_the_verdict_and_the_numbers(effects):
    """The level of early stopping: higher, with both means and the difference as the table has them."""
    row = effects[(effects["lesson"] == "early-stopping") & (effects["data"] == "fixed") & effects["primary"]].iloc[0]
    note = notes(effects, "early-stopping", "with", "fixed")[1]
    means = (f"{100 * row[f'mean_{arm}']:.1f} %" for arm in ("variant", "baseline"))
    assert note.verdict == "improves"
    assert note.text.startswith("Higher: accuracy ends at {} instead of {}: +".format(*means))


def test_speed_is_told_by_medians(effects):
    """Batch normalization is sooner, by the epoch in which half of the runs are there."""
    row = effects[(effects["measure"] == "epochs_to_threshold") & (effects["lesson"] == "batch-normalization")].iloc[0]
    text = notes(effects, "batch-normalization", "with", "fixed")[0].text
    with_, without = (f"by epoch {row[f'median_{arm}']:.0f}" for arm in ("variant", "baseline"))
    assert re.match(rf"\w[\w ]+: half of the runs reach 80 % {with_}, in the baseline {without}", text)


def test_what_never_acted_is_exactly_the_same(effects):
    """The plateau rule acts after the threshold is reached: equal in every pair is said as that, not as untested."""
    assert notes(effects, "learning-rate-schedule", "with", "fixed")[0].text.startswith("Exactly the same: ")


def test_what_could_not_be_tested_is_not_called_equal():
    """Both arms constant and apart: not tested, with both levels told."""
    made = duel([0.8] * 10, [0.9] * 10)
    text = notes(table(made.runs, made.histories, made.lessons), "duel", "with", "fixed")[0].text
    assert text == "Not tested: accuracy ends at 90.0 % instead of 80.0 %."


def test_a_threshold_nobody_reaches_is_said(effects):
    """Thirty rows of training data don't bring early stopping to 80 %."""
    rare = effects[
        (effects["measure"] == "epochs_to_threshold") & (effects["reached_variant"] + effects["reached_baseline"] == 0)
    ]
    for row in rare.to_dict("records"):
        assert "no run reached 80 %" in notes(effects, row["lesson"], row["variant"], row["data"])[0].text


def test_a_model_without_accuracy_has_level_and_spread_only():
    """A regression without histories is told by its own score, in its own units."""
    made = duel([0.30, 0.32, 0.31, 0.33] * 2, [0.30, 0.33, 0.31, 0.20, 0.21, 0.32, 0.33, 0.34], endpoint("fresh_mse", "lower", 0.01))
    found = notes(table(made.runs, made.histories, made.lessons), "duel", "with", "fixed")
    assert [n.aspect for n in found] == ["level", "spread"]
    assert found[0].text.startswith("Not settled: squared error ends at 0.29 instead of 0.32")


def test_nothing_measured_is_not_known():
    """All runs failed: the note says so instead of a number."""
    bad = {(variant, seed): "failed" for variant in ("without", "with") for seed in range(8)}
    made = duel([None] * 8, [None] * 8, status=bad)
    assert (
        notes(table(made.runs, made.histories, made.lessons), "duel", "with", "fixed")[0].text
        == "Not known: no pair of runs has this number; failed in 8 of 8 runs (baseline: 8 of 8)."
    )


def test_an_unknown_comparison_has_no_notes(effects):
    """A lesson that was not run has nothing to say."""
    assert notes(effects, next(iter(LESSONS)), "nobody", "fixed") == []
