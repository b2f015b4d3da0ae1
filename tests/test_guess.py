"""What a model that learned nothing scores."""

import math

import numpy as np
import pytest

from orchestrator.lessons.guess import guesses


def test_labels_are_guessed_by_their_majority():
    """Seven of ten are ones: 70 %, and the entropy of 0.7 and 0.3 for cross-entropy, whatever the labels' shape and type."""
    y = np.array([1] * 7 + [0] * 3)
    entropy = -(0.7 * math.log(0.7) + 0.3 * math.log(0.3))
    for labels in (y, y[:, None].astype("float32"), y.astype(bool)):
        found = guesses({"test": labels})
        assert (found["test_accuracy"], found["test_bce"]) == pytest.approx((0.7, entropy))


def test_one_hot_classes_are_guessed_likewise():
    """Four classes, the most frequent one in half of the rows."""
    y = np.eye(4)[[0, 1, 1, 2, 1, 3, 1, 0]]
    assert guesses({"fresh": y})["fresh_accuracy"] == 0.5


def test_numbers_are_guessed_by_mean_and_median():
    """A regression has no accuracy; its squared error is the variance, its absolute error the distance to the median."""
    found = guesses({"test": np.array([0.0, 0.5, 1.25, 10.0])})
    assert found == pytest.approx(
        {"test_mse": np.var([0, 0.5, 1.25, 10]), "test_mae": (0.875 + 0.375 + 0.375 + 9.125) / 4}
    )


def test_of_several_outputs_nothing_is_guessed():
    """Targets by name, and parts without rows, have no guess."""
    assert guesses({"test": {"a": np.zeros(3)}, "fresh": np.zeros(0)}) == {}
