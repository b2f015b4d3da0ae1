"""What a run needs, checked before it is missed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import psutil

from orchestrator import engine
from orchestrator.errors import ClusterError, OrchestratorError
from orchestrator.store import Store

if TYPE_CHECKING:
    from orchestrator.workers.cluster.driver import Driver

ROOM = 1.0  # GiB that a night of results takes at the most
WORKER_GIB = 2.0  # GiB a worker takes at the most
GIB = 2**30


@dataclass(frozen=True)
class Check:
    """One thing a run needs; what is known of it, and if it is missing what to do. A run without a vital one is refused."""

    good: bool
    what: str
    vital: bool = False


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
    enough = memory >= WORKER_GIB * cores
    yield Check(
        enough,
        f"{cores} processors, {memory:.1f} GiB of free memory"
        + (
            ""
            if enough
            else f": a worker takes up to {WORKER_GIB:g} GiB; use --workers {max(1, int(memory / WORKER_GIB))}"
        ),
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
    yield from _cluster(store, address)


def _cluster(store: Store, address: str | None) -> Iterator[Check]:
    from orchestrator.workers.cluster.driver import Driver, Options  # noqa: PLC0415  importing Ray takes a second

    try:
        driver = Driver(Options(address=address))
    except OrchestratorError as error:
        yield Check(False, str(error))
        return
    try:
        more = "; its autoscaler may add machines" if driver.may_grow else ""
        yield Check(
            True,
            f"Ray {'at ' + address if address else 'starts here'}: room for {driver.slots} shards at once, {driver.gpus:g} GPU each{more}",
        )
        yield from of_nodes(driver, store)
    except OrchestratorError as error:
        yield Check(False, str(error))
    finally:
        driver.close()


def preflight(driver: Driver, store: Store) -> Iterator[str]:
    """What a cluster lacks that a run can do without, a line each.

    Raises:
        ClusterError: it lacks something without which results would be wrong, or not what was asked for.
    """
    for check in of_nodes(driver, store):
        if check.vital and not check.good:
            raise ClusterError(check.what)
        if not check.good:
            yield check.what


def of_nodes(driver: Driver, store: Store) -> Iterator[Check]:
    """Check every node of a cluster."""
    for machine in driver.survey(store.uri):
        name = f"node {machine.node}: "
        apart = machine.apart()
        yield Check(not apart, name + (apart or "same versions as here"), vital=True)
        if machine.room < ROOM:
            yield Check(False, f"{name}{machine.room:.1f} GiB free for temporary files; Ray wants {ROOM:g} GiB")
        if machine.trouble:
            yield Check(False, f"{name}{machine.trouble}; its results will come through this process")
    blind = driver.blind()
    if driver.gpus:
        advice = "; install jax[cuda12] and NVIDIA's driver there, or do without: --gpus-per-shard 0"
        what = f"JAX sees no GPU on {', '.join(blind)}{advice}" if blind else "JAX sees a GPU wherever Ray counts one"
        yield Check(not blind, what, vital=True)
