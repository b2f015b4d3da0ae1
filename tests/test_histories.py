"""Histories as matrices."""

import numpy as np
import pandas as pd
import pytest

from orchestrator.reports.statistics.histories import Histories, paired


def frame(rows, lesson="l", variant="v", data="fixed"):
    """Rows of (seed, epoch, loss)."""
    table = pd.DataFrame(rows, columns=["seed", "epoch", "loss"])
    return table.assign(lesson=lesson, variant=variant, data=data).astype(
        dict.fromkeys(["lesson", "variant", "data"], "category")
    )


RAGGED = [(3, 1, 0.5), (3, 2, 0.4), (3, 3, 0.3), (7, 1, 0.6), (7, 2, 0.2)]


def test_a_stopped_seed_is_nan_after_its_stop_and_carried_on_request():
    """A shorter run has NaN where it did not train; carried forward, its last value stands."""
    curves = Histories.of(frame(RAGGED)).arm("l", "v", "fixed")
    assert curves.seeds.tolist() == [3, 7]
    assert curves.stops.tolist() == [3, 2]
    assert curves.matrix("loss") == pytest.approx(np.array([[0.5, 0.4, 0.3], [0.6, 0.2, np.nan]]), nan_ok=True)
    assert curves.carried("loss", 4) == pytest.approx(np.array([[0.5, 0.4, 0.3, 0.3], [0.6, 0.2, 0.2, 0.2]]))


def test_training_counts_the_runs_not_yet_stopped():
    """In epoch 3 one of two runs still trains, in epoch 4 none."""
    assert Histories.of(frame(RAGGED)).arm("l", "v", "fixed").training(4).tolist() == [2, 2, 1, 0]


def test_the_order_of_rows_does_not_matter():
    """A shuffled table gives the same matrices as the sorted one."""
    shuffled = frame(RAGGED).sample(frac=1, random_state=1)
    assert Histories.of(shuffled).arm("l", "v", "fixed").matrix("loss") == pytest.approx(
        Histories.of(frame(RAGGED)).arm("l", "v", "fixed").matrix("loss"), nan_ok=True
    )


def test_an_epoch_twice_is_refused():
    """A run can't have trained an epoch twice; silently keeping one of them would be a guess."""
    with pytest.raises(ValueError, match="same epoch twice"):
        Histories.of(frame([*RAGGED, (7, 2, 0.9)])).arm("l", "v", "fixed")


def test_an_arm_that_was_never_trained_is_empty():
    """Asking for it gives no seeds, and matrices without rows, whatever the epochs."""
    curves = Histories.of(frame(RAGGED)).arm("l", "other", "fixed")
    assert curves.matrix("loss").shape == (0, 0)
    assert curves.carried("loss", 5).shape == (0, 5)
    assert Histories.of(frame([])).arm("l", "v", "fixed").seeds.tolist() == []


def test_an_unknown_metric_is_all_nan():
    """A metric nobody recorded is unknown everywhere."""
    assert np.isnan(Histories.of(frame(RAGGED)).arm("l", "v", "fixed").matrix("auc")).all()


def test_arms_lie_side_by_side():
    """Each arm gets its own rows of the long table."""
    both = pd.concat([frame(RAGGED), frame([(3, 1, 0.9)], variant="w")], ignore_index=True)
    assert Histories.of(both).arm("l", "w", "fixed").matrix("loss").tolist() == [[0.9]]
    assert Histories.of(both).arm("l", "v", "fixed").seeds.tolist() == [3, 7]


def test_pairs_are_the_seeds_both_arms_have():
    """A seed without its other half is no pair; stopped runs are carried forward at the epochs picked."""
    both = pd.concat([frame(RAGGED), frame([(7, 1, 0.9), (8, 1, 0.1)], variant="w")], ignore_index=True)
    index = Histories.of(both)
    seeds, first, second = paired(index.arm("l", "v", "fixed"), index.arm("l", "w", "fixed"), "loss", np.array([1, 3]))
    assert seeds.tolist() == [7]
    assert first.tolist() == [[0.6, 0.2]]
    assert second.tolist() == [[0.9, 0.9]]


def test_histories_of_some_seeds_are_theirs_alone():
    """What is asked of some seeds knows no others, and a seed that has none is left out."""
    curves = Histories.of(frame(RAGGED)).only([7, 9]).arm("l", "v", "fixed")
    assert curves.seeds.tolist() == [7]
    assert curves.matrix("loss").tolist() == [[0.6, 0.2]]
