"""Endpoints: one number a run."""

import numpy as np
import pandas as pd
import pytest

from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.reports.nouns.lesson import Lesson, Variant
from orchestrator.reports.statistics.endpoints import declared, scores, wobble
from orchestrator.reports.statistics.histories import Curves
from orchestrator.reports.statistics.survival import logrank
from tests.reference import said_by_r

ACCURACY = Endpoint("fresh_accuracy")


def curves(*rows):
    """Curves of seeds 0, 1, ... from lists of validation accuracy."""
    return Curves(
        np.arange(len(rows)),
        np.array([len(r) for r in rows]),
        {"val_accuracy": np.concatenate(rows).astype(np.float32)},
    )


def runs(n, **columns):
    """Rows of n runs with these scores."""
    return pd.DataFrame({"seed": np.arange(n), **columns})


def test_wobble_is_the_mean_change_of_the_last_half():
    """Of four epochs the last two changes count: |0.8 - 0.6| and |0.7 - 0.8|, halved."""
    assert wobble(np.array([[0.1, 0.6, 0.8, 0.7]]), 4) == pytest.approx([0.15])


def test_a_stopped_model_stands_still():
    """Stopped after epoch 3 of 4: the change it will not make counts as none."""
    assert wobble(np.array([[0.1, 0.6, 0.8, np.nan]]), 4) == pytest.approx([0.1])
    assert wobble(np.array([[0.1, 0.6]]), 8) == pytest.approx([0.0])


def test_no_accuracy_no_wobble():
    """A run without validation accuracy has no wobble rather than none at all."""
    assert np.isnan(wobble(np.full((1, 4), np.nan), 4)).all()
    assert np.isnan(wobble(np.empty((1, 0)), 4)).all()


def test_a_threshold_is_reached_in_the_first_epoch_at_or_above_it():
    """0.7 as float32 is a hair below 0.7, and reaches it all the same; 0.6999 does not."""
    found = scores(
        Endpoint("epochs_to_threshold", threshold=0.7), runs(3), curves([0.5, 0.7, 0.6], [0.6999] * 3, [0.8]), 3
    )
    assert found.values.tolist() == [2.0, 3.0, 1.0]
    assert found.reached.tolist() == [True, False, True]


def test_a_run_that_stopped_is_at_risk_to_the_epochs_asked():
    """It can't get there any more: in a mean it counts as all epochs asked for, and for survival it is watched as long."""
    found = scores(Endpoint("epochs_to_threshold", threshold=0.8), runs(1), curves([0.5, 0.5]), 10)
    assert (found.values[0], found.reached[0]) == (10, False)


def test_stopping_is_no_way_to_win_the_race():
    """Three of ten runs stop early without getting there: R's log-rank p is that of runs at risk to epoch 100, not to the stop."""
    goal = Endpoint("epochs_to_threshold", threshold=0.8)

    def arm(ends, there):
        made = curves(*([0.5] * (int(end) - 1) + [0.9 if got else 0.5] for end, got in zip(ends, there, strict=True)))
        found = scores(goal, runs(10), made, 100)
        return found.values, found.reached

    without = arm([20, 25, 30, 40, 50, 60, 70, 80, 100, 100], [1] * 8 + [0] * 2)
    with_ = arm([18, 22, 24, 28, 30, 35, 40, 12, 14, 15], [1] * 7 + [0] * 3)
    assert logrank(without, with_) == pytest.approx(said_by_r("logrank.at.risk")[0])
    assert said_by_r("logrank.censored.at.stop")[0] < 0.01


def test_a_failed_run_has_no_number():
    """Seed 1 left no history and a null score: NaN, in its place."""
    only = curves([0.9, 0.9])
    assert np.isnan(scores(Endpoint("wobble"), runs(2), only, 2).values).tolist() == [False, True]
    reach = scores(Endpoint("epochs_to_threshold", threshold=0.8), runs(2), only, 2)
    assert np.isnan(reach.values).tolist() == [False, True]
    assert reach.reached.tolist() == [True, False]
    assert np.isnan(scores(ACCURACY, runs(2, fresh_accuracy=[0.8, None]), only, 2).values).tolist() == [False, True]


def test_a_column_nobody_has_is_nan():
    """A score that these runs were not given is unknown in all of them."""
    assert np.isnan(scores(Endpoint("fresh_mse"), runs(2), curves([0.1]), 1).values).all()


def test_the_gap_is_training_minus_fresh():
    """A model with everything learnt by heart and 0.76 on fresh points has a gap of 0.24."""
    found = scores(Endpoint("gap"), runs(1, train_accuracy=[1.0], fresh_accuracy=[0.76]), curves([0.1]), 1)
    assert found.values == pytest.approx([0.24])


def test_the_primary_endpoint_is_declared_first_and_nothing_twice():
    """What the lesson declares keeps its order and its values, after its guard; the usual five fill in what is missing."""
    lesson = Lesson(
        "a",
        "A",
        Endpoint("wobble", "lower", 0.5),
        (Variant("b"),),
        secondary=(Endpoint("test_accuracy", "higher", 0.02),),
    )
    found = declared(lesson, {"fresh_accuracy", "test_accuracy", "train_accuracy", "val_accuracy"})
    assert [(e.endpoint.measure, e.endpoint.statistic) for e in found] == [
        ("wobble", "mean"), ("fresh_accuracy", "mean"), ("test_accuracy", "mean"), ("fresh_accuracy", "spread"),
        ("gap", "mean"), ("epochs_to_threshold", "mean"),
    ]  # fmt: skip
    assert [e.primary for e in found] == [True, False, False, False, False, False]
    assert [e.guards for e in found] == [False, True, False, False, False, False]
    assert found[0].endpoint.sesoi == 0.5


def test_a_model_without_accuracy_is_asked_about_its_own_score():
    """A user's regression is looked at by its own primary measure, mean and spread; nothing is made up."""
    lesson = Lesson("a", "A", Endpoint("fresh_mse", "lower", 0.1), (Variant("b"),))
    found = declared(lesson, {"fresh_mse", "val_loss"})
    assert [(e.endpoint.measure, e.endpoint.statistic) for e in found] == [
        ("fresh_mse", "mean"),
        ("fresh_mse", "spread"),
    ]
