"""What a run needs, checked before it is missed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import psutil

from orchestrator import engine, worker
from orchestrator.errors import OrchestratorError
from orchestrator.store import Store

ROOM = 1.0  # GiB that a night of results takes at the most
MEMORY = 2.0  # GiB a worker takes at the most
GIB = 2**30


@dataclass(frozen=True)
class Check:
    """One thing a run needs; what is known of it, and if it is missing what to do."""

    good: bool
    what: str


def checks(store: Store, address: str | None) -> Iterator[Check]:
    """Check versions, memory and disk here, then start or join Ray and look at every node."""
    installed = version("keras")
    right = installed.startswith(engine.KERAS + ".")
    yield Check(
        right,
        f"Keras {installed}"
        + ("" if right else f": the contract was checked on {engine.KERAS}; install the versions of requirements.lock"),
    )
    cores, memory = os.cpu_count() or 1, psutil.virtual_memory().available / GIB
    enough = memory >= MEMORY * cores
    yield Check(
        enough,
        f"{cores} processors, {memory:.1f} GiB of free memory"
        + ("" if enough else f": a worker takes up to {MEMORY:g} GiB; use --workers {max(1, int(memory / MEMORY))}"),
    )
    try:
        store.prepare()
        yield Check(True, f"{store.root} can be written")
    except OrchestratorError as error:
        yield Check(False, str(error))
        return
    if store.uri is None:
        room = shutil.disk_usage(store.root).free / GIB
        yield Check(
            room >= ROOM,
            f"{room:.1f} GiB free at {store.root}"
            + ("" if room >= ROOM else f": make it {ROOM:g} GiB, or name another --out"),
        )
    yield from _cluster(address)


def _cluster(address: str | None) -> Iterator[Check]:
    from orchestrator.driver import Driver, Options  # noqa: PLC0415  importing Ray takes a second

    try:
        driver = Driver(Options(address=address))
    except OrchestratorError as error:
        yield Check(False, str(error))
        return
    try:
        yield Check(
            True,
            f"Ray {'at ' + address if address else 'starts here'}: room for {driver.slots} shards at once, {driver.gpus:g} GPU each",
        )
        for node in driver.survey():
            apart = [
                f"{name} {node[name]} (here {own})"
                for name, own in worker.facts().items()
                if name != "node" and node[name] != own
            ]
            yield Check(
                not apart,
                f"node {node['node']}: "
                + (", ".join(apart) + "; install the same versions everywhere" if apart else "same versions as here"),
            )
    finally:
        driver.close()
