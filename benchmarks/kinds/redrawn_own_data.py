"""Rows drawn for each seed, fewer of them in a variant."""

import keras
import numpy as np
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def draw(seed, train=100):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(160, 6)).astype("float32")
    y = (x[:, :1] + 0.3 * rng.normal(size=(160, 1)) > 0).astype("float32")
    return Split(x[:train], y[:train], x[100:], y[100:])


def fresh():
    split = draw(12345)
    return split.x_train, split.y_train


def net():
    m = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return m


def few(seed=0):
    return draw(seed, train=40)


LESSON = Lesson(
    title="Fewer rows",
    about=__doc__,
    data=Data(fixed=lambda: draw(0), redrawn=draw, fresh=fresh),
    variants=[
        Variant("a hundred", net, epochs=3),
        Variant("forty", net, epochs=3, data=Data(fixed=few, redrawn=few, fresh=fresh)),
    ],
    endpoint=Endpoint("fresh_accuracy"),
)
