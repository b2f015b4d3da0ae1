"""A class for every word."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net(mask=True, loss="sparse_categorical_crossentropy"):
    m = keras.Sequential(
        [
            keras.Input((9,), dtype="int32"),
            layers.Embedding(30, 4, mask_zero=mask),
            layers.LSTM(4, return_sequences=True),
            layers.Dense(3, activation="softmax"),
        ]
    )
    m.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="A class for every word",
    about=__doc__,
    data=Data(fixed=rows.tags),
    variants=[
        Variant("without a mask", lambda: net(mask=False), epochs=2),
        Variant("mask_zero", net, epochs=2),
        Variant(
            "ignore_class", lambda: net(False, keras.losses.SparseCategoricalCrossentropy(ignore_class=0)), epochs=2
        ),
    ],
    endpoint=Endpoint("test_accuracy"),
)
