"""A metric made outside model()."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def net(*parts, **settings):
    m = keras.Sequential([keras.Input((6,)), *parts, layers.Dense(1, activation="sigmoid")])
    m.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"], **settings})
    return m


AUC = keras.metrics.AUC()
LESSON = Lesson(
    title="A metric",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant("a", lambda: net(metrics=["accuracy", AUC]), epochs=2)],
    endpoint=Endpoint("test_accuracy"),
)
