"""Equal numbers made equal again."""

import numpy as np

from orchestrator.reports.nouns.lesson import Data
from orchestrator.reports.statistics.ties import merged, rows_of, shares
from orchestrator.reports.verdicts.effects import table
from tests.reference import said_by_r
from tests.simulate import duel, endpoint

WITHOUT = [52, 48, 48, 56, 49, 50, 49, 52]
WITH = [53, 49, 51, 54, 47, 48, 51, 48]


def as_stored(hits, rows=70):
    """Accuracies as a float32 metric leaves them."""
    return (np.array(hits) / rows).astype(np.float32).astype(float)


def test_float32_accuracies_tie():
    """Eight pairs of accuracies of 70 rows: p is R's exact one (coin's, and by enumeration)."""
    made = duel(as_stored(WITHOUT), as_stored(WITH), endpoint("test_accuracy", "higher", 0.02))
    made.lessons[0]["data"] = {"rows_test": 70}
    found = table(made.runs, made.histories, made.lessons)
    assert found[found["primary"]].iloc[0]["p"] == said_by_r("signflip.8")[0] == said_by_r("signflip.8.coin")[0]


def test_accuracies_become_shares_of_their_rows():
    """52 of 70 in float32 are 52 / 70 in float64 again, and NaN stays NaN."""
    assert shares(np.array([*as_stored(WITH), np.nan]), 70)[:-1].tolist() == [k / 70 for k in WITH]
    assert np.isnan(shares(np.array([0.5, np.nan]), 70)[1])


def test_what_is_no_share_of_rows_stays():
    """A mean over batches, or a number of rows that isn't theirs, is not bent to fit."""
    values = np.array([0.7431, 0.7512])
    assert shares(values, 70).tolist() == shares(values, None).tolist() == values.tolist()


def test_rows_behind_a_measure():
    """Accuracies on fresh, test and training rows have theirs, the curve's validation rows are the test rows, losses have none."""
    data = Data(rows_train=30, rows_test=70, rows_fresh=10_000)
    names = ("fresh_accuracy", "test_accuracy", "val_accuracy", "train_binary_accuracy", "test_bce", "wobble")
    assert [rows_of(name, data) for name in names] == [10_000, 70, 70, 30, None, None]


def test_values_closer_than_a_millionth_of_the_range_are_one():
    """0.3 and a hair more are one value in both arrays; a thousandth apart they are two."""
    first, second = merged(np.array([0.0, 0.3, 1.0]), np.array([0.3 + 1e-8, 0.301, np.nan]))
    assert first[1] == second[0] != second[1]
    assert np.isnan(second[2])
    assert merged(np.array([0.25]))[0].tolist() == [0.25]
