"""The machines of a cluster, as last seen: they may join and leave while shards train."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

LOOK_EVERY = 2.0  # seconds between two looks
SHUNNED = 90.0  # seconds without a shard for a node that a task called dead
GIVE_UP_AFTER = 900.0  # seconds that a cluster may be without room for a shard, where another machine may be on its way
BOOTSTRAP = Path("~/ray_bootstrap_config.yaml")  # what `ray up` leaves on the head
KUBERAY = "RAY_USAGE_STATS_KUBERAY_IN_USE"  # what KubeRay sets in every pod
GROUP = "ray.io/node-group"  # the label of a node that an autoscaler started, or whose head has one


@dataclass
class Nodes:
    """The living nodes.

    Attributes:
        wanted: what a shard asks of a node, by resource. has: what each node has, by Ray's name of it.
        rooms: shards that each holds at once. slots: that they hold together.
        share: the part of a machine that a shard may take, by its processors.
        most: what they had together when it was most, by resource.
    """

    wanted: Mapping[str, float]
    has: dict[str, Mapping[str, float]] = field(default_factory=dict)
    rooms: dict[str, int] = field(default_factory=dict)
    slots: int = 0
    share: float = 1.0
    most: Counter[str] = field(default_factory=Counter)
    _shunned: dict[str, float] = field(default_factory=dict)
    _looked: float = field(default_factory=time.monotonic)
    _roomy: float = field(default_factory=time.monotonic)

    @property
    def due(self) -> bool:
        """Whether it is time for another look."""
        return time.monotonic() - self._looked >= LOOK_EVERY

    def see(self, rows: Iterable[Mapping[str, Any]]) -> set[str]:
        """Take in what Ray tells of its nodes; gives those that have gone."""
        before, now = self.has.keys(), time.monotonic()
        living = {row["NodeID"]: row["Resources"] for row in rows if row["Alive"]}
        self._count({node: has for node, has in living.items() if self._shunned.get(node, now) <= now})
        self.most |= self._together()
        self._looked = now
        if self.slots:
            self._roomy = self._looked
        return before - self.has.keys()

    def shun(self, node: str) -> None:
        """Take a node for dead at the next look, due now: its tasks say so, which Ray's list may take a minute to tell."""
        self._shunned[node] = time.monotonic() + SHUNNED
        self._looked = -math.inf

    def bar(self, node: str) -> None:
        """Send nothing to a node until it is admitted."""
        self._shunned[node] = math.inf
        self._count({name: has for name, has in self.has.items() if name != node})

    def admit(self, node: str) -> None:
        """Count a barred node again, from the next look on, which is due now."""
        self._shunned.pop(node, None)
        self._looked = -math.inf

    def _count(self, has: dict[str, Mapping[str, float]]) -> None:
        self.has = has
        self.rooms = {node: self._room(resources) for node, resources in has.items()}
        self.slots = sum(self.rooms.values())
        self.share = self._share()

    def _room(self, has: Mapping[str, float]) -> int:
        return int(min((has.get(name, 0) + 1e-9) // amount for name, amount in self.wanted.items() if amount))

    def _share(self) -> float:
        most = max((has.get("CPU", 0) for has in self.has.values()), default=0)
        return min(1.0, self.wanted["CPU"] / most) if most else 1.0

    def _together(self) -> Counter[str]:
        together: Counter[str] = Counter()
        for has in self.has.values():
            together.update(has)
        return together

    def openings(self, sent: Counter[str]) -> Iterator[str]:
        """A node for each shard that it holds beyond those sent there."""
        for node, room in self.rooms.items():
            yield from repeat(node, room - sent[node])

    @property
    def given_up(self) -> bool:
        """Whether there was no room for too long."""
        return self._looked - self._roomy > GIVE_UP_AFTER

    def lack(self) -> str:
        """What a shard asks for that no node has."""
        have = "; ".join(f"{has.get('CPU', 0):g} CPU, {has.get('GPU', 0):g} GPU" for has in self.has.values())
        return (
            f"a shard asks for {self.wanted['CPU']:g} CPU and {self.wanted['GPU']:g} GPU, and no node has that ({have}); "
            "lower --cpus-per-shard or --gpus-per-shard"
        )


def may_grow(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an autoscaler may add machines: one that `ray up` or KubeRay set up, as far as its nodes or this one tell."""
    labelled = any(GROUP in row["Labels"] for row in rows)
    return labelled or BOOTSTRAP.expanduser().exists() or KUBERAY in os.environ
