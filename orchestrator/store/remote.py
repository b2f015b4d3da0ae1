"""A results folder in an object store, or whatever else Arrow or fsspec can write to.

An object appears when its upload is complete: that is the commit. Up to 10 MB go up in one request.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import getproxies

import pyarrow as pa
from pyarrow import fs

from orchestrator.errors import StoreError, StoreLostError, UsageError
from orchestrator.store.disk import TABLES, explained, is_driver
from orchestrator.store.files import LARGEST, Given, inside, require_size
from orchestrator.store.lease import Lease, at_work, claims
from orchestrator.store.ledger import Ledger
from orchestrator.store.uri import without_secrets

ANSWER = 10.0  # seconds that a server has to take a connection


class Remote:
    """The objects below a URI."""

    at_once = 16

    def __init__(self, uri: str) -> None:
        """Connect.

        Raises:
            StoreError: nobody knows how to write there. UsageError: the URI holds a secret that has no place elsewhere.
        """
        self.root = self.uri = without_secrets(uri)
        if uri.startswith(("http:", "https:")):
            raise UsageError(
                f"--out {self.root}: a web address can only be read; an object store has one such as s3://bucket/prefix"
            )
        try:
            self._fs, self._base = _connect(self.uri)
        except Exception as error:  # of whichever library knows the scheme
            raise StoreError(f"--out {self.root} is no place to write to: {_line(error)}") from None
        if "local" in self._fs.type_name:  # where it would follow every link
            raise StoreError(f"--out {self.root} is a folder of this machine; give its path")
        self._lease: Lease | None = None
        self._ledger = Ledger(self)

    def prepare(self) -> None:
        """See whether objects can be written there."""
        probe = f".probe-{uuid.uuid4().hex}"
        try:
            with self._told("written"):
                _knock(self.uri)
            self.write(probe, lambda file: file.write(b"probe"))
            self.remove(probe)
        except StoreLostError as error:
            raise StoreError(f"--out {error}") from None

    def where(self, name: str) -> str:
        """A file's URI."""
        place, asked, query = self.uri.partition("?")
        return f"{place.rstrip('/')}/{inside(name)}{asked}{query}"

    def open(self, name: str) -> IO[bytes]:
        """Open for reading, part by part."""
        with self._told("read"):
            return self._fs.open_input_file(self._at(name))  # type: ignore[no-any-return]

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """All of a file."""
        with self._told("read"), self._fs.open_input_file(self._at(name)) as file:
            require_size(self.where(name), file.size(), most)
            return file.read()  # type: ignore[no-any-return]

    def write(self, name: str, fill: Callable[[IO[bytes]], Given]) -> Given:
        """Make the file here, then upload it in one go."""
        with explained("a temporary folder"), TemporaryDirectory() as folder:
            aside = Path(folder) / "aside"
            with aside.open("w+b") as file:
                given = fill(file)
            self._upload(aside, name)
            return given

    def _upload(self, path: Path, name: str) -> None:
        """In a thread, where no Ctrl-C can cut it: Arrow would commit the half that is there."""
        with ThreadPoolExecutor(1) as pool:
            pool.submit(self._put, path, self._at(name)).result()

    def _put(self, path: Path, place: str) -> None:
        with self._told("written"), pa.memory_map(str(path)) as source:
            try:
                stream = self._fs.open_output_stream(place, compression=None)
            except FileNotFoundError:  # a file system whose folders are real
                self._fs.create_dir(place.rpartition("/")[0], recursive=True)
                stream = self._fs.open_output_stream(place, compression=None)
            stream.write(source.read_buffer())
            stream.close()  # the commit; not by `with`, which would also close after an error

    def move(self, name: str, other: str) -> None:
        """Copy, then remove."""
        with self._told("written"):
            self._fs.move(self._at(name), self._at(other))

    def remove(self, name: str) -> None:
        """Remove a file; it may be gone already."""
        with suppress(FileNotFoundError), self._told("written"):
            self._fs.delete_file(self._at(name))

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        with self._told("read"):
            return bool(self._fs.get_file_info(self._at(name)).is_file)

    def names(self, under: str) -> list[str]:
        """The files below a folder, sorted."""
        with self._told("read"):
            found = self._fs.get_file_info(fs.FileSelector(self._at(under), recursive=True, allow_not_found=True))
        above = len(self._base.strip("/")) + 1
        return sorted(info.path.strip("/")[above:] for info in found if info.is_file)

    def append(self, line: str) -> None:
        """Add a line to the ledger; it is uploaded with the next heartbeat."""
        if self._lease and self._lease.lost:
            raise StoreLostError(
                f"another driver has taken {self.root} over, as this one was not heard of; leaving it to that one"
            )
        self._ledger.append(line)

    def lines(self) -> Iterator[str]:
        """The ledger's lines."""
        return self._ledger.lines()

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Hold the place by a lease; see lease.py for what that promises."""
        with Lease(self, command, self._ledger.flush) as self._lease:
            yield

    def holder(self) -> dict[str, Any] | None:
        """What a driver at work said of itself."""
        return next(filter(is_driver, claims(self).values()), None)

    def is_held(self) -> bool:
        """Whether a driver is at work, seen by its heartbeat."""
        return at_work(self) is not None

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A temporary folder with the tables, which pages link to by a hash of their bytes; what is made in it is uploaded."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            for table in TABLES:
                with suppress(FileNotFoundError):
                    (folder / table).write_bytes(self.read(table))
            yield folder
            for path in sorted(folder.iterdir()):
                if path.name not in TABLES:
                    self._upload(path, path.name)

    def _at(self, name: str) -> str:
        """A file's path as Arrow knows it."""
        return f"{self._base}/{inside(name)}"

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        """Turn whatever any of these libraries raises into one line; FileNotFoundError stays."""
        try:
            yield
        except (FileNotFoundError, StoreError):
            raise
        except Exception as error:
            raise StoreLostError(
                f"{self.root} can't be {done}: {_line(error)}; what was stored before is safe, and the same command goes on from there"
            ) from None


def _connect(uri: str) -> tuple[Any, str]:
    """The file system, and the path in it."""
    if uri.startswith("s3://") and "allow_delayed_open" not in uri:
        # without it, every object takes the three requests of a multipart upload
        uri += ("&" if "?" in uri else "?") + "allow_delayed_open=true"
    try:
        system, base = fs.FileSystem.from_uri(uri)
    except pa.ArrowInvalid as error:
        if "Unrecognized filesystem type" not in str(error):
            raise
        system, base = fs.FileSystem.from_uri(f"fsspec+{uri}")
    if not base.strip("/"):
        raise ValueError("it names no bucket or folder")
    return system, base.rstrip("/")


def _knock(uri: str) -> None:
    """See whether a server named in the URI answers: the libraries would try for minutes, without a word."""
    named = parse_qs(urlsplit(uri).query).get("endpoint_override")
    if not named or getproxies():
        return
    server = urlsplit(named[0] if "://" in named[0] else f"https://{named[0]}")
    port = server.port or {"http": 80}.get(server.scheme, 443)
    try:
        socket.create_connection((server.hostname or "", port), timeout=ANSWER).close()
    except OSError as error:
        raise ConnectionError(f"nobody answers at {server.hostname}:{port}: {error}") from None


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
