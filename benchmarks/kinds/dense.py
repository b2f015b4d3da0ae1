"""Dense networks and their losses."""

import keras
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Variant


def net(loss, metrics=("accuracy",), **settings):
    m = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile("adam", loss, metrics=list(metrics), **settings)
    return m


def logits():
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    m.compile(
        "adam", keras.losses.BinaryCrossentropy(from_logits=True), metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)]
    )
    return m


def plain_function(y, p):
    return ops.mean(ops.square(y - p), axis=-1)


def weighted(w):
    def loss(y, p):
        p = ops.clip(p, 1e-7, 1 - 1e-7)
        return -ops.mean(w * y * ops.log(p) + (1 - y) * ops.log(1 - p), axis=-1)

    return loss


class Focal(keras.losses.Loss):
    def __init__(self, gamma):
        super().__init__()
        self.gamma = gamma

    def call(self, y, p):
        p = ops.clip(ops.where(y > 0.5, p, 1 - p), 1e-7, 1.0)
        return -ops.mean((1 - p) ** self.gamma * ops.log(p), axis=-1)


LESSON = Lesson(
    title="Dense networks, two classes",
    about=__doc__,
    data=Data(
        fixed=rows.binary,
        fresh=lambda: (rows.points(500, seed=9), (rows.points(500, seed=9)[:, :1] > 0).astype("float32")),
    ),
    variants=[
        Variant("loss as a string", lambda: net("binary_crossentropy"), epochs=3),
        Variant("logits, threshold 0", logits, epochs=3),
        Variant("label smoothing", lambda: net(keras.losses.BinaryCrossentropy(label_smoothing=0.1)), epochs=3),
        Variant("Keras's function", lambda: net(keras.losses.binary_focal_crossentropy), epochs=3),
        Variant("reduction 'sum'", lambda: net(keras.losses.MeanSquaredError(reduction="sum")), epochs=3),
        Variant("a function of one's own", lambda: net(plain_function), epochs=3),
        Variant("a closure, weight 1", lambda: net(weighted(1.0)), epochs=3),
        Variant("a closure, weight 20", lambda: net(weighted(20.0)), epochs=3),
        Variant("a Loss of one's own, gamma 1", lambda: net(Focal(1.0)), epochs=3),
        Variant("a Loss of one's own, gamma 3", lambda: net(Focal(3.0)), epochs=3),
        Variant("a lambda", lambda: net(lambda y, p: ops.abs(y - p)), epochs=3),
        Variant("Dice", lambda: net(keras.losses.Dice()), epochs=3),
        Variant("hinge and its metrics", lambda: net("hinge", ["hinge", "mae"]), epochs=3),
        Variant("run_eagerly", lambda: net("mse", run_eagerly=True), epochs=2),
        Variant("jit_compile=False", lambda: net("mse", jit_compile=False), epochs=2),
        Variant("steps_per_execution=3", lambda: net("mse", steps_per_execution=3), epochs=3),
        Variant("one epoch", lambda: net("mse"), epochs=1),
        Variant("a batch of one", lambda: net("mse"), epochs=2, batch_size=1),
        Variant("a batch larger than the data", lambda: net("mse"), epochs=3, batch_size=500),
        Variant("150 epochs", lambda: net("mse"), epochs=150, batch_size=60),
    ],
    endpoint=Endpoint("test_accuracy"),
)
