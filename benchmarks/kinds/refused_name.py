"""A metric named as a column of the tables is."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def net(*parts, **settings):
    m = keras.Sequential([keras.Input((6,)), *parts, layers.Dense(1, activation="sigmoid")])
    m.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"], **settings})
    return m


LESSON = Lesson(
    title="A name",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant("a", lambda: net(metrics=[keras.metrics.BinaryAccuracy(name="epoch")]), epochs=2)],
    endpoint=Endpoint("test_epoch"),
)
