"""What plain Keras gives: `set_random_seed(seed)`, data, model, `fit`, `evaluate`, without anything of the engine.

    KERAS_BACKEND=jax python benchmarks/plain.py LESSON.py fixed|redrawn SEED... > runs.json

Every run is a process of its own, forked before JAX has started, so that no run can touch the next. It loads the
lesson's file anew. What comes out is a list of runs: variant, seed, history and scores by name, `seconds` an epoch took
once the first was over, and `error`, empty where there was none.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
from keras.src.utils import module_utils

from orchestrator.lesson import Lesson, Variant


def on_one_thread() -> None:
    """Start JAX while it may use one processor, so that it has one thread, as in a worker."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    jax.devices()
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), allowed)


def apart(work: Callable[[], Any]) -> Any:
    """What `work` gives in a process of its own, as JSON has it."""
    with tempfile.TemporaryFile("w+") as answer:
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # what a lesson prints is no answer
            json.dump(work(), answer)
            answer.flush()
            os._exit(0)
        os.waitpid(child, 0)
        answer.seek(0)
        return json.loads(answer.read() or "null")


def load(path: Path) -> Lesson:
    """The lesson in a file."""
    sys.path.insert(0, str(path.parent))
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = module_from_spec(spec)
    spec.loader.exec_module(module)
    lesson: Lesson = module.LESSON
    return lesson


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes when each epoch ended."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras's signature
        """Note it."""
        self.marks.append(time.perf_counter())


def run(path: Path, scope: Any, name: str, seed: int) -> dict[str, Any]:
    """One run of a variant."""
    on_one_thread()
    try:
        lesson = load(path)
        return {"variant": name, "seed": seed, "error": "", **train(lesson, lesson.variant(name), scope, seed)}
    except Exception as error:
        traceback.print_exc()
        return {"variant": name, "seed": seed, "error": f"{type(error).__name__}: {error}"}


def train(lesson: Lesson, variant: Variant, scope: Any, seed: int) -> dict[str, Any]:
    """Its history and scores."""
    keras.utils.set_random_seed(seed)
    data = lesson.data_of(variant)
    split, fresh = data.draw(scope, seed), data.fresh_rows()
    model, clock = variant.model(), Clock()
    given = model.fit(
        split.x_train,
        split.y_train,
        validation_data=weighted(split.x_test, split.y_test, split.w_test),
        epochs=variant.epochs,
        batch_size=variant.batch_size,
        callbacks=[*variant.callbacks, clock],
        verbose=0,
        **({} if split.w_train is None else {"sample_weight": split.w_train}),
        **variant.fit,
    )
    parts = {
        "train": weighted(split.x_train, split.y_train, split.w_train),
        "test": weighted(split.x_test, split.y_test, split.w_test),
    }
    if fresh is not None:
        parts["fresh"] = fresh
    steps = np.diff(clock.marks)
    return {
        "history": {name: np.asarray(values).tolist() for name, values in given.history.items()},
        "scores": scores(model, parts, variant.fit.get("validation_batch_size") or variant.batch_size),
        "seconds": float(np.median(steps)) if len(steps) else None,
    }


def weighted(x: Any, y: Any, w: Any) -> tuple[Any, ...]:
    """Rows, with their weights if they have any."""
    return (x, y) if w is None else (x, y, w)


def scores(model: keras.Model, parts: dict[str, tuple[Any, ...]], size: int) -> dict[str, Any]:
    """What `evaluate` gives on each part; the loss without penalties, where there are any."""
    found = {
        part: model.evaluate(x, y, sample_weight=w[0] if w else None, batch_size=size, return_dict=True, verbose=0)
        for part, (x, y, *w) in parts.items()
    }
    if has_penalties(model, jax.tree.map(lambda array: array[:size], parts["test"][0])):
        loss = keras.losses.get(model.loss)
        for part, (x, y, *w) in parts.items():
            predicted = model.predict(x, batch_size=size, verbose=0)
            found[part]["loss"] = np.mean(np.asarray(loss(y, predicted)) * (w[0] if w else 1))
    return {
        f"{part}_{name}": np.asarray(value).tolist() for part, logs in found.items() for name, value in logs.items()
    }


def has_penalties(model: keras.Model, x: Any) -> bool:
    """Whether Keras adds penalties to the loss that `compile` was given."""
    kind = type(model)
    if (
        kind.compute_loss is not keras.Model.compute_loss
        or kind.test_step is not keras.Model.test_step
        or not model.loss
    ):
        return False
    model(x)
    return bool(model.losses)


def main() -> None:
    """Train all that the command line asks for."""
    path, scope, seeds = Path(sys.argv[1]).resolve(), sys.argv[2], [int(seed) for seed in sys.argv[3:]]
    cache = Path(tempfile.gettempdir()) / "plain-fit-cache"
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    module_utils.tensorflow._available = (
        False  # else `set_random_seed` imports it in every process, to seed it for nobody
    )
    names = apart(lambda: [variant.name for variant in load(path).variants])
    runs = [apart(lambda n=name, s=seed: run(path, scope, n, s)) for name in names or [] for seed in seeds]
    lost = {"variant": "", "seed": -1, "error": "the process ended"}
    json.dump([found or lost for found in runs], sys.stdout)


if __name__ == "__main__":
    main()
