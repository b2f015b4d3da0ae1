"""What lies on a worker is trained only if it is what was planned, and compiled only if it holds against `fit`."""

import gc
import io
import weakref
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from orchestrator import engine
from orchestrator.cli import running as cli
from orchestrator.lesson import Data, Split, Variant
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.store import Store
from orchestrator.telling.screen import ConsoleScreen
from orchestrator.workers.local import Serial
from tests.conftest import TINY

engine.load()  # before anything else imports Keras

import keras

from orchestrator.engine import allowed, fit
from orchestrator.engine.recipe import recipe
from orchestrator.engine.stacked import Stacked

FROM_FILE = TINY.replace("    return Split(x[:16]", "    x = x + np.load(FILE)\n    return Split(x[:16]")


def run(path, store, seeds=range(8), executor=Serial, **more):
    """Run a lesson in this process as the command line would; gives the exit code and what it said."""
    said = io.StringIO()
    asked = session.Request(
        tuple(catalog.find([str(path)])), tuple(seeds), ("fixed", "redrawn"), "compiled", serial=True, **more
    )
    code = cli.carry_out(asked, store, executor, ConsoleScreen(Console(file=said, width=200)), report_too=False)
    return code, said.getvalue()


def from_file(tmp_path):
    """A lesson whose data come from a file, and that file."""
    file = tmp_path / "shift.npy"
    np.save(file, np.float32(0))
    path = tmp_path / "from_file.py"
    path.write_text(FROM_FILE.replace("FILE", repr(str(file))))
    return path, file


def test_a_plan_keeps_no_rows():
    """All that a plan has drawn is let go when it is known what is trained, so that large data are in memory only while they are looked at."""
    drawn = []

    def rows():
        x = np.random.default_rng(0).random((48, 2), "float32")
        drawn.append(weakref.ref(x))
        return Split(x, x[:, :1].round(), x.copy(), x[:, :1].round())

    def model():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
        model.compile("sgd", "binary_crossentropy")
        return model

    recipe(Variant("plain", model, 2), Data(fixed=rows), "fixed", "compiled", str, nullcontext)
    gc.collect()
    assert drawn
    assert all(x() is None for x in drawn)


def test_data_that_change_after_planning_are_refused(tmp_path):
    """A data file that changes between plan and training: one line a job, exit code 1, and nothing stored under the planned keys."""
    path, file = from_file(tmp_path)

    class Late(Serial):
        """Trains after the file has changed."""

        def run(self, orders):
            np.save(file, np.float32(1))
            return super().run(orders)

    store = Store(tmp_path / "out")
    code, said = run(path, store, executor=Late)
    assert code == 1
    assert said.count("refused from-file/one/fixed: other rows than planned") == 1
    assert not list((tmp_path / "out" / "store").rglob("*.parquet"))
    assert len(pd.read_parquet(store.runs)) == 0
    code, said = run(path, store)  # plans anew, with the file as it is now
    assert (code, len(pd.read_parquet(store.runs))) == (0, 32)


LARGE = '''"""Are a few rows of many numbers told apart?"""

import keras
import numpy as np
from orchestrator import Data, Endpoint, Lesson, Split, Variant


def rows():
    x = np.random.default_rng(0).normal(size=(4300, 1000)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    return Split(x[:4200], y[:4200], x[4200:], y[4200:])


def model(rate=0.0):
    net = keras.Sequential([keras.Input((1000,)), keras.layers.Dropout(rate), keras.layers.Dense(1, activation="sigmoid")])
    net.compile("sgd", loss="binary_crossentropy", metrics=["accuracy"])
    return net


LESSON = Lesson(
    "Large",
    about=__doc__,
    data=Data(fixed=rows),
    variants=[Variant("one", model, 2, batch_size=500), Variant("two", lambda: model(0.5), 2, batch_size=500)],
    endpoint=Endpoint("test_accuracy"),
)
'''


