"""A precision for all models of a file."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant

keras.mixed_precision.set_global_policy("mixed_bfloat16")


def net():
    m = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid", dtype="float32")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="Mixed precision, bfloat16, for all",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant("mixed_bfloat16", net, epochs=3)],
    endpoint=Endpoint("test_accuracy"),
)
