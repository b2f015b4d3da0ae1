"""Callbacks that stop training or set its rate."""

import keras
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Variant

C = keras.callbacks


def net(rate=0.05, **optimizer):
    m = keras.Sequential(
        [keras.Input((6,)), layers.Dense(24, activation="relu"), layers.Dense(1, activation="sigmoid")]
    )
    m.compile(
        keras.optimizers.Adam(rate, **optimizer),
        "binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc"), spread],
    )
    return m


def spread(y, p):
    return ops.std(p)


def exploding():
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8), layers.Dense(1)])
    m.compile(keras.optimizers.SGD(1.4), "mse")
    return m


def stops(name, model=net, epochs=14, **settings):
    return Variant(name, model, epochs=epochs, callbacks=[C.EarlyStopping(**settings)])


def calls(name, *callbacks, model=net, epochs=10):
    return Variant(name, model, epochs=epochs, callbacks=callbacks)


def halving(epoch, rate):
    return rate if epoch < 3 else rate * 0.5


def counting():
    told = []

    def schedule(epoch, rate):
        told.append(epoch)
        return 0.05 / len(told)

    return schedule


ema = {"use_ema": True, "ema_momentum": 0.7}
LESSON = Lesson(
    title="Stopping, and rates that change",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        stops("patience 0"),
        stops("patience 2, best weights", patience=2, restore_best_weights=True),
        stops("on val_accuracy, min_delta", monitor="val_accuracy", patience=2, min_delta=0.01),
        stops(
            "on val_auc, mode max, best weights", monitor="val_auc", mode="max", patience=1, restore_best_weights=True
        ),
        stops("on a function's metric", monitor="val_spread", mode="min", patience=1, restore_best_weights=True),
        stops("on the training loss", monitor="loss", min_delta=0.02, patience=1),
        stops("a baseline that is met", monitor="val_accuracy", baseline=0.6, patience=2, restore_best_weights=True),
        stops("a baseline that is not met", baseline=0.01, patience=3, restore_best_weights=True),
        stops("start_from_epoch 5", patience=1, start_from_epoch=5, restore_best_weights=True),
        stops("start_from_epoch beyond the end", start_from_epoch=50, restore_best_weights=True),
        stops("never stops, best weights", patience=50, restore_best_weights=True),
        stops("on what is not there", monitor="val_f2", mode="max", patience=1),
        stops("200 epochs, best weights", epochs=200, patience=120, restore_best_weights=True),
        calls(
            "two that stop",
            C.EarlyStopping(patience=3, restore_best_weights=True),
            C.EarlyStopping("val_accuracy", patience=2, restore_best_weights=True),
        ),
        calls("plateau", C.ReduceLROnPlateau(patience=1, factor=0.3, min_lr=1e-3)),
        calls(
            "plateau, cooldown, on val_accuracy",
            C.ReduceLROnPlateau("val_accuracy", patience=1, cooldown=2, min_delta=0.01),
        ),
        calls(
            "plateau and stopping",
            C.ReduceLROnPlateau(patience=0, factor=0.5),
            C.EarlyStopping(patience=4, restore_best_weights=True),
        ),
        calls("LearningRateScheduler", C.LearningRateScheduler(halving)),
        calls("LearningRateScheduler of the epoch", C.LearningRateScheduler(lambda epoch: 0.05 / (epoch + 1))),
        calls("LearningRateScheduler that remembers", C.LearningRateScheduler(counting())),
        calls("scheduler and plateau", C.LearningRateScheduler(halving), C.ReduceLROnPlateau(patience=0)),
        calls("SwapEMAWeights", C.SwapEMAWeights(), model=lambda: net(**ema)),
        calls("SwapEMAWeights on epochs", C.SwapEMAWeights(swap_on_epoch=True), model=lambda: net(**ema)),
        calls(
            "SwapEMAWeights and stopping",
            C.SwapEMAWeights(),
            C.EarlyStopping(patience=1, restore_best_weights=True),
            model=lambda: net(**ema),
        ),
        calls("TerminateOnNaN", C.TerminateOnNaN(), model=exploding, epochs=30),
        calls("TerminateOnNaN that has nothing to do", C.TerminateOnNaN(), epochs=3),
    ],
    endpoint=Endpoint("epochs"),
)
