"""What holds on a graphics card, and what it is worth: ten minutes on a machine that has one.

    python benchmarks/gpu.py [kind ...]

For each kind of model a process of its own trains a block of eight seeds on the card and says: how far its histories are from
those of Keras's `fit` on the same card in the first epochs; whether the same block, and a seed among other neighbours, give
the same bits again; microseconds per epoch and seed of the block, of `fit` on the card, and of the block on one thread of the
processor; and the card's memory at its peak. Then several processes train blocks at once, as shards do that share a card.
It needs JAX with its plugin for the card; neither Ray nor TensorFlow.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from multiprocessing import get_context
from statistics import median
from typing import Any

import numpy as np

from orchestrator import engine
from orchestrator.lesson import Data, Split, Variant

SEEDS = tuple(range(8))
COMPARED = 10  # epochs held against `fit`, which rounding in other orders moves apart as training goes on
SHARDS = (1, 4)  # processes that share the card
READY = 40  # seconds from a process's start until it has compiled
LESSONS = {
    "full batch": ("batch-size", "batch", 500),
    "batch 32": ("learning-rate-schedule", "without", 500),
    "batch 1": ("batch-size", "stochastic", 20),
    "batch normalization": ("batch-normalization", "with", 500),
    "Adam": ("noise", "without", 500),
    "noise": ("noise", "with", 500),
}


def of_lesson(lesson: str, variant: str, epochs: int) -> tuple[Variant, Data]:
    """A variant of the seven lessons, in short."""
    from orchestrator.lessons import catalog  # noqa: PLC0415  in the process that has its libraries

    (source,) = catalog.find([lesson])
    loaded = catalog.load(source)
    return replace(loaded.variant(variant), epochs=epochs), loaded.data


def images(rows: int) -> Data:
    """Noise of the size of handwritten digits, with labels that depend on it."""
    rng = np.random.default_rng(0)
    x = rng.random((rows, 28, 28, 1)).astype("float32")
    y = (x[:, :14].mean((1, 2, 3)) * 400).astype("int32") % 10
    return Data(fixed=lambda: Split(x[:-1000], y[:-1000, None], x[-1000:], y[-1000:, None]))


def classifier(*layers: Any) -> Any:
    """A model of these layers for ten classes, compiled."""
    import keras  # noqa: PLC0415

    model = keras.Sequential([keras.Input((28, 28, 1)), *layers, keras.layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def dense() -> Any:
    """784-512-512-10."""
    from keras.layers import Dense, Flatten  # noqa: PLC0415

    return classifier(Flatten(), Dense(512, activation="relu"), Dense(512, activation="relu"))


def convolutional() -> Any:
    """Two convolutions and a dense layer."""
    from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D  # noqa: PLC0415

    convolved = Conv2D(32, 3, activation="relu"), MaxPooling2D(), Conv2D(64, 3, activation="relu"), MaxPooling2D()
    return classifier(*convolved, Flatten(), Dense(64, activation="relu"))


MODELS: dict[str, Callable[[], Any]] = {"784-512-512-10": dense, "convolutions": convolutional}
KINDS = (*LESSONS, *MODELS)


def kind(name: str) -> tuple[Variant, Data]:
    """A kind's variant, and its data."""
    if name in LESSONS:
        return of_lesson(*LESSONS[name])
    return Variant(name, MODELS[name], epochs=3, batch_size=128), images(3_000)


@dataclass(frozen=True)
class OnCard:
    """What a block on the card gave; `apart` is the largest relative difference to `fit`, with the column it is in."""

    device: str
    apart: tuple[float, str]
    again: bool
    elsewhere: bool
    block: float
    fit: float
    memory: float


def on_card(name: str) -> OnCard:
    """Train a kind on the card, and beside it through `fit`."""
    import jax  # noqa: PLC0415

    from orchestrator.engine.compiled import Program  # noqa: PLC0415
    from orchestrator.engine.selfcheck import largest_difference  # noqa: PLC0415

    variant, data = kind(name)
    program = Program(variant, data.draw("fixed", 0))
    first, again, (elsewhere, pace) = (
        program.train(SEEDS, data, "fixed"),
        program.train(SEEDS, data, "fixed"),
        timed(program, (*range(8, 15), SEEDS[1]), data, variant.epochs),
    )
    history, fitted = fit(variant, data)
    shared = {column: first[1].history[column][:COMPARED] for column in history}
    apart = max((largest_difference(shared[column], history[column][:COMPARED]), column) for column in history)
    peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0) / 2**20
    same, neighbour = equal(first, again), equal(first[1:2], elsewhere[-1:])
    return OnCard(engine.processor(), apart, same, neighbour, pace, fitted, peak)


