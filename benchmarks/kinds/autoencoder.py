"""Autoencoders."""

import keras
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def data():
    s = rows.binary()
    return Split(s.x_train, s.x_train, s.x_test, s.x_test)


def net(*code, **dense):
    m = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="relu", **dense), *code, layers.Dense(6)])
    m.compile("adam", "mse", metrics=["mae"])
    return m


class Sampling(layers.Layer):
    def __init__(self, weight):
        super().__init__()
        self.weight, self.seed_generator = weight, keras.random.SeedGenerator()
        self.mean, self.spread = layers.Dense(2), layers.Dense(2)

    def call(self, x, training=False):
        mean, spread = self.mean(x), self.spread(x)
        self.add_loss(-0.5 * self.weight * ops.mean(1 + spread - ops.square(mean) - ops.exp(spread)))
        if not training:
            return mean
        return mean + ops.exp(0.5 * spread) * keras.random.normal(ops.shape(mean), seed=self.seed_generator)


LESSON = Lesson(
    title="Autoencoders",
    about=__doc__,
    data=Data(fixed=data),
    variants=[
        Variant("dense", net, epochs=3),
        Variant("sparse, by activity", lambda: net(activity_regularizer=keras.regularizers.L1(0.01)), epochs=3),
        Variant("denoising", lambda: net(layers.GaussianNoise(0.2)), epochs=3),
        Variant("variational, weight .1", lambda: net(Sampling(0.1)), epochs=3),
        Variant("variational, weight 1", lambda: net(Sampling(1.0)), epochs=3),
    ],
    endpoint=Endpoint("test_loss", better="lower"),
)
