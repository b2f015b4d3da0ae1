"""Compiled programs as JAX keeps them on the disk, made safe against whoever is killed while writing one.

JAX writes a file in its place, and leaves one that is there alone, whatever is in it: one cut short would be compiled anew
by every process to come, with a warning. What stands on JAX's private parts has its place here.
"""

from __future__ import annotations

import uuid
import warnings
from contextlib import suppress
from typing import Any

from jax._src import lru_cache

SUFFIX = getattr(lru_cache, "_CACHE_SUFFIX", "-cache")
READING = "Error reading persistent compilation cache entry"


def heal() -> None:
    """From now on this process writes each program beside its place and renames it into it, over one that can't be read."""
    warnings.filterwarnings("ignore", READING, UserWarning)  # it is compiled, and kept anew
    lru_cache.LRUCache.put = put


def put(self: Any, key: str, value: bytes) -> None:
    """Keep a program; where it can't be kept, the next process compiles it."""
    place = self.path / f"{key}{SUFFIX}"
    aside = place.with_name(f".{uuid.uuid4().hex}")
    with suppress(OSError):
        try:
            aside.write_bytes(value)
            aside.replace(place)
        finally:
            aside.unlink(missing_ok=True)
