"""A results folder on a disk.

A file is written beside its place, flushed, then renamed into it: the rename is the commit, so a reader sees a whole
file or none. The lock is the kernel's, and dies with its process.
The folder may be a stranger's: no link that leads out of it is followed, and nothing but files is opened. The folder
itself may be a link.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from filelock import FileLock, Timeout

from orchestrator.errors import StoreError, StoreLockedError, StoreLostError
from orchestrator.store.document import LONGEST, loads
from orchestrator.store.files import LARGEST, Given, inside, require_size

TABLES = ("histories.parquet", "runs.parquet", "effects.parquet")
PAGES = ("report.html", "explore.html")
OWN = (*TABLES, *PAGES, "status.html", "run.json", "events.jsonl", "driver.json", ".lock")
FOLDERS = ("store", "failures")
TAIL = 2**26  # bytes of the ledger that are read: more than a command of 100,000 shards writes


class Disk:
    """A folder on this machine, or one that it has mounted."""

    uri = None
    at_once = 1

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            StoreError: it is none, or can't be written, or a link in it leads out.
        """
        try:
            self._look_around()
            (self.root / "store").mkdir(parents=True, exist_ok=True)
            probe = self.root / f".probe-{uuid.uuid4().hex}"
            probe.write_text("")
            probe.unlink()
        except FileExistsError:
            raise StoreError(f"--out {self.root} is a file, or has one in its way; name a folder") from None
        except OSError as error:
            raise StoreError(f"--out {self.root} can't be written: {error.strerror}; name a folder that can") from None

    def _look_around(self) -> None:
        """Find links that lead out before anything is trained for their sake."""
        for name in OWN:
            self._at(name)
        for name in FOLDERS:
            self.names(name)

    def where(self, name: str) -> Path:
        """A file's path."""
        return self.root / inside(name)

    def _at(self, name: str) -> Path:
        """A file's path, for whoever opens it.

        Raises:
            StoreError: a link leads out of the folder, or there is something else than a file: a pipe would wait for ever.
        """
        path = self._within(self.where(name))
        if not path.is_file() and path.exists():
            raise StoreError(f"{path} is no file; move it out of the way")
        return path

    def _within(self, path: Path) -> Path:
        place = str(self.root)
        places = [place := f"{place}/{part}" for part in path.relative_to(self.root).parts]
        links = map(os.path.islink, places)  # of every file of a store: a Path would take longer
        if any(links) and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root)):
            raise StoreError(
                f"{path} leads out of {self.root} by a link, which is not followed; remove it, or make the whole folder the link"
            )
        return path

    def open(self, name: str) -> IO[bytes]:
        """Open for reading, part by part."""
        with explained(self.root, "read"):
            return pa.OSFile(str(self._at(name)))  # type: ignore[no-any-return]

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """All of a file."""
        with explained(self.root, "read"), self._at(name).open("rb") as file:
            require_size(self.where(name), os.fstat(file.fileno()).st_size, most)
            return file.read()

    def write(self, name: str, fill: Callable[[IO[bytes]], Given]) -> Given:
        """Write beside the place, flush to disk, then rename into it.

        A results folder that has vanished is not made anew: it would come back half empty.
        """
        with explained(self.root):
            path = self._at(name)
            aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
            for folder in reversed(path.relative_to(self.root).parents[:-1]):
                (self.root / folder).mkdir(exist_ok=True)
            try:
                with aside.open("w+b") as file:
                    given = fill(file)
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(path)
                return given
            finally:
                aside.unlink(missing_ok=True)

    def move(self, name: str, other: str) -> None:
        """Rename."""
        with explained(self.root):
            self._at(name).replace(self._at(other))

    def names(self, under: str) -> list[str]:
        """The files below a folder, sorted."""
        found = self._below(self._within(self.where(under)))
        return sorted(path.relative_to(self.root).as_posix() for path in found if path.is_file())

    def _below(self, top: Path) -> Iterator[Path]:
        for folder, folders, files in os.walk(top):
            paths = [Path(folder, name) for name in (*folders, *files)]
            yield from (self._within(path) if path.is_symlink() else path for path in paths)

    def append(self, line: str) -> None:
        """Add a line to the ledger."""
        with explained(self.root), self._at("events.jsonl").open("a+b") as file:
            cut = file.tell() > 0 and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n"  # by a crash
            file.write(b"\n" * cut + line.encode() + b"\n")

    def lines(self) -> list[str]:
        """The ledger's lines, or as many as its last bytes hold."""
        try:
            with explained(self.root, "read"), self._at("events.jsonl").open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
                return file.read(TAIL).decode(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Hold the folder against other drivers; the lock dies with this process, however it ends."""
        lock = FileLock(self._at(".lock"))
        try:
            lock.acquire(timeout=1)  # `status` holds it for a moment
        except Timeout:
            raise StoreLockedError(refusal(self.root, self.holder() or {})) from None
        except OSError as error:
            raise StoreError(
                f"{lock.lock_file} can't be locked: {error.strerror}; have its owner let the group write there, or name another --out folder"
            ) from None
        try:
            self.write("driver.json", lambda file: file.write(json.dumps(myself(command)).encode()))
            self._sweep()
            yield
        finally:
            with suppress(OSError):
                self.where("driver.json").unlink(missing_ok=True)
            lock.release()

    def _sweep(self) -> None:
        """Remove what a driver that was killed in the middle of a write left beside the place."""
        below: Iterable[str] = (name for folder in FOLDERS for name in self.names(folder))
        for path in (*self.root.iterdir(), *map(self.where, below)):
            if re.fullmatch(r"\..+[.-][0-9a-f]{32}", path.name):
                with suppress(PermissionError):  # another user's
                    path.unlink(missing_ok=True)

    def is_held(self) -> bool | None:
        """Whether the driver that wrote itself down is alive; None when it ran on another host, where this one can't look.

        The kernel lets go of a lock when its process ends, so that the lock says it truly: a process id may be another's by now.
        """
        holder = self.holder()
        if holder is None:
            return False
        if holder["host"] != platform.node():
            return None
        try:
            with self._at(".lock").open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def holder(self) -> dict[str, Any] | None:
        """What the driver at work said of itself."""
        try:
            found = loads(self.read("driver.json", LONGEST))
        except (OSError, ValueError):
            return None
        return found if is_driver(found) else None

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """The folder itself."""
        with explained(self.root):
            for name in PAGES:
                self._at(name)
            yield self.root


def is_driver(found: Any) -> bool:
    """Whether this is what a driver says of itself."""
    return isinstance(found, dict) and all(isinstance(found.get(name), str) for name in ("host", "command"))


def myself(command: str) -> dict[str, Any]:
    """What a driver says of itself to those that find its lock."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": platform.node(), "command": command, "started": started}


def refusal(root: Path | str, holder: dict[str, Any]) -> str:
    """What a second driver is told."""
    pid, host, started, command = (holder.get(name, "?") for name in ("pid", "host", "started", "command"))
    who = f"process {pid} on {host}, since {started}: {command}"
    return f"{root} is in use by another driver ({who}); wait for it, or name another --out folder"


@contextmanager
def explained(root: Path | str, done: str = "written") -> Iterator[None]:
    """Turn what fails below `root` into a StoreLostError; that a file to be read is not there stays what it is."""
    try:
        yield
    except OSError as error:
        if done == "read" and isinstance(error, FileNotFoundError):
            raise
        why = error.strerror or str(error).splitlines()[0]
        raise StoreLostError(
            f"{error.filename or root} can't be {done}: {why}; what was stored before is safe, and the same command goes on from there"
        ) from None
