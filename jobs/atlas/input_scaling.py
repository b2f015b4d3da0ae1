"""Does scaling the inputs help, and which way?

Inputs are normal to begin with, with a standard deviation of 1. Normalized, each lies between 0 and 1; standardized, its mean is 0 and its
standard deviation 1 over the rows to learn from.

If it helps, the mean squared error on the rows to validate on falls. (Targets have a standard deviation of 1; no run stops by these rows.)
"""

import keras
import numpy as np
from keras import layers

from orchestrator import Claim, Endpoint, Lesson, Variant
from orchestrator.jobs.atlas.problems import regression

SOURCE = "J. Brownlee, How to use Data Scaling Improve Deep Learning Model Stability and Performance, machinelearningmastery.com, 2019"


def normalized(train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each input between 0 and 1, as far as the rows to train on tell."""
    return np.asarray((rows - train.min(axis=0)) / np.ptp(train, axis=0))


def standardized(train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each input with mean 0 and standard deviation 1 over the rows to train on."""
    return np.asarray((rows - train.mean(axis=0)) / train.std(axis=0))


def model() -> keras.Model:
    """Twenty-five hidden units for a linear function."""
    hidden = layers.Dense(25, activation="relu", kernel_initializer="he_uniform")
    net = keras.Sequential([keras.Input((20,)), hidden, layers.Dense(1)])
    net.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="mean_squared_error", metrics=["mse"])
    return net


LESSON = Lesson(
    title="Input scaling",
    about=__doc__,
    family="learning",
    data=regression(),
    variants=[
        Variant("unscaled", model, epochs=100, note="inputs as they are"),
        Variant("normalized", model, epochs=100, data=regression(normalized), note="inputs between 0 and 1"),
        Variant("standardized", model, epochs=100, data=regression(standardized), note="mean 0, standard deviation 1"),
    ],
    endpoint=Endpoint("test_mse", better="lower", sesoi=0.002),
    published=[
        Claim(SOURCE, effect=0.001 - 0.007, n=30, contrast="normalized"),
        Claim(SOURCE, effect=0.008 - 0.007, n=30, contrast="standardized"),
    ],
)
