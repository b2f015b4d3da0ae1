"""What belongs to whoever called: given back as it was."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def undisturbed() -> Iterator[None]:
    """The caller's environment, import path and random numbers are afterwards as they were: Ray draws its ports, libraries set what they like."""
    environment, path = dict(os.environ), list(sys.path)
    drawn, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002  the caller's, not ours
    try:
        yield
    finally:
        random.setstate(drawn)
        np.random.set_state(numbers)  # noqa: NPY002
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        sys.path[:] = path
