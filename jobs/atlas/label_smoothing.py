"""Does label smoothing help on new points?

Targets of 0.05 and 0.95 instead of 0 and 1 keep a model from being surer of a row than rows of overlapping classes allow.

If it helps, accuracy on fresh points rises.
"""

import keras
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model(smoothing: float = 0.0) -> keras.Model:
    """Fifty hidden units, with softened targets on request."""
    net = keras.Sequential([keras.Input((2,)), layers.Dense(50, activation="relu"), layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss=keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


LESSON = Lesson(
    title="Label smoothing",
    about=__doc__,
    family="generalization",
    data=circles(train=500, test=500),
    variants=[
        Variant("without", model, epochs=300, note="targets of 0 and 1"),
        Variant("with", lambda: model(0.1), epochs=300, note="targets of 0.05 and 0.95"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
)
