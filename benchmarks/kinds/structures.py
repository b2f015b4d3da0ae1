"""A tuple with a dict of inputs, three outputs of three kinds."""

import keras
import numpy as np
import pandas as pd
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def data():
    s = rows.binary()
    x = lambda x: (x[:, :3], {"b": x[:, 3:].astype("float64")})  # noqa: E731
    y = lambda x, y: {"c": pd.Series(y[:, 0]), "k": np.digitize(x[:, 0], [-0.5, 0.5]), "n": x[:, :2]}  # noqa: E731
    return Split(x(s.x_train), y(s.x_train, s.y_train), x(s.x_test), y(s.x_test, s.y_test))


def net(weights=None, rate=0.0):
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    h = layers.Dropout(rate)(layers.Dense(8, activation="relu")(layers.Concatenate()([a, b])))
    outputs = {
        "c": layers.Dense(1, activation="sigmoid", name="c")(h),
        "k": layers.Dense(3, activation="softmax", name="k")(h),
        "n": layers.Dense(2, name="n")(h),
    }
    m = keras.Model((a, {"b": b}), outputs)
    m.compile(
        "adam",
        {"c": "binary_crossentropy", "k": "sparse_categorical_crossentropy", "n": "huber"},
        loss_weights=weights,
        metrics={"c": ["accuracy", "AUC"], "k": ["accuracy"], "n": ["mse", "mae"]},
        weighted_metrics={"k": ["accuracy"]},
    )
    return m


PLATEAU = keras.callbacks.ReduceLROnPlateau("val_k_accuracy", patience=1, mode="max")
LESSON = Lesson(
    title="Structures",
    about=__doc__,
    data=Data(fixed=data),
    variants=[
        Variant("as it stands", net, 3),
        Variant("weights, a plateau", lambda: net({"c": 1.0, "k": 0.2, "n": 3.0}, 0.2), 3, callbacks=[PLATEAU]),
    ],
    endpoint=Endpoint("test_c_accuracy"),
)
