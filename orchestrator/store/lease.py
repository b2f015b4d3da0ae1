"""A lock where there are no locks: every driver leaves a claim, and keeps changing it while it lives.

A driver first writes its claim, then looks for others. Of two that start at once, the one that wrote last sees the
other's claim, so that never both go on (both may be refused). A claim is believed dead when its process is gone from
this machine, or when it did not change for a while, as seen from here: no clock is compared with another.

What this can't promise: a driver that is stopped for longer than that while another one starts (a laptop asleep, a
network gone) has lost its place without knowing. It learns so at a heartbeat, unless that very one was under way when
it fell silent, and stops. Until then both work; they would commit the same bytes under the same names, so that no run
is harmed, and the tables are those of the last. The store must show at once what was written, as S3 and its likes have
done since 2020.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, Protocol, Self

import psutil

from orchestrator.errors import StoreError, StoreLockedError
from orchestrator.store.disk import myself, refusal
from orchestrator.store.document import LONGEST, loads
from orchestrator.store.files import Files


class LeaseFiles(Files, Protocol):
    """Where claims lie: an object store, which tells more than a folder is asked for."""

    def exists(self, name: str) -> bool:
        """Whether the file is there."""

    def remove(self, name: str) -> None:
        """Remove the file, if it is there."""


FOLDER = "drivers"
BEAT = 2.0  # seconds between two heartbeats
DEAD_AFTER = 20.0  # seconds without one after which a driver is believed dead
LOOK = 0.5
LARGEST_PID = 2**22  # of Linux


class Lease:
    """This driver's claim to a place, held while the block runs; `lost` is true when another driver has removed it."""

    def __init__(self, files: LeaseFiles, command: str, beat: Callable[[], None]) -> None:
        """`beat` is called with every heartbeat."""
        self._files, self._beat = files, beat
        self._name = f"{FOLDER}/{uuid.uuid4().hex}.json"
        self._claim = {**myself(command), "boot": _boot(), "beat": ""}
        self._over = Event()
        self._thread = Thread(target=self._live, daemon=True)
        self.lost = False

    def __enter__(self) -> Self:
        """Take the place.

        Raises:
            StoreLockedError: another driver is at work there.
        """
        self._renew()
        self._thread.start()
        try:
            self._look_around()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _look_around(self) -> None:
        before = [name for name in claims(self._files) if name != self._name]
        other = at_work(self._files, self._name)
        if other:
            raise StoreLockedError(refusal(self._files.root, other))
        for name in before:
            self._files.remove(name)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        with suppress(StoreError):  # the ledger's last lines, and a claim that others will see to be dead
            self._beat()
            self._files.remove(self._name)

    def _live(self) -> None:
        while not self._over.wait(BEAT):
            with suppress(StoreError):  # the next one may get through
                if not self._files.exists(self._name):
                    self.lost = True
                    return
                self._renew()
                self._beat()

    def _renew(self) -> None:
        self._claim["beat"] = (
            uuid.uuid4().hex
        )  # always as long: a reader may be told the length before it is sent the text
        self._files.write(self._name, lambda file: file.write(json.dumps(self._claim).encode()))


def claims(files: LeaseFiles) -> dict[str, dict[str, Any]]:
    """What drivers left, by name; the dead ones' too."""
    found: dict[str, dict[str, Any]] = {}
    for name in files.names(FOLDER):
        try:
            claim = loads(files.read(name, LONGEST))
            found[name] = claim if isinstance(claim, dict) else {}
        except FileNotFoundError:
            continue
        except ValueError:
            found[name] = {}
        except StoreError:
            if files.exists(name):  # else it went after its size was asked for
                raise
    return found


def at_work(files: LeaseFiles, but: str = "") -> dict[str, Any] | None:
    """The claim of a driver that is alive, other than `but`; takes up to DEAD_AFTER to find that there is none."""
    seen = {name: claim for name, claim in claims(files).items() if name != but and not _surely_dead(claim)}
    end = time.monotonic() + DEAD_AFTER
    while seen and time.monotonic() < end:
        time.sleep(LOOK)
        now = claims(files)
        seen = {name: claim for name, claim in seen.items() if name in now}
        for name, claim in seen.items():
            if now[name] != claim:
                return now[name]
    return None


def _surely_dead(claim: dict[str, Any]) -> bool:
    """Whether its process was on this machine, and is gone."""
    here = myself("")["host"], _boot()
    pid = claim.get("pid", 0)
    mine = (claim.get("host"), claim.get("boot")) == here
    return mine and not (isinstance(pid, int) and 0 < pid < LARGEST_PID and psutil.pid_exists(pid))


def _boot() -> str:
    """Tells machines of one name apart."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
