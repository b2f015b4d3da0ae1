"""Labels of whole numbers, in a tuple of tuples."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def data():
    s = rows.flat()
    return (s.x_train.astype("float64"), s.y_train), (s.x_test.astype("float64"), s.y_test)


def net(shape=(6,)):
    m = keras.Sequential(
        [keras.Input(shape), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")]
    )
    m.compile("adam", "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    return m


LESSON = Lesson(
    title="Rows in tuples",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("y of int64, shape (rows,)", net, epochs=3)],
    endpoint=Endpoint("test_accuracy"),
)
