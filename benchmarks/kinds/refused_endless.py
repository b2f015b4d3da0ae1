"""Batches without an end."""

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


def data():
    import tensorflow as tf

    s = rows.binary()
    return tf.data.Dataset.from_tensor_slices((s.x_train, s.y_train)).batch(32).repeat(), (s.x_test, s.y_test)


LESSON = Lesson(
    title="Endless",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("a", net, epochs=2)],
    endpoint=Endpoint("test_accuracy"),
)
