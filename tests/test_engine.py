"""The contract: what the compiled engine gives is what Keras's own `fit` gives."""

from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from orchestrator import Data, Split, Variant, engine
from orchestrator.lessons import catalog

engine.load()  # before anything else imports Keras

import jax
import keras

from orchestrator.command.agreement import comparable
from orchestrator.engine import compiled, fit
from orchestrator.engine.compiled import WIDTH, Program
from orchestrator.engine.recipe import recipe
from orchestrator.errors import LessonError
from tests.test_training import DIGESTS

SEED = 3
LIMIT = 5e-7
EPOCHS = {500: 40, 32: 25, 1: 2}  # per batch size: as many as a test can wait for `fit`
LESSONS = {source.id: catalog.load(source) for source in catalog.find(["all"])}
PROGRAMS = {program: tuple(case.split("/")) for case, program in DIGESTS.items()}  # of the same program one is enough
CASES = sorted(PROGRAMS.values())


@lru_cache(maxsize=1)
def program(lesson, name, epochs):
    """The variant's program, for both scopes."""
    variant = replace(LESSONS[lesson].variant(name), epochs=epochs)
    return Program(variant, LESSONS[lesson].data.fixed())


def same(ours, theirs):
    """Accuracies are equal, losses and other metrics agree to the contract's limit, learning rates to their last bit but one."""
    assert sorted(ours) == sorted(theirs)
    for name, values in theirs.items():
        assert len(ours[name]) == len(values), name
        rate = name == "learning_rate"
        limit = 0 if rate or name.endswith("accuracy") else LIMIT
        np.testing.assert_allclose(ours[name], values, rtol=2e-7 if rate else limit, atol=limit, err_msg=name)


@pytest.mark.parametrize("scope", ["fixed", "redrawn"])
@pytest.mark.parametrize(("lesson", "name"), CASES)
def test_every_program_gives_the_history_of_fit(lesson, name, scope):
    """Loss, accuracy, validation and learning rate of a seed inside a block are those of `fit` for that seed, and so are the scores."""
    made = LESSONS[lesson]
    block = program(lesson, name, EPOCHS[made.variant(name).batch_size])
    ours = block.train(range(WIDTH), made.data, scope)[SEED]
    split = made.data.draw(scope, SEED)
    model, theirs = fit.fit(block.variant, split, SEED)
    same(ours.history, theirs)
    expected = fit.scores(model, split, made.data, block.variant, at_once=False)
    assert sorted(ours.scores) == sorted(expected)
    np.testing.assert_allclose([ours.scores[k] for k in expected], list(expected.values()), atol=1e-6)


@pytest.mark.parametrize(("lesson", "epochs"), [("early-stopping", 4000), ("learning-rate-schedule", 300)])
def test_a_whole_run_stops_and_drops_where_fit_does(lesson, epochs):
    """The early stop falls on the same epoch, and every drop of the learning rate in the same place, up to a decision that rounding could turn."""
    made = LESSONS[lesson]
    variant = replace(made.variant("with"), epochs=epochs)
    ours = Program(variant, made.data.fixed()).train(range(WIDTH), made.data, "fixed")[SEED].history
    theirs = fit.fit(variant, made.data.fixed(), SEED)[1]
    sure = comparable(ours, theirs, variant.callbacks)
    same(*({name: values[:sure] for name, values in history.items()} for history in (ours, theirs)))
    if lesson == "early-stopping":
        assert sure is None
        assert len(theirs["loss"]) < epochs
    else:
        assert len(set(theirs["learning_rate"][:sure])) > 3  # 0.01 and its drops


# Models and callbacks beyond the lessons'. All are compared with `fit`.


