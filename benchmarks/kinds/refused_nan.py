"""Rows with NaN."""

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
    split.x_train[3, 2] = np.nan
    return Split(split.x_train, split.y_train, split.x_test, split.y_test)


LESSON = Lesson(
    title="NaN",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("a", net, epochs=2)],
    endpoint=Endpoint("test_accuracy"),
)
