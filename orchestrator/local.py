"""The driver's interface in this very process, one shard after another: for tests and debuggers."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator

from orchestrator import worker
from orchestrator.events import Event, Finished, Started
from orchestrator.prospects import Prospects
from orchestrator.worker import Order


class Serial:
    """Trains here, now."""

    slots = 1

    def __init__(self) -> None:
        self.stopping = False

    def resources(self) -> dict[str, float]:
        """One processor: this one."""
        return {"CPU": 1.0}

    def stop(self) -> None:
        """Take up no further shard."""
        self.stopping = True

    def run(self, orders: Iterable[Order]) -> Iterator[Event]:
        """Train the shards in their order."""
        prospects = Prospects()
        for order in orders:
            if self.stopping:
                return
            block = prospects.not_tried(order)
            if block is None:
                yield Started(order.shard, platform.node())
                block = worker.train(order)
                prospects.take(order.shard, block)
            yield Finished(order.shard, block)

    def close(self) -> None:
        """Nothing was opened."""