def test_of_large_data_no_seed_trains_that_was_not_asked_for(tmp_path):
    """Two seeds of 17 megabytes are four shards of one seed, compiled, and their curves are those of `fit`."""
    path = tmp_path / "large.py"
    path.write_text(LARGE)
    store = Store(tmp_path / "out")
    asked = session.Request(tuple(catalog.find([str(path)])), (0, 1), ("fixed",), "compiled", serial=True)
    plan = session.prepare(asked, store).plan
    assert sorted(shard.seeds for shard in plan.shards) == [(0,), (0,), (1,), (1,)]
    code = cli.carry_out(asked, store, Serial, ConsoleScreen(Console(file=io.StringIO())), report_too=False)
    runs, histories = pd.read_parquet(store.runs), pd.read_parquet(store.histories)
    assert (code, set(runs["status"]), set(runs["engine"])) == (0, {"ok"}, {"compiled"})
    lesson = catalog.load(catalog.find([str(path)])[0])
    expected = fit.fit(lesson.variant("two"), lesson.data.draw("fixed", 1), 1)[1]
    ours = histories[(histories["variant"] == "two") & (histories["seed"] == 1)]
    np.testing.assert_allclose(ours["val_loss"], expected["val_loss"], rtol=5e-7)


def test_a_plan_says_what_changed(tmp_path):
    """After an edit of the data the plan names rows, after one of the model program, after other epochs settings."""
    path, file = from_file(tmp_path)
    store = Store(tmp_path / "out")
    run(path, store)
    np.save(file, np.float32(1))
    assert why(path, store) == {"its rows changed"}
    np.save(file, np.float32(0))
    assert why(path, store) == set()
    assert why(path, store, settings={"epochs": 4}) == {"its settings changed"}
    path.write_text(path.read_text().replace('"tanh"', '"relu"'))
    assert why(path, store) == {"its program changed"}


def why(path, store, **more):
    """The reasons that a plan gives."""
    asked = session.Request(
        tuple(catalog.find([str(path)])), tuple(range(8)), ("fixed",), "compiled", serial=True, **more
    )
    return {shard.why for shard in session.prepare(asked, store).plan.shards}


def test_a_process_that_changes_for_one_seed_is_noticed(tmp_path):
    """Data drawn otherwise for seed 7 only: the block that holds it trains anew, the others stay."""
    path = tmp_path / "moody.py"
    path.write_text(TINY)
    store = Store(tmp_path / "out")
    run(path, store, range(16))
    path.write_text(
        TINY.replace("    return Split(x[:16]", "    x = x + (seed == 8)\n    return Split(x[:16]")
    )  # draw(seed + 1)
    asked = session.Request(tuple(catalog.find([str(path)])), tuple(range(16)), ("redrawn",), "compiled", serial=True)
    shards = session.prepare(asked, store).plan.shards
    assert {(shard.seeds[0], shard.why) for shard in shards} == {(0, "its data are drawn otherwise by now")}
    code, said = run(path, store, range(16))
    assert code == 0
    assert "set aside" in said


def test_a_seed_that_builds_another_model_goes_through_fit(tmp_path):
    """The seed whose layers, drawn from Keras, are not those of seeds 0 and 1 is trained by `fit` and says so, its neighbours are compiled."""
    before = "def model(units=1):\n"
    wide = "    wide = keras.random.randint((), 0, 100, seed=keras.random.SeedGenerator()) >= 50\n"
    drawn = TINY.replace(before, before + wide).replace('activation="tanh"', 'activation="relu" if wide else "tanh"')
    (tmp_path / "tiny.py").write_text(drawn)
    store = Store(tmp_path / "out")
    run(tmp_path / "tiny.py", store, range(3))
    runs = pd.read_parquet(store.runs)
    assert set(runs["status"]) == {"ok"}
    ways = runs.groupby("seed")["engine"].agg(set).to_dict()
    assert ways == {0: {"compiled"}, 1: {"compiled"}, 2: {"fit-jax"}}
    stored = [store.blocks.read(key, range(3)).outcomes for key in runs["key"].unique()]
    assert {outcomes[2].reason for outcomes in stored} == {"seed 2 builds another model than seeds 0 and 1"}
    made = catalog.load(catalog.find([str(tmp_path / "tiny.py")])[0])
    expected = fit.fit(made.variant("one"), made.data.draw("fixed", 2), 2)[1]
    histories = pd.read_parquet(store.histories).query("variant == 'one' and data == 'fixed' and seed == 2")
    np.testing.assert_array_equal(histories["val_loss"], expected["val_loss"])