def rows(seed=0, count=40, width=3, classes=2):
    """Points and classes with some pattern in them."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, width)).astype("float32")
    y = (x.sum(axis=1) * 2).astype(int) % classes
    return Split(x[:27], y[:27], x[27:], y[27:])


DATA = Data(fixed=rows, redrawn=rows)


def net(*layers, optimizer=None, loss="binary_crossentropy", metrics=("accuracy",), **more):
    """A function that builds and compiles a small model."""

    def build():
        model = keras.Sequential([keras.Input((3,)), *(layer() for layer in layers)])
        model.compile(
            optimizer=optimizer() if optimizer else keras.optimizers.Adam(0.02),
            loss=loss,
            metrics=list(metrics),
            **more,
        )
        return model

    return build


def sigmoid(units=4):
    """A small two-class model."""
    return (lambda: keras.layers.Dense(units, activation="relu"), lambda: keras.layers.Dense(1, activation="sigmoid"))


def compare(variant, data=DATA):
    """Train a block and hold one of its seeds against `fit` and `evaluate`."""
    ours = Program(variant, data.draw("fixed", 0)).train(range(WIDTH), data, "redrawn")[SEED]
    assert ours.error is None, ours.traceback
    split = data.draw("redrawn", SEED)
    model, history = fit.fit(variant, split, SEED)
    same(ours.history, history)
    expected = fit.scores(model, split, data, variant, at_once=False)
    assert sorted(ours.scores) == sorted(expected)
    np.testing.assert_allclose([ours.scores[k] for k in expected], list(expected.values()), atol=1e-6)
    return ours


def planned(variant, data, scope):
    """How a plan has a variant trained, whose lesson loaded afresh is the same."""
    lesson = SimpleNamespace(variant=lambda _: variant, data_of=lambda _: data)
    return recipe(variant, data, scope, "compiled", lambda: "files", lambda: nullcontext(lesson))


CALLBACKS = {
    "stop and restore": [
        keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True, min_delta=0.01)
    ],
    "stop late": [keras.callbacks.EarlyStopping("loss", patience=1, start_from_epoch=6, min_delta=0.05)],
    "stop below a baseline": [keras.callbacks.EarlyStopping("val_accuracy", patience=3, baseline=0.99)],
    "plateau with cooldown": [
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, cooldown=2, min_lr=0.003, min_delta=0.01)
    ],
    "plateau on accuracy": [keras.callbacks.ReduceLROnPlateau("val_accuracy", factor=0.3, patience=2, mode="max")],
    "schedule": [keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9 if epoch % 3 else rate * 1.1)],
    "schedule of the epoch alone": [keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch))],
    "plateau and stop": [
        keras.callbacks.ReduceLROnPlateau(patience=1, min_delta=0.01),
        keras.callbacks.EarlyStopping(patience=4, min_delta=0.01),
    ],
    "nan": [keras.callbacks.TerminateOnNaN()],
}


@pytest.mark.parametrize("case", CALLBACKS)
def test_callbacks_do_what_keras_does(case):
    """Each compiled callback, with options of its own, gives `fit`'s history and stops where it stops."""
    callbacks = CALLBACKS[case]
    ours = compare(Variant(case, net(*sigmoid()), epochs=14, batch_size=8, callbacks=callbacks))
    assert ours.epochs <= 14


@pytest.mark.parametrize("case", ["plateau with cooldown", "schedule"])
def test_a_rate_is_found_inside_an_optimiser_that_scales_losses(case):
    """A callback that moves the learning rate moves that of the optimiser which moves the weights, and averages are that one's, too."""
    optimizer = lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.05, use_ema=True))  # noqa: E731
    ours = compare(
        Variant(case, net(*sigmoid(), optimizer=optimizer), epochs=12, batch_size=8, callbacks=CALLBACKS[case])
    )
    assert len(set(ours.history["learning_rate"].tolist())) > 1


@pytest.mark.parametrize("swap_on_epoch", [False, True])
@pytest.mark.parametrize("stop", [False, True])
def test_averaged_weights_end_as_keras_leaves_them(swap_on_epoch, stop):
    """With averaged weights, curves and the finished model's scores are `fit`'s, even when early stopping gets in between."""
    callbacks = [keras.callbacks.SwapEMAWeights(swap_on_epoch=swap_on_epoch)]
    callbacks += [keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=0.05)] * stop
    optimizer = lambda: keras.optimizers.SGD(0.3, momentum=0.9, use_ema=True, ema_momentum=0.9)  # noqa: E731
    variant = Variant("ema", net(*sigmoid(), optimizer=optimizer), epochs=12, batch_size=8, callbacks=callbacks)
    compare(variant)


def test_restored_weights_are_the_ones_that_are_scored():
    """After early stopping with restore_best_weights the scores are those of the best epoch, as after `fit`."""
    variant = Variant("best", net(*sigmoid()), epochs=20, batch_size=8, callbacks=CALLBACKS["stop and restore"])
    compare(variant)


