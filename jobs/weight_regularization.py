"""Does an L2 penalty reduce overfitting?

Five hundred hidden units can learn thirty rows by heart, noise and all. An L2 penalty adds the sum of the squared
weights, times 0.01, to the loss, so that large weights must earn their keep and the boundary between the classes
stays smooth.

If it helps, accuracy on fresh points rises while accuracy on the training rows falls.
"""

import keras
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model(penalty: keras.regularizers.Regularizer | None = None) -> keras.Model:
    """Five hundred hidden units for thirty rows: far too many, on purpose."""
    hidden = layers.Dense(500, activation="relu", kernel_regularizer=penalty)
    net = keras.Sequential([keras.Input((2,)), hidden, layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


def penalized() -> keras.Model:
    """The same model with a price on the hidden layer's weights."""
    return model(keras.regularizers.L2(0.01))


LESSON = Lesson(
    title="Weight regularization",
    about=__doc__,
    family="generalization",
    data=circles(train=30, test=70),
    variants=[
        Variant("without", model, epochs=4000, note="nothing holds the weights back"),
        Variant("with", penalized, epochs=4000, note="an L2 penalty of 0.01 on the hidden layer"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
)
