"""How does the number of rows behind each update change learning?

A model sees its 500 training rows once an epoch. It can look at all of them before it changes its weights (batch), at
32 (minibatch), or at one (stochastic). Fewer rows make more updates an epoch, each of them a rougher guess at the
right direction.

So small batches should learn in fewer epochs, and wobble more. Which ends better is what this lesson measures.
"""

import keras
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model() -> keras.Model:
    """Fifty hidden units, plain stochastic gradient descent with momentum."""
    net = keras.Sequential([keras.Input((2,)), layers.Dense(50, activation="relu"), layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


LESSON = Lesson(
    title="Batch size",
    about=__doc__,
    family="learning",
    data=circles(train=500, test=500),
    variants=[
        Variant("batch", model, epochs=1000, batch_size=500, note="all 500 rows, one update an epoch"),
        Variant("minibatch", model, epochs=1000, batch_size=32, note="32 rows, 16 updates an epoch"),
        Variant("stochastic", model, epochs=1000, batch_size=1, note="one row, 500 updates an epoch"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
)
