"""Rows that come in batches are read once, or refused where that would change what `fit` sees."""

import numpy as np
import pytest

from orchestrator import Data, LessonError, engine

engine.load()  # before anything else imports Keras

import keras

X = np.arange(20, dtype="float32").reshape(10, 2)
Y = np.arange(10)
TEST = (X[:4], Y[:4])


class Batches(keras.utils.PyDataset):
    """Batches of four rows; `change` is done to the order of rows after each pass."""

    def __init__(self, change=None, noise=0.0):
        super().__init__()
        self.order, self.change, self.rng, self.noise = np.arange(10), change, np.random.default_rng(0), noise

    def __len__(self):
        return 3

    def __getitem__(self, i):
        rows = self.order[4 * i : 4 * i + 4]
        return X[rows] + self.noise * self.rng.normal(), Y[rows]

    def on_epoch_end(self):
        if self.change:
            self.change(self)


def shuffle(batches):
    """A new order."""
    batches.order = batches.rng.permutation(10)


def read(given):
    """The training rows of a lesson whose data function gives this."""
    return Data(fixed=lambda: (given() if callable(given) else given, TEST)).draw("fixed", 0)


def test_batches_are_taken_apart():
    """A PyDataset and a generator give the rows that their batches hold, in their order."""
    for given in (Batches(), ((X[i : i + 3], Y[i : i + 3]) for i in range(0, 10, 3))):
        split = read(given)
        assert np.array_equal(split.x_train, X)
        assert np.array_equal(split.y_train, Y)


def test_batches_may_hold_weights_and_several_inputs():
    """(x, y, weights), x a dict: each part is joined on its own."""
    split = read(({"a": X[i : i + 5], "b": [Y[i : i + 5]]}, Y[i : i + 5], Y[i : i + 5] + 1.0) for i in (0, 5))
    assert np.array_equal(split.x_train["a"], X)
    assert np.array_equal(split.x_train["b"][0], Y)
    assert np.array_equal(split.w_train, Y + 1)


def test_a_shuffle_of_their_own_leaves_an_order_that_depends_on_the_rows_alone():
    """Two data sets that shuffle, with other orders of the same rows, are one."""
    one, other = Batches(shuffle), Batches(shuffle)
    other.order = np.arange(10)[::-1].copy()
    first, second = read(one), read(other)
    assert np.array_equal(first.x_train, second.x_train)
    assert np.array_equal(first.x_train[:, 0] / 2, first.y_train)  # rows are kept whole
    assert sorted(first.y_train) == list(range(10))


def test_tf_data_is_read_and_its_end_is_asked_for():
    """A finite set is read, also one that shuffles; one without an end, and one without batches, are refused."""
    tf = pytest.importorskip("tensorflow")
    rows = tf.data.Dataset.from_tensor_slices((X, Y))
    assert np.array_equal(read(rows.batch(4)).x_train, X)
    assert sorted(read(rows.shuffle(10).batch(4)).y_train) == list(range(10))
    with pytest.raises(LessonError, match="has no end"):
        read(rows.batch(4).repeat())
    with pytest.raises(LessonError, match=r"batch\(32\) missing"):
        read(rows)
    drawn = np.random.default_rng(0)  # TensorFlow's own would begin anew at each pass, once anybody has seeded it
    noise = lambda: tf.numpy_function(lambda: np.float32(drawn.normal()), [], tf.float32)  # noqa: E731
    augmented = rows.batch(4).map(lambda x, y: (x + noise(), y))
    with pytest.raises(LessonError, match="other rows at its second pass"):
        read(augmented)


def test_what_differs_from_pass_to_pass_is_refused():
    """Rows augmented anew at each pass would be frozen."""
    with pytest.raises(LessonError, match="other rows at its second pass"):
        read(Batches(noise=0.1))


def test_an_endless_generator_is_refused_at_the_limit(monkeypatch):
    """What can't be known to end is read up to a limit."""
    monkeypatch.setattr("orchestrator.batches.MOST", 1000)
    with pytest.raises(LessonError, match="more than a gigabyte, or has no end"):
        read(iter(lambda: (X, Y), None))


@pytest.mark.parametrize("batch", [X, (X,), (X, Y[:3]), (X, np.float32(1))])
def test_batches_of_another_form_are_refused(batch):
    """A batch is (x, y) or (x, y, weights) with as many rows in each."""
    with pytest.raises(LessonError):
        read(iter([batch]))
