"""What do more rows to learn from bring?

The same model learns from 30, 100 or 500 rows. It is what every remedy for overfitting is to be held against: the price of a row.

If they help, accuracy on fresh points rises.
"""

import keras
from keras import layers

from orchestrator import Data, Endpoint, Lesson, Split, Variant
from orchestrator.jobs.problems import BAYES, FIXED, FRESH, FRESH_ROWS, REDRAWN, rings

MOST = 500


def model() -> keras.Model:
    """Fifty hidden units."""
    net = keras.Sequential([keras.Input((2,)), layers.Dense(50, activation="relu"), layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


def first(rows: int) -> Data:
    """The first rows of five hundred; all are validated on the same five hundred others."""

    def draw(random_state: int) -> Split:
        x, y = rings(2 * MOST, random_state)
        return Split(x[:rows], y[:rows], x[MOST:], y[MOST:])

    return Data(
        fixed=lambda: draw(FIXED),
        redrawn=lambda seed: draw(REDRAWN + seed),
        fresh=lambda: rings(FRESH_ROWS, FRESH),
        chance=0.5,
        bayes=BAYES,
        note=f"two noisy rings, {rows} rows to train on and {MOST} to validate on",
    )


LESSON = Lesson(
    title="Training-set size",
    about=__doc__,
    technique="More rows",
    family="generalization",
    data=first(30),
    variants=[
        Variant("30 rows", model, epochs=300, batch_size=30, note="an update an epoch"),
        Variant(
            "100 rows", model, epochs=75, batch_size=25, data=first(100), note="four updates an epoch, as many in all"
        ),
        Variant(
            "500 rows", model, epochs=15, batch_size=25, data=first(500), note="twenty updates an epoch, as many in all"
        ),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
)
