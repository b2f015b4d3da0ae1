"""Models that are rarely written."""

import tempfile
from pathlib import Path

import keras
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Variant


def compiled(m, **settings):
    usual = {"optimizer": keras.optimizers.Adam(0.01), "loss": "binary_crossentropy", "metrics": ["accuracy"]}
    m.compile(**{**usual, **settings})
    return m


def towers():
    x = keras.Input((6,))
    tower = keras.Sequential([layers.Dense(4, activation="gelu"), layers.BatchNormalization()])
    return compiled(
        keras.Model(x, layers.Dense(1, activation="sigmoid")(layers.Subtract()([tower(x[:, ::-1]), tower(x)])))
    )


def gated(**settings):
    x = keras.Input((6,))
    h = layers.Multiply()([layers.Dense(8, activation="swish")(x), layers.Dense(8, activation="sigmoid")(x)])
    h = ops.concatenate([h, ops.mean(h, axis=1, keepdims=True)], axis=1)
    return compiled(keras.Model(x, layers.Dense(1, activation="sigmoid")(h)), **settings)


def experts():
    x = keras.Input((6,))
    weights, each = layers.Dense(3, activation="softmax")(x), layers.Reshape((3, 1))(layers.Dense(3)(x))
    y = layers.Flatten()(layers.Dot(axes=(1, 1))([each, weights]))
    return compiled(keras.Model(x, layers.Activation("sigmoid")(y)))


class Centre(layers.Layer):
    def build(self, shape):
        self.mean = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False)

    def call(self, x, training=False):
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * ops.mean(x, axis=0))
        return x - self.mean


def centred():
    parts = [keras.Input((6,)), Centre(), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")]
    return compiled(keras.Sequential(parts))


class MonteCarlo(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.drop = layers.Dense(16, activation="relu"), layers.Dropout(0.5)
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, x):
        return self.out(self.drop(self.hidden(x), training=True))


class Noisy(keras.Model):
    def __init__(self):
        super().__init__()
        self.net = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
        self.seed = keras.random.SeedGenerator(3)

    def call(self, x, training=False):
        return self.net(x + 0.1 * keras.random.normal(ops.shape(x), seed=self.seed) if training else x)


def focal():
    hidden = layers.Dense(8, activation="tanh", kernel_initializer=keras.initializers.Orthogonal())
    return compiled(
        keras.Sequential([keras.Input((6,)), hidden, layers.Dense(1)]),
        loss=keras.losses.BinaryFocalCrossentropy(from_logits=True, apply_class_balancing=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0), keras.metrics.AUC(from_logits=True)],
    )


def cosine():
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=0.01)


STOP = keras.callbacks.EarlyStopping("val_f1", mode="max", patience=1, restore_best_weights=True)
HALVE = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
LESSON = Lesson(
    title="Rare",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        Variant("two towers that share weights", towers, 3),
        Variant("gates, a decay that ends early", lambda: gated(optimizer=cosine()), 3),
        Variant("a mixture of experts", experts, 3),
        Variant("a layer that keeps a mean", centred, 3),
        Variant("dropout in validation", lambda: compiled(MonteCarlo()), 3),
        Variant("focal loss of logits", focal, 3),
        Variant("noise of a seed of its own", lambda: compiled(Noisy()), 3),
        Variant(
            "stops by F1",
            lambda: gated(metrics=["accuracy", keras.metrics.F1Score(threshold=0.5, name="f1")]),
            6,
            callbacks=[STOP, keras.callbacks.CSVLogger(str(Path(tempfile.mkdtemp(), "log.csv")))],
        ),
        Variant("class weights, steps", gated, 4, fit={"class_weight": {0: 1.0, 1: 3.0}, "steps_per_epoch": 2}),
        Variant("a later start, a schedule", towers, 4, fit={"initial_epoch": 1}, callbacks=[HALVE]),
    ],
    endpoint=Endpoint("test_accuracy"),
)
