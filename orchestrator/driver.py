"""The only file that imports Ray: a bounded window of shards as Ray tasks.

A task is a generator of two values, "I have begun" and the trained block, so that the driver knows what runs where and since when.
Ray retries nothing here. A machine that fails is the driver's affair: it sends the shard again, with a growing pause;
what a lesson's code raises is an answer.
"""

from __future__ import annotations

import logging
import math
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # ours is not to phone home
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # what befalls a worker we say ourselves, on one line

import ray
from ray._private import ray_constants
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    OutOfMemoryError,
    RayError,
    RaySystemError,
    RayTaskError,
    WorkerCrashedError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator import worker
from orchestrator.errors import ClusterError, ClusterLostError
from orchestrator.events import Event, Finished, Started
from orchestrator.prospects import failed, story
from orchestrator.raylet import OwnRay, begin, seal_token
from orchestrator.store import Block
from orchestrator.tries import Tries
from orchestrator.worker import Order

WINDOW = 2  # shards sent per slot: one at work, one at hand
LOOK = 0.2  # seconds between two looks at deadlines and signals
QUIET: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
ASK = 15.0  # seconds that a node has to find a dead worker's log


@dataclass(frozen=True)
class Options:
    """Where and how shards run."""

    address: str | None = None
    workers: int | None = None
    cpus: float = 1.0
    gpus: float | None = None
    timeout: float | None = None
    retries: int = 3


@dataclass
class _Flight:
    """An order on its way."""

    order: Order
    begun: float = math.inf  # on the monotonic clock
    node: str = ""  # Ray's name of it
    log: str = ""

    @property
    def has_begun(self) -> bool:
        """Whether a worker took it up."""
        return self.begun < math.inf


@ray.remote(max_retries=0, num_returns="streaming")  # type: ignore[untyped-decorator]
def _train(order: Order, share: float) -> Iterator[Any]:
    worker.warm(order.shard.job.engine, order.gpu, share)
    yield ray.get_runtime_context().get_node_id(), worker.place()
    yield worker.train(order)


@ray.remote(max_retries=0)  # type: ignore[untyped-decorator]
def _warm(engine: str, gpu: bool, share: float) -> int:
    return worker.warm(engine, gpu, share)


@ray.remote(max_retries=0, num_cpus=0)  # type: ignore[untyped-decorator]
def _facts() -> dict[str, str]:
    return worker.facts()


@ray.remote(max_retries=0, num_cpus=0)  # type: ignore[untyped-decorator]
def _last_words(log: str) -> str:
    return worker.last_words(log)


