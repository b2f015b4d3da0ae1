"""Does dropping the learning rate on a plateau help?

A large learning rate gets near a good place quickly, then keeps jumping around it. `ReduceLROnPlateau` watches the
validation loss and divides the learning rate by ten whenever five epochs have passed without an improvement.

What it promises is calm: curves that settle instead of wobbling. So wobble is the endpoint, declared beforehand, and
final accuracy stands beside it.
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
    title="Learning-rate schedule",
    technique="A learning-rate schedule",
    about=__doc__,
    family="learning",
    data=circles(train=500, test=500),
    variants=[
        Variant("without", model, epochs=300, note="a learning rate of 0.01 throughout"),
        Variant(
            "with",
            model,
            epochs=300,
            callbacks=[keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.1, patience=5, min_delta=1e-7)],
            note="divided by ten when validation loss has not improved for five epochs",
        ),
    ],
    endpoint=Endpoint("wobble", better="lower", sesoi=0.002),
)
