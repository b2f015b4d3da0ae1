"""A variant with targets of its own."""

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


def other():
    s = rows.binary()
    return Split(s.x_train, s.y_train, s.x_test[:50], s.y_test[:50])


LESSON = Lesson(
    title="Other targets",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant("a", net, epochs=2), Variant("b", net, epochs=2, data=Data(fixed=other))],
    endpoint=Endpoint("test_accuracy"),
)
