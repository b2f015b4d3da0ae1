"""The check that pairing by seed buys."""

import numpy as np
import pytest

from orchestrator.reports.statistics.agreement import agreement
from orchestrator.reports.statistics.histories import Curves, Histories
from tests.simulate import LESSONS, store


def curves(rows, rates=None):
    """Curves of seeds 0, 1, ... from lists of val_loss."""
    columns = {"val_loss": np.concatenate(rows)}
    if rates is not None:
        columns["learning_rate"] = np.concatenate(rates)
    return Curves(np.arange(len(rows)), np.array([len(row) for row in rows]), columns)


def test_a_stopped_run_must_equal_its_baseline_up_to_the_stop():
    """Equal until the stop: it holds, and how the baseline goes on does not matter."""
    found = agreement(curves([[0.5, 0.4, 0.9]]), curves([[0.5, 0.4]]))
    assert found.holds
    assert found.until.tolist() == [2]
    assert found.largest == 0.0


def test_a_difference_before_the_stop_is_named():
    """Seed 1 differs in epoch 2: the check fails and says where and by how much."""
    found = agreement(curves([[0.5, 0.4], [0.5, 0.4]]), curves([[0.5, 0.4], [0.5, 0.3]]))
    assert not found.holds
    assert found.differ.tolist() == [0, 2]
    assert found.largest == pytest.approx(0.1)


def test_after_the_learning_rate_drops_runs_may_part():
    """The drop in epoch 3 ends what has to agree: epochs 1 and 2."""
    rates = [[0.01, 0.01, 0.01]], [[0.01, 0.01, 0.001]]
    found = agreement(curves([[0.5, 0.4, 0.3]], rates[0]), curves([[0.5, 0.4, 0.9]], rates[1]))
    assert found.holds
    assert found.until.tolist() == [2]


def test_nan_in_both_is_agreement_and_in_one_is_not():
    """Two runs that diverge together agree; one that diverges alone does not."""
    bad = [0.5, np.nan]
    assert agreement(curves([bad]), curves([bad])).holds
    assert agreement(curves([[0.5, 0.4]]), curves([bad])).differ.tolist() == [2]


def test_nothing_to_compare_does_not_hold():
    """Without a common seed nothing was shown."""
    empty = Curves(np.array([], dtype=int), np.array([], dtype=int), {"val_loss": np.array([])})
    assert not agreement(empty, empty).holds


@pytest.mark.parametrize("lesson", ["learning-rate-schedule", "early-stopping"])
def test_the_simulated_callbacks_act_late(lesson):
    """The simulator's stopped and plateau runs equal their baselines until they act, as real ones must."""
    index = Histories.of(store(5, scale=0.1, lessons={lesson: LESSONS[lesson]}).histories)
    assert agreement(index.arm(lesson, "without", "fixed"), index.arm(lesson, "with", "fixed")).holds
