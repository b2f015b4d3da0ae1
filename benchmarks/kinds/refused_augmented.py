"""Batches that differ from pass to pass."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def net(*parts, **settings):
    m = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, activation="relu"), *parts, layers.Dense(1, activation="sigmoid")]
    )
    m.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"], **settings})
    return m


class Noisy(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y, self.rng = x, y, np.random.default_rng(0)

    def __len__(self):
        return 3

    def __getitem__(self, i):
        x = self.x[32 * i : 32 * i + 32]
        return x + self.rng.normal(0, 0.1, x.shape), self.y[32 * i : 32 * i + 32]


def data():
    s = rows.binary()
    return Noisy(s.x_train, s.y_train), (s.x_test, s.y_test)


LESSON = Lesson(
    title="Augmented batches",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("a", net, epochs=2)],
    endpoint=Endpoint("test_accuracy"),
)
