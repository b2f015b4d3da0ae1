"""What kind of problem does a model have, and which family of techniques treats it?

A model can fail in three ways, and they are looked for in this order. Learning: it does not fit its own training
rows, or only slowly. Generalization: it fits them, but not rows it has not seen. Predictions: it does both, but the
result depends on the run, so that training again gives another model.

Each way has its remedies. Batch size, learning-rate schedules and batch normalization treat learning; weight
regularization, noise and early stopping treat generalization. The report diagnoses every variant of every lesson and
puts beside it what those remedies did here.

Nothing among them treats predictions, so this lesson does: with a batch of one row every update pulls the weights
somewhere else, and where training happens to end is luck. Averaging the weights over the last updates (Polyak
averaging) should take that luck away. So the endpoint is not accuracy, but how far it spreads from seed to seed.
"""

import keras
from keras import layers

from orchestrator import Endpoint, Lesson, Variant
from orchestrator.jobs.problems import circles


def model(**average: object) -> keras.Model:
    """Fifty hidden units; `average` switches the optimiser's moving average of the weights on."""
    net = keras.Sequential([keras.Input((2,)), layers.Dense(50, activation="relu"), layers.Dense(1)])
    net.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9, **average),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
    )
    return net


def averaged() -> keras.Model:
    """The same model, whose optimiser also keeps an average over about the last thousand updates."""
    return model(use_ema=True, ema_momentum=0.999)


LESSON = Lesson(
    title="A framework for diagnosis",
    about=__doc__,
    family="predictions",
    technique="Weight averaging",
    data=circles(train=500, test=500),
    variants=[
        Variant("without", model, epochs=1000, batch_size=1, note="the weights after the last update"),
        Variant(
            "with",
            averaged,
            epochs=1000,
            batch_size=1,
            callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)],
            note="the average of the weights over the last updates",
        ),
    ],
    endpoint=Endpoint("fresh_accuracy", statistic="spread", better="lower", sesoi=0.8),
)
