"""Time left, as it would have been told, against what a run really took.

    python -m benchmarks.left record results 2 > tests/left/cold-2.json  what happened in a run of two workers, and when
    python -m benchmarks.left show tests/left/*.json                     how far off its time left was, at each tenth

A recording holds no name and no path: programs are numbered, and so are shards, in the order of the plan.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from orchestrator.nouns.plan import Job, Shard
from orchestrator.store import Store
from orchestrator.telling.forecast import OVERDUE, Countdown, Forecast, closing

TENTHS = [n / 10 for n in range(1, 10)]


def record(out: str, slots: int, before: str | None = None) -> dict[str, Any]:
    """The run in a results folder as a recording; `before` is the folder of the run before it, whose pace was remembered."""
    recording, programs = _recorded(out, slots)
    known = _paces(*_recorded(before, slots)) if before else {}
    return {
        **recording,
        "known": {str(programs.index(p)): round(took, 3) for p, took in known.items() if p in programs},
    }


def _recorded(out: str, slots: int) -> tuple[dict[str, Any], list[str]]:
    """A recording without what was known before, and its programs by their names."""
    store, last = Store(out), json.loads(Path(out, "run.json").read_text())
    events = [json.loads(line) for line in Path(out, "events.jsonl").read_text().splitlines()]
    zero, wall = events[0]["tick"], events[0]["at"]
    costs = {job["key"]: job["cost"] for job in last["jobs"]}
    program = {job["key"]: f"{job['lesson']}/{job['variant']}" for job in reversed(last["jobs"])}  # whatever the data
    blocks = list(dict.fromkeys((e["key"], e["first"]) for e in events[1:]))
    programs = list(dict.fromkeys(program[key] for key, _ in blocks))
    page = Path(out, "report.html")
    started = wall - datetime.fromisoformat(last["started"]).timestamp()
    recording = {
        "slots": slots,
        "runs": len(last["jobs"]) * len(last["seeds"]),
        "started": round(started, 2),
        "ended": round(page.stat().st_mtime - wall if page.exists() else last["wall_seconds"] - started, 2),
        "report": page.exists(),
        "known": {},
        "shards": [[programs.index(program[key]), round(costs[key], 3)] for key, _ in blocks],
        "events": [
            [round(e["tick"] - zero, 2), e["event"], blocks.index((e["key"], e["first"])), *_trained(store, e)]
            for e in events[1:]
        ],
    }
    return recording, programs


def _paces(recording: dict[str, Any], programs: list[str]) -> dict[str, float]:
    """What a run remembers of its programs' pace when it has ended."""
    forecast, shards = _begun(recording)
    for event in recording["events"]:
        _take(forecast, shards, event)
    return {programs[int(program)]: took for program, took in forecast.paces().items()}


def _trained(store: Store, event: dict[str, Any]) -> list[float]:
    if event["event"] != "finished":
        return []
    block = store.blocks.read(event["key"], range(event["first"], event["first"] + len(event["status"])))
    return [round(block.trained, 3)]


def _begun(recording: dict[str, Any]) -> tuple[Forecast, list[Shard]]:
    shards = [
        Shard(Job("lesson", "variant", "fixed", str(i), str(p), "compiled", 8, cost), tuple(range(8)), "")
        for i, (p, cost) in enumerate(recording["shards"])
    ]
    closes = closing(recording["runs"], recording["report"])
    return Forecast(shards, lambda: recording["slots"], closes, recording["known"], recording["started"]), shards


def replay(recording: dict[str, Any]) -> Iterator[tuple[float, float, str]]:
    """What was shown, at each second from the moment the plan was made: seconds since the command began, seconds left, and why they rose."""
    forecast, shards = _begun(recording)
    countdown, events, why = Countdown(), iter(recording["events"]), ""
    event = next(events, None)
    for now in range(int(recording["ended"])):
        while event and event[0] <= now:
            why = _take(forecast, shards, event) or why
            event = next(events, None)
        over = event is None  # training has ended, and what is left is the closing
        left = (
            max(recording["events"][-1][0] + forecast.closes - now, OVERDUE * forecast.closes)
            if over
            else forecast.left(now)
        )
        yield now + recording["started"], countdown.show(left, why), countdown.why
        why = ""


def _take(forecast: Forecast, shards: list[Shard], event: list[Any]) -> str:
    when, what, which, *trained = event
    if what == "started":
        forecast.begin(shards[which], when)
    elif what == "lost":
        forecast.lose(shards[which])
        return "a worker died"
    else:
        forecast.end(shards[which], when, *trained)
    return ""


def errors(recording: dict[str, Any]) -> dict[float, float]:
    """At each tenth of the whole command, by how much of the true time left the one shown was off; none before the plan was made."""
    whole = recording["started"] + recording["ended"]
    shown = list(replay(recording))
    found = {}
    for tenth in TENTHS:
        now = tenth * whole
        said = [(at, left) for at, left, _ in shown if at <= now]
        if said:
            at, left = said[-1]
            found[tenth] = left / (whole - at) - 1
    return found


def main() -> None:
    """Record a run, or show how far off recordings are."""
    verb, *words = sys.argv[1:]
    if verb == "record":
        out, slots, *before = words
        print(json.dumps(record(out, int(slots), *before), separators=(",", ":")))
        return
    for path in words:
        recording = json.loads(Path(path).read_text())
        shown = list(replay(recording))
        rises = [(round(at), why) for (_, a, _), (at, b, why) in pairwise(shown) if b > a]
        said = ", ".join(f"{tenth:.1f}: {error:+.0%}" for tenth, error in errors(recording).items())
        print(f"{Path(path).stem}: {recording['started'] + recording['ended']:.0f} s in all; {said}; rises: {rises}")


if __name__ == "__main__":
    main()
