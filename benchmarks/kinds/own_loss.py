"""A loss of the model's own, and none in compile."""

import keras
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Variant


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, x):
        return self.out(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(y - y_pred))


class Centred(layers.Layer):
    def call(self, x):
        self.add_loss(ops.mean(ops.square(x - 0.5)))
        return x


def own():
    m = Net()
    m.compile("adam")
    return m


def added():
    m = keras.Sequential([keras.Input((6,)), layers.Dense(4), Centred()])
    m.compile("adam")
    return m


LESSON = Lesson(
    title="No loss in compile",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[Variant("own compute_loss", own, epochs=3), Variant("add_loss alone", added, epochs=3)],
    endpoint=Endpoint("epochs"),
)
