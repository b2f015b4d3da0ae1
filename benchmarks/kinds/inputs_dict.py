"""Two inputs and two outputs, by name."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def data():
    s = rows.binary()
    x = lambda a: {"left": a[:, :2], "right": a[:, 2:]}  # noqa: E731
    y = lambda a, b: {"sign": b, "size": a[:, :1] ** 2}  # noqa: E731
    return Split(x(s.x_train), y(s.x_train, s.y_train), x(s.x_test), y(s.x_test, s.y_test))


def net(weights=None, metrics=None, loss=None):
    left, right = keras.Input((2,), name="left"), keras.Input((4,), name="right")
    h = layers.Concatenate()([layers.Dense(4, activation="relu")(left), layers.Dense(4, activation="relu")(right)])
    m = keras.Model(
        {"left": left, "right": right},
        {"sign": layers.Dense(1, activation="sigmoid", name="sign")(h), "size": layers.Dense(1, name="size")(h)},
    )
    m.compile(
        "adam", loss=loss or {"sign": "binary_crossentropy", "size": "mse"}, loss_weights=weights, metrics=metrics
    )
    return m


LESSON = Lesson(
    title="Two inputs and two outputs, by name",
    about=__doc__,
    data=Data(fixed=data),
    variants=[
        Variant("two losses", net, epochs=3),
        Variant("loss weights 1 and .1", lambda: net({"sign": 1.0, "size": 0.1}), epochs=3),
        Variant("loss weights 1 and 10", lambda: net({"sign": 1.0, "size": 10.0}), epochs=3),
        Variant(
            "metrics by name", lambda: net(metrics={"sign": ["accuracy", keras.metrics.AUC()], "size": "mae"}), epochs=3
        ),
        Variant("one loss for both", lambda: net(loss="mse"), epochs=3),
        Variant("one output without a loss", lambda: net(loss={"sign": "binary_crossentropy"}), epochs=3),
    ],
    endpoint=Endpoint("epochs"),
)
