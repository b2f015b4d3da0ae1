"""Metrics of two classes, and what they are called."""

import keras
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Variant

M = keras.metrics


def net(*metrics, **settings):
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
    m.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=list(metrics), **settings)
    return m


class Positives(keras.metrics.Metric):
    """The share of rows that are called positive."""

    def __init__(self, threshold=0.5, name="positives"):
        super().__init__(name=name)
        self.threshold = threshold
        self.total, self.count = (self.add_weight(initializer="zeros", name=part) for part in ("total", "count"))

    def update_state(self, y, p, sample_weight=None):
        self.total.assign_add(ops.sum(ops.cast(p > self.threshold, "float32")))
        self.count.assign_add(ops.cast(ops.size(p), "float32"))

    def result(self):
        return self.total / self.count


class Best(keras.metrics.BinaryAccuracy):
    """Forgets nothing: the accuracy over all epochs so far."""

    def reset_state(self):
        pass


def counts():
    return [M.TruePositives(), M.FalsePositives(), M.TrueNegatives(), M.FalseNegatives()]


LESSON = Lesson(
    title="Metrics of two classes",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        Variant(
            "AUC of ROC and of precision",
            lambda: net(M.AUC(), M.AUC(curve="PR", name="pr", num_thresholds=50)),
            epochs=3,
        ),
        Variant("precision, recall", lambda: net(M.Precision(), M.Recall(thresholds=0.3)), epochs=3),
        Variant("precision at three thresholds", lambda: net(M.Precision(thresholds=[0.3, 0.5, 0.7])), epochs=3),
        Variant("F1Score(threshold=.5)", lambda: net(M.F1Score(threshold=0.5)), epochs=3),
        Variant("confusion counts", lambda: net(*counts()), epochs=3),
        Variant(
            "precision at a recall", lambda: net(M.PrecisionAtRecall(0.7), M.SensitivityAtSpecificity(0.6)), epochs=3
        ),
        Variant("binary IoU", lambda: net(M.BinaryIoU(), M.MeanSquaredError()), epochs=3),
        Variant("a Metric of one's own, .5", lambda: net(Positives()), epochs=3),
        Variant("a Metric of one's own, .9", lambda: net(Positives(0.9)), epochs=3),
        Variant("one that is never reset", lambda: net(Best(name="ever")), epochs=3),
        Variant("accuracy at .9", lambda: net(M.BinaryAccuracy(threshold=0.9)), epochs=3),
        Variant(
            "two of one name",
            lambda: net(M.BinaryAccuracy(name="a"), M.BinaryAccuracy(threshold=0.9, name="a")),
            epochs=3,
        ),
        Variant("a very long name", lambda: net(M.BinaryAccuracy(name="long_" * 60)), epochs=3),
        Variant("Genauigkeit für 正例, %", lambda: net(M.BinaryAccuracy(name="Genauigkeit für 正例, %")), epochs=3),
        Variant(
            "named seconds, status, key",
            lambda: net(
                *[M.BinaryAccuracy(name=n, threshold=t) for t, n in ((0.4, "seconds"), (0.5, "status"), (0.6, "key"))]
            ),
            epochs=3,
        ),
        Variant("weighted_metrics", lambda: net(weighted_metrics=["accuracy", M.AUC()]), epochs=3),
    ],
    endpoint=Endpoint("epochs"),
)
