"""Does a hinge loss do better than cross-entropy?

Cross-entropy asks for probabilities. The hinge loss only asks that the right side is ahead by a margin, the squared one punishes what
lies far on the wrong side more. Each is read at the threshold that belongs to it: 0 for an output between -1 and 1, and for logits.

If one does better, accuracy on fresh points rises.
"""

import keras
from keras import layers

from orchestrator import Claim, Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles

SOURCE = "J. Brownlee, How to Choose Loss Functions When Training Deep Learning Neural Networks, machinelearningmastery.com, 2019"


def model(loss: keras.losses.Loss, activation: str | None) -> keras.Model:
    """Fifty hidden units, an output as the loss wants it."""
    hidden = layers.Dense(50, activation="relu", kernel_initializer="he_uniform")
    net = keras.Sequential([keras.Input((2,)), hidden, layers.Dense(1, activation=activation)])
    net.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss=loss,
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


def probable() -> keras.Model:
    """Cross-entropy of logits."""
    return model(keras.losses.BinaryCrossentropy(from_logits=True), None)


def ahead() -> keras.Model:
    """The hinge loss of an output between -1 and 1."""
    return model(keras.losses.Hinge(), "tanh")


def far_ahead() -> keras.Model:
    """The squared hinge loss of such an output."""
    return model(keras.losses.SquaredHinge(), "tanh")


LESSON = Lesson(
    title="Loss",
    about=__doc__,
    family="learning",
    data=circles(train=500, test=500),
    variants=[
        Variant("cross-entropy", probable, epochs=200, note="asks for probabilities"),
        Variant("hinge", ahead, epochs=200, note="asks for a margin"),
        Variant("squared hinge", far_ahead, epochs=200, note="punishes the far side more"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
    published=[
        Claim(SOURCE, effect=0.740 - 0.852, measure="test_accuracy", contrast="hinge"),
        Claim(SOURCE, effect=0.646 - 0.852, measure="test_accuracy", contrast="squared hinge"),
    ],
)
