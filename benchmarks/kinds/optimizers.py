"""Optimisers and what is done to gradients."""

import keras
import rows
from keras import layers
from keras.optimizers import schedules
from orchestrator import Data, Endpoint, Lesson, Variant

O = keras.optimizers


def net(optimizer):
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return m


class Sign(O.SGD):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(keras.ops.sign(gradient), variable, learning_rate)


def every():
    for name in (
        "Adadelta",
        "Adafactor",
        "Adagrad",
        "Adam",
        "AdamW",
        "Adamax",
        "Ftrl",
        "Lamb",
        "Lion",
        "Nadam",
        "RMSprop",
        "SGD",
    ):
        yield Variant(name, lambda name=name: net(getattr(O, name)(0.01)), epochs=3)


LESSON = Lesson(
    title="Optimisers",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        *every(),
        Variant("Muon", lambda: net(O.Muon(0.01, exclude_layers=["dense_1"])), epochs=3),
        Variant("as a string", lambda: net("rmsprop"), epochs=3),
        Variant("Nesterov, clipnorm", lambda: net(O.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.1)), epochs=3),
        Variant("global_clipnorm", lambda: net(O.Adam(0.01, global_clipnorm=0.1)), epochs=3),
        Variant("clipvalue, AMSGrad", lambda: net(O.Adam(0.01, clipvalue=0.01, amsgrad=True)), epochs=3),
        Variant("weight decay", lambda: net(O.SGD(0.1, weight_decay=0.05)), epochs=3),
        Variant("averages (EMA)", lambda: net(O.Adam(0.01, use_ema=True, ema_momentum=0.8)), epochs=3),
        Variant(
            "averages, written over every 3 steps",
            lambda: net(O.Adam(0.01, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3)),
            epochs=3,
        ),
        Variant("gradients of 3 steps", lambda: net(O.Adam(0.01, gradient_accumulation_steps=3)), epochs=4),
        Variant("loss_scale_factor", lambda: net(O.SGD(0.1, loss_scale_factor=8.0)), epochs=3),
        Variant(
            "LossScaleOptimizer", lambda: net(O.LossScaleOptimizer(O.Adam(0.01), dynamic_growth_steps=5)), epochs=4
        ),
        Variant("an optimiser of one's own", lambda: net(Sign(0.01)), epochs=3),
        Variant(
            "cosine decay, warm-up",
            lambda: net(O.Adam(schedules.CosineDecay(0.01, 10, warmup_target=0.05, warmup_steps=4))),
            epochs=3,
        ),
        Variant(
            "exponential decay, staircase",
            lambda: net(O.SGD(schedules.ExponentialDecay(0.5, 3, 0.5, staircase=True))),
            epochs=3,
        ),
        Variant("steps", lambda: net(O.SGD(schedules.PiecewiseConstantDecay([4, 8], [0.5, 0.1, 0.01]))), epochs=3),
    ],
    endpoint=Endpoint("test_accuracy"),
)
