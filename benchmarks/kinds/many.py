"""Thirty variants."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net(rate):
    m = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.Dropout(rate),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="Thirty variants",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant(f"dropout {i / 50:.2f}", lambda i=i: net(i / 50), epochs=2) for i in range(30)],
    endpoint=Endpoint("test_accuracy"),
)
