"""What belongs to whoever called: given back as it was."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """The caller's environment and import path are afterwards as they were: Ray is told there what it reads, and libraries set what they like."""
    environment, path = dict(os.environ), list(sys.path)
    try:
        yield
    finally:
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        sys.path[:] = path
