"""Tests of `orchestrator/lesson.py`: a lesson that exists is a lesson that can run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from orchestrator import Data, Endpoint, Lesson, Split, Variant
from orchestrator.errors import LessonError
from orchestrator.lesson import count, have_same_targets
from orchestrator.lessons.description import description
from orchestrator.nouns.measures import Traits

X, Y = np.zeros((4, 2), "float32"), np.zeros((4, 1), "float32")


def lesson(**changes):
    """A right lesson, but for the changes."""
    parts = {
        "title": "t",
        "about": "A question?",
        "data": Data(fixed=lambda: Split(X, Y, X, Y)),
        "variants": [Variant("a", len, epochs=1)],
    }
    return Lesson(**{**parts, **changes})


def test_question_is_the_first_paragraph_and_explanation_the_rest():
    """The docstring's first paragraph, on one line, is the question; the others explain."""
    made = lesson(about="Does it\nhelp?\n\nPerhaps.\n\nWho\nknows.")
    assert (made.question, made.explanation) == ("Does it help?", "Perhaps.\n\nWho knows.")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"about": None}, "question"),
        ({"about": "  "}, "question"),
        ({"variants": []}, "one variant"),
        ({"variants": ["a"]}, "Variant"),
        ({"variants": [Variant("a", len, epochs=1), Variant("a", len, epochs=2)]}, "'a'"),
        ({"data": 5}, "Data"),
        ({"guard": "fresh_accuracy"}, "guard"),
    ],
)
def test_a_lesson_that_breaks_a_rule_cannot_be_made(changes, part):
    """Each rule of a lesson raises a LessonError that names what is wrong."""
    with pytest.raises(LessonError, match=part):
        lesson(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"epochs": 1.5},
        {"epochs": True},
        {"batch_size": -1},
        {"name": ""},
        {"model": 3},
        {"fit": {"verbose": 1}},
    ],
)
def test_a_variant_that_breaks_a_rule_cannot_be_made(changes):
    """Epochs and batch size are whole numbers above 0, the name a word, the model a function; `fit` sets nothing of ours."""
    with pytest.raises(LessonError):
        Variant(**{"name": "a", "model": len, "epochs": 1, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"better": "bigger"},
        {"sesoi": 0},
        {"sesoi": float("nan")},
        {"statistic": "median"},
        {"threshold": 0.8},
        {"measure": "epochs_to_threshold"},
        {"measure": "stuck", "better": "lower"},
        {"statistic": "rate", "better": "lower"},
        {"measure": "bad", "statistic": "rate", "better": "higher"},
        {"measure": "bad", "statistic": "rate", "better": "lower", "sesoi": 10},
    ],
)
def test_a_lesson_whose_endpoint_breaks_a_rule_cannot_be_made(changes):
    """Direction, statistic, smallest effect and threshold are checked; a rate is one of bad, diverged or stuck runs."""
    with pytest.raises(LessonError):
        lesson(endpoint=Endpoint(**changes))


def test_a_guard_is_described():
    """What a lesson declares as its guard reaches the report; without one there is none, and the report takes the usual."""
    known = {"a": (None, None)}
    declared = lesson(guard=Endpoint("test_accuracy", sesoi=0.02))
    assert description(declared, {}, known)["guard"]["measure"] == "test_accuracy"
    assert description(lesson(), {}, known)["guard"] is None
    assert Endpoint("stuck", statistic="rate", better="lower", sesoi=0.1).statistic == "rate"


def test_a_rate_is_no_score_and_may_decide_all_the_same():
    """Runs are not scored by being bad; a lesson may be decided by it whatever they are scored by."""
    traits = Traits(("accuracy",), "x", ())
    rate = Endpoint("bad", statistic="rate", better="lower", sesoi=0.1)
    assert description(lesson(endpoint=rate), {}, {"a": (None, traits)})["endpoint"]["measure"] == "bad"


def test_what_a_loss_must_change_by_is_known_of_cross_entropy_only():
    """Two hundredths of a cross-entropy are one of the usual endpoints; of a mean squared error they may be all or nothing."""
    for measures, expected in ((("accuracy", "bce"), ["fresh_bce"]), (("mae", "loss"), [])):
        traits = Traits(measures, "x", ())
        data = Data(fixed=lambda: None, fresh=lambda: None)
        found = description(lesson(data=data, endpoint=Endpoint(f"fresh_{measures[0]}")), {}, {"a": (None, traits)})
        assert [e["measure"] for e in found["secondary"] if "bce" in e["measure"] or "loss" in e["measure"]] == expected
        assert found["metrics"] == tuple(f"fresh_{name}" for name in measures)


def test_data_must_be_finite_and_of_equal_length():
    """NaN, infinity, unequal lengths, no rows, text and lists are refused, and the message says which array."""
    bad = X.copy()
    bad[1, 1] = np.nan
    for arguments, part in [
        ((bad, Y, X, Y), "x_train holds 1"),
        ((X, Y, X, Y[:2]), "4 rows and y_test has 2"),
        ((X[:0], Y[:0], X, Y), "no rows"),
        ((X, Y, np.array([["a"]] * 4), Y), "x_test holds"),
        ((X.tolist(), Y, X, Y), "x_train must be a NumPy array"),
    ]:
        with pytest.raises(LessonError, match=part):
            Split(*arguments)


