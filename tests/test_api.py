"""The front door: what a script, a cell and a user's mistake see of `import orchestrator`."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import orchestrator as o
from orchestrator.surroundings import undisturbed
from tests.conftest import ROOT

MODELS = """
import json, os, random, signal, sys, threading
from pathlib import Path

import keras
import numpy as np

import orchestrator as o
from helper import units_of

Path("begun").open("a").write("x")  # once a process that runs this script


def draw():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(24, 2)).astype("float32")
    y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
    return o.Split(x[:16], y[:16], x[16:], y[16:])


def model(units=1, rate=0.1):
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units_of(units), activation="tanh"), keras.layers.Dense(1)])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    net.compile(optimizer=keras.optimizers.SGD(rate), loss=loss, metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")])
    return net


def state():
    numbers = [repr(random.getstate()), repr(np.random.get_state()), repr(keras.random.uniform((2,)))]
    handlers = [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    return [*numbers, dict(os.environ), list(sys.path), sorted(os.sched_getaffinity(0)), handlers, keras.backend.backend()]


told = {}
"""

CELL = """
class Own(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate.assign(RATE)

RATE = 0.05
LESSON = o.Lesson(
    title="A cell", about="Does it help?", data=o.Data(fixed=draw), endpoint=o.Endpoint("test_accuracy"),
    variants=[o.Variant("one", model, 2, 8), o.Variant("two", lambda: model(2), 2, 8), o.Variant("own", model, 2, 8, [Own()])],
)
"""

SCRIPT = f"""{MODELS}
CELL = {CELL!r}
keras.utils.set_random_seed(7)
before = state()
keras.utils.set_random_seed(7)
exec(compile(CELL, "<cell 1>", "exec"), globals())
lines = []
found = o.run(LESSON, 2, "out", serial=True, listener=lines.append)
told["same"] = [then == now for then, now in zip(before, state(), strict=True)]
told["lines"] = lines
told["runs"] = found.runs[["variant", "seed", "status", "engine"]].values.tolist()
told["verdicts"], told["html"] = found.verdicts["variant"].tolist(), found._repr_html_()
told["frames"] = [len(found.effects), len(found.histories), Path(found.report).exists()]


def waiting(text, name):
    exec(compile(text, name, "exec"), globals())
    return sorted(set(o.plan(LESSON, 2, "out").shards["variant"]))


told["again"] = waiting("\\n\\n# moved" + CELL, "<cell 2>")
told["own"] = waiting(CELL.replace("RATE = 0.05", "RATE = 0.06"), "<cell 4>")


def stop(line):
    if "runs asked for" in line:
        signal.raise_signal(signal.SIGINT)


edited = CELL.replace("model(2)", "model(3)")
exec(compile(edited, "<cell 3>", "exec"), globals())
try:
    o.run(LESSON, 2, "out", serial=True, listener=stop)
except KeyboardInterrupt:
    told["edited"] = waiting(edited, "<cell 3>")

built = model()
try:
    o.run(o.Lesson("Bad", "Does it?", o.Data(fixed=draw), [o.Variant("one", lambda: built, 2)]), 2, "bad", serial=True)
except o.LessonError as error:
    told["refused"] = str(error)
print(json.dumps(told))
"""

COMPARE = f"""{MODELS}
import ray
ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
split = draw()


def work():
    rows = split.x_train, split.y_train, split.x_test, split.y_test
    found = o.compare(without=model, with_=lambda: model(rate=0.2), data=rows, epochs=2, seeds=2, title="Haste")
    told["runs"] = found.runs[["variant", "seed", "status"]].values.tolist()
    told["headline"] = found.headline


thread = threading.Thread(target=work)  # where no signal handler can be set
thread.start()
thread.join()
told["ray"] = ray.is_initialized()
print(json.dumps(told))
"""


def tell(folder, script):
    """Run a script as a user does; gives what it found, and how often it was begun."""
    (folder / "helper.py").write_text("OFF = 1\n\n\ndef units_of(number):\n    return number + OFF\n")
    (folder / "script.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "begun": (folder / "begun").read_text()}


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """What a script without a `__main__` guard found, with a lesson of cells that it ran one after another."""
    return tell(tmp_path_factory.mktemp("script"), SCRIPT)


def test_a_lesson_made_in_a_script_trains_in_another_process(script):
    """Every run is there, though no file of the lesson exists, and no process began the script anew."""
    assert {(variant, seed): status for variant, seed, status, _ in script["runs"]} == {
        (variant, seed): "ok" for variant in ("one", "two", "own") for seed in (0, 1)
    }
    assert {variant: engine for variant, _, _, engine in script["runs"]} == {
        "one": "compiled",
        "two": "compiled",
        "own": "fit-jax",
    }
    assert script["begun"] == "x"


def test_the_caller_gets_everything_back_as_it_was(script):
    """Random states of Python, NumPy and Keras, environment, import path, affinity, signal handlers and backend."""
    assert all(script["same"]), script["same"]


def test_what_was_found_is_frames_a_page_and_a_cell_of_html(script):
    """Verdicts are a row a comparison; the page lies in the folder; a notebook shows headline and figure."""
    assert script["verdicts"] == ["two", "own"]
    assert script["frames"][1:] == [3 * 2 * 2, True]
    assert "On this data set" in script["html"]
    assert "<svg" in script["html"]


def test_a_listener_is_told_what_happens(script):
    """Lines that the command line would print reach the function that was given."""
    assert any("6 runs asked for, 0 stored" in line for line in script["lines"])


def test_an_edited_cell_trains_what_changed_and_nothing_else(script):
    """A cell that was only moved trains nothing; a number trains its variant; what can't be traced is known by its code and globals."""
    assert script["again"] == []
    assert script["edited"] == ["two"]
    assert script["own"] == ["own"]


def test_an_interrupted_call_leaves_a_process_that_goes_on(script):
    """Ctrl-C ends the call with KeyboardInterrupt, and the next call plans what is left."""
    assert script["edited"] == ["two"]


def test_a_model_built_outside_its_function_is_named(script):
    """The line says which variable it is and where it belongs."""
    assert script["refused"].startswith("<lambda>() uses 'built', a Keras model made outside of it")
    assert "build it inside the model function" in script["refused"]


def test_two_models_are_compared_on_the_users_own_ray_off_the_main_thread(tmp_path):
    """`compare` needs two functions and arrays; a Ray that was there before is used, and stays."""
    found = tell(tmp_path, COMPARE)
    assert sorted(found["runs"]) == [[variant, seed, "ok"] for variant in ("with", "without") for seed in (0, 1)]
    assert "haste" in found["headline"].lower()
    assert found["ray"]
    assert found["begun"] == "x"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: o.run("no-such-lesson"), "unknown lesson 'no-such-lesson'"),
        (lambda: o.run(3.5), "float is no lesson"),
        (lambda: o.run("noise", data="new"), "data is 'new'; it must be 'both', 'fixed' or 'redrawn'"),
        (lambda: o.run("noise", fit={"epoch": 3}), "fit may not hold epoch"),
        (lambda: o.run("noise", fit={"epochs": np.int64(3)}), "fit's epochs is int64; give numbers"),
        (lambda: o.run("noise", seeds=[1, 1]), "seed 1 is asked for twice"),
        (lambda: o.run(["noise", "noise"]), "two lessons are named 'noise'"),
        (lambda: o.load("/nowhere"), "holds no"),
        (lambda: o.diagnose({"loss": ["x"]}), "row 1"),
        (lambda: o.diagnose(7), "int is no history"),
    ],
)
def test_a_mistake_is_one_line_of_ours(call, says):
    """What the caller did wrong is an exported error of one line."""
    with pytest.raises(o.OrchestratorError) as raised:
        call()
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_history_is_diagnosed_as_python_holds_it(tmp_path):
    """A dict, a frame and what `fit` gives (an object with `history`) are the same training."""
    curves = {"loss": [0.9**e for e in range(30)], "val_loss": [0.9**e if e < 5 else 1 + e / 5 for e in range(30)]}
    fitted = type("History", (), {"history": curves})()
    said = {str(o.diagnose(each, tmp_path)) for each in (curves, pd.DataFrame(curves), fitted)}
    assert len(said) == 1
    assert "generalization" in said.pop()


def test_what_libraries_do_to_the_process_is_undone():
    """Environment, import path and both random states are as before, also where the block raises."""
    before = dict(os.environ), list(sys.path), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    with pytest.raises(o.UsageError), undisturbed():
        os.environ["ONE_MORE"] = "1"
        sys.path.append("/nowhere")
        random.random()
        np.random.rand()  # noqa: NPY002
        raise o.UsageError("wrong")
    assert (dict(os.environ), list(sys.path), random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_every_name_of_the_front_door_is_there():
    """What `orchestrator.__all__` promises exists, also after rooms of it were imported."""
    assert all(getattr(o, name) is not None for name in o.__all__)
    assert callable(o.plan)
    assert callable(o.run)
