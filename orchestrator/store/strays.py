"""What in a results folder is not of the command that somebody who looks at it will think of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from orchestrator.errors import NoResultsError, StoreError
from orchestrator.store import generation
from orchestrator.store.generation import Runs
from orchestrator.store.parquet import FAILURES

if TYPE_CHECKING:
    from orchestrator.store.folder import Store

PAGE = 2**26  # bytes; this program's page has six million at most


def strays(store: Store) -> Iterator[str]:
    """A line for each file that is not of the last command, or does not belong to the others, with what to do."""
    try:
        runs = store.load_runs()
    except NoResultsError:
        return
    except StoreError as error:
        yield str(error)
        return
    yield from older(store, runs.facts)
    yield from _histories(store, runs)
    yield from _made_from(store, runs)


def older(store: Store, facts: Mapping[str, Any]) -> Iterator[str]:
    """A line where a command was begun since the one that `facts` are of, which wrote the tables."""
    begun = store.begun_since(facts)
    if begun:
        does = "is at work" if store.is_held() else "did not end: give it again, it trains nothing twice"
        yield f"the tables are of {generation.said(facts)}; {generation.said(begun)} was begun since, and {does}"


def _histories(store: Store, runs: Runs) -> Iterator[str]:
    """A line where the histories are of another command, by what their footer says."""
    try:
        with store.files.open("histories.parquet") as file:
            same = pq.read_metadata(file).metadata[b"asked"].decode() == runs.asked
    except (FileNotFoundError, *FAILURES):
        same = False
    if not same:
        yield f"{store.histories} does not belong to {store.runs}, which is of {runs.command}; {generation.ANEW}"


def _made_from(store: Store, runs: Runs) -> Iterator[str]:
    """Lines for what a report made from other tables, or what is damaged."""
    anew = f"`python -m orchestrator report --out {store.root}` makes it anew"
    for place, is_of in ((store.effects, _effects_are_of), (store.report, _page_is_of)):
        try:
            if not is_of(store, runs.generation):
                yield f"{place} was made from other tables than those beside it; {anew}"
        except FileNotFoundError:
            continue
        except StoreError as error:
            yield f"{error}; {anew}"
        except FAILURES:
            yield f"{place} is damaged; {anew}"


def _effects_are_of(store: Store, name: str) -> bool:
    effects = generation.whole(store.files.read("effects.parquet"), str(store.effects))
    return bool(effects.schema.metadata[b"generation"].decode() == name)


def _page_is_of(store: Store, name: str) -> bool:
    return name.encode() in store.files.read("report.html", PAGE)
