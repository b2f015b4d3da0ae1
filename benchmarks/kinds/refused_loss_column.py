"""A metric named as the loss's column."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net():
    m = keras.Sequential([keras.Input((6,)), layers.Dense(1, activation="sigmoid")])
    m.compile(
        "adam",
        "binary_crossentropy",
        metrics=["accuracy", keras.metrics.BinaryCrossentropy(label_smoothing=0.3, name="bce")],
    )
    return m


LESSON = Lesson(
    title="The loss's name",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant("bce", net, epochs=2)],
    endpoint=Endpoint("test_accuracy"),
)
