"""A Ray to train on: the caller's own, the cluster at an address, or one started here."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants
from ray._private.node import Node

from orchestrator.errors import ClusterError
from orchestrator.workers.cluster import SETTINGS
from orchestrator.workers.cluster.address import resolve
from orchestrator.workers.cluster.authentication import asks_for_token, authentication
from orchestrator.workers.cluster.own_ray import OwnRay, begin

PACKAGE = str(Path(__file__).parents[2])  # what workers import
IDLE = ("start_log_monitor", "start_monitor")  # nobody reads logs through a Ray of our own, and it does not grow
QUIET: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}


class Connection:
    """What connects this process with a Ray."""

    def __init__(self, address: str | None, workers: int | None) -> None:
        """Connect: with the caller's own where there is one and no address is given.

        Raises:
            ClusterError: nothing answers at the address, or Ray does not start.
        """
        self._address, self._workers = address, workers
        self._manners = ExitStack()  # as the cluster at the address demands them, for as long as we are there
        self._found = ray.is_initialized() and not address
        self._own = None if self._found else self._connect()

    @property
    def is_ours(self) -> bool:
        """Whether it was started here, on this machine alone."""
        return self._own is not None

    @property
    def is_broken(self) -> bool:
        """Whether processes died without which a Ray started here can't work."""
        return self._own is not None and not self._own.stands()

    def renew(self) -> None:
        """Another one, once this one is closed."""
        self._own = self._connect()

    def close(self) -> None:
        """Leave it; one started here ends, and one that was there before stays as it was."""
        if self._found:
            return
        ray.shutdown()
        self._manners.close()
        if self._own:
            self._own.close()
            self._own = None

    def _connect(self) -> OwnRay | None:
        os.environ.update({**SETTINGS, **os.environ})
        if not self._address:
            with _one_line(self._address):
                return _start(self._workers)
        address = resolve(self._address)
        with _one_line(self._address), ExitStack() as manners:
            manners.enter_context(authentication(asks_for_token(address)))
            ray.init(address=address, runtime_env={"py_modules": [PACKAGE]}, **QUIET)
            self._manners = manners.pop_all()
        return None


@contextmanager
def _one_line(address: str | None) -> Iterator[None]:
    """What Ray raises while it starts, as one line; and its handler of SIGTERM taken away."""
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except Exception as error:  # Ray raises what it likes
        needs = "this must be one of its machines, with its ~/.ray/auth_token where it has one"
        where = f"can't join a Ray cluster at {address} ({needs})" if address else "Ray did not start"
        raise ClusterError(f"{where}: {str(error).splitlines()[0]}") from None
    except SystemExit:  # SIGTERM, as Ray understands it
        raise KeyboardInterrupt from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_term)  # Ray puts its own there


def _start(workers: int | None) -> OwnRay:
    here = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    loopback = _changed(ray_constants, ENABLE_RAY_CLUSTER=False)  # it listens there only
    with loopback, _changed(Node, **dict.fromkeys(IDLE, lambda _node: None)):
        return begin(lambda folder: _init(_temp_dir=folder, **here))


@contextmanager
def _changed(thing: Any, **values: Any) -> Iterator[None]:
    """These attributes have these values meanwhile."""
    kept = {name: getattr(thing, name) for name in values}
    try:
        for name, value in values.items():
            setattr(thing, name, value)
        yield
    finally:
        for name, value in kept.items():
            setattr(thing, name, value)


def _init(**more: Any) -> None:
    """Start Ray; what is interrupted leaves no half of one, which the next call would take for the user's."""
    try:
        ray.init(**more, **QUIET)
    except BaseException:
        ray.shutdown()
        raise
