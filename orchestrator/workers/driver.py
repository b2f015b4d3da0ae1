"""The only file that imports Ray: a bounded window of shards as Ray tasks.

A task is a generator: the node it came to, "I have begun", a self-check's verdict where one was made, and the trained
block, so that the driver knows what runs where and since when.
On a cluster the driver says where, too: a shard left to Ray may queue at a machine that is dead, and wait there for minutes.
Ray retries nothing here. A machine that fails is the driver's affair: it sends the shard again, with a growing pause;
what a lesson's code raises is an answer.
"""

from __future__ import annotations

import logging
import math
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # ours is not to phone home
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("RAY_grpc_client_keepalive_timeout_ms", "20000")  # what is sent to a dead machine fails so soon
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # what befalls a worker we say ourselves, on one line

logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)  # a notebook needs none of the widgets that it misses

import ray
from ray import cloudpickle
from ray._private import ray_constants
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    OutOfMemoryError,
    RayError,
    RaySystemError,
    RayTaskError,
    TaskUnschedulableError,
    WorkerCrashedError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from orchestrator.errors import ClusterError, ClusterLostError
from orchestrator.lessons.catalog import Source, Value
from orchestrator.nouns.check import Verdict
from orchestrator.store import Block
from orchestrator.workers import worker
from orchestrator.workers.events import Checked, Event, Finished, Started, Waiting
from orchestrator.workers.nodes import Nodes, knock, may_grow
from orchestrator.workers.prospects import failed, story
from orchestrator.workers.raylet import OwnRay, begin, seal_token
from orchestrator.workers.tries import Tries
from orchestrator.workers.worker import Machine, Order, Place

__all__ = ["Driver", "Options", "cloudpickle"]
SETTINGS = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}  # for a Ray that starts later
WINDOW = 2  # shards sent per slot on this machine: one at work, one at hand
AHEAD = 64  # shards sent to a cluster that may grow, for a node that is not there yet: it grows by what waits
LOOK = 0.2  # seconds between two looks at deadlines and signals
QUIET: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
CHECKING = 120.0  # seconds that a self-check may take beside a shard's own time
ASK = 15.0  # seconds that a node has to find a dead worker's log
PATIENCE = 120.0  # seconds that a node has to tell what it is like


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
    node: str = ""  # Ray's name of it; none while Ray may choose
    begun: float = math.inf  # on the monotonic clock
    log: str = ""
    grace: float = 0.0  # seconds beyond the timeout, for a self-check

    @property
    def has_begun(self) -> bool:
        """Whether a worker took it up."""
        return self.begun < math.inf


@ray.remote(max_retries=0, num_returns="streaming")  # type: ignore[untyped-decorator]
def _train(order: Order, value: Value | None, share: float) -> Iterator[Any]:
    yield ray.get_runtime_context().get_node_id()
    order = order.carrying(value)
    worker.warm(order.shard.job.engine, order.gpu, share)
    yield worker.place()
    verdict = worker.check(order)
    if verdict:
        yield verdict
    yield worker.train(order)


@ray.remote(max_retries=0)  # type: ignore[untyped-decorator]
def _warm(engine: str, gpu: bool, share: float) -> int:
    return worker.warm(engine, gpu, share)


_look = ray.remote(max_retries=0, num_cpus=0)
_machine, _sees_gpu, _last_words = _look(worker.machine), _look(worker.sees_gpu), _look(worker.last_words)


