"""Rows drawn for each seed."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def draw(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(160, 6)).astype("float32")
    y = (x[:, :1] + 0.3 * rng.normal(size=(160, 1)) > 0).astype("float32")
    return Split(x[:100], y[:100], x[100:], y[100:])


def fresh():
    split = draw(12345)
    return split.x_train, split.y_train


def net(*parts, **settings):
    m = keras.Sequential([layers.Dense(8, activation="relu"), *parts, layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"], **settings)
    return m


stop = keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)
LESSON = Lesson(
    title="Redrawn rows",
    about=__doc__,
    data=Data(fixed=rows.binary, redrawn=draw, fresh=fresh),
    variants=[
        Variant("dense", net, epochs=3),
        Variant("batch normalization, stopping", lambda: net(layers.BatchNormalization()), epochs=12, callbacks=[stop]),
        Variant("through fit", lambda: net(run_eagerly=True), epochs=2),
    ],
    endpoint=Endpoint("fresh_accuracy"),
)
