"""What can happen to a shard while a driver is at work."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.nouns.check import SelfCheck
from orchestrator.nouns.plan import Shard
from orchestrator.store import Block


@dataclass(frozen=True)
class Started:
    """A worker took the shard up."""

    shard: Shard
    node: str


@dataclass(frozen=True)
class Finished:
    """The shard's runs have their answers, good or bad."""

    shard: Shard
    block: Block


@dataclass(frozen=True)
class Lost:
    """A machine failed under the shard; it is tried again."""

    shard: Shard
    cause: str
    attempt: int


@dataclass(frozen=True)
class Checked:
    """The shard's program was held against `fit`; the shard trains from now on."""

    shard: Shard
    verdict: SelfCheck


@dataclass(frozen=True)
class Waiting:
    """The cluster has room for no shard; a machine may be on its way."""

    why: str


@dataclass(frozen=True)
class Barred:
    """A machine that has joined the cluster gets no shards."""

    why: str


Event = Started | Checked | Finished | Lost | Waiting | Barred
