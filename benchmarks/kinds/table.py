"""A table of scikit-learn's."""

import keras
from keras import layers
from orchestrator import Endpoint, Lesson, Variant, table
from sklearn.datasets import load_wine

DATA = table(load_wine)


def net(*parts):
    scale = layers.Normalization()
    scale.adapt(DATA.fixed().x_train)
    m = keras.Sequential([keras.Input((13,)), scale, layers.Dense(8, activation="relu"), *parts, layers.Dense(3)])
    m.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="A table",
    about=__doc__,
    data=DATA,
    variants=[
        Variant("without", net, epochs=4),
        Variant("with", lambda: net(layers.Dropout(0.3)), epochs=4),
    ],
    endpoint=Endpoint("test_accuracy"),
)
