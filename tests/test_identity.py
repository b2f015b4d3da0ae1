"""Two runs are one when the program that trains them is one: every edit that changes a number is seen, no other is."""

import re
import textwrap

import pytest

from orchestrator.errors import LessonError
from orchestrator.lessons import catalog, keys
from orchestrator.lessons.sandbox import here
from orchestrator.nouns.identity import sketch

HEAD = '''"""Does it help?"""
import dataclasses

import keras
import numpy as np
from keras import layers, ops
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def draw(seed=0):
    r = np.random.default_rng(seed)
    x = r.normal(size=(16, 2)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    return Split(x[:8], y[:8], x[8:], y[8:])


def net(*middle, loss="mse", optimizer="sgd", metrics=None, **more):
    m = keras.Sequential([keras.Input((2,)), layers.Dense(2), *middle, layers.Dense(1)])
    m.compile(optimizer, loss, metrics=metrics, **more)
    return m


'''
TAIL = """
LESSON = Lesson("T", __doc__, Data(fixed=draw), [Variant("a", model, epochs=2, batch_size=4)], Endpoint("test_loss"))
"""


def jobs(folder, text, name="lesson", settings=(), scopes=("fixed",), **files):
    """The jobs of a lesson file of this text, beside other files."""
    folder.mkdir(exist_ok=True)
    for module, body in files.items():
        (folder / f"{module}.py").write_text(body)
    path = folder / f"{name}.py"
    path.write_text(text)
    return keys.survey(here, catalog.find([str(path)])[0], settings, scopes, "compiled")[0]


def key(folder, body, **more):
    """The key of a lesson whose model is made like this."""
    return jobs(folder, HEAD + textwrap.dedent(body) + TAIL, **more)[0].key


# Each body has a number that an edit changes from 1.0 to 2.0.
SEEN = {
    "a loss made by a function": """
        def weighted(w):
            def loss(y, p): return w * ops.mean(ops.square(y - p), axis=-1)
            return loss
        def model(): return net(loss=weighted(1.0))
        """,
    "a closure in a closure": """
        def outer(w):
            def middle():
                def loss(y, p): return w * ops.mean(ops.square(y - p), axis=-1)
                return loss
            return middle()
        def model(): return net(loss=outer(1.0))
        """,
    "a Lambda layer": """
        def model(): return net(layers.Lambda(lambda x: x * 1.0))
        """,
    "an activation function": """
        def leaky(a):
            def act(x): return ops.where(x > 0, x, a * x)
            return act
        def model(): return net(layers.Activation(leaky(1.0)))
        """,
    "a regularizer of one's own": """
        class Mine(keras.regularizers.Regularizer):
            def __init__(self, k): self.k = k
            def __call__(self, w): return self.k * ops.sum(ops.square(w))
            def get_config(self): return {}
        def model(): return net(layers.Dense(2, kernel_regularizer=Mine(1.0)))
        """,
    "a constraint of one's own": """
        class Mine(keras.constraints.Constraint):
            def __init__(self, k): self.k = k
            def __call__(self, w): return ops.clip(w, -self.k, self.k)
        def model(): return net(layers.Dense(2, kernel_constraint=Mine(1.0)))
        """,
    "a schedule of one's own": """
        class Mine(keras.optimizers.schedules.LearningRateSchedule):
            def __call__(self, step): return 0.1 / (1.0 + ops.cast(step, "float32"))
        def model(): return net(optimizer=keras.optimizers.SGD(Mine()))
        """,
    "a metric function": """
        def scaled(y, p): return 1.0 * ops.mean(ops.abs(y - p))
        def model(): return net(metrics=[scaled])
        """,
    "a metric's threshold": """
        def model(): return net(metrics=[keras.metrics.BinaryAccuracy(threshold=1.0)])
        """,
    "a metric of one's own": """
        class Hits(keras.metrics.Metric):
            def __init__(self): super().__init__(name="hits"); self.n = self.add_variable((), "zeros", name="n")
            def update_state(self, y, p, sample_weight=None): self.n.assign_add(1.0 * ops.sum(ops.cast(p > 0, "float32")))
            def result(self): return self.n
        def model(): return net(metrics=[Hits()])
        """,
    "loss weights": """
        def model(): return net(loss_weights=[1.0])
        """,
    "an attribute of a subclassed model": """
        class Net(keras.Model):
            def __init__(self, s): super().__init__(); self.s = s; self.d = layers.Dense(1)
            def call(self, x): return self.d(x) * self.s
        def model():
            m = Net(1.0); m.compile("sgd", "mse"); return m
        """,
    "a dataclass in a subclassed model": """
        @dataclasses.dataclass
        class Config: scale: float = 1.0
        class Net(keras.Model):
            def __init__(self, c): super().__init__(); self.c = c; self.d = layers.Dense(1)
            def call(self, x): return self.d(x) * self.c.scale
        def model():
            m = Net(Config()); m.compile("sgd", "mse"); return m
        """,
    "a list, a property and a static method": """
        class Gate(layers.Layer):
            parts = [0.0, 1.0]
            @property
            def scale(self): return self.parts[1]
            @staticmethod
            def twice(x): return x + x
            def call(self, x): return self.twice(x) * self.scale
        def model(): return net(Gate())
        """,
    "an array": """
        W = np.full((2,), 1.0, "float32")
        def model(): return net(layers.Lambda(lambda x: x * W))
        """,
    "a large array": """
        W = np.ones((600, 600), "float32"); W[-1, -1] = 1.0
        def model(): return net(layers.Lambda(lambda x: x + ops.sum(ops.matmul(W, W)) * 0.0 * W[-1, -1] + W[-1, -1]))
        """,
    "a layer without a configuration": """
        class Gate(layers.Layer):
            def __init__(self, f): super().__init__(); self.f = f
            def call(self, x): return self.f(x)
        def model(): return net(Gate(lambda x: x * 1.0))
        """,
    "a train step of one's own": """
        class Net(keras.Sequential):
            def train_step(self, state, data):
                x, y = data
                return super().train_step(state, (x * 1.0, y))
        def model():
            m = Net([keras.Input((2,)), layers.Dense(1)]); m.compile("sgd", "mse"); return m
        """,
    "an initial weight": """
        def model(): return net(layers.Dense(2, bias_initializer=keras.initializers.Constant(1.0)))
        """,
}


