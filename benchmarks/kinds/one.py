"""One variant and one input of one number."""

import keras
import numpy as np
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def data():
    x = np.linspace(-1, 1, 80)
    return Split(x[::2], x[::2] ** 2, x[1::2], x[1::2] ** 2)


def net():
    m = keras.Sequential([keras.Input((1,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])
    m.compile(keras.optimizers.Adam(0.02), "mse", metrics=["mae"])
    return m


LESSON = Lesson(
    title="One variant, x and y of shape (rows,)",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("alone", net, epochs=4)],
    endpoint=Endpoint("test_loss", better="lower"),
)
