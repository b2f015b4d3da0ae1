"""What happens at the place where a shard trains, whoever sent it there."""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from orchestrator import catalog, engine
from orchestrator.catalog import Source
from orchestrator.lesson import Lesson
from orchestrator.outcome import Outcome, failure
from orchestrator.plan import Shard
from orchestrator.store import Block

if TYPE_CHECKING:
    from orchestrator.engine.compiled import Program

MUST_AGREE = ("ray", "keras", "jax", "numpy")


@dataclass(frozen=True)
class Order:
    """A shard, and all that a worker anywhere needs to train it."""

    shard: Shard
    source: Source
    settings: tuple[tuple[str, Any], ...]
    attempt: int = 1
    gpu: bool = False


def warm(name: str, gpu: bool) -> int:
    """Load the training libraries before there is anything to train; returns the process's id."""
    engine.load(name, gpu)
    return os.getpid()


def train(order: Order) -> Block:
    """Train a shard. What the lesson's code raises becomes its runs' answer."""
    job, seeds = order.shard.job, order.shard.seeds
    before = engine.compiling()
    try:
        outcomes = _train(order)
    except Exception as error:  # code of the lesson's, or a program that does not compile
        trace = traceback.format_exc()
        outcomes = [failure(seed, job.engine, error, trace) for seed in seeds]
    return Block(tuple(outcomes), platform.node(), order.attempt, compiling=engine.compiling() - before)


def _train(order: Order) -> list[Outcome]:
    job, seeds = order.shard.job, order.shard.seeds
    engine.load(job.engine, order.gpu)
    lesson = load(order.source, order.settings)
    if job.engine == "compiled":
        return _program(job.program, order.source, order.settings, job.variant).train(seeds, lesson.data, job.data)
    from orchestrator.engine import fit  # noqa: PLC0415  imports Keras, on the backend loaded above

    return fit.train(lesson.variant(job.variant), seeds, lesson.data, job.data, job.engine)


@lru_cache(maxsize=32)
def load(source: Source, settings: tuple[tuple[str, Any], ...]) -> Lesson:
    """The lesson with the arguments that the user set for `fit`."""
    return catalog.load(source).with_fit(dict(settings))


@lru_cache(maxsize=16)
def _program(name: str, source: Source, settings: tuple[tuple[str, Any], ...], variant: str) -> Program:  # noqa: ARG001  the name is what tells programs apart
    """The compiled program of that name: both scopes and all blocks use the same one."""
    from orchestrator.engine.compiled import Program  # noqa: PLC0415

    lesson = load(source, settings)
    return Program(lesson.variant(variant), lesson.data.fixed())


def settings(arguments: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Arguments for `fit` in a form that can be hashed and sent."""
    return tuple(sorted(arguments.items()))


def facts() -> dict[str, str]:
    """This node's name, and the versions that must be the same on every node."""
    return {"node": platform.node(), "python": platform.python_version(), **{name: version(name) for name in MUST_AGREE}}
