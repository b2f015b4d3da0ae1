"""Weights of rows."""

import keras
import numpy as np
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def net(*parts, **settings):
    m = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, activation="relu"), *parts, layers.Dense(1, activation="sigmoid")]
    )
    m.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"], **settings})
    return m


def data(train=True, test=True):
    s = rows.binary()
    w = [np.linspace(0, 2, len(y)) if has else None for y, has in ((s.y_train, train), (s.y_test, test))]
    return Split(s.x_train, s.y_train, s.x_test, s.y_test, *w)


def fresh():
    x, y = rows.binary().x_test, rows.binary().y_test
    return x, y, np.linspace(2, 0.1, len(y))


def l2():
    return layers.Dense(8, kernel_regularizer=keras.regularizers.L2(0.1))


LESSON = Lesson(
    title="Weights of rows",
    about=__doc__,
    data=Data(fixed=data, fresh=fresh),
    variants=[
        Variant("metrics without weights", net, epochs=3),
        Variant("weighted metrics", lambda: net(metrics=["mae"], weighted_metrics=["accuracy", "AUC"]), epochs=3),
        Variant("a penalty", lambda: net(l2()), epochs=3),
    ],
    endpoint=Endpoint("test_accuracy"),
)