def timed(program: Any, seeds: tuple[int, ...], data: Data, epochs: int) -> tuple[Any, float]:
    """A block's outcomes, and microseconds per epoch and seed from its start to its scores."""
    begun = time.perf_counter()
    outcomes = program.train(seeds, data, "fixed")
    return outcomes, 1e6 * (time.perf_counter() - begun) / epochs / len(seeds)


def fit(variant: Variant, data: Data) -> tuple[dict[str, Any], float]:
    """Seed 1's history by `fit`, and microseconds per epoch but the first."""
    import keras  # noqa: PLC0415

    from orchestrator.engine import fit as reference  # noqa: PLC0415

    marks: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: marks.append(time.perf_counter()))
    short = replace(variant, callbacks=[*variant.callbacks, clock])
    _, history = reference.fit(short, data.draw("fixed", 0), 1, stop_after=COMPARED)
    return history, 1e6 * median(after - before for before, after in pairwise(marks))


def equal(some: Any, others: Any) -> bool:
    """Whether outcomes have the same histories and scores, to the bit."""
    pairs = list(zip(some, others, strict=True))
    curves = all(np.array_equal(a.history[c], b.history[c], equal_nan=True) for a, b in pairs for c in a.history)
    return curves and all(a.scores == b.scores for a, b in pairs)


def on_processor(name: str) -> float:
    """Microseconds per epoch and seed of a block on one thread of the processor."""
    from orchestrator.engine.compiled import Program  # noqa: PLC0415

    if name in MODELS:  # minutes, and no question: these are what a card is for
        return float("nan")
    variant, data = kind(name)
    program = Program(variant, data.draw("fixed", 0))
    program.train(SEEDS[:1] * len(SEEDS), data, "fixed", stop_after=1)  # compiles
    return timed(program, SEEDS, data, variant.epochs)[1]


def sharing(name: str, at: float) -> float:
    """When this process, having compiled, is done with a block that it began at that moment: seconds since then."""
    from orchestrator.engine.compiled import Program  # noqa: PLC0415

    variant, data = kind(name)
    program = Program(variant, data.draw("fixed", 0))
    program.train(SEEDS, data, "fixed", stop_after=1)  # compiles
    if time.time() > at:
        raise SystemExit("compiling took longer than was allowed for; begin later")
    time.sleep(at - time.time())
    program.train(SEEDS, data, "fixed")
    return time.time() - at


def pool(gpu: bool, processes: int = 1) -> ProcessPoolExecutor:
    """Processes with Keras on JAX, on the card or not."""
    return ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=engine.load, initargs=("compiled", gpu), max_tasks_per_child=1
    )


def main() -> None:
    """Print both tables, each row as soon as it is known."""
    line = "{:20} {:>24} {:>6} {:>10} {:>10} {:>10} {:>10} {:>9}"
    heads = ("kind", "furthest from fit", "again", "neighbours", "block", "fit", "processor", "peak MiB")
    print(line.format(*heads), flush=True)
    for name in sys.argv[1:] or KINDS:
        with pool(True) as card, pool(False) as processor:
            beside = processor.submit(on_processor, name)
            found = card.submit(on_card, name).result()
            figures = [f"{value:,.0f}" for value in (found.block, found.fit, beside.result(), found.memory)]
        same = ["same" if one else "OTHER" for one in (found.again, found.elsewhere)]
        print(line.format(name, f"{found.apart[1]} {found.apart[0]:.0e}", *same, *figures), flush=True)
    print(f"on {found.device}; microseconds per epoch and seed\n")
    for name in ("batch 32", "convolutions"):
        for processes in SHARDS:
            with pool(True, processes) as card:
                at = time.time() + READY
                took = max(card.map(sharing, [name] * processes, [at] * processes))
            print(
                f"{name}: {processes} blocks at once in {took:.2f} s, {processes / took:.2f} blocks a second",
                flush=True,
            )


if __name__ == "__main__":
    main()
