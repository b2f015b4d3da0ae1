"""What is known of keys and of programs: small files of JSON beside the blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from orchestrator.nouns.check import SelfCheck
from orchestrator.store.document import LONGEST, loads
from orchestrator.store.files import Files, side_by_side, write_text

CHECKS = "store/checks/"


class Notes:
    """The notes of a results folder: store/<key>/about.json, store/checks/<program>.json."""

    def __init__(self, files: Files) -> None:
        """Where they lie."""
        self._files = files

    def write_about(self, key: str, facts: Mapping[str, Any]) -> None:
        """Note what a key is of: its job, and the digests that it is made of."""
        write_text(self._files, _about(key), json.dumps(facts, indent=1))

    def abouts(self) -> dict[str, dict[str, Any]]:
        """What is known of each key that has blocks; nothing of those that an earlier version of this program trained."""
        there = [name for name in self._files.names("store") if not name.startswith(CHECKS)]
        keys = list(dict.fromkeys(name.split("/")[1] for name in there if name.endswith(".parquet")))
        return dict(zip(keys, side_by_side(self._files, lambda key: self._noted(_about(key)), keys), strict=True))

    def write_self_check(self, training: str, verdict: SelfCheck) -> None:
        """Remember what a self-check said of a program."""
        write_text(self._files, f"{CHECKS}{training}.json", json.dumps(asdict(verdict)))

    def self_check(self, training: str) -> SelfCheck | None:
        """What a self-check said of a program; None where there was none."""
        noted = self._noted(f"{CHECKS}{training}.json")
        with suppress(TypeError):
            return SelfCheck(**noted) if noted else None
        return None

    def _noted(self, name: str) -> dict[str, Any]:
        """A small file of JSON; empty where it is not there or damaged."""
        try:
            found = loads(self._files.read(name, LONGEST))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _about(key: str) -> str:
    return f"store/{key}/about.json"