MODELS = {
    "dropout": net(lambda: keras.layers.Dense(6, activation="relu"), lambda: keras.layers.Dropout(0.4), sigmoid()[1]),
    "batch normalization": net(lambda: keras.layers.Dense(6), keras.layers.BatchNormalization, sigmoid()[1]),
    "three classes": net(
        lambda: keras.layers.Dense(6, activation="relu"),
        lambda: keras.layers.Dense(3, activation="softmax"),
        loss="sparse_categorical_crossentropy",
    ),
    "one class of three ignored": net(
        lambda: keras.layers.Dense(3, activation="softmax"),
        loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=0),
    ),
    "regression": net(lambda: keras.layers.Dense(1), loss="mse", metrics=("mae",)),
    "a metric that is no mean": net(*sigmoid(), metrics=("accuracy", keras.metrics.AUC(name="auc"))),
    "decayed learning rate": net(
        *sigmoid(), optimizer=lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.9))
    ),
    "clipped, decayed weights": net(
        *sigmoid(), optimizer=lambda: keras.optimizers.AdamW(0.05, weight_decay=0.1, clipnorm=0.5)
    ),
    "one-dimensional": net(
        lambda: keras.layers.Reshape((3, 1)),
        lambda: keras.layers.Conv1D(4, 2, activation="relu"),
        keras.layers.Flatten,
        sigmoid()[1],
    ),
}


@pytest.mark.parametrize("case", MODELS)
def test_other_models_give_the_history_of_fit(case):
    """Layers that draw random numbers or keep statistics, other losses, metrics and optimisers all keep the contract."""
    data = Data(fixed=lambda: rows(classes=3), redrawn=lambda seed: rows(seed, classes=3)) if "three" in case else DATA
    compare(Variant(case, MODELS[case], epochs=5, batch_size=8), data)


@pytest.mark.parametrize("fit_arguments", [{"shuffle": False}, {"shuffle": "batch"}, {"validation_batch_size": 5}])
def test_arguments_of_fit_keep_the_contract(fit_arguments):
    """Shuffling by batch or not at all, and another validation batch size, do what they do in `fit`."""
    compare(Variant("a", net(*sigmoid()), epochs=4, batch_size=8, fit=fit_arguments))


class Doubling(keras.layers.Layer):
    """A layer of the user's own."""

    def call(self, x):
        """Twice the input."""
        return x * 2


class Peeking(keras.layers.Layer):
    """A layer that looks at values, which a compiled program has none of."""

    def call(self, x, training=None):
        """The input, turned round in training if its sum is below 0."""
        return -x if training and float(keras.ops.sum(x)) < 0 else x


def test_a_users_own_layer_compiles():
    """A custom layer of plain Keras operations keeps the contract."""
    variant = Variant("own", net(Doubling, *sigmoid()), epochs=4, batch_size=8)
    assert planned(variant, DATA, "redrawn").engine == "compiled"
    compare(variant)


class Counting(keras.metrics.Mean):
    """Counts its epochs in Python."""

    epochs = 0

    def reset_state(self):
        """Begin another epoch."""
        super().reset_state()
        self.epochs += 1

    def update_state(self, y, p, sample_weight=None):
        """Take in a batch."""
        super().update_state(keras.ops.abs(y - p), sample_weight)


def patched(thing, **methods):
    """A thing with methods of its own."""
    vars(thing).update(methods)
    return thing


def counting():
    """A model with that metric."""
    return net(*sigmoid(), metrics=[Counting()])()


def patched_metric():
    """A model whose metric has a method of its own."""
    metric = keras.metrics.BinaryAccuracy()
    return net(*sigmoid(), metrics=[patched(metric, result=lambda: metric.total * 1.0)])()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (
            {"callbacks": [patched(keras.callbacks.EarlyStopping(), get_monitor_value=dict.popitem)]},
            "get_monitor_value",
        ),
        ({"model": patched_metric}, "its own result"),
        ({"model": counting}, "keeps something in Python"),
        (
            {"epochs": 5, "callbacks": [keras.callbacks.LearningRateScheduler(lambda e: 0.1 if e < 4 else 0)]},
            "gives 0 in epoch 5",
        ),
        ({"callbacks": [keras.callbacks.LambdaCallback(on_epoch_end=print)]}, "LambdaCallback"),
        ({"callbacks": [keras.callbacks.EarlyStopping("val_auc", mode="max")]}, "val_auc"),
        ({"fit": {"class_weight": {0: 1.0, 1: 2.0}}}, "class_weight"),
        ({"model": net(*sigmoid(), run_eagerly=True)}, "step by step"),
        (
            {"model": net(*sigmoid(), steps_per_execution=3), "callbacks": CALLBACKS["nan"]},
            "looks after several batches",
        ),
        ({"model": net(Peeking, *sigmoid(), jit_compile=False)}, "step by step"),
    ],
)
def test_what_cannot_be_compiled_runs_through_fit_and_says_why(changes, part):
    """The recipe names `fit` and the reason; nothing is approximated."""
    variant = Variant(**{"name": "a", "model": net(*sigmoid()), "epochs": 2, "batch_size": 8, **changes})
    made = planned(variant, DATA, "fixed")
    assert made.engine == "fit-jax"
    assert part in made.reason