def test_frames_and_nested_rows_become_what_fit_would_feed():
    """A frame becomes a matrix, a series a column, wherever they stand; Keras's own pairs of pairs are a split."""
    frame = pd.DataFrame({"a": [1.5, 2.0], "b": [True, False]})
    made = Split({"f": frame, "x": X[:2]}, frame["a"], {"f": frame, "x": X[:2]}, frame["a"])
    assert made.x_train["f"].tolist() == [[1.5, 1.0], [2.0, 0.0]]
    assert made.y_train.shape == (2, 1)
    assert count(made.x_train) == 2
    drawn = Data(fixed=lambda: ((X, Y), (X[:2], Y[:2]))).draw("fixed", 0)
    assert (count(drawn.x_train), count(drawn.x_test)) == (4, 2)
    with pytest.raises(LessonError, match="must give Split"):
        Data(fixed=lambda: X).draw("fixed", 0)
    with pytest.raises(LessonError, match="validation_split"):
        Variant("a", len, epochs=1, fit={"validation_split": 0.2})


def test_set_arguments_replace_a_variants_own():
    """`with_fit` changes epochs and batch size themselves and hands the rest to `fit`."""
    made = lesson().with_fit({"epochs": 7, "shuffle": False}).variants[0]
    assert (made.epochs, made.batch_size, dict(made.fit)) == (7, 32, {"shuffle": False})


def drawn_by(rows, sizes=(60, 40)):
    """Data that `rows(rng, n)` draws for each seed."""

    def draw(seed):
        x = rows(np.random.default_rng(seed), sum(sizes))
        return Split(x[: sizes[0]], x[: sizes[0], 0], x[sizes[0] :], x[sizes[0] :, 0])

    return Data(fixed=lambda: draw(0), redrawn=draw)


FILE = np.random.default_rng(9).normal(size=(200, 3))


@pytest.mark.parametrize(
    ("rows", "resplit"),
    [
        (lambda rng, n: rng.normal(size=(n, 3)), False),
        (lambda rng, n: rng.integers(0, 3, size=(n, 3)), False),
        (lambda rng, n: rng.permutation(FILE[:n]), True),
        (lambda rng, n: rng.permutation(FILE)[:n], True),
        (lambda rng, n: rng.permutation(FILE)[:n] + rng.normal(0, 0.1, (n, 3)), False),
    ],
)
def test_a_file_that_is_split_anew_is_found_out(rows, resplit):
    """Draws of one file share rows, all or half of them; those of a process don't, unless by chance as within a draw. Rows that are changed hide it."""
    assert drawn_by(rows).is_resplit() == resplit


def test_a_re_split_may_be_declared():
    """What can't be found out is said; data that isn't redrawn is not split anew."""
    data = drawn_by(lambda rng, n: rng.normal(size=(n, 3)))
    assert replace(data, resplit=True).is_resplit()
    assert not Data(fixed=lambda: data.draw("fixed", 0)).is_resplit()


def test_a_lesson_without_a_process_has_only_its_own_data_set():
    """Without `redrawn` the only scope is `fixed`, and asking for another draw is an error."""
    assert lesson().data.scopes == ("fixed",)
    with pytest.raises(LessonError, match="redrawn"):
        lesson().data.draw("redrawn", 1)


W = np.array([1.0, 2, 0, 1])


def test_weights_have_a_place_in_a_split():
    """Weights of the rows to train on, to validate on, or both; as many as rows, and numbers. A series has no column."""
    split = Split(X, Y, X, Y, pd.Series(W))
    assert split.weighted
    assert split.w_train.shape == (4,)
    assert split.w_test is None
    assert Data(fixed=lambda: ((X, Y), (X, Y, W))).draw("fixed", 0).w_test is W
    for wrong in (W[:3], np.array([1, 2, np.nan, 1]), np.array(["a"] * 4)):
        with pytest.raises(LessonError, match="w_test"):
            Split(X, Y, X, Y, None, wrong)


def test_values_that_are_masked_or_complex_are_refused():
    """A masked array's hidden values would be trained on."""
    for wrong in (np.ma.masked_equal([[1.0], [2]], 2), np.array([[1j], [2]])):
        with pytest.raises(LessonError, match="x_train"):
            Split(wrong, Y[:2], X, Y)


def test_a_variant_may_bring_its_rows_and_not_its_targets():
    """Scaled or fewer rows to train on have the same targets to validate on; other targets are no pair."""
    given = Data(fixed=lambda: Split(X, Y, X, Y))
    fewer = Data(fixed=lambda: Split(X[:2], Y[:2], X * 2, Y))
    other = Data(fixed=lambda: Split(X, Y, X, Y + 1))
    flat = Data(fixed=lambda: Split(X, Y[:, 0], X, Y[:, 0]))
    weighted = Data(fixed=lambda: Split(X, Y, X, Y, None, W))
    made = lesson(variants=[Variant("a", len, epochs=1), Variant("b", len, epochs=1, data=fewer)])
    assert [made.data_of(variant) is fewer for variant in made.variants] == [False, True]
    assert have_same_targets(given, fewer, "fixed", (0,))
    assert have_same_targets(given, flat, "fixed", (0,))
    assert not have_same_targets(given, other, "fixed", (0,))
    assert not have_same_targets(given, weighted, "fixed", (0,))


def test_a_variants_data_have_what_the_lessons_have():
    """A process, and fresh points, are all variants' or none's."""
    drawn = Data(fixed=lambda: Split(X, Y, X, Y), redrawn=lambda seed: Split(X, Y, X, Y))
    with pytest.raises(LessonError, match="'redrawn'"):
        lesson(variants=[Variant("a", len, epochs=1, data=drawn)])
