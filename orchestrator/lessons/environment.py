"""A lesson's environment: what it sets is its own, and the variables that its texts name are part of what it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.nouns.identity import digest

PLACES = frozenset({"CUDA_VISIBLE_DEVICES", "HOSTNAME"})  # these say where a process runs


def named(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The variables that are set and that texts may read, each with a digest of its value.

    Where a text asks for any, each name in it counts, since it may ask for one while it trains. Paths do not: they say
    where something lies, and what is read from there is seen by itself.
    """
    asking = [text for text in texts if "environ" in text or "getenv" in text]
    words = {word for text in asking for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)} - PLACES
    return tuple(
        (name, digest(os.environ[name]))
        for name in sorted(words & os.environ.keys())
        if not os.environ[name].startswith(os.sep)
    )


@dataclass(frozen=True)
class Changes:
    """Variables with their values, None for one that is not set; and a folder to be in, where it matters."""

    variables: Mapping[str, str | None] = field(default_factory=dict)
    folder: str = ""

    def make(self) -> None:
        """Change this process's."""
        for name, value in self.variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if self.folder:
            with suppress(OSError):  # it may be gone
                os.chdir(self.folder)

    def opposite(self) -> Changes:
        """What makes them what they are now."""
        return Changes({name: os.environ.get(name) for name in self.variables}, _folder() if self.folder else "")


class Before:
    """Variables and current folder as they are when this is made."""

    def __init__(self) -> None:
        self._variables, self._folder = dict(os.environ), _folder()

    def apart(self) -> tuple[Changes, Changes]:
        """What was changed since, and what undoes it."""
        names = self._variables.keys() | os.environ.keys()
        changed = [name for name in names if os.environ.get(name) != self._variables.get(name)]
        now = _folder()
        return (
            Changes({name: os.environ.get(name) for name in changed}, now if now != self._folder else ""),
            Changes({name: self._variables.get(name) for name in changed}, self._folder if now != self._folder else ""),
        )


def _folder() -> str:
    """The current folder; empty where it was deleted."""
    with suppress(OSError):
        return str(Path.cwd())
    return ""
