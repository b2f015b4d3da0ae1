"""The driver's interface without Ray, one shard after another: in this very process, or in one beside it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator

from orchestrator.lessons.sandbox import NoAnswerError, Sandbox
from orchestrator.store import Block
from orchestrator.workers import worker
from orchestrator.workers.common_failures import CommonFailures, failed
from orchestrator.workers.events import Event, Finished, Started
from orchestrator.workers.worker import Order


class Serial:
    """Trains one shard at a time: here, for debuggers, or in a sandbox, which ends with it."""

    slots = 1

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self.stopping = False
        self._sandbox = sandbox

    def resources(self) -> dict[str, float]:
        """One processor: this one."""
        return {"CPU": 1.0}

    def stop(self) -> None:
        """Take up no further shard."""
        self.stopping = True

    def run(self, orders: Iterable[Order]) -> Iterator[Event]:
        """Train the shards in their order."""
        common = CommonFailures()
        for order in orders:
            if self.stopping:
                return
            block = common.not_tried(order)
            if block is None:
                yield Started(order.shard, platform.node())
                block = self._train(order)
                common.take(order.shard, block)
            yield Finished(order.shard, block)

    def _train(self, order: Order) -> Block:
        if self._sandbox is None:
            return worker.train(order)
        try:
            return self._sandbox.ask(worker.train, order)
        except NoAnswerError as error:
            return failed(order, "failed", str(error).splitlines()[0])

    def close(self) -> None:
        """End the process beside this one, if there is one."""
        if self._sandbox:
            self._sandbox.close()
