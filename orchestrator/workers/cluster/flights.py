"""The orders on their way: which task they are in, where it runs and since when."""

from __future__ import annotations

import math
import time
from collections import Counter, UserDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import ray

from orchestrator.workers import worker
from orchestrator.workers.worker import Order, Place

CHECKING = 120.0  # seconds that a self-check may take beside a shard's own time
REST = 5e-5  # seconds of rest before a look, for each flight: Ray's look at one takes a tenth of that


@dataclass
class Flight:
    """Orders on their way in one task, which trains one after the other: the first of them is being trained."""

    orders: list[Order]
    node: str = ""  # Ray's name of it; none where, or as long as, Ray may choose
    begun: float = math.inf  # on the monotonic clock
    log: str = ""
    grace: float = 0.0  # seconds beyond the timeout, for a self-check

    @property
    def order(self) -> Order:
        """The first."""
        return self.orders[0]

    @property
    def has_begun(self) -> bool:
        """Whether a worker took it up."""
        return self.begun < math.inf

    def begin(self, place: Place) -> None:
        """A worker took it up there."""
        self.begun, self.log = time.monotonic(), place.log
        self.grace = CHECKING if worker.is_to_check(self.order) else 0.0

    def end(self) -> Order:
        """The first has ended; gives it. The next one is not begun yet."""
        self.begun = math.inf
        return self.orders.pop(0)

    def checked(self) -> None:
        """Its self-check is made, and the shard's own time begins."""
        self.begun, self.grace = time.monotonic(), 0.0


class Flights(UserDict[Any, Flight]):
    """By Ray's task its flight; `by_node` counts those to each node, to "" where Ray may choose."""

    def __init__(self) -> None:
        super().__init__()
        self.by_node: Counter[str] = Counter()

    def __setitem__(self, task: Any, flight: Flight) -> None:
        super().__setitem__(task, flight)
        self.by_node[flight.node] += 1

    def __delitem__(self, task: Any) -> None:
        self.by_node[self[task].node] -= 1
        super().__delitem__(task)

    def move(self, task: Any, node: str) -> None:
        """It has come to this node."""
        self[task] = replace(self.pop(task), node=node)

    def ready(self, timeout: float) -> list[Any]:
        """All tasks that have something to tell; the first one to, within so many seconds, where none has.

        A look takes Ray as long as there are flights, whatever it finds: so it is rare where there are many.
        """
        time.sleep(REST * len(self))
        return self._wait(len(self), 0) or self._wait(1, timeout)

    def _wait(self, most: int, timeout: float) -> list[Any]:
        ready, _ = ray.wait(list(self), num_returns=most, timeout=timeout, fetch_local=False)
        return list(ready)

    def overdue(self, limit: float) -> list[tuple[Any, Flight]]:
        """Those that train longer than so many seconds, and a self-check's grace."""
        now = time.monotonic()
        return [(task, flight) for task, flight in self.items() if now - flight.begun > limit + flight.grace]

    def unbegun(self) -> list[Any]:
        """Those that no worker has taken up."""
        return [task for task, flight in self.items() if not flight.has_begun]

    def take_back(self, tasks: Iterable[Any]) -> list[Order]:
        """End these tasks; gives their orders."""
        tasks = list(tasks)
        for task in tasks:
            ray.cancel(task, force=True)
        return [order for task in tasks for order in self.pop(task).orders]

    def take_back_unbound(self) -> list[Order]:
        """End a task that was left to Ray and has come nowhere yet; gives its orders, empty where there is none."""
        task = next((task for task, flight in self.items() if not flight.node), None)
        return [] if task is None else self.take_back([task])