@pytest.mark.parametrize("kind", SEEN)
def test_an_edit_that_changes_numbers_changes_the_key(tmp_path, kind):
    """Wherever in a model a number stands, another number is another key; the same text gives the same key in another folder."""
    body = SEEN[kind]
    assert "1.0" in body
    before = key(tmp_path / "a", body)
    assert key(tmp_path / "b", body) == before
    head, _, tail = body.rpartition("1.0")
    assert key(tmp_path / "c", f"{head}2.0{tail}") != before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def model(): return net()", "def model(): return net(metrics=['mae'])"),
        ("def model(): return net(metrics=['mae'])", "def model(): return net(metrics=[keras.metrics.MeanAbsoluteError(name='other')])"),
        ("def model(): return net(optimizer='sgd')", "def model(): return net(optimizer=keras.optimizers.SGD(0.02))"),
        ("def model(): return net(loss='mse')", "def model(): return net(loss='mae')"),
    ],
)  # fmt: skip
def test_other_metrics_optimisers_and_losses_are_other_keys(tmp_path, before, after):
    """A metric added or renamed, another learning rate, another loss: each trains anew."""
    assert key(tmp_path / "a", before) != key(tmp_path / "b", after)


SAME = [
    ("def model(): return net(layers.Dense(3))", "def model():  # with a comment\n    return net(\n        layers.Dense(3),\n    )"),
    ("def model(): return net(layers.Dense(3))", "def model(): return net(layers.Dense(3, name='other'))"),
    ("def model(): return net(layers.Dense(3))", "def other(): return net(layers.Dense(3))\nmodel = other"),
    ("w = 3\ndef model(): return net(layers.Dense(w))", "width = 2 + 1\ndef model(): return net(layers.Dense(width))"),
    ("class A(layers.Layer):\n    def call(self, x): return x * 2\ndef model(): return net(A())",
     "class B(layers.Layer):\n    def call(self, inputs): return inputs * 2\ndef model(): return net(B())"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), SAME)
