"""Double precision."""

import jax
import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Split, Variant

jax.config.update("jax_enable_x64", True)
keras.config.set_floatx("float64")


def data():
    s = rows.binary()
    return Split(*(part.astype("float64") for part in (s.x_train, s.y_train, s.x_test, s.y_test)))


def net():
    m = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="Double precision",
    about=__doc__,
    data=Data(fixed=data),
    variants=[Variant("float64", net, epochs=3)],
    endpoint=Endpoint("test_accuracy"),
)
