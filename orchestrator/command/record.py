"""What happens while shards train: stored, written into the ledger, shown."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.nouns.check import SelfCheck
from orchestrator.store import Store
from orchestrator.workers.events import Barred, Checked, Event, Finished, Lost, Started, Waiting

LEFT_EVERY = 1.0  # seconds between two lines that tell time left


@dataclass
class Record:
    """Takes events as they come.

    `left` tells how many seconds the command still takes, which the ledger hands on; `failed` says whether any run has,
    `compiling` counts the seconds that workers spent on compilation.
    """

    store: Store
    show: Callable[[Event], None]
    left: Callable[[], float | None] = lambda: None
    failed: bool = False
    compiling: float = 0.0
    verdicts: dict[str, SelfCheck | None] = field(default_factory=dict)
    _told: float = -math.inf  # when time left was told last

    def self_check(self, training: str) -> SelfCheck | None:
        """What a self-check of a program said, in this command or an earlier one."""
        if training not in self.verdicts:
            self.verdicts[training] = self.store.notes.self_check(training)
        return self.verdicts[training]

    def _keep(self, training: str, verdict: SelfCheck) -> None:
        self.verdicts[training] = verdict
        self.store.notes.write_self_check(training, verdict)

    def begin(self, command: str) -> None:
        """A command is at work from here on."""
        self.store.append_event({**_now(), "event": "began", "command": command})

    def take(self, event: Event) -> None:
        """Store a finished block, and tell of what happened."""
        if isinstance(event, Checked):
            self._keep(event.shard.job.program, event.verdict)
        if isinstance(event, Finished):
            if not event.block.stored and not event.block.refused:
                self.store.blocks.write(event.shard.job.key, event.block)
            if event.block.verdict:
                self._keep(event.shard.job.program, event.block.verdict)
            self.failed = self.failed or any(o.error for o in event.block.outcomes)
            self.compiling += event.block.compiling
        self.show(event)
        if not isinstance(event, Waiting | Barred | Checked):
            self.store.append_event(_line(event) | self._how_long())

    def _how_long(self) -> dict[str, float]:
        """What the command still takes, which is looked for among all that is at work: now and then."""
        if time.monotonic() - self._told < LEFT_EVERY:
            return {}
        self._told = time.monotonic()
        left = self.left()
        return {} if left is None else {"left": round(left, 1)}


def _now() -> dict[str, float]:
    """On the wall's clock for people, on the monotonic one for rates."""
    return {"at": time.time(), "tick": time.monotonic()}


def _line(event: Started | Finished | Lost) -> dict[str, Any]:
    job, seeds = event.shard.job, event.shard.seeds
    line = {**_now(), "key": job.key, "first": seeds[0], "job": job.name}
    if isinstance(event, Started):
        return {**line, "event": "started", "node": event.node}
    if isinstance(event, Lost):
        return {**line, "event": "lost", "cause": event.cause, "attempt": event.attempt}
    return {**line, "event": "finished", "status": [o.status for o in event.block.outcomes]}
