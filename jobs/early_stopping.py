"""Does stopping when validation loss turns reduce overfitting?

A model that can learn thirty rows by heart passes through better states on the way there. Early stopping watches the
validation loss and ends training when it has not improved for 200 epochs; the weights are those at the stop.

The rows it watches are also the rows the course tests on, so that score flatters it. Fresh points do not.
"""

import keras
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model() -> keras.Model:
    """Five hundred hidden units for thirty rows: far too many, on purpose."""
    net = keras.Sequential([keras.Input((2,)), layers.Dense(500, activation="relu"), layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


LESSON = Lesson(
    title="Early stopping",
    about=__doc__,
    family="generalization",
    data=circles(train=30, test=70),
    variants=[
        Variant("without", model, epochs=4000, note="all 4,000 epochs"),
        Variant(
            "with",
            model,
            epochs=4000,
            callbacks=[keras.callbacks.EarlyStopping("val_loss", mode="min", patience=200)],
            note="until validation loss has not improved for 200 epochs",
        ),
    ],
    endpoint=Endpoint("fresh_accuracy", better="higher", sesoi=0.01),
)
