"""Several classes, one-hot."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant

M = keras.metrics


def net(metrics=(), loss="categorical_crossentropy"):
    m = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="gelu"), layers.Dense(3, activation="softmax")])
    m.compile("adam", loss, metrics=["accuracy", *metrics])
    return m


LESSON = Lesson(
    title="Three classes, one-hot",
    about=__doc__,
    data=Data(fixed=rows.one_hot),
    variants=[
        Variant("accuracy", net, epochs=3),
        Variant("focal loss", lambda: net(loss=keras.losses.CategoricalFocalCrossentropy(alpha=0.3)), epochs=3),
        Variant("KL divergence", lambda: net(loss="kl_divergence"), epochs=3),
        Variant("cosine similarity", lambda: net([M.CosineSimilarity()], keras.losses.CosineSimilarity()), epochs=3),
        Variant("Tversky", lambda: net(loss=keras.losses.Tversky()), epochs=3),
        Variant("F1 a class", lambda: net([M.F1Score()]), epochs=3),
        Variant("F1, macro", lambda: net([M.F1Score(average="macro", name="f1")]), epochs=3),
        Variant("F-beta, weighted", lambda: net([M.FBetaScore(average="weighted", beta=2.0)]), epochs=3),
        Variant("AUC a label", lambda: net([M.AUC(multi_label=True, num_labels=3)]), epochs=3),
        Variant("mean IoU", lambda: net([M.OneHotMeanIoU(num_classes=3)]), epochs=3),
        Variant(
            "precision of a class", lambda: net([M.Precision(class_id=1), M.Recall(class_id=2, top_k=2)]), epochs=3
        ),
    ],
    endpoint=Endpoint("test_accuracy"),
)
