"""Rows that a variant brings."""

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


def scaled():
    s = rows.binary()
    mean, sd = s.x_train.mean(axis=0), s.x_train.std(axis=0)
    return Split((s.x_train - mean) / sd, s.y_train, (s.x_test - mean) / sd, s.y_test)


def half():
    s = rows.binary()
    return Split(s.x_train[:60], s.y_train[:60], s.x_test, s.y_test)


def doubled():
    s = rows.binary()
    noise = np.random.default_rng(7).normal(0, 0.1, s.x_train.shape).astype("float32")
    return Split(np.concatenate([s.x_train, s.x_train + noise]), np.tile(s.y_train, (2, 1)), s.x_test, s.y_test)


HALF = Data(fixed=half)
LESSON = Lesson(
    title="Own rows",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        Variant("those of the lesson", net, epochs=3),
        Variant("scaled", net, epochs=3, data=Data(fixed=scaled)),
        Variant("half of them", net, epochs=3, data=HALF),
        Variant("half, dropout", lambda: net(layers.Dropout(0.3)), epochs=3, data=HALF),
        Variant("augmented", net, epochs=3, data=Data(fixed=doubled)),
    ],
    endpoint=Endpoint("test_accuracy"),
)
