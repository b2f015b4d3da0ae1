"""Weights of rows for each of two outputs."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def data():
    s = rows.binary()
    y = lambda x, y: {"c": y, "n": x[:, :1]}  # noqa: E731
    w = {"c": np.linspace(0, 2, 120), "n": np.linspace(1, 0, 120)}
    return Split(s.x_train, y(s.x_train, s.y_train), s.x_test, y(s.x_test, s.y_test), w)


def net():
    x = keras.Input((6,))
    h = layers.Dense(8, activation="relu")(x)
    m = keras.Model(x, {"c": layers.Dense(1, activation="sigmoid", name="c")(h), "n": layers.Dense(1, name="n")(h)})
    m.compile(
        "adam",
        {"c": "binary_crossentropy", "n": "mse"},
        metrics={"c": ["accuracy"]},
        weighted_metrics={"c": ["accuracy"], "n": ["mae"]},
    )
    return m


LESSON = Lesson(
    title="Weights of outputs",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("by name", net, epochs=3)],
    endpoint=Endpoint("test_c_accuracy"),
)
