"""How far a results folder is: read from the disk alone, by anyone, at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.plan import block_seeds, blocks
from orchestrator.store import Store

RATE_OVER = 120.0  # seconds of the ledger that the rate is taken over


@dataclass(frozen=True)
class Status:
    """The last command's runs, counted.

    Attributes:
        lessons: per lesson how many runs ended in each status, and how many wait.
        running: where each shard at work is. rate: runs a minute lately. left: seconds, None when nobody works.
        driver: what is known of the driver: "at work", "ended", "dead", or "on another host".
    """

    command: str
    lessons: Mapping[str, Mapping[str, int]]
    running: tuple[str, ...]
    rate: float
    left: float | None
    driver: str


def status(store: Store) -> Status:
    """Look at a results folder.

    Raises:
        StoreError: no command was run there.
    """
    last = store.last()
    driver = _driver(store)
    counted = {(job["lesson"], job["variant"], job["data"]): _count(store, job, last["seeds"]) for job in last["jobs"]}
    lessons: dict[str, Counter[str]] = {}
    for (lesson, _, _), count in counted.items():
        lessons.setdefault(lesson, Counter()).update(count)
    events = store.ledger()
    now = time.time()
    recent = [e for e in events if e["event"] == "finished" and 0 <= now - e["at"] < RATE_OVER]
    rate = 60 * sum(len(e["status"]) for e in recent) / max(1.0, now - min((e["at"] for e in recent), default=now))
    waiting = sum(count["waiting"] for count in _by_key(last["jobs"], counted))
    busy = driver == "at work"
    left = 60 * waiting / rate if busy and rate else None
    return Status(last["command"], lessons, tuple(_running(events)) if busy else (), rate, left, driver)


def _driver(store: Store) -> str:
    held = store.is_held()
    if held is None:
        return "on another host"
    if held:
        return "at work"
    return "dead" if store.holder() else "ended"


def _count(store: Store, job: Mapping[str, Any], seeds: Iterable[int]) -> Counter[str]:
    wanted = set(seeds)
    count: Counter[str] = Counter()
    for first in blocks(sorted(wanted), job["width"]):
        members = block_seeds(first, job["width"])
        found = store.glance(job["key"], members) or ["waiting"] * len(members)
        count.update(s for seed, s in zip(members, found, strict=True) if seed in wanted)
    return count


def _by_key(jobs: Iterable[Mapping[str, Any]], counted: Mapping[tuple[str, str, str], Counter[str]]) -> list[Counter[str]]:
    """Each training's count once, however many lessons share it."""
    return list({job["key"]: counted[job["lesson"], job["variant"], job["data"]] for job in jobs}.values())


def _running(events: Iterable[Mapping[str, Any]]) -> list[str]:
    at_work: dict[tuple[str, int], str] = {}
    for e in events:
        if e["event"] == "began":
            at_work.clear()
        elif e["event"] == "started":
            at_work[e["key"], e["first"]] = f"{e['job']} seeds {e['first']}- on {e['node']}"
        else:
            at_work.pop((e["key"], e["first"]), None)
    return list(at_work.values())
