"""Data that differ at each draw."""

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
    x = np.random.default_rng().normal(size=(100, 6))
    return Split(x[:60], x[:60, :1] > 0, x[60:], x[60:, :1] > 0)


LESSON = Lesson(
    title="Unseeded",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("a", net, epochs=2)],
    endpoint=Endpoint("test_accuracy"),
)