class Driver:
    """Shards as tasks on a Ray cluster: one started here, or the one at an address."""

    def __init__(self, options: Options) -> None:
        """Connect.

        Raises:
            ClusterError: nothing answers at the address, or no node can hold a shard.
        """
        self.options = options
        self.stopping = False
        self._own = _connect(options)
        self._has = dict(ray.cluster_resources())
        try:
            self.gpus = self._gpus()
            self.slots = self._slots()
            self.share = self._share()
        except ClusterError:
            self.close()
            raise
        self._flights: dict[Any, _Flight] = {}
        self._tries = Tries(options.retries)

    def warm(self, engine: str) -> None:
        """Have every slot load the training libraries while the plan is made."""
        task = _warm.options(**self._resources())
        self._warming = [task.remote(engine, self.gpus > 0, self.share) for _ in range(min(self.slots, 64))]

    def stop(self) -> None:
        """Finish what runs, begin nothing."""
        self.stopping = True

    def close(self) -> None:
        """Leave the cluster; one started here ends."""
        ray.shutdown()
        if self._own:
            self._own.close()
            self._own = None

    def resources(self) -> dict[str, float]:
        """What the cluster has."""
        return self._has

    def survey(self) -> list[dict[str, str]]:
        """Name and versions of every node."""
        nodes = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in ray.nodes() if node["Alive"]]
        return ray.get([_facts.options(scheduling_strategy=node).remote() for node in nodes], timeout=120)  # type: ignore[no-any-return]

    def run(self, orders: Iterable[Order]) -> Iterator[Event]:
        """Train the shards, in order as slots come free; events come as they happen.

        Raises:
            ClusterError: the node that this program runs on has left the cluster.
        """
        waiting = iter(orders)
        try:
            while True:
                if self._own and not self._own.stands():
                    yield from self._start_anew()
                if self.stopping:
                    waiting = iter(())
                    self._recall()
                yield from self._fill(waiting)
                if not self._flights and not self._tries:
                    return
                yield from self._land()
        finally:
            for task in self._flights:
                ray.cancel(task, force=True)
            self._flights.clear()

    def _fill(self, waiting: Iterator[Order]) -> Iterator[Event]:
        task = _train.options(**self._resources())
        while len(self._flights) < WINDOW * self.slots:
            order = self._tries.due() or next(waiting, None)
            if order is None:
                return
            not_tried = self._tries.prospects.not_tried(order) if order.attempt == 1 else None
            if not_tried:
                yield Finished(order.shard, not_tried)
            else:
                order = replace(order, gpu=self.gpus > 0)
                self._flights[task.remote(order, self.share)] = _Flight(order)

    def _land(self) -> Iterator[Event]:
        if not self._flights:
            time.sleep(LOOK)
            return
        ready, _ = ray.wait(list(self._flights), num_returns=1, timeout=LOOK, fetch_local=False)
        for task in ready:
            yield from self._next(task)
        yield from self._overdue()

    def _next(self, task: Any) -> Iterator[Event]:
        flight = self._flights[task]
        try:
            value = ray.get(next(task))
        except RayTaskError as error:
            yield from self._answer(task, failed(flight.order, "failed", _line(error.cause or error), str(error)))
        except LocalRayletDiedError:
            if not self._own:
                raise ClusterLostError("this node has left the cluster; the same command goes on from there") from None
            yield from self._start_anew()
        except RayError as error:
            del self._flights[task]
            yield from self._lost(flight, error)
        else:
            if flight.has_begun:
                yield from self._answer(task, value)
            else:
                flight.begun, (flight.node, place) = time.monotonic(), value
                flight.log = place.log
                yield Started(flight.order.shard, place.node)

    def _answer(self, task: Any, block: Block) -> Iterator[Event]:
        order = self._flights.pop(task).order
        if not (self.stopping and story(block)):  # whose doing that was won't be found out any more
            yield from self._tries.answer(order, block)

    def _lost(self, flight: _Flight, error: RayError) -> Iterator[Event]:
        if self.stopping:
            return
        own_doing = isinstance(error, WorkerCrashedError | OutOfMemoryError)
        words = self._words(flight) if own_doing else ""
        certain = flight.has_begun and isinstance(error, WorkerCrashedError)
        yield from self._tries.lost(flight.order, _cause(error, words), words or str(error), own_doing, certain)

    def _words(self, flight: _Flight) -> str:
        """What a dead worker wrote at its end."""
        if self._own or not flight.log:
            return worker.last_words(flight.log)
        there = NodeAffinitySchedulingStrategy(flight.node, soft=False)
        try:
            return str(ray.get(_last_words.options(scheduling_strategy=there).remote(flight.log), timeout=ASK))
        except RayError:
            return ""

    def _start_anew(self) -> Iterator[Event]:
        """Ray's own processes died: start others, and send again what those had in hand."""
        flights = list(self._flights.values())
        self._flights.clear()
        if self.stopping:
            return
        self.close()
        for flight in flights:
            if flight.has_begun:
                yield from self._lost(flight, RaySystemError("Ray's own processes died"))
            else:
                self._tries.send([flight.order])
        self._own = _connect(self.options)

    def _overdue(self) -> Iterator[Event]:
        limit = self.options.timeout or math.inf
        for task, flight in list(self._flights.items()):
            if time.monotonic() - flight.begun > limit:
                ray.cancel(task, force=True)
                text = f"still training after {limit:g} s, the --timeout"
                yield from self._answer(task, failed(flight.order, "timeout", text))

    def _recall(self) -> None:
        self._tries.forget()
        for task, flight in list(self._flights.items()):
            if not flight.has_begun:
                ray.cancel(task)
                del self._flights[task]

    def _resources(self) -> dict[str, float]:
        return {"num_cpus": self.options.cpus, "num_gpus": self.gpus}

    def _gpus(self) -> float:
        """GPUs per shard: as asked for, else a quarter where the cluster has any."""
        if self.options.gpus is not None:
            return self.options.gpus
        return 0.25 if ray.cluster_resources().get("GPU", 0) else 0.0

    def _slots(self) -> int:
        wanted = {"CPU": self.options.cpus, "GPU": self.gpus}
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in nodes):
            have = "; ".join(f"{n.get('CPU', 0):g} CPU, {n.get('GPU', 0):g} GPU" for n in nodes)
            raise ClusterError(
                f"a shard asks for {wanted['CPU']:g} CPU and {wanted['GPU']:g} GPU, and no node has that ({have}); "
                "lower --cpus-per-shard or --gpus-per-shard"
            )
        total = ray.cluster_resources()
        return max(1, int(min(total.get(name, 0) // amount for name, amount in wanted.items() if amount)))

    def _share(self) -> float:
        """The part of a machine that a shard may take, by its processors."""
        most = max(node["Resources"].get("CPU", 0) for node in ray.nodes())
        return min(1.0, self.options.cpus / most) if most else 1.0


def _connect(options: Options) -> OwnRay | None:
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        if options.address:
            _join(options.address)
            return None
        return _start(options.workers)
    except Exception as error:  # Ray raises what it likes
        where = f"no Ray cluster answers at {options.address}" if options.address else "Ray did not start"
        raise ClusterError(f"{where}: {str(error).splitlines()[0]}") from None
    except SystemExit:  # SIGTERM, as Ray understands it
        raise KeyboardInterrupt from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_term)  # Ray puts its own there


def _join(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():  # Ray itself would wait for minutes where nobody listens
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    seal_token(make=False)
    packages = [str(Path(find_spec(name).origin).parent) for name in ("orchestrator", "jobs", "reports")]  # type: ignore[union-attr, arg-type]
    ray.init(address=address, runtime_env={"py_modules": packages}, **QUIET)


def _start(workers: int | None) -> OwnRay:
    here = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    clusters, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False  # it listens on loopback only
    try:
        return begin(lambda folder: ray.init(**here, _temp_dir=folder, **QUIET))
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _cause(error: RayError, words: str) -> str:
    """What happened to the machine, on one line."""
    if isinstance(error, OutOfMemoryError):
        return "its node ran out of memory"
    if isinstance(error, NodeDiedError):
        return "its node died"
    if not isinstance(error, WorkerCrashedError):
        return _line(error)
    crash = re.search(r"Fatal Python error: (.+)", words)
    return f"its process crashed: {crash[1]}" if crash else "its process died: killed, or ended from within"
