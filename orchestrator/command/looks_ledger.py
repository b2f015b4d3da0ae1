"""A ledger of looks at results that were made elsewhere: a file with a line a look, which nothing here ever shortens."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError

MOST = 2**24  # bytes
QUESTION = ("endpoint", "guard", "data", "paired")


@dataclass
class Ledger:
    """The looks in a file, the first one first; without a file, none are known and none are kept.

    A ledger is of one question: its looks are at the same endpoint, whatever the files are called that they were at.
    """

    path: Path | None
    looks: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path | None) -> Ledger:
        """The ledger in a file, which may not be there yet.

        Raises:
            UsageError: it can't be read, or is no ledger.
        """
        if path is None or not path.exists():
            return cls(path)
        if not path.is_file():
            raise UsageError(f"--ledger {path} can't be read: it is no file; it holds the looks that count")
        if path.stat().st_size > MOST:
            raise UsageError(f"--ledger {path} is larger than {MOST // 2**20} MiB, and so no ledger of looks")
        try:
            looks = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"--ledger {path} can't be read: {error}; it holds the looks that count") from None
        if not all(isinstance(look, dict) and {*QUESTION, "seeds", "date", "digest"} <= look.keys() for look in looks):
            raise UsageError(f"--ledger {path} is no ledger of looks; name a file that isn't there yet")
        return cls(path, looks)

    def take(self, look: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """All looks with this one, the one that is being taken marked `current`; at the same runs again it is the same look.

        Raises:
            UsageError: the ledger is of another question.
        """
        for name in QUESTION:
            if self.looks and self.looks[0][name] != look[name]:
                before, now = (json.dumps(each[name]) for each in (self.looks[0], look))
                raise UsageError(
                    f"--ledger {self.path} is of another question: its {name} is {before}, here it is {now}; a question has one ledger"
                )
        at = next((i for i, each in enumerate(self.looks) if each["digest"] == look["digest"]), None)
        if at is None:
            self._keep(look)
            at = len(self.looks) - 1
        return tuple({**each, "current": i == at} for i, each in enumerate(self.looks))

    def _keep(self, look: Mapping[str, Any]) -> None:
        self.looks.append(dict(look))
        if self.path is None:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(look) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(
                f"--ledger {self.path} can't be written: {error.strerror}; a look that isn't kept isn't taken"
            ) from None
