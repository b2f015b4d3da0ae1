"""Does clipping gradients keep training from blowing up?

Targets with a standard deviation of a hundred make errors of thousands, gradients of the same size, and weights that leave what a
number can hold. Clipping shortens the gradient to a length of 1, or each of its parts to 5 at the most.

If it helps, fewer runs diverge. (Scaling the targets would do as well.)
"""

import keras
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.atlas.problems import regression


def model(**clip: float) -> keras.Model:
    """Twenty-five hidden units for a linear function."""
    hidden = layers.Dense(25, activation="relu", kernel_initializer="he_uniform")
    net = keras.Sequential([keras.Input((20,)), hidden, layers.Dense(1)])
    net.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9, **clip), loss="mean_squared_error", metrics=["mse"])
    return net


LESSON = Lesson(
    title="Gradient clipping",
    about=__doc__,
    family="learning",
    data=regression(scaled=False),
    variants=[
        Variant("without", model, epochs=100, note="gradients as they come"),
        Variant("by norm", lambda: model(clipnorm=1.0), epochs=100, note="a length of 1 at the most"),
        Variant("by value", lambda: model(clipvalue=5.0), epochs=100, note="each part 5 at the most"),
    ],
    endpoint=Endpoint("bad", better="lower", sesoi=0.1, statistic="rate"),
)
