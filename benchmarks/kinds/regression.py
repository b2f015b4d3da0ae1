"""Regression, its losses and metrics."""

import keras
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Variant

M = keras.metrics


def net(loss="mse", metrics=()):
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    m.compile(keras.optimizers.Adam(0.01), loss, metrics=list(metrics))
    return m


def rmse(y, p):
    return ops.sqrt(ops.mean(ops.square(y - p)))


def r2(y, p):
    return 1 - ops.sum(ops.square(y - p)) / ops.sum(ops.square(y - ops.mean(y)))


def quantile(q):
    return lambda y, p: ops.mean(ops.maximum(q * (y - p), (q - 1) * (y - p)), axis=-1)


LESSON = Lesson(
    title="Regression",
    about=__doc__,
    data=Data(fixed=rows.numbers),
    variants=[
        Variant("mse, mae", lambda: net(metrics=["mae", "mse"]), epochs=3),
        Variant(
            "RMSE, R2, Pearson",
            lambda: net(metrics=[M.RootMeanSquaredError(), M.R2Score(), M.PearsonCorrelation()]),
            epochs=3,
        ),
        Variant("rmse and r2, functions of a batch", lambda: net(metrics=[rmse, r2]), epochs=3),
        Variant("Huber", lambda: net(keras.losses.Huber(0.5), ["mape"]), epochs=3),
        Variant("log-cosh and its error", lambda: net("log_cosh", [M.LogCoshError()]), epochs=3),
        Variant("Poisson", lambda: net(lambda y, p: keras.losses.poisson(ops.abs(y), ops.exp(p / 5))), epochs=3),
        Variant("pinball, q = .1", lambda: net(quantile(0.1)), epochs=3),
        Variant("pinball, q = .9", lambda: net(quantile(0.9)), epochs=3),
        Variant("mean of the predictions", lambda: net(metrics=[lambda y, p: ops.mean(p)]), epochs=3),
    ],
    endpoint=Endpoint("epochs"),
)