def test_weighted_rows_go_through_fit_and_are_scored_by_their_weights():
    """Their scores are those of `evaluate` with sample_weight on the model that plain `fit` with sample_weight gives."""
    split, weights = rows(SEED), np.random.default_rng(0).uniform(0, 3, 40).astype("float32")
    weighted = replace(split, w_train=weights[:27], w_test=weights[27:])
    data = Data(fixed=lambda: weighted)
    variant = Variant("a", net(*sigmoid(), metrics=(), weighted_metrics=["accuracy"]), epochs=2, batch_size=8)
    made = planned(variant, data, "fixed")
    assert (made.engine, made.reason) == ("fit-jax", "rows have weights")
    ours = fit.train_one(variant, SEED, data, "fixed", "fit-jax")
    keras.utils.set_random_seed(SEED)
    model = variant.model()
    history = model.fit(
        split.x_train, split.y_train, sample_weight=weights[:27], epochs=2, batch_size=8, verbose=0,
        validation_data=(split.x_test, split.y_test, weights[27:]),
    )  # fmt: skip
    expected = model.evaluate(split.x_test, split.y_test, sample_weight=weights[27:], return_dict=True, verbose=0)
    np.testing.assert_array_equal(ours.history["val_loss"], np.float32(history.history["val_loss"]))
    assert ours.scores["test_accuracy"] == pytest.approx(expected["accuracy"], abs=1e-7)
    assert ours.scores["test_bce"] == pytest.approx(expected["loss"], abs=1e-6)


def test_stopping_by_a_metric_of_one_class_is_compiled_and_stops_as_fit_does():
    """F1Score gives an array of one number; Keras's callbacks compare it as a number."""
    labels = Data(**{scope: lambda seed=0: _in_columns(rows(seed)) for scope in ("fixed", "redrawn")})
    stop = keras.callbacks.EarlyStopping("val_f1", mode="max", patience=2, restore_best_weights=True)

    def model():
        return net(*sigmoid(), metrics=("accuracy", keras.metrics.F1Score(threshold=0.5, name="f1")))()

    variant = Variant("a", model, epochs=12, batch_size=8, callbacks=[stop])
    assert planned(variant, labels, "redrawn").engine == "compiled"
    assert compare(variant, labels).epochs < 12


def _in_columns(split):
    return replace(split, y_train=split.y_train[:, None], y_test=split.y_test[:, None])


def test_what_a_callback_logs_may_not_hide_a_column():
    """A log named `epoch` would spoil the histories of all runs: its own run fails, and says so."""

    class Logs(keras.callbacks.Callback):
        """Logs a number under a name that is taken."""

        def on_epoch_end(self, epoch, logs=None):
            logs["epoch"] = float(epoch)

    variant = Variant("a", net(*sigmoid()), epochs=2, batch_size=8, callbacks=[Logs()])
    assert "a callback logs 'epoch'" in fit.train_one(variant, SEED, DATA, "fixed", "fit-jax").error


def test_a_callback_that_starts_from_anothers_file_is_refused(tmp_path):
    """A class made from BackupAndRestore would start a seed where the one before it ended."""
    resumes = type("Resumes", (keras.callbacks.BackupAndRestore,), {})
    variant = Variant("a", net(*sigmoid()), epochs=2, callbacks=[resumes(tmp_path / "backup")])
    with pytest.raises(LessonError, match="Resumes"):
        planned(variant, DATA, "fixed")


