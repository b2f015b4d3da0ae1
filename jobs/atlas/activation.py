"""Do rectified linear units let a deep model learn that tanh units don't?

Five hidden layers of five units. What a tanh unit passes back shrinks at every layer where it is saturated, as it is from the start with
weights between 0 and 1; a rectified linear unit that speaks passes on all of it, and He's initial weights keep its size.

If it helps, fewer runs get stuck at guessing.
"""

import keras
from keras import layers

from orchestrator import Claim, Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles

REACH = 1.25  # what the rings lie within, so that inputs fill -1 to 1


def deep(activation: str, weights: object) -> keras.Model:
    """Five hidden layers of five units."""
    hidden = [layers.Dense(5, activation=activation, kernel_initializer=weights) for _ in range(5)]
    net = keras.Sequential([keras.Input((2,)), layers.Rescaling(1 / REACH), *hidden, layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


def saturated() -> keras.Model:
    """Units of tanh with weights between 0 and 1."""
    return deep("tanh", keras.initializers.RandomUniform(0, 1))


def rectified() -> keras.Model:
    """Rectified linear units with He's initial weights."""
    return deep("relu", "he_uniform")


LESSON = Lesson(
    title="Activation in depth",
    about=__doc__,
    technique="Rectified linear units",
    family="learning",
    data=circles(train=500, test=500),
    variants=[
        Variant("without", saturated, epochs=500, note="tanh, initial weights between 0 and 1"),
        Variant("with", rectified, epochs=500, note="rectified linear units, He's initial weights"),
    ],
    endpoint=Endpoint("stuck", better="lower", sesoi=0.1, statistic="rate"),
    published=[
        Claim(
            "J. Brownlee, How to Fix the Vanishing Gradients Problem Using the ReLU, machinelearningmastery.com, 2019",
            effect=0.840 - 0.468,
            measure="test_accuracy",
        )
    ],
)
