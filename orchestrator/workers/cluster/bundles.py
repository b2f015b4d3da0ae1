"""What waits to be sent, as bundles: shards of one program that one task trains, one after the other.

A worker traces and compiles a program once, and both scopes begin from the same weights. A bundle takes half a minute at
the most, by the plan's guess, and less as the end draws near, so that no worker is left with much when the others are done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from orchestrator.workers.worker import Order

LONGEST = 30.0  # guessed seconds in a bundle of several shards
PARTS = 2  # bundles that each slot is to get of what waits


class Bundles:
    """The orders that wait, by program: all programs have their turn before one has its second."""

    def __init__(self, orders: Iterable[Order]) -> None:
        by_program: dict[tuple[str, str], list[Order]] = {}
        for order in orders:
            by_program.setdefault((order.shard.job.program, order.source.id), []).append(order)
        self._programs = deque(deque(sorted(same, key=lambda order: order.seeds[0])) for same in by_program.values())
        self._left = sum(order.shard.cost for same in self._programs for order in same)

    def __bool__(self) -> bool:
        """Whether any order waits."""
        return bool(self._programs)

    def take(self, slots: int) -> list[Order]:
        """The next bundle, for one of so many slots; empty where nothing waits."""
        if not self._programs:
            return []
        same, bundle, cost = self._programs.popleft(), list[Order](), 0.0
        longest = min(LONGEST, self._left / (PARTS * max(slots, 1)))
        while same and (not bundle or cost + same[0].shard.cost <= longest):
            bundle.append(same.popleft())
            cost += bundle[-1].shard.cost
        if same:
            self._programs.append(same)
        self._left -= cost
        return bundle