def test_a_file_of_another_run_that_a_callback_might_read_is_refused(tmp_path):
    """ModelCheckpoint is left out: a callback of the user's that loads its file would load what lay there before."""

    class Loads(keras.callbacks.Callback):
        """Ends with the best weights."""

        def on_train_end(self, logs=None):
            self.model.load_weights(best)

    best = tmp_path / "best-03.weights.h5"
    writer = keras.callbacks.ModelCheckpoint(str(tmp_path / "best-{epoch:02d}.weights.h5"), save_weights_only=True)
    variant = Variant("a", net(*sigmoid()), epochs=2, callbacks=[writer, Loads()])
    assert planned(variant, DATA, "fixed").engine == "fit-jax"
    best.touch()
    with pytest.raises(LessonError, match=r"best-03.*Loads would read the old one"):
        planned(replace(variant, name="b"), DATA, "fixed")
    assert planned(replace(variant, callbacks=[writer]), DATA, "fixed").engine == "compiled"


# A run's bytes depend on nothing but the run.


@pytest.mark.parametrize("batch_size", [8, 2])
def test_a_history_does_not_depend_on_its_neighbours(batch_size):
    """A seed's history and scores are bit-identical wherever it stands in a block, whoever stands beside it, and alone; in turns and side by side."""
    variant = Variant("a", net(*sigmoid()), epochs=7, batch_size=batch_size)
    first = Program(variant, rows()).train(range(WIDTH), DATA, "redrawn")[SEED]
    for seeds in ([SEED, *range(20, 20 + WIDTH - 1)], [SEED], [30, SEED]):
        again = Program(variant, rows()).train(seeds, DATA, "redrawn")[seeds.index(SEED)]
        assert {k: v.tobytes() for k, v in first.history.items()} == {k: v.tobytes() for k, v in again.history.items()}
        assert first.scores == again.scores


@pytest.mark.parametrize("large", [False, True])
def test_seeds_may_have_rows_of_other_shapes(monkeypatch, large):
    """Where the number of rows is another for each seed, each run is that of `fit`."""
    if large:
        monkeypatch.setattr(compiled, "LARGE", 1)
    variant = Variant("a", net(*sigmoid()), epochs=3, batch_size=8)
    data = Data(fixed=rows, redrawn=lambda seed: rows(seed, count=40 + seed % 3))
    ours = Program(variant, rows()).train(range(4), data, "redrawn")
    for seed in range(4):
        same(ours[seed].history, fit.fit(variant, data.draw("redrawn", seed), seed)[1])


@pytest.mark.parametrize("callbacks", [[], [keras.callbacks.TerminateOnNaN()]])
def test_seeds_of_large_data_train_one_by_one_and_give_the_history_of_fit(monkeypatch, callbacks):
    """Stacked or not, in segments of two epochs, with a seed that raises among them, each run is that of `fit`; a seed asked for twice trains once."""
    monkeypatch.setattr(compiled, "LARGE", 1)
    monkeypatch.setattr(compiled, "ORDERS", 2 * WIDTH * 4 * 27)
    variant = Variant("a", net(*sigmoid()), epochs=5, batch_size=8, callbacks=callbacks)
    made, seen = Program(variant, rows()), []

    def drawn(seed):
        seen.append(seed)
        return {1: lambda: None}.get(seed, lambda: rows(seed))()

    ours = made.train([SEED, 0, 1, *[SEED] * 5], Data(fixed=rows, redrawn=drawn), "redrawn")
    assert seen == [SEED, 0, 1]
    assert [o.seed for o in ours] == [SEED, 0, 1, *[SEED] * 5]
    assert [o.status for o in ours[:3]] == ["ok", "ok", "failed"]
    assert (made.alone, made.places) == (True, 2)
    model, theirs = fit.fit(variant, rows(SEED), SEED)
    same(ours[0].history, theirs)
    expected = fit.scores(model, rows(SEED), DATA, variant, at_once=False)
    np.testing.assert_allclose([ours[0].scores[k] for k in expected], list(expected.values()), atol=1e-6)


def test_of_large_data_nothing_is_copied():
    """The programs that train on and score 20 megabytes of rows need less than a tenth of that beside them."""

    def wide():
        model = keras.Sequential([keras.Input((100,)), keras.layers.Dense(1, activation="sigmoid")])
        model.compile("sgd", loss="binary_crossentropy", metrics=["accuracy"])
        return model

    x, y = np.zeros((50_000, 100), np.float32), np.zeros((50_000, 1), np.float32)
    split = Split(x[:-100], y[:-100], x[-100:], y[-100:])
    made = Program(Variant("a", wide, epochs=2, batch_size=1000), split)
    alone = lambda tree: jax.tree.map(lambda leaf: np.asarray(leaf)[None], tree)  # noqa: E731
    state = alone(made.initial(0, split, False).state)
    parts = alone((split.x_train, split.y_train, split.x_test, split.y_test))
    orders, number = np.zeros((1, made.places, len(split.x_train)), np.int32), np.int32(1)
    for lowered in (
        made.segment.lower(state, orders, parts, number, number, number),
        made.score.lower(state, {"train": parts[:2], "test": parts[2:]}),
    ):
        assert lowered.compile().memory_analysis().temp_size_in_bytes < x.nbytes / 10


