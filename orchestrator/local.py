"""The driver's interface in this very process, one shard after another: for tests and debuggers."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator

from orchestrator import worker
from orchestrator.events import Event, Finished, Started
from orchestrator.worker import Order


class Serial:
    """Trains here, now."""

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
        for order in orders:
            if self.stopping:
                return
            yield Started(order.shard, platform.node())
            yield Finished(order.shard, worker.train(order))

    def close(self) -> None:
        """Nothing was opened."""