class Driver:
    """Shards as tasks on a Ray cluster: one started here, or the one at an address."""

    def __init__(self, options: Options) -> None:
        """Connect.

        Raises:
            ClusterError: nothing answers at the address, or no node can hold a shard and none may be on its way.
        """
        self.options = options
        self.stopping = False
        self._found = ray.is_initialized() and not options.address
        self._own = None if self._found else _connect(options)
        try:
            self._look_round()
        except BaseException:
            self.close()
            raise
        self._flights: dict[Any, _Flight] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._stored: dict[str, Any] = {}  # by lesson
        self._tries = Tries(options.retries)
        self._short = False

    def _look_round(self) -> None:
        """What the cluster has.

        Raises:
            ClusterError: no node can hold a shard and none may be on its way.
        """
        self.gpus = self._gpus()
        self.nodes = Nodes({"CPU": self.options.cpus, "GPU": self.gpus})
        self.nodes.see(ray.nodes())
        self.may_grow = self._own is None and may_grow(ray.nodes())
        if not self.slots and not self.may_grow:
            raise ClusterError(self.nodes.lack())

    @property
    def is_ours(self) -> bool:
        """Whether it was started here, on this machine alone."""
        return self._own is not None

    @property
    def slots(self) -> int:
        """Shards that the cluster holds at once."""
        return self.nodes.slots

    def warm(self, engine: str) -> None:
        """Have every slot load the training libraries while the plan is made."""
        task = _warm.options(**self._resources())
        self._warming = [task.remote(engine, self.gpus > 0, self.nodes.share) for _ in range(min(self.slots, 64))]

    def stop(self) -> None:
        """Finish what runs, begin nothing."""
        self.stopping = True

    def close(self) -> None:
        """Leave the cluster; one started here ends, and one that was there before stays as it was."""
        if self._found:
            return
        ray.shutdown()
        if self._own:
            self._own.close()
            self._own = None

    def resources(self) -> dict[str, float]:
        """What the cluster has, or had when it was largest."""
        return dict(self.nodes.most)

    def survey(self, out: str | None = None) -> list[Machine]:
        """What every node is like; `out` is the URI that shards will go to.

        Raises:
            ClusterError: a node does not answer.
        """
        return self._ask(_machine, self.nodes.has, out)

    def blind(self) -> list[str]:
        """The names of nodes on which Ray counts GPUs and JAX sees none."""
        having = [node for node, has in self.nodes.has.items() if self.gpus and has.get("GPU", 0) >= self.gpus]
        seeing = self._ask(_sees_gpu, having, num_gpus=self.gpus)
        names = {row["NodeID"]: row["NodeManagerHostname"] for row in ray.nodes()}
        return [names[node] for node, sees in zip(having, seeing, strict=True) if not sees]

    def _ask(self, task: Any, nodes: Iterable[str], *words: Any, **needs: float) -> list[Any]:
        """What a task gives on each of these nodes."""
        there = [NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes]
        try:
            asked = [task.options(scheduling_strategy=at, **needs).remote(*words) for at in there]
            return ray.get(asked, timeout=PATIENCE)  # type: ignore[no-any-return]
        except RayError as error:
            raise ClusterError(f"a node does not answer ({_line(error)}); `ray status` tells which there are") from None

    def run(self, orders: Iterable[Order]) -> Iterator[Event]:
        """Train the shards, in order as slots come free; events come as they happen.

        Raises:
            ClusterError: the node that this program runs on has left the cluster, or there was room nowhere for long.
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
                    order = next(waiting, None)  # there may be room for none
                    if order is None:
                        return
                    self._tries.send([order])
                yield from self._land()
                yield from self._follow()
        finally:
            for task in self._flights:
                ray.cancel(task, force=True)
            self._flights.clear()

    def _fill(self, waiting: Iterator[Order]) -> Iterator[Event]:
        for node in self._openings():
            order = (yield from self._choose(waiting)) or (self._unbound() if node else None)
            if order is None:
                return
            verdict = order.verdict or self._verdicts.get(order.shard.job.program)
            order = replace(order, gpu=self.gpus > 0, verdict=verdict)
            where = {"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)} if node else {}
            task = _train.options(**self._resources(), **where)
            sent = task.remote(order.carrying(None), self._put(order.source), self.nodes.share)
            self._flights[sent] = _Flight(order, node)

    def _put(self, source: Source) -> Any:
        """Where Ray keeps what a lesson brings along, data included: it travels to a machine once, not with every order."""
        if source.value and source.id not in self._stored:
            self._stored[source.id] = ray.put(source.value)
        return self._stored.get(source.id)

    def _choose(self, waiting: Iterator[Order]) -> Generator[Event, None, Order | None]:
        """The next order that is worth sending."""
        while order := self._tries.due() or next(waiting, None):
            not_tried = self._tries.prospects.not_tried(order) if order.attempt == 1 else None
            if not not_tried:
                return order
            yield Finished(order.shard, not_tried)
        return None

    def _openings(self) -> Iterator[str]:
        """The nodes that the next shards are for; "" leaves it to Ray."""
        if self._own:
            return repeat("", WINDOW * self.slots - len(self._flights))
        sent = Counter(flight.node for flight in self._flights.values())
        return chain(self.nodes.openings(sent), repeat("", AHEAD * self.may_grow - sent[""]))

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
            if isinstance(value, str):
                flight.node = value
            elif isinstance(value, Place):
                flight.begun, flight.log = time.monotonic(), value.log
                flight.grace = CHECKING if worker.is_to_check(flight.order) else 0.0
                yield Started(flight.order.shard, value.node)
            elif isinstance(value, Verdict):
                flight.begun, flight.grace = time.monotonic(), 0.0
                self._verdicts[flight.order.shard.job.program] = value
                yield Checked(flight.order.shard, value)
            else:
                yield from self._answer(task, value)

    def _answer(self, task: Any, block: Block) -> Iterator[Event]:
        order = self._flights.pop(task).order
        if not (self.stopping and story(block)):  # whose doing that was won't be found out any more
            yield from self._tries.answer(order, block)

    def _lost(self, flight: _Flight, error: RayError) -> Iterator[Event]:
        if self.stopping:
            return
        if isinstance(error, NodeDiedError | TaskUnschedulableError):
            self.nodes.shun(flight.node)
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
        self._stored.clear()
        for flight in flights:
            if flight.has_begun:
                yield from self._lost(flight, RaySystemError("Ray's own processes died"))
            else:
                self._tries.send([flight.order])
        self._own = _connect(self.options)

    def _follow(self) -> Iterator[Event]:
        """Keep up with a cluster that machines join and leave: of one that fell silent Ray's tasks would tell 7 minutes later."""
        if self._own or not self.nodes.due:
            return
        gone = self.nodes.see(ray.nodes())
        for task, flight in list(self._flights.items()):
            if flight.node in gone:
                del self._flights[task]
                yield from self._lost(flight, NodeDiedError(""))
            elif gone and not flight.node:
                self._tries.send(self._take_back([task]))
        short = not self.slots
        if short and not self._short:
            yield Waiting(self.nodes.lack())
        self._short = short
        if short and self.nodes.given_up:
            raise ClusterLostError(self.nodes.lack())

    def _overdue(self) -> Iterator[Event]:
        limit = self.options.timeout or math.inf
        for task, flight in list(self._flights.items()):
            if time.monotonic() - flight.begun > limit + flight.grace:
                ray.cancel(task, force=True)
                text = f"still training after {limit:g} s, the --timeout"
                yield from self._answer(task, failed(flight.order, "timeout", text))

    def _recall(self) -> None:
        self._tries.forget()
        self._take_back([task for task, flight in self._flights.items() if not flight.has_begun])

    def _take_back(self, tasks: Sequence[Any]) -> list[Order]:
        for task in tasks:
            ray.cancel(task, force=True)
        return [self._flights.pop(task).order for task in tasks]

    def _unbound(self) -> Order | None:
        """A shard that was left to Ray and has come nowhere yet."""
        task = next((task for task, flight in self._flights.items() if not flight.node), None)
        return None if task is None else self._take_back([task])[0]

    def _resources(self) -> dict[str, float]:
        return {"num_cpus": self.options.cpus, "num_gpus": self.gpus}

    def _gpus(self) -> float:
        """GPUs per shard: as asked for, else a quarter where the cluster has any."""
        if self.options.gpus is not None:
            return self.options.gpus
        return 0.25 if ray.cluster_resources().get("GPU", 0) else 0.0


