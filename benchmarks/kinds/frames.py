"""Frames and series."""

import keras
import pandas as pd
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def data():
    s = rows.flat()
    frame = lambda x: pd.DataFrame(x, columns=list("abcdef")).assign(
        a=lambda f: (f.a > 0).astype("int64"), b=lambda f: f.b > 0
    )  # noqa: E731
    return Split(frame(s.x_train), pd.Series(s.y_train), frame(s.x_test), pd.Series(s.y_test, index=range(500, 570)))


def net(units):
    m = keras.Sequential([layers.Dense(units, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="pandas",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("a frame and a series", lambda: net(8), epochs=3)],
    endpoint=Endpoint("test_accuracy"),
)
