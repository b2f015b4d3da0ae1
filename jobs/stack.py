"""What does each of an L2 penalty, noise and early stopping add to the other two?

Each of the three keeps five hundred hidden units from learning thirty rows by heart, and each has a lesson of its own.
People use them together. Here one model is trained with none of them, with each alone, with two, and with all three.

If a remedy is worth its place among the others, accuracy on fresh points falls when it is left out.
"""

import keras
from keras import layers

from orchestrator import Endpoint, stack
from orchestrator.jobs.problems import circles


def model(penalty: float = 0.0, noise: float = 0.0) -> keras.Model:
    """Five hundred hidden units for thirty rows, with a price on their weights and noise behind them on request."""
    price = keras.regularizers.L2(penalty) if penalty else None
    hidden = [layers.Dense(500, activation="relu", kernel_regularizer=price)]
    hidden += [layers.GaussianNoise(noise)] if noise else []
    net = keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


LESSON = stack(
    model,
    {
        "L2 penalty": {"penalty": 0.01},
        "noise": {"noise": 0.1},
        "early stopping": {"callbacks": keras.callbacks.EarlyStopping("val_loss", mode="min", patience=200)},
    },
    title="Three remedies at once",
    about=__doc__,
    family="generalization",
    data=circles(train=30, test=70),
    epochs=4000,
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
)
