"""What a store needs of the place where it lies: bytes by relative name. A write is there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from orchestrator.errors import StoreError

Given = TypeVar("Given")
Item = TypeVar("Item")
Found = TypeVar("Found")
PART = 8  # files for each that is read side by side
LARGEST = 2**33  # bytes of a file that is read in one go


class Files(Protocol):
    """A folder on a disk, or a prefix in an object store."""

    @property
    def root(self) -> Path | str:
        """The place as people are told of it."""

    @property
    def uri(self) -> str | None:
        """What a worker anywhere can write to by itself; None for a folder, whose files the driver writes."""

    @property
    def at_once(self) -> int:
        """How many files to read side by side."""

    def prepare(self) -> None:
        """Make the place, or raise StoreError saying why it can't be used."""

    def where(self, name: str) -> Path | str:
        """A file's place as people are told of it."""

    def open(self, name: str) -> IO[bytes]:
        """Open for reading, part by part. Raises FileNotFoundError."""

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """All of a file. Raises FileNotFoundError; StoreError where it has more than `most` bytes."""

    def write(self, name: str, fill: Callable[[IO[bytes]], Given]) -> Given:
        """Commit what `fill` writes into the file it is handed; gives what `fill` gave."""

    def move(self, name: str, other: str) -> None:
        """Give a file another name. Raises FileNotFoundError."""

    def names(self, under: str) -> list[str]:
        """The files below a folder, sorted; none where it does not exist."""

    def append(self, line: str) -> None:
        """Add a line to the ledger. Only who holds the lock may."""

    def lines(self) -> Iterable[str]:
        """The ledger's lines."""

    def locked(self, command: str) -> AbstractContextManager[None]:
        """Hold the place against other drivers, or raise StoreLockedError."""

    def holder(self) -> dict[str, Any] | None:
        """What the driver at work said of itself; it may have died since."""

    def is_held(self) -> bool | None:
        """Whether a driver is at work; None where this machine can't know."""

    def folder(self) -> AbstractContextManager[Path]:
        """A folder on this machine's disk with the tables in it; pages written into it are at the place afterwards."""


def side_by_side(files: Files, do: Callable[[Item], Found], items: Sequence[Item]) -> Iterable[Found]:
    """What `do` gives for each; side by side where a file is far away, so many that whoever needs few doesn't wait for all."""
    if files.at_once == 1:
        return map(do, items)
    return _by_parts(files.at_once, do, items)


def _by_parts(at_once: int, do: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(items), PART * at_once):
            yield from pool.map(do, items[start : start + PART * at_once])


def write_text(files: Files, name: str, text: str) -> None:
    """Commit a file of text."""
    files.write(name, lambda file: file.write(text.encode()))


def inside(name: str) -> str:
    """The name, when it is one of a file below the root.

    Raises:
        StoreError: it would lead out of it.
    """
    if any(part in ("", ".", "..") for part in name.split("/")) or any(sign in name for sign in "\0\\"):
        raise StoreError(f"{name!r} is no name inside a results folder; what names it was not written by this program")
    return name


def require_size(place: Path | str, size: int, most: int) -> None:
    """Raise StoreError where a file is larger than any of its kind that this program writes."""
    if size > most:
        raise StoreError(f"{place} has {size:,} bytes, where {most:,} are the most; what made it is not this program")
