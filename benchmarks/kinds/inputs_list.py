"""Two inputs and two outputs, in order."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def data():
    s = rows.binary()
    x = lambda a: [a[:, :2], a[:, 2:]]  # noqa: E731
    y = lambda a, b: [b, a[:, :1] ** 2]  # noqa: E731
    return Split(x(s.x_train), y(s.x_train, s.y_train), x(s.x_test), y(s.x_test, s.y_test))


def net(**settings):
    left, right = keras.Input((2,)), keras.Input((4,))
    h = layers.Concatenate()([layers.Dense(4, activation="relu")(left), layers.Dense(4, activation="relu")(right)])
    m = keras.Model(
        [left, right], [layers.Dense(1, activation="sigmoid", name="sign")(h), layers.Dense(1, name="size")(h)]
    )
    m.compile("adam", loss=["binary_crossentropy", "mse"], **settings)
    return m


class Both(keras.Model):
    def __init__(self):
        super().__init__()
        self.h, self.sign, self.size = (
            layers.Dense(4, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
            layers.Dense(1),
        )

    def call(self, inputs):
        left, right = inputs
        h = self.h(left) + self.h(left * 2)
        return [self.sign(h), self.size(right)]


def subclassed():
    m = Both()
    m.compile("adam", loss=["binary_crossentropy", "mse"])
    return m


LESSON = Lesson(
    title="Two inputs and two outputs, in order",
    about=__doc__,
    data=Data(fixed=data),
    variants=[
        Variant("lists", net, epochs=3),
        Variant(
            "weights and metrics in lists",
            lambda: net(loss_weights=[1.0, 0.2], metrics=[["accuracy"], ["mae"]]),
            epochs=3,
        ),
        Variant("weighted metrics", lambda: net(weighted_metrics=[["accuracy"], ["mae"]]), epochs=3),
        Variant("subclassed", subclassed, epochs=3),
    ],
    endpoint=Endpoint("epochs"),
)
