"""Words, padded."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net(*parts, mask=False, **settings):
    m = keras.Sequential(
        [
            keras.Input((9,), dtype="int32"),
            layers.Embedding(30, 4, mask_zero=mask),
            *parts,
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    m.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"], **settings)
    return m


class Positions(layers.Layer):
    """Adds a place's vector; masks go through."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def build(self, shape):
        self.table = self.add_weight(shape=shape[1:])

    def call(self, x):
        return x + self.table


pool = layers.GlobalAveragePooling1D
LESSON = Lesson(
    title="Words",
    about=__doc__,
    data=Data(fixed=rows.tokens),
    variants=[
        Variant("mean of vectors", lambda: net(pool()), epochs=3),
        Variant("masked mean", lambda: net(pool(), mask=True), epochs=3),
        Variant("masked LSTM", lambda: net(layers.LSTM(4), mask=True), epochs=2),
        Variant(
            "masked, bidirectional GRU with dropout",
            lambda: net(layers.Bidirectional(layers.GRU(3, recurrent_dropout=0.2)), mask=True),
            epochs=2,
        ),
        Variant("positions of one's own", lambda: net(Positions(), pool(), mask=True), epochs=3),
        Variant("spatial dropout", lambda: net(layers.SpatialDropout1D(0.3), pool()), epochs=3),
        Variant("convolution", lambda: net(layers.Conv1D(4, 3), layers.GlobalMaxPooling1D()), epochs=2),
    ],
    endpoint=Endpoint("test_accuracy"),
)
