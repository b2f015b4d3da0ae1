"""From a file to a lesson's data."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from orchestrator import LessonError, table

FRAME = pd.DataFrame({"a": np.arange(20), "b": np.arange(20) % 2 == 0, "kind": ["x", "y", "z", "y"] * 5})


@pytest.fixture(params=["csv", "parquet", "frame"])
def source(request, tmp_path):
    """The same table in a file, and in memory."""
    if request.param == "frame":
        return FRAME
    path = tmp_path / f"t.{request.param}"
    FRAME.to_csv(path, index=False) if request.param == "csv" else FRAME.to_parquet(path)
    return path


def test_rows_are_kept_apart_and_words_are_classes(source):
    """A quarter is validated on, no row is in both parts, and each keeps its target: 0, 1, 2 for x, y, z."""
    split = table(source, target="kind").draw("fixed", 0)
    assert (len(split.x_train), len(split.x_test)) == (15, 5)
    numbers = np.concatenate([split.x_train, split.x_test])[:, 0].astype(int)
    assert sorted(numbers) == list(range(20))
    classes = np.concatenate([split.y_train, split.y_test])[:, 0]
    assert [*classes] == [{"x": 0, "y": 1, "z": 2}[FRAME.kind[i]] for i in numbers]


def test_each_seed_splits_anew_and_the_statistics_are_told():
    """Draws have rows in common, so they are marked as splits of one file; the same seed is the same split."""
    data = table(load_iris)
    one, again, other = (data.draw("redrawn", seed).x_test for seed in (0, 0, 1))
    assert data.is_resplit()
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_it_travels_by_value(tmp_path):
    """A lesson from a script or a cell takes its table along, by the path of its file."""
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    data = pickle.loads(pickle.dumps(table(tmp_path / "t.csv", "kind")))
    assert len(data.fixed().x_train) == 15


def test_a_number_is_predicted_as_one():
    """A target of decimals stays what it is."""
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "y": [0.5, 1.5, 2.5, 3.5]})
    split = table(frame, "y").fixed()
    assert split.y_train.dtype == np.float32
    assert np.array_equal(split.y_train, split.x_train - 0.5)


@pytest.mark.parametrize(
    ("frame", "target", "says"),
    [
        (FRAME, "c", "'c'.*a, b, kind"),
        (FRAME, "a", "kind hold no numbers"),
        (FRAME.assign(a=[np.nan] * 3 + [1] * 17), "kind", "'a' has 3 values missing"),
        (FRAME[:1], "kind", "at least two"),
        ("data.xlsx", "kind", "no table"),
        ("nowhere.csv", "kind", "can't be read"),
    ],
)
def test_what_would_mislead_is_refused(frame, target, says):
    """Unknown columns, words, missing values and other files: one line that says what is wrong."""
    with pytest.raises(LessonError, match=says):
        table(frame, target).fixed()
