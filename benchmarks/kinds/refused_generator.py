"""A generator for data."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def net(*parts, **settings):
    m = keras.Sequential([keras.Input((6,)), *parts, layers.Dense(1, activation="sigmoid")])
    m.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"], **settings})
    return m


def data():
    split = rows.binary()
    batches = ((split.x_train[i : i + 32], split.y_train[i : i + 32]) for i in range(0, 120, 32))
    return batches, (split.x_test, split.y_test)


LESSON = Lesson(
    title="Generator",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("a", net, epochs=2)],
    endpoint=Endpoint("test_accuracy"),
)
