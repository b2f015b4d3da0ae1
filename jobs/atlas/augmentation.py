"""Do shifted copies of two hundred pictures make up for having so few?

A digit is the same digit a pixel further left. Each of the 200 pictures to learn from stands beside its four copies, shifted by a pixel
each way, so that the model sees a thousand.

If it helps, accuracy on pictures that no run saw rises.
"""

import keras
import numpy as np
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.atlas.problems import digits

SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))


def shifted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Five copies of (rows, 64) pictures, with their targets in a last column: (5 rows, 65)."""
    pictures = x.reshape(-1, 8, 8)
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    copies = [padded[:, 1 + down : 9 + down, 1 + right : 9 + right].reshape(len(x), 64) for down, right in SHIFTS]
    return np.vstack([np.hstack([each, y]) for each in copies]).astype("float32")


def model() -> keras.Model:
    """A hundred hidden units for ten classes."""
    net = keras.Sequential([keras.Input((64,)), layers.Dense(100, activation="relu"), layers.Dense(10)])
    net.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    return net


LESSON = Lesson(
    title="Augmentation",
    about=__doc__,
    family="generalization",
    data=digits(),
    variants=[
        Variant("without", model, epochs=100, note="200 pictures"),
        Variant("with", model, epochs=20, data=digits(shifted), note="1,000 pictures, as many steps"),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
)
