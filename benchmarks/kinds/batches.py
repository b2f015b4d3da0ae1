"""Rows that come in batches."""

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


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return -(-len(self.x) // 32)

    def __getitem__(self, i):
        return self.x[32 * i : 32 * i + 32], self.y[32 * i : 32 * i + 32]


def generator(x, y):
    for i in range(0, len(x), 32):
        yield x[i : i + 32], y[i : i + 32]


def dataset(x, y):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(500).batch(32)


def weighted(x, y):
    return ((*batch, np.linspace(0.5, 2, len(batch[0]))) for batch in generator(x, y))


def given(make, test=None):
    s = rows.binary()
    return lambda: (make(s.x_train, s.y_train), (test or make)(s.x_test, s.y_test))


LESSON = Lesson(
    title="Batches",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        Variant("a PyDataset", net, epochs=3, data=Data(fixed=given(Batches))),
        Variant("a generator, and arrays", net, epochs=3, data=Data(fixed=given(generator, lambda x, y: (x, y)))),
        Variant("a tf.data that shuffles", net, epochs=3, data=Data(fixed=given(dataset, lambda x, y: (x, y)))),
        Variant("batches with weights", net, epochs=3, data=Data(fixed=given(weighted, lambda x, y: (x, y)))),
    ],
    endpoint=Endpoint("test_accuracy"),
)
