"""Does batch normalization speed learning up?

Batch normalization rescales what a layer puts out to mean 0 and standard deviation 1 within each batch, then lets the
model learn a better mean and scale. Layers behind it no longer chase a moving target.

What it promises is speed, so the endpoint is the number of epochs until validation accuracy first reaches 80 %. Where
training ends stands beside it.
"""

import keras
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model(normalize: bool = False) -> keras.Model:
    """Fifty hidden units, their outputs normalized on request."""
    hidden = [layers.Dense(50, activation="relu"), *([layers.BatchNormalization()] if normalize else [])]
    net = keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


def normalized() -> keras.Model:
    """The same model with batch normalization after the activation."""
    return model(normalize=True)


LESSON = Lesson(
    title="Batch normalization",
    about=__doc__,
    family="learning",
    data=circles(train=500, test=500),
    variants=[
        Variant("without", model, epochs=300, note="hidden outputs as they come"),
        Variant("with", normalized, epochs=300, note="hidden outputs normalized within each batch"),
    ],
    endpoint=Endpoint("epochs_to_threshold", better="lower", sesoi=5, threshold=0.8),
)