def test_a_program_that_differs_from_fit_goes_through_fit(tmp_path, monkeypatch):
    """An engine with an error of a thousandth is found out before a run is stored: the runs are `fit`'s, and it is said and remembered."""
    path = tmp_path / "spoilt.py"
    path.write_text(TINY)
    right = Store(tmp_path / "right")
    assert "checked spoilt/one against fit" in run(path, right, range(2))[1]
    logs_of = Stacked._logs_of
    monkeypatch.setattr(
        Stacked, "_logs_of", lambda *args: {name: value * 1.001 for name, value in logs_of(*args).items()}
    )
    from orchestrator.lessons import keys
    from orchestrator.workers import training

    training._benches.clear()
    keys.loaded.cache_clear()
    store = Store(tmp_path / "spoilt")
    code, said = run(path, store, range(2))
    assert code == 0
    assert "held against fit it differed: " in said
    runs = pd.read_parquet(store.runs)
    assert set(runs.engine) == {"fit-jax"}
    assert runs.key.tolist() == pd.read_parquet(right.runs).key.tolist()
    losses = [pd.read_parquet(one.histories).loss for one in (right, store)]
    np.testing.assert_allclose(*losses, atol=5e-7)
    code, said = run(path, store, range(3))
    assert "checked" not in said
    assert "runs through fit, not compiled: held against fit it differed" in said
    assert all(variant["engine_reason"] for variant in store.load()[2][0]["variants"])


