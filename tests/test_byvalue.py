"""A lesson made in Python is known by what it does: not by where it stands, nor by the process that packs it."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SCRIPT = """
import enum, functools, sys
import numpy as np
import orchestrator as o
from orchestrator.lessons import byvalue

WEIGHTS = np.arange(5.0)
NAMES = {{"a": 1, "b": {{"loss", "accuracy", "other", "more"}}}}


class Kind(enum.Enum):
    FIRST = 1


class Base:
    def __init__(self, rate):
        self.rate = rate


class Own(Base):
    kind = Kind.FIRST

    def on_epoch_end(self, epoch):
        return epoch in {{"loss", "accuracy", "other"}} or {number}


def inner():
    return WEIGHTS.sum(), NAMES


def model(units=1):
    def deep():
        return inner()
    return deep, units


variants = [o.Variant("one", functools.partial(model, 2), 1, callbacks=[Own(0.5)])]
print(byvalue.source(o.Lesson("A title, with signs", "Why?", o.Data(fixed=lambda: None), variants)).code("one"))
"""


def code(text, hash_seed):
    """The digest that a process gives."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        [sys.executable, "-"], input=text, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_same_text_has_one_code_in_every_process_and_place():
    """From standard input, with other hash seeds, and ten lines further down: the same; with another number in a class: another."""
    text = SCRIPT.format(number=3)
    first = code(text, 1)
    assert code("\n" * 10 + text, 2) == first
    assert code(SCRIPT.format(number=4), 1) != first


def test_what_cannot_travel_is_said_in_a_line():
    """A lock is not pickled: the line names it, and where to make it."""
    import threading

    import orchestrator as o
    from orchestrator.lessons import byvalue

    lock = threading.Lock()
    lesson = o.Lesson("L", "Why?", o.Data(fixed=lambda: lock), [o.Variant("one", lambda: None, 1)])
    with pytest.raises(
        o.LessonError, match=r"can't travel to another process \(TypeError: cannot pickle '_thread.lock' object\)"
    ) as raised:
        byvalue.source(lesson)
    assert "\n" not in str(raised.value)
