"""A bounded window of Ray tasks, a bundle of shards each: which goes where, what comes back, and what is sent again.

On a cluster the driver says where, too: a shard left to Ray may queue at a machine that is dead, and wait there for minutes.
A machine that fails is the driver's affair: it sends the shard again, with a growing pause; what a lesson's code raises is
an answer.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any

import ray
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    RayError,
    RaySystemError,
    RayTaskError,
    WorkerCrashedError,
)

from orchestrator.errors import ClusterError, ClusterLostError
from orchestrator.lessons.catalog import Source
from orchestrator.nouns.check import SelfCheck
from orchestrator.store import Block
from orchestrator.workers import worker
from orchestrator.workers.cluster import tasks
from orchestrator.workers.cluster.bundles import Bundles
from orchestrator.workers.cluster.connection import Connection
from orchestrator.workers.cluster.flights import Flight, Flights
from orchestrator.workers.cluster.losses import cause_of, is_nodes_end, is_own_doing, line_of
from orchestrator.workers.cluster.nodes import Nodes, may_grow
from orchestrator.workers.common_failures import failed, story
from orchestrator.workers.events import Barred, Checked, Event, Finished, Started, Waiting
from orchestrator.workers.retries import Retries
from orchestrator.workers.worker import Machine, Order, Place

WINDOW = 2  # bundles sent per slot on this machine: one at work, one at hand
AHEAD = 64  # bundles sent to a cluster that may grow, for a node that is not there yet: it grows by what waits
LOOK = 0.2  # seconds between two looks at deadlines and signals
LAST_WORDS = 15.0  # seconds that a node has to find a dead worker's log


@dataclass(frozen=True)
class Options:
    """Where and how shards run."""

    address: str | None = None
    workers: int | None = None
    cpus: float = 1.0
    gpus: float | None = None
    timeout: float | None = None
    retries: int = 3


class Driver:
    """Shards as tasks on a Ray cluster: one started here, or the one at an address."""

    def __init__(self, options: Options) -> None:
        """Connect.

        Raises:
            ClusterError: nothing answers at the address, or no node can hold a shard and none may be on its way.
        """
        self.options = options
        self.stopping = False
        self._connection = Connection(options.address, options.workers)
        try:
            self._look_round()
        except BaseException:
            self.close()
            raise
        self._met = set(self.nodes.has)  # preflight asks these
        self._asked: dict[str, Any] = {}  # by node that has joined since
        self._flights = Flights()
        self._verdicts: dict[str, SelfCheck] = {}
        self._stored: dict[str, Any] = {}  # by lesson
        self._retries = Retries(options.retries)
        self._short = False

    def _look_round(self) -> None:
        """What the cluster has.

        Raises:
            ClusterError: no node can hold a shard and none may be on its way.
        """
        self.gpus = self._gpus()
        self.nodes = Nodes({"CPU": self.options.cpus, "GPU": self.gpus})
        self.nodes.see(ray.nodes())
        self.may_grow = not self.is_ours and may_grow(ray.nodes())
        if not self.slots and not self.may_grow:
            raise ClusterError(self.nodes.lack())

    @property
    def is_ours(self) -> bool:
        """Whether it was started here, on this machine alone."""
        return self._connection.is_ours

    @property
    def slots(self) -> int:
        """Shards that the cluster holds at once."""
        return self.nodes.slots

    def warm(self, engine: str) -> None:
        """Have every slot load the training libraries while the plan is made."""
        task = tasks.warm.options(num_cpus=self.options.cpus, num_gpus=self.gpus)
        self._warming = [task.remote(engine, self.gpus > 0, self.nodes.share) for _ in range(min(self.slots, 64))]

    def stop(self) -> None:
        """Finish what runs, begin nothing."""
        self.stopping = True

    def close(self) -> None:
        """Leave the cluster; one started here ends, and one that was there before stays as it was."""
        self._connection.close()

    def resources(self) -> dict[str, float]:
        """What the cluster has, or had when it was largest."""
        return dict(self.nodes.most)

    def survey(self, out: str | None = None) -> list[Machine]:
        """What every node is like; `out` is the URI that shards will go to.

        Raises:
            ClusterError: a node does not answer.
        """
        return tasks.ask(tasks.machine, self.nodes.has, out)

    def blind(self) -> list[str]:
        """The names of nodes on which Ray counts GPUs and JAX sees none."""
        having = [node for node, has in self.nodes.has.items() if self.gpus and has.get("GPU", 0) >= self.gpus]
        seeing = tasks.ask(tasks.sees_gpu, having, num_gpus=self.gpus)
        names = {row["NodeID"]: row["NodeManagerHostname"] for row in ray.nodes()}
        return [names[node] for node, sees in zip(having, seeing, strict=True) if not sees]

    def run(self, orders: Iterable[Order]) -> Iterator[Event]:
        """Train the shards, in order as slots come free; events come as they happen.

        Raises:
            ClusterError: the node that this program runs on has left the cluster, or there was room nowhere for long.
        """
        waiting = Bundles(orders)
        try:
            while True:
                if self._connection.is_broken:
                    yield from self._start_anew()
                if self.stopping:
                    waiting = Bundles(())
                    self._recall()
                yield from self._fill(waiting)
                if not self._flights and not self._retries:
                    if not waiting:
                        return
                    self._retries.send(waiting.take(1))  # there may be room for none
                yield from self._land()
                yield from self._follow()
        finally:
            self._flights.take_back(self._flights)

    def _fill(self, waiting: Bundles) -> Iterator[Event]:
        for node in self._openings():
            orders = (yield from self._choose(waiting)) or (self._flights.take_back_unbound() if node else [])
            if not orders:
                return
            verdict = self._verdicts.get(orders[0].shard.job.program)
            orders = [replace(order, gpu=self.gpus > 0, verdict=order.verdict or verdict) for order in orders]
            task = tasks.training(node, self.options.cpus, self.gpus)
            says_where = not (node or self.is_ours)
            bare = [order.carrying(None) for order in orders]
            sent = task.remote(bare, self._put(orders[0].source), self.nodes.share, says_where)
            self._flights[sent] = Flight(orders, node)

    def _put(self, source: Source) -> Any:
        """Where Ray keeps what a lesson brings along, data included: it travels to a machine once, not with every order."""
        if source.value and source.id not in self._stored:
            self._stored[source.id] = ray.put(source.value)
        return self._stored.get(source.id)

    def _choose(self, waiting: Bundles) -> Generator[Event, None, list[Order]]:
        """The next orders that are worth sending, in one task."""
        while orders := self._due() or waiting.take(self.slots + AHEAD * self.may_grow):
            chosen = []
            for order in orders:
                not_tried = self._retries.common.not_tried(order) if order.attempt == 1 else None
                if not_tried:
                    yield Finished(order.shard, not_tried)
                else:
                    chosen.append(order)
            if chosen:
                return chosen
        return []

    def _due(self) -> list[Order]:
        order = self._retries.due()
        return [order] if order else []

    def _openings(self) -> Iterator[str]:
        """The nodes that the next shards are for; "" leaves it to Ray."""
        if self.is_ours:
            return repeat("", WINDOW * self.slots - len(self._flights))
        sent = self._flights.by_node
        return chain(self.nodes.openings(sent), repeat("", AHEAD * self.may_grow - sent[""]))

    def _land(self) -> Iterator[Event]:
        if not self._flights:
            time.sleep(LOOK)
            return
        for task in self._flights.ready(LOOK):
            if task in self._flights:  # Ray's own processes may have died meanwhile
                yield from self._next(task)
        yield from self._overdue()

    def _next(self, task: Any) -> Iterator[Event]:
        flight = self._flights[task]
        try:
            value = ray.get(next(task))
        except RayTaskError as error:
            yield from self._answer(task, failed(flight.order, "failed", line_of(error.cause or error), str(error)))
        except LocalRayletDiedError:
            if not self.is_ours:
                raise ClusterLostError("this node has left the cluster; the same command goes on from there") from None
            yield from self._start_anew()
        except RayError as error:
            del self._flights[task]
            yield from self._lost(flight, error)
        else:
            if isinstance(value, str):
                self._flights.move(task, value)
            elif isinstance(value, Place):
                flight.begin(value)
                yield Started(flight.order.shard, value.node)
            elif isinstance(value, SelfCheck):
                flight.checked()
                self._verdicts[flight.order.shard.job.program] = value
                yield Checked(flight.order.shard, value)
            else:
                yield from self._answer(task, value)

    def _answer(self, task: Any, block: Block) -> Iterator[Event]:
        """A shard has ended. Where its task trains no further one, what is left of the bundle goes out by itself."""
        flight = self._flights[task]
        order = flight.end()
        if story(block) or not flight.orders:
            del self._flights[task]
            self._retries.send(flight.orders)
        if not (self.stopping and story(block)):  # whose doing that was won't be found out any more
            yield from self._retries.answer(order, block)

    def _lost(self, flight: Flight, error: RayError) -> Iterator[Event]:
        if self.stopping:
            return
        self._retries.send(flight.orders[1:])
        if is_nodes_end(error):
            self.nodes.shun(flight.node)
        own_doing = is_own_doing(error)
        words = self._words(flight) if own_doing else ""
        certain = flight.has_begun and isinstance(error, WorkerCrashedError)
        yield from self._retries.lost(flight.order, cause_of(error, words), words or str(error), own_doing, certain)

    def _words(self, flight: Flight) -> str:
        """What a dead worker wrote at its end."""
        if self.is_ours or not flight.log:
            return worker.last_words(flight.log)
        asked = tasks.last_words.options(scheduling_strategy=tasks.on(flight.node)).remote(flight.log)
        try:
            return str(ray.get(asked, timeout=LAST_WORDS))
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
                self._retries.send(flight.orders)
        self._connection.renew()

    def _follow(self) -> Iterator[Event]:
        """Keep up with a cluster that machines join and leave: of one that fell silent Ray's tasks would tell 7 minutes later."""
        if self.is_ours or not self.nodes.due:
            return
        gone = self.nodes.see(ray.nodes())
        for task, flight in list(self._flights.items()):
            if flight.node in gone:
                del self._flights[task]
                yield from self._lost(flight, NodeDiedError(""))
            elif gone and not flight.node:
                self._retries.send(self._flights.take_back([task]))
        yield from self._meet()
        short = not self.slots
        if short and not self._short:
            yield Waiting(self.nodes.lack())
        self._short = short
        if short and self.nodes.given_up:
            raise ClusterLostError(self.nodes.lack())

    def _meet(self) -> Iterator[Event]:
        """Ask machines that have joined for their versions, and send them nothing until they have answered with those here."""
        for node in self.nodes.has.keys() - self._met:
            self._met.add(node)
            self.nodes.bar(node)
            self._asked[node] = tasks.machine.options(scheduling_strategy=tasks.on(node)).remote(None)
        for node, asked in list(self._asked.items()):
            if ray.wait([asked], timeout=0)[0]:
                del self._asked[node]
                yield from self._judge(node, asked)

    def _judge(self, node: str, asked: Any) -> Iterator[Event]:
        try:
            machine = ray.get(asked)
        except RayError:  # it has gone again, or will be asked once more when it is back
            self._met.discard(node)
            self.nodes.admit(node)
            return
        if apart := machine.apart():
            yield Barred(f"node {machine.node}: {apart}")
        else:
            self.nodes.admit(node)

    def _overdue(self) -> Iterator[Event]:
        limit = self.options.timeout or math.inf
        for task, flight in self._flights.overdue(limit):
            ray.cancel(task, force=True)
            text = f"still training after {limit:g} s, the --timeout"
            yield from self._answer(task, failed(flight.order, "timeout", text))

    def _recall(self) -> None:
        self._retries.forget()
        self._flights.take_back(self._flights.unbegun())

    def _gpus(self) -> float:
        """GPUs per shard: as asked for, else a quarter where the cluster has any."""
        if self.options.gpus is not None:
            return self.options.gpus
        return 0.25 if ray.cluster_resources().get("GPU", 0) else 0.0
