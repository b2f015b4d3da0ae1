"""Ten thousand tiny runs: how many a second, and what they cost the driver in memory; beside Ray Tune on the same work.

    python benchmarks/tasks.py [--runs 10000] [--trials 1000] [--workers 2]

A run here trains one neuron on sixteen rows for three epochs. Results are counted and dropped: what is measured is how
they come to the driver, not how they are stored. Each way runs in a process of its own. The rate leaves out the first
tenth of the runs, in which processes start and compile. Tune reuses its actors, keeps no logs, and trains a run per
trial; we train a run per task for comparison, and eight, as the program really does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import psutil

from orchestrator.lessons.catalog import Source
from orchestrator.nouns.plan import Job, Shard
from orchestrator.workers import worker
from orchestrator.workers.worker import Order

LESSON = '''"""How fast can nothing much be learnt?"""

import keras
import numpy as np

from orchestrator import Data, Endpoint, Lesson, Split, Variant


def draw(seed):
    x = np.random.default_rng(seed).normal(size=(24, 2)).astype("float32")
    y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
    return Split(x[:16], y[:16], x[16:], y[16:])


def neuron():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="sgd", loss="binary_crossentropy", metrics=["accuracy"])
    return model


LESSON = Lesson(
    title="Nothing much",
    about=__doc__,
    data=Data(fixed=lambda: draw(0), redrawn=draw),
    variants=[Variant("plain", neuron, epochs=3), Variant("twice", neuron, epochs=6)],
    endpoint=Endpoint("test_accuracy", sesoi=0.01),
)
'''
BLOCK = 8  # runs in a compiled program, as the engine has it
MIB = 2**20


@dataclass
class Meter:
    """Counts runs as they come back to the driver.

    Attributes:
        early: memory in MiB after the first tenth of the runs; late: after the last.
    """

    runs: int
    done: int = 0
    begun: float = field(default_factory=time.perf_counter)
    tenth: float = 0.0
    seconds: float = 0.0
    early: float = 0.0
    late: float = 0.0

    def count(self, more: int) -> None:
        """Take in some finished runs."""
        was, self.done = self.done, self.done + more
        if was < self.runs // 10 <= self.done:
            self.tenth, self.early = time.perf_counter() - self.begun, memory()
        if self.done >= self.runs:
            self.seconds, self.late = time.perf_counter() - self.begun, memory()

    @property
    def rate(self) -> float:
        """Runs a second after the first tenth."""
        return 0.9 * self.runs / (self.seconds - self.tenth)


def memory() -> float:
    """This process's resident memory, MiB."""
    return float(psutil.Process().memory_info().rss / MIB)


def order(first: int, width: int) -> Order:
    """The runs of some seeds."""
    job = Job("nothing", "plain", "redrawn", "0" * 20, f"nothing-{width}", "compiled", width, 1.0)
    return Order(
        Shard(job, tuple(range(first, first + width)), "benchmark"), Source("nothing", None, __file__, LESSON), ()
    )


def trained(made: Order) -> int:
    """Train the runs here; how many ended well."""
    return sum(outcome.status == "ok" for outcome in worker.train(made).outcomes)


def alone(runs: int, _workers: int) -> Meter:
    """The work itself, in this process, with nothing around it."""
    trained(order(0, 1))
    meter = Meter(runs)
    for seed in range(runs):
        meter.count(trained(order(seed, 1)))
    return meter


def ours(runs: int, workers: int, width: int = 1) -> Meter:
    """The program's driver, `width` runs a task."""
    from orchestrator.workers.cluster.driver import Driver, Options  # noqa: PLC0415  importing Ray takes a second
    from orchestrator.workers.events import Finished  # noqa: PLC0415

    driver = Driver(Options(workers=workers))
    driver.warm("compiled")
    meter = Meter(runs)
    for event in driver.run(order(first, width) for first in range(0, runs, width)):
        if isinstance(event, Finished):
            meter.count(sum(outcome.status == "ok" for outcome in event.block.outcomes))
    driver.close()
    return meter


def blocks(runs: int, workers: int) -> Meter:
    """The program's driver as the program uses it: a block of runs a task."""
    return ours(runs, workers, BLOCK)


def theirs(runs: int, workers: int) -> Meter:
    """Ray Tune, a run a trial."""
    os.environ |= {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "RAY_AIR_NEW_OUTPUT": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    import ray  # noqa: PLC0415  the environment above is read at import
    from ray import tune  # noqa: PLC0415

    meter = Meter(runs)

    class Trial(tune.Trainable):
        def setup(self, config: dict[str, int]) -> None:
            self.seed = config["seed"]

        def reset_config(self, config: dict[str, int]) -> bool:
            self.seed = config["seed"]
            return True

        def step(self) -> dict[str, float]:
            return {"ok": trained(order(self.seed, 1)), "done": True}

        def save_checkpoint(self, checkpoint_dir: str) -> None:
            """Nothing to save; reused actors are asked to all the same."""

        def load_checkpoint(self, checkpoint: object) -> None:
            """Nothing was saved."""

    class Count(tune.Callback):
        def on_trial_complete(self, trial: tune.experiment.Trial, **_: object) -> None:
            meter.count(int(trial.last_result["ok"]))

    ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with tempfile.TemporaryDirectory() as folder:
        config = tune.TuneConfig(reuse_actors=True, max_concurrent_trials=workers)
        where = tune.RunConfig(storage_path=folder, verbose=0, callbacks=[Count()])
        tune.Tuner(
            Trial, param_space={"seed": tune.grid_search(list(range(runs)))}, tune_config=config, run_config=where
        ).fit()
    ray.shutdown()
    return meter


WAYS = {
    "the work alone, one process": alone,
    "ours, 8 runs a task": blocks,
    "ours, a run a task": ours,
    "Ray Tune, a run a trial": theirs,
}


def measure(way: str, runs: int, workers: int) -> Iterator[str]:
    """A way's row of the table, measured in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--runs", str(runs), "--workers", str(workers)]
    last = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1]
    meter = Meter(**json.loads(last))
    if meter.done < runs:
        raise SystemExit(f"{way}: only {meter.done} of {runs} runs ended well")
    yield from (
        way,
        f"{meter.done}",
        f"{meter.seconds:.0f} s",
        f"{meter.rate:.0f}",
        f"{meter.early:.0f}",
        f"{meter.late:.0f}",
    )


def main() -> None:
    """Measure each way in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--trials", type=int, default=1000, help="runs for Ray Tune")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(asdict(WAYS[asked.way](asked.runs, asked.workers))))
        return
    print(f"{'':28}{'runs':>8}{'in all':>9}{'runs/s':>9}{'MiB early':>11}{'MiB late':>10}")
    for way, function in WAYS.items():
        runs = {alone: asked.trials, theirs: asked.trials}.get(function, asked.runs)
        name, *numbers = measure(way, runs, asked.workers)
        print(f"{name:28}{numbers[0]:>8}{numbers[1]:>9}{numbers[2]:>9}{numbers[3]:>11}{numbers[4]:>10}", flush=True)


if __name__ == "__main__":
    main()
