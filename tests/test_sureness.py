"""How sure: what a sentence has no room for."""

from dataclasses import replace

import numpy as np
import pytest

from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.sureness import correlations, how_sure
from tests.simulate import LESSONS, store


@pytest.fixture(scope="module")
def results():
    """Early stopping, thirty seeds."""
    return store(30, scale=0.05, lessons={"early-stopping": LESSONS["early-stopping"]}, flaws={}).results


def test_a_single_run_on_a_new_data_set_is_foretold_by_order_statistics(results):
    """Between the lowest and the highest of thirty differences lies the next one in 29 of 31 cases."""
    (redrawn,) = (text for text in how_sure(results, results.lessons[0], "with") if text.startswith("On redrawn"))
    first, second = results.comparisons[1].pairs
    least, most = -100 * np.max(second - first), -100 * np.min(second - first)
    assert f"one run on one new data set, 94 % of the time: {least:.1f} to {most:.1f} points less accuracy" in redrawn
    assert "it was better on" in redrawn


def test_correlations_are_said_from_the_numbers(results):
    """Scope by scope, as the effects table has them."""
    rows = {row.data: row.correlation for row in results.deciding}
    expected = f"on this data set {rows['fixed']:.2f}; on redrawn data {rows['redrawn']:.2f}"
    assert correlations(results) == expected.replace("-", "\N{MINUS SIGN}")


def test_runs_that_stopped_at_once_are_told_apart():
    """Nine of thirty runs stop at once and lose ten points: one line says so, called exploratory."""
    made = store(30, scale=0.05, lessons={"early-stopping": LESSONS["early-stopping"]}, flaws={})
    early = (made.histories["variant"] == "with") & (made.histories["seed"] < 9) & (made.histories["epoch"] > 5)
    lost = (made.runs["variant"] == "with") & (made.runs["seed"] < 9)
    runs = made.runs.assign(fresh_accuracy=made.runs["fresh_accuracy"] - 0.1 * lost)
    found = Results.of(runs, made.histories[~early], made.lessons, {})
    said = how_sure(found, found.lessons[0], "with")
    assert all("9 runs stopped in the first 5 epochs: " in text and "(exploratory)" in text for text in said)


def test_what_cannot_be_known_is_said(results):
    """Without fresh points and without redrawn data nothing is known of other rows."""
    lesson = results.lessons[0]
    assert not any("can't be known" in text for text in how_sure(results, lesson, "with"))
    lesson = replace(lesson, data=replace(lesson.data, redrawn=False, rows_fresh=None))
    assert any("neither fresh points nor redrawn data" in text for text in how_sure(results, lesson, "with"))


def test_looks_are_listed_with_their_dates():
    """A second look is dated beside the first, and an endpoint that was declared in between is told."""
    made = store(8, scale=0.05, lessons={"noise": LESSONS["noise"]}, flaws={})
    lesson = dict(made.lessons[0])
    look = {"variant": "with", "data": "fixed", "endpoint": dict(lesson["endpoint"], sesoi=0.05)}
    lesson["looks"] = [
        look | {"date": "2026-01-02", "seeds": [*range(30)]},
        look | {"date": "2026-01-05", "seeds": [*range(8)], "endpoint": lesson["endpoint"]},
    ]
    lesson["forms"] = {"with": 7}
    found = Results.of(made.runs, made.histories, [lesson], {})
    said = how_sure(found, found.lessons[0], "with")
    assert "this is the second look" in said[0]
    assert "On this data set: endpoint changed after 30 seeds were seen." in said
    assert "On this data set looked at 2 times: 2026-01-02 (30 seeds), 2026-01-05 (8 seeds)." in said
    assert "This is the seventh form of this comparison in this store." in said
