"""What happens at the place where a shard trains, whoever sent it there."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from orchestrator import engine
from orchestrator.errors import OrchestratorError, OtherProgramError, StoreError
from orchestrator.lessons import keys
from orchestrator.lessons.catalog import Source, Value
from orchestrator.nouns import literals
from orchestrator.nouns.check import SelfCheck
from orchestrator.nouns.outcome import Outcome, failure
from orchestrator.nouns.plan import Shard
from orchestrator.store import Block, Store

WORDS = 2**15  # bytes of a dead process's log that are kept
MEMORY_SHARE = 0.8  # of the machine's memory may be taken by all shards together
LEAST_MEMORY = 4 * 2**30  # bytes that a process may take however many share the machine
MUST_AGREE = ("ray", "keras", "jax", "numpy")


@dataclass(frozen=True)
class Order:
    """A shard, and all that a worker anywhere needs to train it.

    `alone` is the one seed to train, where it is to be told from its neighbours. `out` is the URI to commit the block to;
    without one it is sent home. `verdict` is what an earlier self-check said of the program.
    """

    shard: Shard
    source: Source
    settings: tuple[tuple[str, str], ...]
    attempt: int = 1
    gpu: bool = False
    alone: int | None = None
    out: str | None = None
    verdict: SelfCheck | None = None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that are asked for."""
        return self.shard.seeds if self.alone is None else (self.alone,)

    def carrying(self, value: Value | None) -> Order:
        """The same order, with this for what its lesson brings along."""
        return replace(self, source=replace(self.source, value=value))


@dataclass(frozen=True)
class Place:
    """Where a shard trains; `log` is the file that takes what its process has to say at the end."""

    node: str
    log: str


def place() -> Place:
    """This process's place."""
    return Place(platform.node(), os.path.realpath("/proc/self/fd/2"))


def last_words(log: str) -> str:
    """The end of a dead process's log; empty where there is none."""
    with suppress(OSError), Path(log).open("rb") as file:
        file.seek(max(0, Path(log).stat().st_size - WORDS))
        lines = file.read().decode(errors="replace").splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("Extension modules:"))
    return ""


def bound_memory(share: float) -> None:
    """Let this process take its share of the machine's memory: then allocating without end is its own MemoryError, and nobody else's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = max(int(psutil.virtual_memory().total * MEMORY_SHARE * share), LEAST_MEMORY)
    if sys.platform == "linux" and (soft == resource.RLIM_INFINITY or limit < soft):  # elsewhere it binds nothing
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def warm(name: str, gpu: bool, share: float = 1.0) -> int:
    """Load the training libraries before there is anything to train, in a process that may take its share; returns its id."""
    if not gpu:  # whose driver maps more than it takes
        bound_memory(share)
    engine.load(name, gpu)
    return os.getpid()


def is_to_check(order: Order) -> bool:
    """Whether an order's program is one of the user's that was never held against `fit`."""
    return order.shard.job.engine == "compiled" and order.source.number is None and order.verdict is None


def check(order: Order) -> SelfCheck | None:
    """Hold an order's program against `fit` before it trains, where that was never done; what goes wrong, training will tell."""
    if not is_to_check(order):
        return None
    try:
        training = _training(order)
        return training.check(order.shard.job, keys.loaded(order.source, order.settings))  # type: ignore[no-any-return]
    except (Exception, SystemExit):
        return None


def train(order: Order) -> Block:
    """Train an order's seeds. What the lesson's code raises becomes its runs' answer."""
    before, verdict, refused = engine.compiling(), None, ""
    try:
        outcomes, verdict = _train(order)
    except OtherProgramError as error:
        refused = str(error)
        outcomes = [Outcome(seed, "failed", error=refused) for seed in order.seeds]
    except (Exception, SystemExit) as error:  # code of the lesson's, or a program that does not compile
        trace = traceback.format_exc()
        outcomes = [failure(seed, order.shard.job.engine, error, trace) for seed in order.seeds]
    block = Block(
        tuple(outcomes),
        platform.node(),
        order.attempt,
        compiling=engine.compiling() - before,
        processor=engine.processor(),
        code=order.shard.job.code,
        verdict=verdict,
        refused=refused,
    )
    return block if order.out is None else _committed(order, order.out, block)


def _committed(order: Order, out: str, block: Block) -> Block:
    """What the driver is to know of a block that was committed from here.

    One that failed as a whole goes home: the driver will want to know whose doing that was. So does one that can't be
    committed from here, for want of credentials or a network: perhaps the driver can.
    """
    if order.alone is not None or all(o.error for o in block.outcomes):
        return block
    try:
        _store(out).blocks.write(order.shard.job.key, block)
    except StoreError as error:
        return replace(block, trouble=str(error))
    return block.receipt()


@lru_cache(maxsize=1)
def _store(out: str) -> Store:
    """One connection a process."""
    return Store(out)


def _train(order: Order) -> tuple[list[Outcome], SelfCheck | None]:
    training = _training(order)
    return training.train(order.shard.job, keys.loaded(order.source, order.settings), order.seeds, order.verdict)  # type: ignore[no-any-return]


def _training(order: Order) -> ModuleType:
    """What trains, once Keras is loaded on the order's backend."""
    engine.load(order.shard.job.engine, order.gpu)
    return import_module("orchestrator.workers.training")


def settings(arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Arguments for `fit` in a form that can be hashed and sent: each as a Python literal."""
    return tuple(sorted(literals.written(arguments).items()))


def versions() -> dict[str, str]:
    """What must be the same on every node."""
    return {"python": platform.python_version(), **{name: version(name) for name in MUST_AGREE}}


@dataclass(frozen=True)
class Machine:
    """What a node is like.

    Attributes:
        room: GiB free where Ray and compiled programs put their files. trouble: why blocks can't be written to --out
            from there; None also where they need not be.
    """

    node: str
    versions: Mapping[str, str]
    room: float
    trouble: str | None = None

    def apart(self) -> str:
        """What of its versions is not as here, and what to do; empty where all are."""
        own = versions()
        apart = [f"{lib} {found} (here {own[lib]})" for lib, found in self.versions.items() if found != own[lib]]
        return f"{', '.join(apart)}; install the versions of requirements.lock everywhere" if apart else ""


def machine(out: str | None = None) -> Machine:
    """What this node is like; `out` is the URI that it would write to."""
    trouble = None
    if out is not None:
        try:
            _store(out).prepare()
        except OrchestratorError as error:
            trouble = str(error)
    room = shutil.disk_usage(tempfile.gettempdir()).free / 2**30
    return Machine(platform.node(), versions(), room, trouble)


def sees_gpu() -> bool:
    """Whether JAX finds in this process the GPU that Ray gave it."""
    engine.load(gpu=True)
    return engine.has_gpu()
