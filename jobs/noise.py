"""Does Gaussian noise reduce overfitting?

Five hundred hidden units can learn thirty rows by heart. Noise of standard deviation 0.1, added to what the hidden
layer puts out and drawn anew at every step of training, means that the model never sees the same row twice, so there
is less to learn by heart. At prediction time the noise is off.

If it helps, accuracy on fresh points rises.
"""

import keras
from keras import layers

from orchestrator import Claim, Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model(noise: float = 0.0) -> keras.Model:
    """Five hundred hidden units for thirty rows, with noise behind them on request."""
    hidden = [layers.Dense(500, activation="relu"), *([layers.GaussianNoise(noise)] if noise else [])]
    net = keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


def noisy() -> keras.Model:
    """The same model with noise after the activation."""
    return model(noise=0.1)


LESSON = Lesson(
    title="Noise",
    about=__doc__,
    family="generalization",
    data=circles(train=30, test=70),
    variants=[
        Variant("without", model, epochs=4000, note="the same thirty rows every epoch"),
        Variant("with", noisy, epochs=4000, note="Gaussian noise of 0.1 on the hidden layer's output"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
    published=[
        Claim(
            "J. Brownlee, How to Improve Deep Learning Model Robustness by Adding Noise, machinelearningmastery.com, 2018",
            effect=0.814 - 0.757,
            measure="test_accuracy",
        )
    ],
)
