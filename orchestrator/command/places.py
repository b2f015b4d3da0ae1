"""Opens the places where shards train: a Ray cluster, a process of their own, or this very process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.lessons.sandbox import Sandbox
from orchestrator.planning.session import Executor, Request
from orchestrator.store import Store
from orchestrator.workers.local import Serial


def here() -> Executor:
    """This very process: for debuggers."""
    return Serial()


def aside(timeout: float | None = None) -> Executor:
    """One process of its own, without Ray."""
    return Serial(Sandbox(_nothing, timeout))


def _nothing() -> None:
    """An order says what is to be loaded."""


def on_ray(asked: Request, options: Mapping[str, Any], store: Store, say: Callable[[str], Any]) -> Executor:
    """A Ray cluster: at an address, the one that this process is connected to, or one started here.

    `say` is told what the cluster lacks that a run can do without.

    Raises:
        ClusterError: there is none, or it lacks something without which results would be wrong.
    """
    from orchestrator.workers import health  # noqa: PLC0415
    from orchestrator.workers.cluster.driver import Driver, Options  # noqa: PLC0415  importing Ray takes a second

    driver = Driver(Options(**options, timeout=asked.timeout))
    try:
        driver.warm(asked.engine)
        for line in () if driver.is_ours else health.preflight(driver, store):
            say(line)
    except BaseException:
        driver.close()
        raise
    return driver
