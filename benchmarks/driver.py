"""What an event costs the driver, by how many tasks are in flight: processor time of its process, Ray's threads included.

    python -m benchmarks.driver [--flights 100 1000 10000] [--shards 2000]
    python -m benchmarks.driver --stand-in [--flights 100 1000 10000] [--shards 20000]

Nothing is trained: a task tells what one tells that trains, and its block is a receipt, as of one that its worker has
stored. Two workers take the tasks up in turn, and the rest of those in flight wait for them, as costly to the driver as
if each had a worker of its own. Events are counted, told to nobody, and written into a ledger. A measurement begins
when the first tenth of the shards have ended.

With `--stand-in`, Ray's calls cost nothing, and the tasks are on 64 to a machine: that is the driver's own code, as it
is on a cluster.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import ray

from orchestrator.command.record import Record
from orchestrator.lessons.catalog import Source
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, plan, seeded
from orchestrator.store import Block, Store
from orchestrator.telling.progress import Progress
from orchestrator.workers.cluster import driver as drivers
from orchestrator.workers.cluster import flights as in_flight
from orchestrator.workers.cluster.driver import Driver, Options
from orchestrator.workers.events import Finished
from orchestrator.workers.worker import Order, Place

BLOCK = 8
WORKERS = 2
ROOM = 64  # shards that a machine of the stand-in holds


def told(orders: Sequence[Order], node: str) -> Iterator[Any]:
    """What a task tells that trains orders."""
    for order in orders:
        yield Place(node, "/tmp/log")  # noqa: S108
        yield Block(tuple(Outcome(seed, "ok", seconds=1.0) for seed in order.seeds), node).receipt()


@ray.remote(max_retries=0, num_returns="streaming")  # type: ignore[untyped-decorator]
def nothing(orders: Sequence[Order], *_: Any) -> Iterator[Any]:
    """Train nothing."""
    yield from told(orders, "here")


class StandIn:
    """Ray, as far as the driver calls it: a wait finds that one task in twenty has something to tell."""

    def __init__(self, machines: int) -> None:
        self._machines = machines
        self._chance = np.random.default_rng(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(ray, name)

    def nodes(self) -> list[dict[str, Any]]:
        """Its machines."""
        return [
            {"NodeID": f"{i:056x}", "Alive": True, "Resources": {"CPU": float(ROOM)}, "Labels": {}}
            for i in range(self._machines)
        ]

    def options(self, scheduling_strategy: Any, **_: Any) -> Any:
        """A task for a machine."""
        return argparse.Namespace(remote=lambda orders, *_: told(orders, scheduling_strategy.node_id))

    def wait(self, tasks: list[Any], num_returns: int, timeout: float, fetch_local: bool) -> tuple[list[Any], Any]:
        """Some of them."""
        if timeout and num_returns > 1:
            raise ValueError("it would wait for all of them")
        ready = self._chance.choice(len(tasks), min(num_returns, len(tasks) // 20), replace=False)
        return [tasks[i] for i in ready], fetch_local

    def get(self, value: Any) -> Any:
        """What a task told."""
        return value

    def cancel(self, task: Any, force: bool) -> None:
        """End a task."""


class OnStandIn(Driver):
    """The driver on a cluster that is not there."""

    is_ours = False

    def _gpus(self) -> float:
        return 0.0


def cluster(flights: int) -> Driver:
    """A driver to whom Ray's calls cost nothing."""
    stand_in = StandIn(flights // ROOM)
    drivers.ray = in_flight.ray = drivers.tasks.train = stand_in  # type: ignore[attr-defined]
    drivers.Connection = lambda *_: argparse.Namespace(is_broken=False, close=lambda: None)  # type: ignore[attr-defined]
    return OnStandIn(Options())


def here(flights: int) -> Driver:
    """A driver with a Ray of its own and so many tasks in flight."""
    drivers.WINDOW = flights // WORKERS  # type: ignore[misc]
    drivers.tasks.train = nothing  # type: ignore[attr-defined]
    return Driver(Options(workers=WORKERS))


class Nobody:
    """A screen that nobody looks at."""

    live = True

    def say(self, text: str, loud: int = 0) -> None:
        """Tell nobody."""

    def shown(self, _progress: Progress) -> Any:
        """Show nobody."""
        return nullcontext()


def measure(driver: Driver, flights: int, shards: int, folder: Path) -> dict[str, float]:
    """Follow so many shards to their end; gives what their events cost."""
    store = Store(folder)
    store.prepare()
    jobs = [
        Job("nothing", "plain", "redrawn", f"{i:020x}", f"{i}", "compiled", BLOCK, 1.0)  # type: ignore[arg-type]
        for i in range(4)
    ]
    planned = plan(seeded(jobs, range(BLOCK * (flights + 2 * shards) // len(jobs))), {})
    source = Source("nothing", 1, "", "")
    progress = Progress(store, Nobody())
    progress.follow(planned, lambda: driver.slots)
    record = Record(store, progress.take, progress.left)
    ended = events = 0
    for event in driver.run(Order(shard, source, (), out="s3://nowhere") for shard in planned.shards):
        record.take(event)
        ended += isinstance(event, Finished)
        events += 1
        if ended == shards // 10 and isinstance(event, Finished):
            events, begun, used, own = 0, time.perf_counter(), time.process_time(), time.thread_time()
        if ended == shards + shards // 10:
            break
    took = [time.process_time() - used, time.thread_time() - own, time.perf_counter() - begun]
    return dict(zip(("used", "own", "wall"), took, strict=True)) | {"events": events}


def main() -> None:
    """Measure each number in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flights", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--shards", type=int, default=2000)
    parser.add_argument("--stand-in", action="store_true")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        alone(asked.flights[0], asked.shards, asked.stand_in)
        return
    print(
        f"{'in flight':>10}{'ms an event':>13}{'of them its own thread':>24}{'events/s of processor':>23}{'events/s':>10}"
    )
    for flights in asked.flights:
        words = ["--alone", "--flights", str(flights), "--shards", str(asked.shards), *["--stand-in"] * asked.stand_in]
        command = [sys.executable, "-m", "benchmarks.driver", *words]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1]
        used, own, wall, events = json.loads(said).values()
        print(
            f"{flights:10,}{1000 * used / events:13.2f}{1000 * own / events:24.2f}{events / used:23,.0f}{events / wall:10,.0f}"
        )


def alone(flights: int, shards: int, stand_in: bool) -> None:
    """Measure one."""
    driver = (cluster if stand_in else here)(flights)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(driver, flights, shards, Path(folder))))
    driver.close()


if __name__ == "__main__":
    main()
