"""Several labels a row."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant

M = keras.metrics


def net(*metrics):
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(4, activation="sigmoid")])
    m.compile("adam", "binary_crossentropy", metrics=list(metrics))
    return m


LESSON = Lesson(
    title="Several labels a row",
    about=__doc__,
    data=Data(fixed=rows.labels),
    variants=[
        Variant("binary accuracy", lambda: net("binary_accuracy"), epochs=3),
        Variant("'accuracy'", lambda: net("accuracy"), epochs=3),
        Variant("AUC of labels", lambda: net(M.AUC(multi_label=True)), epochs=3),
        Variant("F1 a label", lambda: net(M.F1Score(threshold=0.5, name="f1")), epochs=3),
        Variant("precision and recall", lambda: net(M.Precision(), M.Recall()), epochs=3),
        Variant("IoU", lambda: net(M.BinaryIoU(target_class_ids=[1])), epochs=3),
    ],
    endpoint=Endpoint("test_bce", better="lower"),
)
