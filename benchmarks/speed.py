"""What an epoch costs, program by program: compiled here, written by hand in JAX, and in Keras's `fit`, all timed in one run.

    python -m benchmarks.speed [lesson ...]

Each figure is microseconds per epoch and seed, on one thread, compilation left out; rows are put in order as `fit` does
it, by NumPy, in each of them. The compiled engine and what is written by hand (`handwritten.py`) train eight seeds, in turns or side by
side; they are timed one after the other, several times, and a ratio is the median of those at the same time. `fit` trains
one seed, on JAX and on TensorFlow, each in a process of its own. First epochs are not counted. `apart` is the largest difference
of a validation loss between ours and by hand in the first EARLY epochs, where noise has other keys in both.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from multiprocessing import get_context
from statistics import median
from typing import Any

import numpy as np

from orchestrator import engine
from orchestrator.lesson import Data, Variant
from orchestrator.lessons import catalog
from orchestrator.lessons.catalog import Source

SEEDS = 8
ROUNDS = 7  # of a segment of each, one after the other; the first is not counted
EARLY = 5  # epochs in which rounding has not yet moved curves apart
FIT_EPOCHS = {500: 60, 32: 40, 1: 4}  # per batch size


def find(source: Source, name: str) -> tuple[Variant, object]:
    """A lesson's variant and data."""
    lesson = catalog.load(source)
    return lesson.variant(name), lesson.data


def compiled(source: Source, name: str) -> dict[str, float]:
    """Ours and by hand: microseconds, ratios of the same round, and how far apart they are."""
    from benchmarks import handwritten  # noqa: PLC0415  Keras is loaded by now
    from orchestrator.engine.compiled import SEGMENT, Program  # noqa: PLC0415

    variant, data = find(source, name)
    variant = replace(variant, epochs=ROUNDS * SEGMENT)
    split = data.fixed()
    ends = {"ours": segments(Program(variant, split), data)}
    for arranged in (handwritten.in_turns, handwritten.side_by_side):
        ends[arranged.__name__] = handwritten.segments(variant, split, arranged, SEEDS, SEGMENT)
    took: dict[str, list[float]] = {way: [] for way in ends}
    curves: dict[str, Any] = {}
    for at in range(ROUNDS):
        for way, segment in ends.items():
            begun = time.perf_counter()
            logs = next(segment)
            took[way].append(1e6 * (time.perf_counter() - begun) / SEGMENT / SEEDS)
            if at == 0:
                curves[way] = logs["val_loss"][:EARLY]
    figures = {way: median(times[1:]) for way, times in took.items()}
    for way in ("in_turns", "side_by_side"):
        figures[f"over {way}"] = median(a / b for a, b in zip(took["ours"][1:], took[way][1:], strict=True))
    return figures | {"apart": float(np.abs(curves["ours"] - curves["in_turns"]).max())}


def segments(program: Any, data: Data) -> Iterator[dict[str, Any]]:
    """Logs, (epochs, seeds), of one segment after the other, trained when they are asked for."""
    import jax  # noqa: PLC0415

    split = data.fixed()
    starts = [program.initial(seed, split, keeps=False) for seed in range(SEEDS)]
    state, rows = program.beginning([(split, start) for start in starts])
    for at in range(ROUNDS):
        orders = np.stack([start.orders.segment(at, program.places, program.places) for start in starts])
        state, logs = program.segment(state, orders, rows, *map(np.int32, (at * program.places, program.places, 2**30)))
        yield jax.tree.map(lambda values: np.asarray(values).swapaxes(0, 1), logs)


def fitted(source: Source, name: str) -> float:
    """Microseconds per epoch of `fit`, in the process and on the backend this is called in."""
    import keras  # noqa: PLC0415

    from orchestrator.engine import fit  # noqa: PLC0415

    variant, data = find(source, name)
    marks: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: marks.append(time.perf_counter()))
    variant = replace(variant, epochs=FIT_EPOCHS[variant.batch_size], callbacks=[*variant.callbacks, clock])
    fit.fit(variant, data.fixed(), 0)
    steps = [after - before for before, after in pairwise(marks)]
    return 1e6 * median(steps)


def main() -> None:
    """Time every program once and print the table."""
    sources = catalog.find(sys.argv[1:] or ["all"])
    pools = {
        name: ProcessPoolExecutor(1, get_context("spawn"), initializer=engine.load, initargs=(name,))
        for name in ("compiled", "fit-jax", "fit-tensorflow")
    }
    line = "{:24} {:12} {:>9} {:>9} {:>13} {:>11} {:>9} {:>8} {:>9} {:>9} {:>8} {:>8}"
    heads = (
        "ours",
        "by hand",
        "side by side",
        "ours/hand",
        "ours/side",
        "apart",
        "fit, JAX",
        "fit, TF",
        "JAX/ours",
        "TF/ours",
    )
    print(line.format("lesson", "variant", *heads))
    for source in sources:
        for variant in pools["compiled"].submit(names, source).result():
            ours = pools["compiled"].submit(compiled, source, variant).result()
            fits = [pools[name].submit(fitted, source, variant).result() for name in ("fit-jax", "fit-tensorflow")]
            times = [f"{ours[way]:.0f}" for way in ("ours", "in_turns", "side_by_side")]
            ratios = [f"{ours[f'over {way}']:.2f}" for way in ("in_turns", "side_by_side")]
            ends = [
                f"{ours['apart']:.0e}",
                *(f"{each:.0f}" for each in fits),
                *(f"{each / ours['ours']:.0f}" for each in fits),
            ]
            print(line.format(source.id, variant, *times, *ratios, *ends), flush=True)


def names(source: Source) -> list[str]:
    """A lesson's variants; called where Keras is loaded."""
    return [variant.name for variant in catalog.load(source).variants]


if __name__ == "__main__":
    main()