def test_what_seeds_begin_with_serves_both_scopes(monkeypatch):
    """Trained in one scope and then in the other, in segments and stopping early, a seed has the bytes that it has in that scope alone."""
    monkeypatch.setattr(compiled, "SEGMENT", 3)
    variant = Variant("a", net(*sigmoid()), epochs=7, batch_size=8, callbacks=CALLBACKS["stop and restore"])
    seeds = range(WIDTH)
    alone = {scope: Program(variant, rows()).train(seeds, DATA, scope) for scope in ("redrawn", "fixed")}
    both = Program(variant, rows())
    for scope in ("fixed", "redrawn", "fixed"):
        again = both.train(seeds, DATA, scope)
        for one, other in zip(alone[scope], again, strict=True):
            assert one.scores == other.scores
            assert {k: v.tobytes() for k, v in one.history.items()} == {
                k: v.tobytes() for k, v in other.history.items()
            }


def test_a_longer_run_begins_as_the_shorter_one():
    """Segments leave no trace: the first 90 of 130 epochs are those of a run of 90."""
    short, long = (
        Program(Variant("a", net(*sigmoid()), epochs=n, batch_size=8), rows()).train(range(WIDTH), DATA, "fixed")[1]
        for n in (90, 130)
    )
    assert long.epochs == 130
    assert all(long.history[name][:90].tobytes() == values.tobytes() for name, values in short.history.items())


def test_a_seed_that_raises_leaves_its_neighbours_alone():
    """Where the lesson's own code fails for one seed, that run fails with its reason, in plain letters, and the others have the bytes they would have had."""

    def moody(seed):
        if seed == 2:
            raise RuntimeError("\x1b[1mnot\x1b[0m today")
        return rows(seed)

    variant = Variant("a", net(*sigmoid()), epochs=3, batch_size=8)
    good = Program(variant, rows()).train(range(WIDTH), DATA, "redrawn")
    bad = Program(variant, rows()).train(range(WIDTH), Data(fixed=rows, redrawn=moody), "redrawn")
    assert (bad[2].status, bad[2].error) == ("failed", "RuntimeError: not today")
    for seed in set(range(WIDTH)) - {2}:
        assert all(bad[seed].history[k].tobytes() == v.tobytes() for k, v in good[seed].history.items())


def test_a_diverged_run_says_so_and_touches_nobody():
    """A loss that leaves the finite numbers makes the run `diverged`; a seed whose data are tame stays `ok`."""

    def wild(seed):
        split = rows(seed)
        return replace(split, x_train=split.x_train * np.float32(1e30)) if seed == 1 else split

    variant = Variant("a", net(lambda: keras.layers.Dense(1), loss="mse", metrics=()), epochs=4, batch_size=8)
    outcomes = Program(variant, rows()).train(range(WIDTH), Data(fixed=rows, redrawn=wild), "redrawn")
    assert [o.status for o in outcomes] == ["ok", "diverged", *["ok"] * 6]


def test_terminate_on_nan_stops_where_keras_stops():
    """A run whose loss explodes in the middle of an epoch ends with that epoch, as in `fit`."""
    split = rows()
    wild = Split(
        np.where(np.arange(27)[:, None] == 20, np.float32(1e38), split.x_train),
        split.y_train.astype("float32"),
        split.x_test,
        split.y_test.astype("float32"),
    )
    model = net(
        lambda: keras.layers.Dense(1), loss="mse", metrics=("mae",), optimizer=lambda: keras.optimizers.SGD(1.0)
    )
    variant = Variant("nan", model, epochs=6, batch_size=4, callbacks=[keras.callbacks.TerminateOnNaN()])
    ours = Program(variant, wild).train(range(WIDTH), Data(fixed=lambda: wild), "fixed")[SEED]
    theirs = fit.fit(variant, wild, SEED)[1]
    assert ours.status == "diverged"
    assert ours.epochs == len(theirs["loss"]) < 6
    np.testing.assert_array_equal(ours.history["loss"], theirs["loss"])
