"""Runs are shared only where every seed begins alike, whatever the lesson is written in."""

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from orchestrator import engine
from orchestrator.cli import running as cli
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.store import Store
from orchestrator.telling.screen import ConsoleScreen
from orchestrator.workers.local import Serial

engine.load()  # before anything else imports Keras

from orchestrator.engine import fit

LESSON = '''"""Does it help to draw small initial weights again?"""

import keras
import numpy as np
from orchestrator import Data, Endpoint, Lesson, Split, Variant

LIMIT = 0.8  # of seeds 0 to 7 only the sixth begins with less


def rows():
    x = np.random.default_rng(0).normal(size=(48, 2)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    return Split(x[:16], y[:16], x[16:], y[16:])


def build(activation):
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation), keras.layers.Dense(1, "sigmoid")])
    net.compile(keras.optimizers.SGD(0.5), "binary_crossentropy", metrics=["accuracy"])
    return net


def model():
    return build("tanh")


def largest(net):
    return float(np.abs(net.get_weights()[0]).max())


def again():
    net = build("tanh")
    while largest(net) < LIMIT:
        net = build("tanh")
    return net


def stretched():
    net = build("tanh")
    kernel = net.layers[0].kernel
    kernel.assign(kernel * keras.ops.where(keras.ops.max(keras.ops.abs(kernel)) < LIMIT, 2.0, 1.0))
    return net


def odd():
    seed = int(np.random.get_state()[1][0])  # without drawing
    return build("relu" if seed == 6 else "tanh")


def hurried():
    net = build("tanh")
    if largest(net) < LIMIT:
        net.compile(keras.optimizers.SGD(0.5, momentum=0.5), "binary_crossentropy", metrics=["accuracy"])
    return net


def choosy():
    net = build("tanh")
    scale = 3.0 if largest(net) < LIMIT else 1.0
    net.compile(keras.optimizers.SGD(0.5), lambda y, p: scale * keras.ops.mean((y - p) ** 2), metrics=["accuracy"])
    return net


def unseen():
    net = build("tanh")
    largest = np.asarray(keras.ops.abs(net.layers[0].kernel)).max()  # NumPy takes a buffer, and no method is called
    scale = 3.0 if largest < LIMIT else 1.0
    net.compile(keras.optimizers.SGD(0.5), lambda y, p: scale * keras.ops.mean((y - p) ** 2), metrics=["accuracy"])
    return net


def broken():
    if int(np.random.get_state()[1][0]) == 6:
        raise ValueError("not this seed")
    return build("tanh")


LESSON = Lesson(
    "Again",
    about=__doc__,
    data=Data(fixed=rows),
    variants=[Variant("without", model, 2, batch_size=8), Variant("with", WITH, 2, batch_size=8)],
    endpoint=Endpoint("test_accuracy"),
)
'''


def lesson(tmp_path, technique, limit=0.8):
    """A lesson's file whose second variant has this technique."""
    path = tmp_path / "again.py"
    path.write_text(LESSON.replace("WITH", technique).replace("LIMIT = 0.8", f"LIMIT = {limit}"))
    return path


def run(path, store, seeds=8):
    """Run a lesson in this process as the command line would; gives the plan, and what it said."""
    said = io.StringIO()
    asked = session.Request(tuple(catalog.find([str(path)])), tuple(range(seeds)), ("fixed",), "compiled", serial=True)
    plan = session.prepare(asked, store).plan
    cli.carry_out(asked, store, Serial, ConsoleScreen(Console(file=said, width=200)), report_too=False)
    return plan, said.getvalue()


def expected(path, variant, seed):
    """The curve of the test loss that Keras's `fit` gives."""
    made = catalog.load(catalog.find([str(path)])[0])
    return fit.fit(made.variant(variant), made.data.draw("fixed", seed), seed)[1]["val_loss"]


def curve(store, variant, seed):
    """The curve of the test loss that is stored."""
    histories = pd.read_parquet(store.histories)
    return histories[(histories["variant"] == variant) & (histories["seed"] == seed)]["val_loss"].to_numpy()


