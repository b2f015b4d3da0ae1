"""Looks: which comparisons a verdict was made of, of which seeds, by which endpoint, and when.

    <out>/store/looks/<digest>.json   one look at one comparison in one scope; never changed

A look is told from others by both keys, the scope, the endpoint with all that was declared of it, and the set of seeds: its
name is their digest. So the same seeds again are no further look, and copying one store into another merges them. Tables
carry in their lessons' descriptions the looks there were when they were written, and the one that they themselves would be
(`current`). That one is stored when a verdict is made of them. Looks that were declared before the first say so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestrator.errors import StoreError
from orchestrator.reports.nouns.contrast import contrasts
from orchestrator.store.files import Files

UNDER = "store/looks"
UNSAID = "before looks were counted"

Row = Mapping[str, Any]
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """A verdict's grounds.

    Attributes:
        keys: those of the variants, the baseline's first. date: ISO 8601, UTC.
        declared: the numbers of seeds that were to be looked at, where that was said before the first; else empty.
    """

    lesson: str
    variant: str
    data: str
    keys: tuple[str, ...]
    endpoint: Document
    seeds: tuple[int, ...]
    date: str
    declared: tuple[int, ...] = ()

    @property
    def of(self) -> tuple[tuple[str, ...], str]:
        """What was looked at."""
        return self.keys, self.data

    @property
    def name(self) -> str:
        """Where it lies, by all that tells it from others."""
        told = json.dumps([self.keys, self.data, dict(self.endpoint), self.seeds], sort_keys=True)
        return f"{UNDER}/{hashlib.sha256(told.encode()).hexdigest()[:24]}.json"


def noted(files: Files, rows: Iterable[Row], lessons: Sequence[Document]) -> list[dict[str, Any]]:
    """The lessons' descriptions with their looks, for tables of these rows: `looks`, the earliest first, and `forms`.

    A look is a variant, scope, endpoint, seeds, date and what was declared; the one that these rows would be has `current`. Forms are how
    many pairs of keys a variant's comparison has had under this lesson's name.
    """
    lessons = list(lessons)
    _keep(files, _inherited(files))
    known = _stored(files)
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    made = list(_made(list(rows), lessons, now))
    return [dict(each) | _of(each, known, [look for look in made if look.lesson == each["id"]]) for each in lessons]


def record(files: Files, rows: Iterable[Row], lessons: Sequence[Document]) -> bool:
    """Store the looks that tables of these rows and descriptions are; False where the place can't be written."""
    dates = {
        (str(lesson["id"]), each["variant"], each["data"]): str(each["date"])
        for lesson in lessons
        for each in lesson.get("looks") or []
        if each.get("current")
    }
    known = {look.name for look in _stored(files)}
    new = [look for look in _made(list(rows), lessons, UNSAID) if look.name not in known]
    try:
        _keep(files, [replace(each, date=dates.get((each.lesson, each.variant, each.data), UNSAID)) for each in new])
    except StoreError:
        return False
    return True


def _keep(files: Files, looks: Iterable[Look]) -> None:
    for look in looks:
        files.write(look.name, partial(_fill, json.dumps(asdict(look)).encode()))


def _fill(data: bytes, file: IO[bytes]) -> None:
    file.write(data)


def _made(rows: Sequence[Row], lessons: Iterable[Document], date: str) -> Iterator[Look]:
    """The looks that tables of these rows are: a contrast that decides, in every scope in which a seed has all its variants."""
    arms: dict[tuple[str, str, str], dict[int, str]] = {}
    for row in rows:
        arms.setdefault((row["lesson"], row["variant"], row["data"]), {})[int(row["seed"])] = row["key"]
    for lesson in lessons:
        for contrast in contrasts(lesson):
            for data in sorted({scope for _, _, scope in arms}) if contrast.decides else ():
                of = [arms.get((lesson["id"], name, data), {}) for name in contrast.variants]
                seeds = tuple(sorted(set(of[0]).intersection(*of[1:])))
                if seeds:
                    keys, declared = tuple(arm[seeds[0]] for arm in of), _declared(lesson, seeds)
                    yield Look(lesson["id"], contrast.name, data, keys, lesson["endpoint"], seeds, date, declared)


def _declared(lesson: Document, seeds: Sequence[int]) -> tuple[int, ...]:
    """The schedule of looks that the lesson was run by, where these seeds are one of them."""
    schedule = tuple(lesson.get("schedule") or ())
    return schedule if len(seeds) in schedule and seeds[-1] + 1 == len(seeds) else ()


def _of(lesson: Document, known: Sequence[Look], made: Sequence[Look]) -> dict[str, Any]:
    looks: list[dict[str, Any]] = []
    forms: dict[str, int] = {}
    for now in made:
        before = sorted((look for look in known if look.of == now.of), key=lambda look: (_moment(look), look.name))
        stored = now.name in {look.name for look in before}
        mine = before if stored else [*before, replace(now, date=_after(before, now.date))]
        looks += [_told(look, current=look.name == now.name, variant=now.variant) for look in mine]
        here = lesson["id"], now.variant, now.data
        same = [look.keys for look in known if (look.lesson, look.variant, look.data) == here]
        forms[now.variant] = max(forms.get(now.variant, 1), len({now.keys, *same}))
    return {"looks": looks, "forms": forms} if looks else {}


def _moment(look: Look) -> str:
    return "" if look.date == UNSAID else look.date


def _after(before: Sequence[Look], date: str) -> str:
    """The date, or where the clock was put back, a moment after the last of these: looks are counted by their dates."""
    latest = max(map(_moment, before), default="")
    if date <= latest:
        with suppress(ValueError, OverflowError):  # somebody else wrote it
            return (datetime.fromisoformat(latest) + timedelta(microseconds=1)).isoformat()
    return date


def _told(look: Look, *, current: bool, variant: str) -> dict[str, Any]:
    told: dict[str, Any] = {"variant": variant, "data": look.data, "endpoint": dict(look.endpoint)}
    told |= {"seeds": list(look.seeds), "date": look.date, **({"current": True} if current else {})}
    return told | ({"declared": list(look.declared)} if look.declared else {})


def _stored(files: Files) -> list[Look]:
    """Every look of a store; what is none, or was cut, is passed over."""
    found = []
    for name in files.names(UNDER):
        with suppress(ValueError, KeyError, TypeError):
            each = json.loads(files.read(name))
            look = Look(**{**each, **{part: tuple(each.get(part, ())) for part in ("keys", "seeds", "declared")}})
            found += [look] if look.name == name else []
    return found


def _inherited(files: Files) -> list[Look]:
    """The looks that a folder's tables are, where effects were made of them before looks were counted."""
    try:
        files.open("effects.parquet").close()
        table = pq.read_table(pa.BufferReader(files.read("runs.parquet")))
        lessons = json.loads(table.schema.metadata[b"lessons"])
        rows = table.select(["lesson", "variant", "data", "seed", "key"]).to_pylist()
        return [] if any("looks" in lesson for lesson in lessons) else list(_made(rows, lessons, UNSAID))
    except (FileNotFoundError, StoreError, pa.ArrowException, ValueError, KeyError, TypeError):
        return []