def test_an_edit_that_changes_no_number_keeps_the_key(tmp_path, before, after):
    """Comments, formatting and the names of files, variables, layers and classes are not in the key, nor is the folder."""
    assert key(tmp_path / "a", before) == key(tmp_path / "b", after, name="renamed")


def test_a_helper_module_is_part_of_what_is_trained(tmp_path):
    """A constant in a module beside the lesson counts, and each folder's module is its own, in one process too."""
    body = "import common\ndef model(): return net(layers.Dense(common.WIDTH))"
    keys_ = [key(tmp_path / name, body, common=f"WIDTH = {width}\n") for name, width in (("a", 2), ("b", 64), ("c", 2))]
    assert keys_[0] == keys_[2] != keys_[1]


def test_a_helper_imported_late_is_ones_own_too(tmp_path):
    """So does a module that only the model function imports."""
    body = "def model():\n    from common import WIDTH\n    return net(layers.Dense(WIDTH))"
    keys_ = [key(tmp_path / name, body, common=f"WIDTH = {width}\n") for name, width in (("a", 2), ("b", 64), ("c", 2))]
    assert keys_[0] == keys_[2] != keys_[1]


UNTRACEABLE = {
    "a callback of one's own": """
        class Mine(keras.callbacks.Callback):
            limit = 1.0
        LATER = dict(callbacks=[Mine()])
        def model(): return net()
        """,
    "weights of classes": """
        LATER = dict(fit=dict(class_weight={0: 1.0, 1: 3.0}))
        def model(): return net(metrics=["accuracy"])
        """,
    "a constant drawn in Python": """
        def model():
            w = np.random.normal(size=2).astype("float32") * 1.0
            return net(layers.Lambda(lambda x: x * w))
        """,
    "a choice drawn with NumPy": """
        def model(): return net(layers.ActivityRegularization(l2=1.0 if np.random.rand() < 2 else 3.0))
        """,
    "a choice drawn in Python": """
        import random
        def model(): return net(layers.ActivityRegularization(l2=1.0 if random.random() < 2 else 3.0))
        """,
    "a choice drawn by Keras": """
        def model(): return net(layers.ActivityRegularization(l2=1.0 if float(keras.random.uniform(())) < 2 else 3.0))
        """,
    "a run that ends at its first NaN": """
        import jax
        jax.config.update("jax_debug_nans", True)
        def model(): return net(layers.Rescaling(1.0))
        """,
    "a schedule that looks at the model": """
        NET = []
        def rate(epoch, lr): return 1.0 if int(NET[-1].optimizer.iterations) > 2 else 0.5
        LATER = dict(callbacks=[keras.callbacks.LearningRateScheduler(rate)])
        def model():
            NET[:] = [net()]
            return NET[0]
        """,
    "a schedule that changes the model": """
        NET = []
        def rate(epoch, lr):
            NET[-1].layers[0].kernel.assign(NET[-1].layers[0].kernel * 1.0)
            return lr
        LATER = dict(callbacks=[keras.callbacks.LearningRateScheduler(rate)])
        def model():
            NET[:] = [net()]
            return NET[0]
        """,
    "a class of Keras's with a method of one's own": """
        class Mine(keras.callbacks.EarlyStopping):
            def on_epoch_end(self, epoch, logs=None): self.wait = 1.0
        keras.callbacks.EarlyStopping.on_epoch_end = Mine.on_epoch_end
        LATER = dict(callbacks=[keras.callbacks.EarlyStopping()])
        def model(): return net()
        """,
    "a rate that takes turns": """
        import itertools
        RATES = itertools.cycle([1.0, 0.5])
        def model(): return net(optimizer=keras.optimizers.SGD(next(RATES)))
        """,
    "steps that run one by one": """
        def model(): return net(layers.Lambda(lambda x: x * 1.0), run_eagerly=True)
        """,
    "a metric that is not reset": """
        class Growing(keras.metrics.MeanAbsoluteError):
            def reset_state(self): self.limit = 1.0
        def model(): return net(metrics=[Growing()])
        """,
    "an optimiser with an end of its own": """
        class Mine(keras.optimizers.SGD):
            def finalize_variable_values(self, var_list):
                for v in var_list: v.assign(v * 1.0)
        def model(): return net(optimizer=Mine())
        """,
    "a method put into a model": """
        def model():
            m = net()
            m.reset_metrics = lambda: 1.0
            return m
        """,
    "a call of Python": """
        import jax
        def model(): return net(layers.Lambda(lambda x: jax.pure_callback(lambda a: a * 1.0, x, x)))
        """,
}


