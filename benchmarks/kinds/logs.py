"""What callbacks log."""

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


class Logs(keras.callbacks.Callback):
    def __init__(self, every=1, **logs):
        super().__init__()
        self.every, self.logs = every, logs

    def on_epoch_end(self, epoch, logs=None):
        if epoch % self.every == 0:
            logs.update({name: value(epoch) for name, value in self.logs.items()})


LESSON = Lesson(
    title="Logs",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        Variant("a number of one's own", net, epochs=4, callbacks=[Logs(val_own=lambda epoch: epoch / 3)]),
        Variant("every second epoch", net, epochs=4, callbacks=[Logs(2, val_own=lambda epoch: epoch / 3)]),
    ],
    endpoint=Endpoint("test_accuracy"),
)
