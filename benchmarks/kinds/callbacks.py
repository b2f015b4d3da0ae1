"""Callbacks that write files, and one's own."""

import tempfile
from pathlib import Path

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant

C = keras.callbacks
FOLDER = Path(tempfile.mkdtemp())


def net():
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return m


class Decay(C.Callback):
    """Multiplies the rate after every epoch."""

    def __init__(self, factor):
        super().__init__()
        self.factor, self.seen = factor, []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(logs["val_loss"])
        self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) * self.factor


class Enough(C.Callback):
    """Stops in the middle of an epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if logs["loss"] < 0.55:
            self.model.stop_training = True


class Patient(C.EarlyStopping):
    def on_epoch_end(self, epoch, logs=None):
        if epoch % 2:
            super().on_epoch_end(epoch, logs)


def lambda_callback():
    rates = []
    return C.LambdaCallback(on_epoch_begin=lambda epoch, logs: rates.append(epoch))


def calls(name, *callbacks):
    return Variant(name, net, epochs=5, callbacks=callbacks)


LESSON = Lesson(
    title="Callbacks",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        calls("ModelCheckpoint", C.ModelCheckpoint(str(FOLDER / "best.keras"), save_best_only=True)),
        calls("CSVLogger", C.CSVLogger(str(FOLDER / "log.csv"))),
        calls("BackupAndRestore", C.BackupAndRestore(str(FOLDER / "backup"))),
        calls("LambdaCallback", lambda_callback()),
        calls("one's own, factor .5", Decay(0.5)),
        calls("one's own, factor .9", Decay(0.9)),
        calls("one that stops within an epoch", Enough()),
        calls("a kind of EarlyStopping", Patient(patience=1, restore_best_weights=True)),
    ],
    endpoint=Endpoint("test_accuracy"),
)
