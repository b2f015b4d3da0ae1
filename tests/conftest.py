"""What all tests share: a small lesson file, and the command line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

os.unsetenv("COLUMNS")  # readline, which pytest loads, sets it for every command that is started
os.environ.setdefault(
    "RAY_worker_niceness", "0"
)  # beside other tests, Ray's workers would have to wait for all of them

TINY = '''"""Does a second hidden unit help?

A lesson small enough to train in no time.
"""

import keras
import numpy as np

from orchestrator import Data, Endpoint, Lesson, Split, Variant


def draw(seed):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(24, 2)).astype("float32")
    y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
    return Split(x[:16], y[:16], x[16:], y[16:])


def fresh():
    generator = np.random.default_rng(10**6)
    x = generator.normal(size=(2000, 2)).astype("float32")
    return x, (x.sum(axis=1, keepdims=True) > 0).astype("float32")


def model(units=1):
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, activation="tanh"), keras.layers.Dense(1)])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    net.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss, metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")])
    return net


LESSON = Lesson(
    title="A tiny lesson",
    about=__doc__,
    data=Data(fixed=lambda: draw(0), redrawn=lambda seed: draw(seed + 1), fresh=fresh, chance=0.5),
    variants=[Variant("one", model, epochs=3, batch_size=8), Variant("two", lambda: model(2), epochs=3, batch_size=8)],
    endpoint=Endpoint("fresh_accuracy", sesoi=0.01),
)
'''


@pytest.fixture
def tiny(tmp_path):
    """The path of a lesson file that trains in no time."""
    path = tmp_path / "tiny.py"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def cli():
    """Run `python -m orchestrator` as a user does; gives the finished process."""

    def run(*words, **more):
        command = [sys.executable, "-m", "orchestrator", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, check=False, **more)

    return run


@pytest.fixture(scope="session")
def planner():
    """What lessons are asked in: a process of its own, as for every command, but one for all commands that run in this process."""
    from orchestrator.lessons.sandbox import Sandbox

    class Kept(Sandbox):
        """Stays warm when a command leaves it."""

        def __exit__(self, *_):
            pass

    kept = {}

    def planner(warm, timeout=None):
        made = kept.setdefault((*warm.args, *warm.keywords.items()), Kept(warm))
        made.timeout = timeout
        return made

    yield planner
    for made in kept.values():
        made.close()


@pytest.fixture(scope="session")
def here(planner):
    """The same command line in this process, where the libraries are loaded once for all commands: seconds less each."""

    def run(*words):
        from orchestrator.cli.app import main
        from orchestrator.planning import session

        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "argv", ["orchestrator", *map(str, words)])
            patch.setattr(session, "Sandbox", planner)
            with pytest.raises(SystemExit) as ended:
                main()
        said = (stream.buffer.getvalue().decode() for stream in (out, err))
        return subprocess.CompletedProcess(words, ended.value.code, *said)

    return run
