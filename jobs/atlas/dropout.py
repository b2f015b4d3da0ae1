"""Does dropout reduce overfitting?

Five hundred hidden units can learn thirty rows by heart. Dropout silences two in five of them, others at every step of
training, so that none can rely on the rest. At prediction time all of them speak.

If it helps, accuracy on fresh points rises.
"""

import keras
from keras import layers

from orchestrator import Claim, Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model(rate: float = 0.0) -> keras.Model:
    """Five hundred hidden units for thirty rows, with dropout behind them on request."""
    hidden = [layers.Dense(500, activation="relu"), *([layers.Dropout(rate)] if rate else [])]
    net = keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


LESSON = Lesson(
    title="Dropout",
    about=__doc__,
    family="generalization",
    data=circles(train=30, test=70),
    variants=[
        Variant("without", model, epochs=4000, note="all units, every epoch"),
        Variant("with", lambda: model(0.4), epochs=4000, note="40 % of the hidden units silent at each step"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
    published=[
        Claim(
            "J. Brownlee, How to Reduce Overfitting With Dropout Regularization in Keras, machinelearningmastery.com, 2018",
            effect=0.814 - 0.757,
            measure="test_accuracy",
        )
    ],
)
