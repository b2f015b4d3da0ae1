"""Arguments of fit."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net(**settings):
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", **{"metrics": ["accuracy"], **settings})
    return m


def with_fit(name, model=net, epochs=4, **fit):
    return Variant(name, model, epochs=epochs, fit=fit)


LESSON = Lesson(
    title="Arguments of fit",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        with_fit("shuffle=False", shuffle=False),
        with_fit("shuffle='batch'", shuffle="batch"),
        with_fit("class_weight", class_weight={0: 1.0, 1: 5.0}),
        with_fit(
            "class_weight, weighted metrics",
            lambda: net(metrics=None, weighted_metrics=["accuracy"]),
            class_weight={0: 1.0, 1: 5.0},
        ),
        with_fit("sample_weight", sample_weight=np.linspace(0, 2, 120)),
        with_fit("initial_epoch", initial_epoch=2),
        with_fit("steps_per_epoch", steps_per_epoch=2),
        with_fit("validation_steps", validation_steps=1),
        with_fit("validation_batch_size", validation_batch_size=11),
        with_fit("validation_freq=2", epochs=5, validation_freq=2),
        with_fit("validation_freq=[1, 4]", epochs=5, validation_freq=[1, 4]),
    ],
    endpoint=Endpoint("test_accuracy"),
)
