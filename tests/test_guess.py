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
    variance, distance = np.var([0, 0.5, 1.25, 10]), (0.875 + 0.375 + 0.375 + 9.125) / 4
    assert found["test_mse"] == found["test_mean_squared_error"] == pytest.approx(variance)
    assert found["test_mae"] == found["test_mean_absolute_error"] == pytest.approx(distance)
    assert found["test_root_mean_squared_error"] == pytest.approx(variance**0.5)
    assert "test_accuracy" not in found


def test_labels_of_which_a_row_may_have_several_are_guessed_one_by_one():
    """A label in one of four rows and one in half of them: 75 % and 50 % right, and the mean of their entropies."""
    y = np.array([[1, 1], [0, 1], [0, 0], [0, 0]])
    found = guesses({"test": y})
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert (found["test_accuracy"], found["test_bce"]) == pytest.approx((0.625, (entropy + math.log(2)) / 2))


def test_labels_along_a_sequence_have_no_guess():
    """Whether padding counts is the model's affair: words and tags of one length, or a series and a label a step."""
    y = np.array([[1, 0, 0], [0, 1, 0]])
    for x in (np.array([[4, 2, 0], [1, 5, 0]]), np.zeros((2, 3, 7))):
        assert not {"test_accuracy", "test_bce"} & set(guesses({"test": y}, x))
    assert "test_accuracy" in guesses({"test": y}, np.zeros((2, 3)))  # three labels of three numbers


def test_outputs_by_name_have_a_guess_each():
    """A score of an output has the output's name before it, as in Keras; outputs in order, and parts without rows, have no guess."""
    assert guesses({"test": {"c": np.array([1, 1, 0]), "n": np.zeros(3)}})["test_c_accuracy"] == pytest.approx(2 / 3)
    assert guesses({"test": [np.zeros(3)], "fresh": np.zeros(0)}) == {}