def test_what_a_callback_keeps_outside_itself_ends_with_its_run(tmp_path):
    """Through `fit`, each seed trains as if it were the first: a counter in the lesson's file doesn't run on from seed to seed."""
    path = tmp_path / "counting.py"
    callback = "class Slower(keras.callbacks.Callback):\n    count = 0\n    def on_epoch_begin(self, epoch, logs=None):\n        Slower.count += 1\n"
    callback += "        self.model.optimizer.learning_rate = 0.1 / Slower.count\n"
    path.write_text(
        TINY.replace("LESSON =", f"{callback}\nLESSON =").replace(
            "batch_size=8)", "batch_size=8, callbacks=[Slower()])"
        )
    )
    store = Store(tmp_path / "out")
    assert run(path, store, range(3))[0] == 0
    histories = pd.read_parquet(store.histories)
    assert set(pd.read_parquet(store.runs).engine) == {"fit-jax"}
    for rate, expected in zip(histories.learning_rate, [0.1, 0.05, 0.1 / 3] * (len(histories) // 3), strict=True):
        assert rate == pytest.approx(expected)


REACHING = '''"""Do runs find what they reach for outside themselves?"""

from functools import lru_cache

import keras
import numpy as np
from orchestrator import Data, Endpoint, Lesson, Split, Variant

DRAWN = {}
WEIGHTS = np.ones(16, "float32")


def draw(seed):
    x = (np.random.default_rng(seed).normal(size=(48, 2)) * (1 + seed % 3)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    DRAWN["x"] = x
    return Split(x[:16], y[:16], x[16:], y[16:])


def model(*first):
    net = keras.Sequential([keras.Input((2,)), *first, keras.layers.Dense(4, "tanh"), keras.layers.Dense(1, "sigmoid")])
    net.compile(keras.optimizers.SGD(0.5), "binary_crossentropy")
    return net


def scaled():
    scale = keras.layers.Normalization()
    scale.adapt(DRAWN["x"][:16])
    return model(scale)


@lru_cache
def width():
    return float(DRAWN["x"][:16].std())


def remembered():
    scale = width()
    return model(keras.layers.Activation(lambda x: x / scale))


def rounded():
    scale = 4.0 if DRAWN["x"].std() > 2.5 else 1.0  # as for seed 2 alone
    return model(keras.layers.Activation(lambda x: x / scale))


def within():
    return model(keras.layers.Activation(lambda x: x / float(DRAWN["x"].std())))


class Fading(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        DRAWN["x"][:] *= 0.5


class Paced(keras.callbacks.Callback):
    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def on_epoch_end(self, epoch, logs=None):
        self.weights[:8] = 0


class Pace:
    def __init__(self):
        self.weights = np.ones(16, "float32")

    def rate(self, epoch, rate):
        self.weights[:8] *= 0.5
        return rate


PACE = Pace()
LESSON = Lesson(
    "Reaching",
    about=__doc__,
    data=Data(fixed=lambda: draw(7), redrawn=draw),
    variants=[
        Variant("scaled", scaled, 3, batch_size=8),
        Variant("remembered", remembered, 3, batch_size=8),
        Variant("rounded", rounded, 3, batch_size=8),
        Variant("within", within, 3, batch_size=8),
        Variant(
            "method",
            model,
            3,
            batch_size=8,
            callbacks=[keras.callbacks.LearningRateScheduler(PACE.rate)],
            fit={"sample_weight": PACE.weights},
        ),
        Variant("fading", model, 3, batch_size=8, callbacks=[Fading()]),
        Variant("paced", model, 3, batch_size=8, callbacks=[Paced(WEIGHTS)], fit={"sample_weight": WEIGHTS}),
    ],
    endpoint=Endpoint("test_loss"),
)
'''


def test_a_run_finds_what_it_reaches_for_outside_itself(tmp_path):
    """A model made for the rows drawn last, a callback that changes rows, one that shares weights with `fit`'s arguments: all as in plain Keras."""
    path, store = tmp_path / "reaching.py", Store(tmp_path / "out")
    path.write_text(REACHING)
    assert run(path, store, range(3))[0] == 0
    assert set(pd.read_parquet(store.runs).engine) == {"fit-jax"}
    stored = pd.read_parquet(store.histories).groupby(["variant", "data", "seed"], observed=True).val_loss.agg(list)
    assert len(stored) == 42
    for (name, scope, seed), curve in stored.items():
        made = catalog.load(catalog.find([str(path)])[0])
        variant, split = made.variant(name), made.data.draw(scope, seed)
        keras.utils.set_random_seed(seed)
        told = variant.model().fit(
            split.x_train, split.y_train, 8, 3, 0, variant.callbacks,
            validation_data=(split.x_test, split.y_test), **variant.fit,
        )  # fmt: skip
        np.testing.assert_array_equal(curve, np.float32(told.history["val_loss"]), f"{name}, {scope}, {seed}")


def test_a_variable_that_a_worker_lacks_is_refused(tmp_path, monkeypatch):
    """What a callback reads in the environment is part of what can't be compiled: another value trains anew, and a worker without it trains nothing."""
    path = tmp_path / "reading.py"
    callback = (
        "import os\n\n\nclass Slower(keras.callbacks.Callback):\n    def on_epoch_begin(self, epoch, logs=None):\n"
    )
    callback += "        self.model.optimizer.learning_rate = float(os.environ['RATE'])\n"
    text = TINY.replace("LESSON =", f"{callback}\nLESSON =")
    path.write_text(text.replace("batch_size=8)", "batch_size=8, callbacks=[Slower()])"))

    class Elsewhere(Serial):
        """Trains where the variable is not set."""

        def run(self, orders):
            monkeypatch.delenv("RATE")
            return super().run(orders)

    store = Store(tmp_path / "out")
    monkeypatch.setenv("RATE", "0.5")
    code, said = run(path, store, [0], Elsewhere)
    assert (code, said.count("another program than planned: the lesson's files, data or environment")) == (1, 4)
    assert not list((tmp_path / "out" / "store").rglob("*.parquet"))
    for rate in (0.5, 0.25):
        monkeypatch.setenv("RATE", str(rate))
        code, said = run(path, store, [0])
        assert code == 0, said
        assert set(pd.read_parquet(store.histories).learning_rate) == {rate}


def test_the_largest_seeds_train_as_the_smallest(tmp_path):
    """Runs of the first and of the last seed that may be asked for, in one command, are those of `fit`, and are stored under their seeds."""
    path, store = tmp_path / "tiny.py", Store(tmp_path / "out")
    path.write_text(TINY)
    assert run(path, store, [0, 2**31 - 1])[0] == 0
    histories = pd.read_parquet(store.histories)
    lesson = catalog.load(catalog.find([str(path)])[0])
    for data in ("fixed", "redrawn"):
        for seed in (0, 2**31 - 1):
            ours = histories[(histories.variant == "two") & (histories.data == data) & (histories.seed == seed)]
            expected = fit.fit(lesson.variant("two"), lesson.data.draw(data, seed), seed)[1]
            np.testing.assert_allclose(ours["val_loss"], expected["val_loss"], rtol=5e-7)
    assert "nothing to train" in run(path, store, [0, 2**31 - 1])[1]


def test_every_layer_and_optimiser_of_keras_is_decided_on():
    """What Keras has is plain, whole, a convolution, or goes through `fit`; a new one is noticed here before anybody trains it."""
    through_fit = """
        AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D
        AdaptiveMaxPooling2D AdaptiveMaxPooling3D AugMix AutoContrast CategoryEncoding CenterCrop
        ContrastLimitedAdaptiveHistogramEqualization CutMix Discretization Equalization FlaxLayer HashedCrossing Hashing
        IntegerLookup JaxLayer Layer MaxNumBoundingBoxes MelSpectrogram MixUp Pipeline RandAugment RandomBrightness
        RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing
        RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization
        RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom Resizing
        ReversibleEmbedding STFTSpectrogram Solarization StringLookup TFSMLayer TextVectorization TorchModuleWrapper
        Wrapper
    """
    decided = f"{allowed.PLAIN} {allowed.WHOLE} {allowed.CONVOLUTIONS} {through_fit}".split()
    assert len(decided) == len(set(decided))
    has = {kind for kind in vars(keras.layers).values() if isinstance(kind, type) and issubclass(kind, keras.Layer)}
    assert {getattr(keras.layers, name) for name in decided} == has
    others = ["MultiOptimizer", "Optimizer", "ScheduleFreeAdamW"]
    has = {
        kind
        for kind in vars(keras.optimizers).values()
        if isinstance(kind, type) and issubclass(kind, keras.optimizers.Optimizer)
    }
    assert {getattr(keras.optimizers, name, None) for name in (*allowed.OPTIMIZERS.split(), *others)} >= has


# A digest of each lesson's training as a program: the engine may be made faster without changing one, or a store is lost.
DIGESTS = {
    "framework/without": "92881cf041d11481e481",
    "framework/with": "c1f38bd89a349db8753f",
    "batch-size/batch": "0c939c69a5c630f21cac",
    "batch-size/minibatch": "753204092576bbb62945",
    "batch-size/stochastic": "92881cf041d11481e481",
    "learning-rate-schedule/without": "753204092576bbb62945",
    "learning-rate-schedule/with": "81dacf623d1db650dca7",
    "batch-normalization/without": "753204092576bbb62945",
    "batch-normalization/with": "6ca36b611d83a2cbde80",
    "weight-regularization/without": "01294027cc53c7f3f7ba",
    "weight-regularization/with": "0e67e2c69c2b8527499b",
    "noise/without": "01294027cc53c7f3f7ba",
    "noise/with": "8243ebd6a60353334110",
    "early-stopping/without": "01294027cc53c7f3f7ba",
    "early-stopping/with": "c69f3267bc9d28fe6396",
}


@pytest.mark.parametrize("source", catalog.find(["all"]), ids=lambda source: source.id)
def test_the_lessons_are_the_programs_that_they_were(source):
    """The seven lessons keep their identity while Keras and JAX stay what they are: a change here gives up every stored run."""
    from orchestrator.lessons import keys
    from orchestrator.lessons.sandbox import here

    jobs = keys.survey(here, source, (), ("fixed",), "compiled")[0]
    assert {f"{job.lesson}/{job.variant}": job.identity.program for job in jobs} == {
        name: digest for name, digest in DIGESTS.items() if name.startswith(f"{source.id}/")
    }
