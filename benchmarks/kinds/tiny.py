"""Hardly any rows."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def data():
    s = rows.binary()
    return Split(s.x_train[:7], s.y_train[:7], s.x_test[:1], s.y_test[:1])


def net(*parts):
    m = keras.Sequential([layers.Dense(4, activation="relu"), *parts, layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy", "mae"])
    return m


LESSON = Lesson(
    title="Seven rows, one to test on",
    about=__doc__,
    data=Data(fixed=data),
    variants=[
        Variant("a batch of 32", net, epochs=3),
        Variant("batches of 2", net, epochs=3, batch_size=2),
        Variant("batches of 3, batch normalization", lambda: net(layers.BatchNormalization()), epochs=3, batch_size=3),
        Variant("batches of 1", net, epochs=3, batch_size=1),
    ],
    endpoint=Endpoint("test_accuracy"),
)
