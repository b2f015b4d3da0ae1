"""A ledger where nothing can be appended to: lines in pieces.

The newest piece is written anew with every batch of lines, and left alone once it is long.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.store.files import Files

FOLDER = "events"
LONG = 2**18  # bytes of a piece
LARGEST = 2**26  # bytes of a piece that is read


class Ledger:
    """Lines in the files of a folder, in the order of their names."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._guard = Lock()
        self._piece = b""
        self._name = ""
        self._waiting = False

    def append(self, line: str) -> None:
        """Take a line, to be written with the next flush."""
        with self._guard:
            self._piece += line.encode() + b"\n"
            self._waiting = True

    def flush(self) -> None:
        """Write what waits.

        Raises:
            StoreError: it could not be written, and waits on.
        """
        with self._guard:
            if not self._waiting:
                return
            piece = self._piece
            self._name = self._name or self._next()
            self._files.write(self._name, lambda file: file.write(piece))
            self._waiting = False
            if len(piece) > LONG:
                self._piece, self._name = b"", ""

    def lines(self) -> Iterator[str]:
        """All lines so far."""
        for name in self._files.names(FOLDER):
            yield from self._files.read(name, LARGEST).decode(errors="replace").splitlines()

    def _next(self) -> str:
        """Numbered, since clocks jump; and named by chance, so that two drivers never write one piece."""
        numbers = [re.match(rf"{FOLDER}/(\d{{1,9}})-", name) for name in self._files.names(FOLDER)]
        number = max((int(found[1]) for found in numbers if found), default=0) + 1
        return f"{FOLDER}/{number:06d}-{uuid.uuid4().hex[:8]}.jsonl"