def apart(store):
    """The seeds whose runs differ between the variants."""
    return [s for s in range(8) if not np.array_equal(curve(store, "without", s), curve(store, "with", s))]


@pytest.mark.parametrize("technique", ["choosy", "unseen"])
def test_a_seed_that_chooses_another_program_goes_through_fit(tmp_path, technique):
    """A loss that holds a number chosen by the first weights: no configuration tells it, the seed's program does."""
    path, store = lesson(tmp_path, technique), Store(tmp_path / "out")
    run(path, store)
    runs = pd.read_parquet(store.runs)
    assert runs[runs["engine"] == "fit-jax"][["variant", "seed"]].to_numpy().tolist() == [["with", 6]]
    for seed in (5, 6):
        np.testing.assert_allclose(curve(store, "with", seed), expected(path, "with", seed), rtol=5e-7)


@pytest.mark.parametrize(("technique", "engines"), [("again", 1), ("stretched", 1), ("odd", 2), ("hurried", 2)])
def test_a_variant_that_departs_for_one_seed_is_trained_for_itself(tmp_path, technique, engines):
    """Its model is the baseline's for seeds 0 and 1 and another for seed 6, by weights, layers or optimiser: what is told of that seed is what `fit` gives."""
    path, store = lesson(tmp_path, technique), Store(tmp_path / "out")
    plan, _ = run(path, store)
    assert (plan.shared, len(plan.shards)) == (0, 2)
    runs = pd.read_parquet(store.runs)
    assert set(runs["status"]) == {"ok"}
    assert runs["engine"].nunique() == engines
    assert apart(store) == [6]
    np.testing.assert_allclose(curve(store, "with", 6), expected(path, "with", 6), rtol=5e-7)
    path.write_text(path.read_text() + "# a comment\n")
    assert not run(path, store)[0].shards


def test_a_variant_that_departs_later_shares_till_then(tmp_path):
    """Six seeds are shared with the baseline; at eight the seventh departs, and no run of the baseline is told as the variant's."""
    path, store = lesson(tmp_path, "again"), Store(tmp_path / "out")
    assert run(path, store, 6)[0].shared == 6
    run(path, store)
    assert apart(store) == [6]


def test_an_edit_that_departs_for_one_seed_is_seen(tmp_path):
    """What was stored before the edit is used where all seeds begin as they did, an edit undone finds its runs again, and a comment trains nothing."""
    store = Store(tmp_path / "out")
    assert run(lesson(tmp_path, "again", 0.7), store)[0].shared == 8
    assert len(run(lesson(tmp_path, "again"), store)[0].shards) == 1
    assert apart(store) == [6]
    for limit, seeds in ((0.7, []), (0.8, [6])):
        path = lesson(tmp_path, "again", limit)
        assert not run(path, store)[0].shards
        assert apart(store) == seeds
    path.write_text(path.read_text() + "# a comment\n")
    assert not run(path, store)[0].shards


def test_a_seed_that_fails_fails_for_its_variant_alone(tmp_path):
    """A model function that raises for one seed is no run of the baseline's, and its other seeds train."""
    store = Store(tmp_path / "out")
    _, said = run(lesson(tmp_path, "broken"), store)
    assert "ValueError: not this seed" in said
    runs = pd.read_parquet(store.runs)
    assert runs[runs["status"] != "ok"][["variant", "seed"]].to_numpy().tolist() == [["with", 6]]


def test_a_lesson_that_is_mended_keeps_what_it_has_trained(tmp_path):
    """A file that is edited because one of its runs failed: nothing but that run's block is trained again, and only when it is asked for."""
    path, store = lesson(tmp_path, "broken"), Store(tmp_path / "out")
    path.write_text(path.read_text().replace('Variant("without", model, 2, batch_size=8), ', ""))
    run(path, store, 16)
    path.write_text(path.read_text().replace("raise ValueError", "print"))
    assert not run(path, store, 16)[0].shards
    asked = session.Request(
        tuple(catalog.find([str(path)])),
        tuple(range(16)),
        ("fixed",),
        "compiled",
        retry=frozenset({"failed"}),
        serial=True,
    )
    assert [shard.seeds[0] for shard in session.prepare(asked, store).plan.shards] == [0]
