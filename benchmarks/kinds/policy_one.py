"""A precision for one model."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net(policy="float32"):
    keras.mixed_precision.set_global_policy(policy)
    m = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return m


def as_it_is():
    m = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="A precision set in model()",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        Variant("mixed_float16", lambda: net("mixed_float16"), epochs=3),
        Variant("the one after it", as_it_is, epochs=3),
    ],
    endpoint=Endpoint("test_accuracy"),
)