def _connect(options: Options) -> OwnRay | None:
    on_term = signal.getsignal(signal.SIGTERM)
    os.environ.update({**SETTINGS, **os.environ})
    if options.address:
        knock(options.address)
    try:
        if options.address:
            _join(options.address)
            return None
        return _start(options.workers)
    except Exception as error:  # Ray raises what it likes
        needs = "this must be one of its machines, with RAY_AUTH_MODE=token and its ~/.ray/auth_token where it has one"
        where = f"can't join a Ray cluster at {options.address} ({needs})" if options.address else "Ray did not start"
        raise ClusterError(f"{where}: {str(error).splitlines()[0]}") from None
    except SystemExit:  # SIGTERM, as Ray understands it
        raise KeyboardInterrupt from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_term)  # Ray puts its own there


def _join(address: str) -> None:
    seal_token(make=False)
    ray.init(address=address, runtime_env={"py_modules": [str(Path(__file__).parent.parent)]}, **QUIET)


def _start(workers: int | None) -> OwnRay:
    here = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    clusters, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False  # it listens on loopback only
    try:
        return begin(lambda folder: _init(_temp_dir=folder, **here))
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters


def _init(**more: Any) -> None:
    """Start Ray; what is interrupted leaves no half of one, which the next call would take for the user's."""
    try:
        ray.init(**more, **QUIET)
    except BaseException:
        ray.shutdown()
        raise


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _cause(error: RayError, words: str) -> str:
    """What happened to the machine, on one line."""
    if isinstance(error, OutOfMemoryError):
        return "its node ran out of memory"
    if isinstance(error, NodeDiedError | TaskUnschedulableError):
        return "its node died"
    if not isinstance(error, WorkerCrashedError):
        return _line(error)
    crash = re.search(r"Fatal Python error: (.+)", words)
    return f"its process crashed: {crash[1]}" if crash else "its process died: killed, or ended from within"
