"""Several classes, in whole numbers."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net(loss="sparse_categorical_crossentropy", metrics=("accuracy",), activation="softmax"):
    m = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, activation="tanh"), layers.Dense(3, activation=activation)]
    )
    m.compile("adam", loss, metrics=list(metrics))
    return m


top = keras.metrics.SparseTopKCategoricalAccuracy
LESSON = Lesson(
    title="Three classes, as whole numbers",
    about=__doc__,
    data=Data(fixed=rows.classes),
    variants=[
        Variant("accuracy", net, epochs=3),
        Variant(
            "from logits",
            lambda: net(keras.losses.SparseCategoricalCrossentropy(from_logits=True), activation=None),
            epochs=3,
        ),
        Variant("'acc'", lambda: net(metrics=["acc"]), epochs=3),
        Variant(
            "top 2, two of them", lambda: net(metrics=["accuracy", top(2, name="top2"), top(1, name="top1")]), epochs=3
        ),
        Variant("ignore_class", lambda: net(keras.losses.SparseCategoricalCrossentropy(ignore_class=0)), epochs=3),
        Variant("no metric", lambda: net(metrics=()), epochs=3),
        Variant("cross-entropy as a metric", lambda: net(metrics=["sparse_categorical_crossentropy"]), epochs=3),
    ],
    endpoint=Endpoint("epochs"),
)
