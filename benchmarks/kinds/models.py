"""Ways to write a model."""

import keras
import rows
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Variant


def compiled(m, loss="binary_crossentropy"):
    m.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return m


class Net(keras.Model):
    def __init__(self, units=8, rate=0.0, penalty=0.0):
        super().__init__()
        self.hidden, self.out = layers.Dense(units, activation="relu"), layers.Dense(1, activation="sigmoid")
        self.normal, self.drop, self.penalty = layers.BatchNormalization(), layers.Dropout(rate), penalty

    def call(self, x, training=False):
        h = self.drop(self.normal(self.hidden(x), training=training), training=training)
        if self.penalty:
            self.add_loss(self.penalty * ops.mean(ops.square(h)))
        return self.out(h)


class Bare(keras.Model):
    """Without `training`, layers in a list."""

    def __init__(self):
        super().__init__()
        self.steps = [layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")]

    def call(self, x):
        for step in self.steps:
            x = step(x)
        return x


class Step(Net):
    """Keras's own step for JAX, written out."""

    def train_step(self, state, data):
        trainable, frozen, optimizer, metrics = state
        x, y = data
        loss = lambda t, f, x, y: self.parts(t, f, x, y)  # noqa: E731
        (value, (p, frozen)), slope = __import__("jax").value_and_grad(loss, has_aux=True)(trainable, frozen, x, y)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, slope, trainable)
        logs, new = {}, []
        for metric in self.metrics:
            mine = metrics[len(new) : len(new) + len(metric.variables)]
            mine = (
                metric.stateless_update_state(mine, value)
                if metric.name == "loss"
                else metric.stateless_update_state(mine, y, p)
            )
            logs[metric.name] = metric.stateless_result(mine)
            new += mine
        return logs, (trainable, frozen, optimizer, new)

    def parts(self, trainable, frozen, x, y):
        p, frozen = self.stateless_call(trainable, frozen, x, training=True)
        return self.compute_loss(x, y, p), (p, frozen)


class OwnLoss(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.abs(y - y_pred) ** 1.5) + 0.01 * ops.mean(ops.square(y_pred))


class OwnFit(Net):
    def fit(self, *args, **kwargs):
        return super().fit(*args, **kwargs)


class Tested(Net):
    def test_step(self, state, data):
        return super().test_step(state, data)


def functional():
    x = keras.Input((6,))
    h = layers.Dense(8, activation="relu")(x)
    return compiled(keras.Model(x, layers.Dense(1, activation="sigmoid")(layers.Add()([h, layers.Dense(8)(x)]))))


def operations():
    x = keras.Input((6,))
    h = ops.tanh(layers.Dense(8)(x)) + 0.5 * ops.mean(x, axis=1, keepdims=True)
    return compiled(keras.Model(x, layers.Dense(1, activation="sigmoid")(h)))


def shared():
    x, dense = keras.Input((6,)), layers.Dense(6, activation="tanh")
    return compiled(keras.Model(x, layers.Dense(1, activation="sigmoid")(dense(dense(x)))))


def nested():
    x = keras.Input((6,))
    inner = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dropout(0.3)], name="inner")
    return compiled(keras.Model(x, layers.Dense(1, activation="sigmoid")(Bare()(inner(x)))))


def frozen():
    m = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu", trainable=False),
            layers.BatchNormalization(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    m.layers[1].trainable = False
    return compiled(m)


def pretrained():
    split = rows.binary()
    base = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(6)])
    base.compile("adam", "mse")
    base.fit(split.x_train, split.x_train, epochs=2, verbose=0)
    base.trainable = False
    return compiled(keras.Sequential([base, layers.Dense(1, activation="sigmoid")]))


def adapted():
    norm = layers.Normalization()
    norm.adapt(rows.binary().x_train)
    return compiled(keras.Sequential([norm, layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")]))


def cloned():
    keras.backend.clear_session()
    return compiled(
        keras.models.clone_model(
            keras.Sequential(
                [keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")]
            )
        )
    )


def from_json():
    return compiled(
        keras.models.model_from_json(
            keras.Sequential([keras.Input((6,)), layers.Dense(8), layers.Dense(1, activation="sigmoid")]).to_json()
        )
    )


LESSON = Lesson(
    title="Ways to write a model",
    about=__doc__,
    data=Data(fixed=rows.binary),
    variants=[
        Variant("functional, with a skip", functional, epochs=3),
        Variant("functional, with ops", operations, epochs=3),
        Variant("a layer used twice", shared, epochs=3),
        Variant("models in a model", nested, epochs=3),
        Variant("frozen layers", frozen, epochs=3),
        Variant("pretrained in model()", pretrained, epochs=3),
        Variant("Normalization adapted in model()", adapted, epochs=3),
        Variant("cloned, after clear_session", cloned, epochs=3),
        Variant("from JSON", from_json, epochs=3),
        Variant("subclassed, without training", lambda: compiled(Bare()), epochs=3),
        Variant("subclassed, batch normalization", lambda: compiled(Net()), epochs=3),
        Variant("subclassed, dropout", lambda: compiled(Net(rate=0.4)), epochs=3),
        Variant("subclassed, add_loss", lambda: compiled(Net(penalty=0.5)), epochs=3),
        Variant("own train_step", lambda: compiled(Step()), epochs=3),
        Variant("own test_step", lambda: compiled(Tested()), epochs=3),
        Variant("own compute_loss", lambda: compiled(OwnLoss()), epochs=3),
        Variant("own fit", lambda: compiled(OwnFit()), epochs=3),
    ],
    endpoint=Endpoint("test_accuracy"),
)
