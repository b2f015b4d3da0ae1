"""Standard streams that may be full, closed, or read no more: what runs goes on, and what was lost is told at the end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, TextIO


class Patient:
    """A text stream that takes whatever is written. `lost` is what first kept it from passing that on."""

    def __init__(self, stream: TextIO | None) -> None:
        """Stand before a stream; None is one that was closed before this program began."""
        self.stream = stream or _nowhere()
        self.lost: OSError | None = None if stream else OSError("it is closed")

    def write(self, text: str) -> int:
        """Pass the text on, while that can be."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Pass on what waits."""
        self._try("flush")

    def _try(self, method: str, *words: str) -> None:
        try:
            getattr(self.stream, method)(*words)
        except OSError as error:
            self.lost = self.lost or error
            self.stream = _nowhere()
        except ValueError as error:  # it was closed meanwhile
            self.lost = self.lost or OSError(str(error))

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's own."""
        return getattr(self.stream, name)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def stand_before() -> Patient:
    """Have both standard streams patient; gives that for output."""
    out, sys.stderr = Patient(sys.stdout), Patient(sys.stderr)
    sys.stdout = out
    return out
