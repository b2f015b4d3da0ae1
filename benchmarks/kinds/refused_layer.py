"""A layer with weights made outside model()."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def net(*parts, **settings):
    m = keras.Sequential([keras.Input((6,)), *parts, layers.Dense(1, activation="sigmoid")])
    m.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"], **settings})
    return m


DENSE = layers.Dense(4)
LESSON = Lesson(
    title="A layer",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant("a", lambda: net(DENSE), epochs=2)],
    endpoint=Endpoint("test_accuracy"),
)
