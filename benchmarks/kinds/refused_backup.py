"""A callback that starts from a file."""

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


class Backup(keras.callbacks.BackupAndRestore):
    pass


LESSON = Lesson(
    title="Backup",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant("a", net, epochs=2, callbacks=[Backup("backup")])],
    endpoint=Endpoint("test_accuracy"),
)
