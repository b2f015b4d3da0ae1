"""Does a constraint on the weights reduce overfitting?

Large weights make sharp boundaries, which follow single rows. A unit-norm constraint rescales the weights into each hidden unit to
a length of 1 after every update, so that none can grow.

If it helps, accuracy on fresh points rises.
"""

import keras
from keras import layers

from orchestrator import Claim, Endpoint, Lesson, Variant
from orchestrator.jobs.atlas.problems import moons


def model(constraint: keras.constraints.Constraint | None = None) -> keras.Model:
    """Five hundred hidden units for thirty rows."""
    hidden = layers.Dense(500, activation="relu", kernel_constraint=constraint)
    net = keras.Sequential([keras.Input((2,)), hidden, layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


LESSON = Lesson(
    title="Weight constraint",
    about=__doc__,
    family="generalization",
    data=moons(),
    variants=[
        Variant("without", model, epochs=4000, note="weights as they grow"),
        Variant("with", lambda: model(keras.constraints.UnitNorm()), epochs=4000, note="hidden weights of length 1"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
    published=[
        Claim(
            "J. Brownlee, How to Reduce Overfitting Using Weight Constraints in Keras, machinelearningmastery.com, 2018",
            effect=0.943 - 0.914,
            measure="test_accuracy",
        )
    ],
)
