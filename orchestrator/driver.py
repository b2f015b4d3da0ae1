"""The only file that imports Ray: a bounded window of shards as Ray tasks.

A task is a generator of two values, "I have begun" and the trained block, so that the driver knows what runs where and since when.
Ray retries nothing here. A machine that fails is the driver's affair: it sends the shard again, with a growing pause;
what a lesson's code raises is an answer.
"""

from __future__ import annotations

import logging
import os
import platform
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # ours is not to phone home
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator import worker
from orchestrator.errors import ClusterError
from orchestrator.events import Event, Finished, Lost, Started
from orchestrator.outcome import Outcome
from orchestrator.store import Block
from orchestrator.worker import Order

WINDOW = 2  # shards sent per slot: one at work, one at hand
LOOK = 0.2  # seconds between two looks at deadlines and signals
PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a lost shard is sent again: doubled at each attempt


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
    """A shard on its way."""

    order: Order
    begun: float | None = None


@ray.remote(max_retries=0, num_returns="streaming")  # type: ignore[untyped-decorator]
def _train(order: Order) -> Iterator[Any]:
    yield platform.node()
    yield worker.train(order)


@ray.remote(max_retries=0)  # type: ignore[untyped-decorator]
def _warm(engine: str, gpu: bool) -> int:
    return worker.warm(engine, gpu)


@ray.remote(max_retries=0, num_cpus=0)  # type: ignore[untyped-decorator]
def _facts() -> dict[str, str]:
    return worker.facts()


class Driver:
    """Shards as tasks on a Ray cluster: one started here, or the one at an address."""

    def __init__(self, options: Options) -> None:
        """Connect.

        Raises:
            ClusterError: nothing answers at the address, or no node can hold a shard.
        """
        self.options = options
        self.stopping = False
        _connect(options)
        try:
            self.gpus = self._gpus()
            self.slots = self._slots()
        except ClusterError:
            ray.shutdown()
            raise
        self._flights: dict[Any, _Flight] = {}
        self._later: list[tuple[float, Order]] = []

    def warm(self, engine: str) -> None:
        """Have every slot load the training libraries while the plan is made."""
        task = _warm.options(**self._resources())
        self._warming = [task.remote(engine, self.gpus > 0) for _ in range(min(self.slots, 64))]

    def stop(self) -> None:
        """Finish what runs, begin nothing."""
        self.stopping = True

    def close(self) -> None:
        """Leave the cluster; one started here ends."""
        ray.shutdown()

    def resources(self) -> dict[str, float]:
        """What the cluster has."""
        return dict(ray.cluster_resources())

    def survey(self) -> list[dict[str, str]]:
        """Name and versions of every node."""
        nodes = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in ray.nodes() if node["Alive"]]
        return ray.get([_facts.options(scheduling_strategy=node).remote() for node in nodes], timeout=120)  # type: ignore[no-any-return]

    def run(self, orders: Iterable[Order]) -> Iterator[Event]:
        """Train the shards, in order as slots come free; events come as they happen."""
        queue = deque(orders)
        try:
            while queue or self._flights or self._later:
                if self.stopping:
                    queue.clear()
                    self._later.clear()
                    self._recall()
                self._fill(queue)
                yield from self._land()
        finally:
            for task in self._flights:
                ray.cancel(task, force=True)
            self._flights.clear()

    def _fill(self, queue: deque[Order]) -> None:
        now = time.monotonic()
        due = [order for when, order in self._later if when <= now]
        self._later = [(when, order) for when, order in self._later if when > now]
        queue.extendleft(due)
        task = _train.options(**self._resources())
        while queue and len(self._flights) < WINDOW * self.slots:
            order = replace(queue.popleft(), gpu=self.gpus > 0)
            self._flights[task.remote(order)] = _Flight(order)

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
        shard = flight.order.shard
        try:
            value = ray.get(next(task))
        except StopIteration:
            del self._flights[task]
        except RayTaskError as error:
            del self._flights[task]
            yield Finished(shard, _failed(flight.order, error.cause or error, final=True))
        except RayError as error:
            del self._flights[task]
            yield self._again(flight.order, error)
        else:
            if flight.begun is None:
                flight.begun = time.monotonic()
                yield Started(shard, value)
            else:
                del self._flights[task]
                yield Finished(shard, value)

    def _again(self, order: Order, error: RayError) -> Event:
        if order.attempt > self.options.retries or self.stopping:
            return Finished(order.shard, _failed(order, error, final=False))
        pause = min(PAUSE * 2 ** (order.attempt - 1), LONGEST_PAUSE)
        self._later.append((time.monotonic() + pause, replace(order, attempt=order.attempt + 1)))
        return Lost(order.shard, cause(error), order.attempt)

    def _overdue(self) -> Iterator[Event]:
        limit = self.options.timeout
        if limit is None:
            return
        now = time.monotonic()
        for task, flight in list(self._flights.items()):
            if flight.begun is not None and now - flight.begun > limit:
                ray.cancel(task, force=True)
                del self._flights[task]
                yield Finished(flight.order.shard, _timed_out(flight.order, limit))

    def _recall(self) -> None:
        for task, flight in list(self._flights.items()):
            if flight.begun is None:
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
                f"a shard asks for {wanted['CPU']:g} CPU and {wanted['GPU']:g} GPU, and no node has that ({have}); lower --cpus-per-shard or --gpus-per-shard"
            )
        total = ray.cluster_resources()
        return max(1, int(min(total.get(name, 0) // amount for name, amount in wanted.items() if amount)))


def _knock(address: str) -> None:
    """Ray itself would wait for minutes where nobody listens."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        with socket.create_connection((host.strip("[]"), int(port)), timeout=10):
            pass


def _connect(options: Options) -> None:
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if options.address:
            _knock(options.address)
            packages = [str(Path(find_spec(name).origin).parent) for name in ("orchestrator", "jobs", "reports")]  # type: ignore[union-attr, arg-type]
            ray.init(address=options.address, runtime_env={"py_modules": packages}, **quiet)
        else:
            ray.init(address="local", num_cpus=options.workers, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        where = f"no Ray cluster answers at {options.address}" if options.address else "Ray did not start"
        raise ClusterError(f"{where}: {str(error).splitlines()[0]}") from None


def cause(error: BaseException) -> str:
    """What happened to the machine, on one line."""
    if isinstance(error, OutOfMemoryError):
        return "the worker ran out of memory"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _failed(order: Order, error: BaseException, final: bool) -> Block:
    shard = order.shard
    outcomes = [Outcome(seed, "failed", engine=shard.job.engine, error=cause(error), traceback=str(error)) for seed in shard.seeds]
    return Block(tuple(outcomes), platform.node(), order.attempt, final)


def _timed_out(order: Order, limit: float) -> Block:
    shard = order.shard
    text = f"still training after {limit:g} s, the --timeout"
    return Block(tuple(Outcome(seed, "timeout", engine=shard.job.engine, error=text) for seed in shard.seeds), platform.node(), order.attempt)
