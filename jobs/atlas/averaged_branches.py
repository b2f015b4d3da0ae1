"""Does the average of five small models in one vary less than one of them?

Five branches learn side by side from the same rows, each from initial weights of its own; the model says what they say on average.

If it helps, accuracy on fresh points varies less from seed to seed.
"""

import keras
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model(branches: int = 1) -> keras.Model:
    """So many branches of ten hidden units, averaged."""
    rows = keras.Input((2,))
    said = [layers.Dense(1)(layers.Dense(10, activation="relu")(rows)) for _ in range(branches)]
    net = keras.Model(rows, layers.Average()(said) if branches > 1 else said[0])
    net.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


LESSON = Lesson(
    title="Averaged branches",
    about=__doc__,
    family="predictions",
    data=circles(train=500, test=500),
    variants=[
        Variant("without", model, epochs=1000, note="one branch"),
        Variant("with", lambda: model(5), epochs=1000, note="five branches, averaged"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="lower", sesoi=0.8, statistic="spread"),
)
