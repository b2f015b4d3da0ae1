"""Recurrent, attention and convolution over series."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net(*parts, batch=None):
    x = keras.Input((8, 2), batch_size=batch)
    h = x
    for part in parts:
        h = part(h)
    m = keras.Model(x, layers.Dense(1, activation="sigmoid")(h))
    m.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return m


def transformer():
    x = keras.Input((8, 2))
    h = layers.Dense(4)(x)
    a = layers.MultiHeadAttention(2, 4, dropout=0.1)(h, h)
    h = layers.LayerNormalization()(layers.Add()([h, a]))
    h = layers.LayerNormalization()(layers.Add()([h, layers.Dense(4)(layers.Dense(8, activation="gelu")(h))]))
    m = keras.Model(x, layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling1D()(h)))
    m.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return m


def attention():
    x = keras.Input((8, 2))
    h = layers.Dense(4)(x)
    h = layers.Concatenate()([layers.Attention()([h, h]), layers.AdditiveAttention()([h, h])])
    m = keras.Model(x, layers.Dense(1, activation="sigmoid")(layers.Flatten()(h)))
    m.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return m


LESSON = Lesson(
    title="Series",
    about=__doc__,
    data=Data(fixed=rows.waves),
    variants=[
        Variant("LSTM", lambda: net(layers.LSTM(4)), epochs=2),
        Variant("LSTM, dropout", lambda: net(layers.LSTM(4, dropout=0.3, recurrent_dropout=0.3)), epochs=3),
        Variant("two GRUs", lambda: net(layers.GRU(4, return_sequences=True), layers.GRU(3, dropout=0.2)), epochs=2),
        Variant("bidirectional", lambda: net(layers.Bidirectional(layers.LSTM(3, dropout=0.2))), epochs=2),
        Variant("SimpleRNN, unrolled", lambda: net(layers.SimpleRNN(4, unroll=True)), epochs=2),
        Variant("RNN of cells", lambda: net(layers.RNN([layers.GRUCell(3), layers.LSTMCell(3)])), epochs=2),
        Variant("stateful", lambda: net(layers.LSTM(3, stateful=True), batch=10), epochs=2, batch_size=10),
        Variant("transformer block", transformer, epochs=2),
        Variant("attention", attention, epochs=2),
        Variant(
            "TimeDistributed",
            lambda: net(layers.TimeDistributed(layers.Dense(3, activation="relu")), layers.Flatten()),
            epochs=2,
        ),
        Variant("Conv1D", lambda: net(layers.Conv1D(4, 3), layers.GlobalMaxPooling1D()), epochs=2),
        Variant("causal Conv1D, LSTM", lambda: net(layers.Conv1D(4, 3, padding="causal"), layers.LSTM(3)), epochs=2),
    ],
    endpoint=Endpoint("test_accuracy"),
)