@pytest.mark.parametrize("kind", UNTRACEABLE)
def test_what_cannot_be_traced_is_known_by_its_files(tmp_path, kind):
    """It goes through `fit` with the reason; any edit of its file is another key, even one of a comment."""
    tail = TAIL.replace("batch_size=4", "batch_size=4, **LATER") if "LATER" in UNTRACEABLE[kind] else TAIL
    text = HEAD + textwrap.dedent(UNTRACEABLE[kind]) + tail
    one, edited, commented = (
        jobs(tmp_path / name, t)[0]
        for name, t in (("a", text), ("b", text.replace("1.0", "2.0")), ("c", text + "# a word\n"))
    )
    assert one.engine == "fit-jax"
    assert one.reason
    assert len({one.key, edited.key, commented.key}) == 3
    assert jobs(tmp_path / "d", text)[0].key == one.key


def test_files_that_an_untraceable_lesson_reads_and_imports_late_count(tmp_path):
    """A settings file beside the lesson that is read while it loads, and a module that only a callback imports, are part of what can't be traced."""
    body = """
        import json, pathlib
        PATIENCE = json.loads((pathlib.Path(__file__).parent / "conf.json").read_text())
        class Mine(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                from late import N
        def model(): return net()
        """
    text = HEAD + textwrap.dedent(body) + TAIL.replace("batch_size=4", "batch_size=4, callbacks=[Mine()]")
    found = []
    for name, conf, late in (("a", "3", "N = 1"), ("b", "3", "N = 1"), ("c", "1", "N = 1"), ("d", "3", "N = 2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "conf.json").write_text(conf)
        found.append(jobs(tmp_path / name, text, late=late)[0].key)
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_variants_that_cannot_be_traced_never_share(tmp_path):
    """Two variants of one text are two trainings where nobody can see into them."""
    two = TAIL.replace(
        "batch_size=4)]", "batch_size=4, callbacks=C), Variant('b', model, epochs=2, batch_size=4, callbacks=C)]"
    )
    text = HEAD + "C = [keras.callbacks.LambdaCallback()]\ndef model(): return net()\n" + two
    found = jobs(tmp_path / "a", text)
    assert found[0].key != found[1].key


MANY = """
class Many(keras.metrics.MeanAbsoluteError):
    def result(self): return {"mean": super().result(), "epoch": 1.0}
def model(): return net(metrics=[Many()])
"""
REFUSED = {
    "unseeded": ("def model(): return net()", "draw(seed=0)", "draw(seed=None)", "other rows at its second call"),
    "a shared layer": ("D = layers.Dense(3)\ndef model(): return net(D)", "", "", "share the variable"),
    "a shared optimiser": ("O = keras.optimizers.SGD()\ndef model(): return net(optimizer=O)", "", "", "share the variable"),
    "a metric named like a column": ("def model(): return net(metrics=[keras.metrics.MeanAbsoluteError(name='Epoch')])", "", "", "as a column"),
    "a metric named like the loss": ("def model(): return net(loss='binary_crossentropy', metrics=[keras.metrics.AUC(name='bce')])", "", "", "as a column"),
    "a metric of many whose part is named like a column": (MANY, "", "", "a metric is named 'epoch', as a column"),
    "double precision": ("import jax\njax.config.update('jax_enable_x64', True)\ndef model(): return net()", "", "", "double precision"),
    "an unknown endpoint": ("def model(): return net()", "test_loss", "test_f2", "not scored by"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_would_mislead_is_refused_while_planning(tmp_path, kind):
    """Data that differ at each draw, models that train each other, names that break tables: one line, before anything trains."""
    body, old, new, says = REFUSED[kind]
    text = (HEAD + body + TAIL).replace(old, new) if old else HEAD + body + TAIL
    with pytest.raises(LessonError, match=says):
        jobs(tmp_path / "a", text)


def test_a_model_that_seeds_itself_is_said(tmp_path):
    """Its runs are all one run, and the plan says so."""
    job = jobs(tmp_path / "a", HEAD + "def model():\n    keras.utils.set_random_seed(42)\n    return net()\n" + TAIL)[0]
    assert "every seed gives the same run" in job.traits.notes[0]


def test_validation_accuracy_and_acc_are_understood(tmp_path):
    """An endpoint by Keras's names is that of the tables."""
    path = tmp_path / "l.py"
    path.write_text(HEAD + "def model(): return net(metrics=['acc'])\n" + TAIL.replace("test_loss", "val_accuracy"))
    described = keys.survey(here, catalog.find([str(path)])[0], (), ("fixed",), "compiled")[1]
    assert described["endpoint"]["measure"] == "test_accuracy"
    measures = {endpoint["measure"] for endpoint in described["secondary"]}
    assert "fresh_accuracy" not in measures  # there are no fresh points


def test_a_policy_set_by_one_model_does_not_reach_the_next(tmp_path):
    """A model function may set a precision policy for its own model; the other variant has the key that it has alone."""
    mixed = "def mixed():\n    keras.mixed_precision.set_global_policy('mixed_bfloat16')\n    return net()\n"
    both = TAIL.replace("[Variant", "[Variant('m', mixed, epochs=2, batch_size=4), Variant")
    alone = jobs(tmp_path / "a", HEAD + "def model(): return net()\n" + TAIL)[0]
    after = jobs(tmp_path / "b", HEAD + mixed + "def model(): return net()\n" + both)
    assert after[1].key == alone.key != after[0].key


def test_arrays_that_only_round_otherwise_are_told_from_others():
    """A sketch forgives the last bits of floats, and no other row, label or shape."""
    import numpy as np

    x = np.random.default_rng(0).normal(size=(100, 3)).astype("float32")
    y = (x[:, 0] > 0).astype("float32")
    there = sketch([x, y])
    assert there.is_like(sketch([np.nextafter(x, np.float32(9)), y]))
    assert sketch([np.nextafter(x, np.float32(9)), y]).digest != there.digest
    flipped = y.copy()
    flipped[50] = 1 - flipped[50]
    assert not there.is_like(sketch([x, flipped]))
    assert not there.is_like(sketch([x + 1, y]))
    assert not there.is_like(sketch([x[:50], y[:50]]))


def test_a_programs_text_names_what_it_hands_on_as_it_always_did():
    """Another name or order of a state's parts would be another text, and all that is stored would be trained again."""
    from orchestrator import Split, Variant, engine

    engine.load()
    import keras
    import numpy as np

    from orchestrator.engine.lowering import lower
    from orchestrator.engine.model import begin
    from orchestrator.engine.reference import Reference

    def model():
        net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        net.compile("sgd", "mse")
        return net

    stopping, plateau = keras.callbacks.EarlyStopping(restore_best_weights=True), keras.callbacks.ReduceLROnPlateau()
    rows = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    split, variant = Split(*rows, *rows), Variant("a", model, epochs=2, batch_size=4, callbacks=[stopping, plateau])
    beginning = begin(variant, split, 0)
    text = lower(Reference(variant, beginning), beginning.values, split)
    stops, drops = ("any", "best", "kept", "wait", "weights"), ("any", "best", "cooldown", "rung", "wait")
    rules = [f"'rules'][{i}]['{name}'" for i, names in enumerate((stops, drops)) for name in names]
    parts = ["'active'", "'counters'", "'epochs'", "'optimizer'", *rules, "'trainable'"]
    found = re.findall(r"result\[1\]\[('\w+'(?:\]\[\d+\]\['\w+')?)", text)
    assert list(dict.fromkeys(found)) == parts
