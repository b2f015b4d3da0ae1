"""Layers, activations, penalties, constraints and schedules of one's own."""

import keras
import numpy as np
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Variant

R = keras.regularizers


def net(*parts, optimizer="adam", **dense):
    m = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, activation="relu", **dense), *parts, layers.Dense(1, activation="sigmoid")]
    )
    m.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return m


@keras.saving.register_keras_serializable("kinds")
class Scale(layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones", regularizer=R.L2(0.01))
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x, training=False):
        if training:
            self.seen.assign_add(1.0)
        return x * self.w * self.factor


class Noise(layers.Layer):
    """Noise in validation, too."""

    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, x):
        return x + keras.random.normal(ops.shape(x), stddev=0.3, seed=self.seed_generator)


class Penalty(layers.Layer):
    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.square(x)))
        return x


class Sparse(R.Regularizer):
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, x):
        return self.rate * ops.sum(ops.abs(x))


class Ball(keras.constraints.Constraint):
    def __init__(self, radius):
        self.radius = radius

    def __call__(self, w):
        return w * self.radius / ops.maximum(ops.norm(w), self.radius)


class Warm(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak):
        self.peak = peak

    def __call__(self, step):
        return self.peak * ops.minimum(1.0, (ops.cast(step, "float32") + 1) / 6)


def swish(beta):
    return lambda x: x * ops.sigmoid(beta * x)


def fixed_mask():
    return net(layers.Lambda(lambda x: x * np.array([1, 0, 1, 1, 0, 1, 1, 0], "float32")))


def drawn_mask():
    mask = np.random.normal(size=8).astype("float32")
    return net(layers.Lambda(lambda x: x * mask))


def drawn_choice():
    return net(activity_regularizer=R.L2(0.01 if np.random.rand() < 0.6 else 0.5))


def drawn_width():
    units = 4 if np.random.rand() < 0.6 else 12
    return net(layers.Dense(units))


LESSON = Lesson(
    title="Parts of one's own",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        Variant("a layer, factor 1", lambda: net(Scale()), epochs=3),
        Variant("a layer, factor 3", lambda: net(Scale(3.0)), epochs=3),
        Variant("noise in validation", lambda: net(Noise()), epochs=3),
        Variant("add_loss", lambda: net(Penalty()), epochs=3),
        Variant("L1 and L2", lambda: net(kernel_regularizer=R.L1L2(0.01, 0.01), bias_regularizer="l2"), epochs=3),
        Variant("a regularizer, .001", lambda: net(kernel_regularizer=Sparse(0.001)), epochs=3),
        Variant("a regularizer, .1", lambda: net(kernel_regularizer=Sparse(0.1)), epochs=3),
        Variant("a penalty as a function", lambda: net(kernel_regularizer=lambda w: 0.01 * ops.sum(w**4)), epochs=3),
        Variant("activity penalty", lambda: net(activity_regularizer=R.L1(0.001)), epochs=3),
        Variant("MaxNorm", lambda: net(kernel_constraint=keras.constraints.MaxNorm(0.5)), epochs=3),
        Variant("a constraint, radius .5", lambda: net(kernel_constraint=Ball(0.5)), epochs=3),
        Variant("an activation, beta 1", lambda: net(layers.Activation(swish(1.0))), epochs=3),
        Variant("an activation, beta 5", lambda: net(layers.Activation(swish(5.0))), epochs=3),
        Variant("Lambda", lambda: net(layers.Lambda(lambda x: ops.tanh(x) * 2)), epochs=3),
        Variant("Lambda with a constant", fixed_mask, epochs=3),
        Variant("a constant drawn with NumPy", drawn_mask, epochs=3),
        Variant("a penalty chosen with NumPy", drawn_choice, epochs=3),
        Variant("a width chosen with NumPy", drawn_width, epochs=3),
        Variant("a schedule", lambda: net(optimizer=keras.optimizers.Adam(Warm(0.05))), epochs=3),
        Variant(
            "an initial rate drawn with NumPy",
            lambda: net(optimizer=keras.optimizers.Adam(np.random.uniform(1e-3, 1e-1))),
            epochs=3,
        ),
        Variant("dropout", lambda: net(layers.Dropout(0.4)), epochs=3),
        Variant("batch normalization", lambda: net(layers.BatchNormalization()), epochs=3),
        Variant("spectral normalization", lambda: net(layers.SpectralNormalization(layers.Dense(5))), epochs=3),
        Variant(
            "Gaussian noise and dropout",
            lambda: net(layers.GaussianNoise(0.3), layers.GaussianDropout(0.2), layers.AlphaDropout(0.1)),
            epochs=3,
        ),
        Variant(
            "layer and group normalization",
            lambda: net(layers.LayerNormalization(), layers.GroupNormalization(2), layers.RMSNormalization()),
            epochs=3,
        ),
        Variant("PReLU, maximum of two", lambda: net(layers.PReLU(), layers.UnitNormalization()), epochs=3),
    ],
    endpoint=Endpoint("test_accuracy"),
)
