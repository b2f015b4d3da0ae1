"""Rows drawn for each seed, as many as it likes."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def draw(seed):
    s = rows.binary(210)
    n = 90 + 7 * (seed % 4)
    return Split(s.x_train[:n], s.y_train[:n], s.x_test, s.y_test)


def net(*parts):
    m = keras.Sequential([layers.Dense(8, activation="relu"), *parts, layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="Sizes",
    about=__doc__,
    data=Data(fixed=rows.binary, redrawn=draw),
    variants=[Variant("dense", net, epochs=3), Variant("dropout", lambda: net(layers.Dropout(0.3)), epochs=3)],
    endpoint=Endpoint("test_accuracy"),
)
