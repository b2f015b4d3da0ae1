"""How far a results folder is: read from the disk alone, by anyone, at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import StoreError
from orchestrator.nouns.outcome import WITHOUT_RESULT
from orchestrator.store import Store, strays
from orchestrator.telling.failures import by_cause

RATE_OVER = 120.0  # seconds of the ledger that the rate is taken over
SAYS = {
    "began": {"tick"},
    "started": {"tick", "key", "first", "job", "node"},
    "finished": {"tick", "key", "first", "status"},
    "lost": {"tick", "key", "first"},
}

Run = Mapping[str, Any]


@dataclass(frozen=True)
class Status:
    """The last command's runs, counted.

    Attributes:
        lessons: per lesson how many runs ended in each status, and how many wait.
        failures: lines that name each cause once.
        running: where each shard at work is. rate: runs a minute lately. left: seconds, None when nobody works.
        driver: what is known of the driver: "at work", "ended", "dead", or "on another host".
        to_do: how to go on, where runs are missing and nobody is at work. strays: lines on tables and pages that are not of this command.
    """

    command: str
    lessons: Mapping[str, Mapping[str, int]]
    failures: tuple[str, ...]
    running: tuple[str, ...]
    rate: float
    left: float | None
    driver: str
    to_do: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()


def status(store: Store) -> Status:
    """Look at a results folder.

    Raises:
        StoreError: no command was run there, or what it wrote of itself was damaged since.
    """
    try:
        return _status(store)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise StoreError(
            f"what the last command wrote of itself in {store.root} is damaged; the same `run` command writes it anew, and trains nothing twice"
        ) from None


def _status(store: Store) -> Status:
    driver = _driver(store)
    last = _last(store)
    runs = list(_runs(store, last["jobs"], last["seeds"]))
    lessons: dict[str, Counter[str]] = {}
    for run in runs:
        lessons.setdefault(run["lesson"], Counter())[run["status"]] += 1
    events = _since_the_beginning([event for event in store.ledger() if _is_whole(event)])
    rate = _rate(events)
    waiting = len({(run["key"], run["seed"]) for run in runs if run["status"] == "waiting"})  # a shared training once
    busy = driver == "at work"
    return Status(
        last["command"],
        lessons,
        tuple(by_cause((run for run in runs if run["status"] in WITHOUT_RESULT), store)),
        tuple(_running(events)) if busy else (),
        rate,
        _left(events, here=store.uri is None) if busy else None,
        driver,
        tuple(_to_do(last["command"], driver, waiting, begun=bool(runs))),
        tuple(strays(store)),
    )


def _to_do(command: str, driver: str, waiting: int, begun: bool) -> Iterator[str]:
    """What to type where a command left something undone."""
    if driver == "dead":
        yield f"the driver died; the same command goes on from here: {command}"
    elif driver == "ended" and (waiting or not begun):
        yield f"{waiting} runs are missing; the same command goes on from here: {command}"


def nothing_failed(store: Store) -> list[str]:
    """Where no run of the last command failed, lines that say so; else none.

    Raises:
        StoreError: no command was run there.
    """
    last = store.last()
    runs = list(_runs(store, last["jobs"], last["seeds"]))
    if any(run["status"] in WITHOUT_RESULT for run in runs):
        return []
    waiting = sum(run["status"] == "waiting" for run in runs)
    to_do = _to_do(last["command"], _driver(store), waiting, begun=True)
    return [f"no run of the last command in {store.root} failed: there is nothing to retry", *to_do]


def _last(store: Store) -> Run:
    """What the last command wrote of itself; of one that is not yet, or never was, so far, only what it was."""
    holder = store.holder()
    try:
        return store.last()
    except StoreError:
        if holder is None:
            raise
        return {"command": holder["command"], "jobs": [], "seeds": []}


def _driver(store: Store) -> str:
    held = store.is_held()
    if held is None:
        return "on another host"
    if held:
        return "at work"
    return "dead" if store.holder() else "ended"


def _runs(store: Store, jobs: Iterable[Run], seeds: Iterable[int]) -> Iterator[Run]:
    ordered = sorted(seeds)
    wanted = [(job, ordered[: job.get("seeds", len(ordered))]) for job in jobs]
    by_key: dict[str, frozenset[int]] = {}
    for job, mine in wanted:
        by_key[job["key"]] = by_key.get(job["key"], frozenset()).union(mine)
    held = store.blocks.held(by_key)
    known = {(span.key, run["seed"]): run for span, runs in held.items() for run in runs}
    for job, mine in wanted:
        about = {name: job[name] for name in ("lesson", "variant", "data", "key")}
        for seed in mine:
            yield {**known.get((job["key"], seed), {"seed": seed, "status": "waiting"}), **about}


def _is_whole(event: Run) -> bool:
    """Whether a line of the ledger says what one of its kind says; one that was damaged is passed over."""
    return event.get("event") in SAYS and SAYS[event["event"]] <= event.keys()


def _since_the_beginning(events: Sequence[Run]) -> Sequence[Run]:
    """The events of the last command; what ran before is nobody's now."""
    begun = [i for i, event in enumerate(events) if event["event"] == "began"]
    return events[begun[-1] :] if begun else []


def _rate(events: Sequence[Run]) -> float:
    """Runs a minute over the last of these events, on the clock that never jumps."""
    if not events:
        return 0.0
    now: float = events[-1]["tick"]
    since: float = max(events[0]["tick"], now - RATE_OVER)
    ended = sum(len(event["status"]) for event in events if event["event"] == "finished" and event["tick"] >= since)
    return 60 * ended / max(1.0, now - since)


def _left(events: Sequence[Run], here: bool) -> float | None:
    """Seconds left as the driver last told them, less what has gone by since; by the clock that never jumps, where it is on this machine."""
    told = next((event for event in reversed(events) if isinstance(event.get("left"), int | float)), None)
    if told is None or not isinstance(told.get("at"), int | float):
        return None
    since = time.monotonic() - told["tick"] if here else time.time() - told["at"]
    return float(max(0.0, told["left"] - max(0.0, since)))


def _running(events: Iterable[Run]) -> list[str]:
    at_work: dict[tuple[str, int], str] = {}
    for event in events:
        if event["event"] == "started":
            at_work[event["key"], event["first"]] = f"{event['job']} seeds {event['first']}- on {event['node']}"
        elif event["event"] != "began":
            at_work.pop((event["key"], event["first"]), None)
    return list(at_work.values())
