"""How much sooner a compiled epoch is over than one of Keras's `fit`, program by program, all timed in one run.

    python benchmarks/speed.py [lesson ...]

Each figure is microseconds per epoch and seed, on one thread, compilation left out: the compiled engine trains eight seeds side by side;
`fit` trains one, on JAX and on TensorFlow, each in a process of its own. First epochs are not counted.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from multiprocessing import get_context
from statistics import median

from orchestrator import engine
from orchestrator.lesson import Variant
from orchestrator.lessons import catalog
from orchestrator.lessons.catalog import Source

FIT_EPOCHS = {500: 60, 32: 40, 1: 4}  # per batch size
COMPILED_EPOCHS = 600  # whole segments; early stopping may end sooner


def find(source: Source, name: str) -> tuple[Variant, object]:
    """A lesson's variant and data."""
    lesson = catalog.load(source)
    return lesson.variant(name), lesson.data


def compiled(source: Source, name: str) -> float:
    """Microseconds per epoch and seed of the compiled engine."""
    from orchestrator.engine.compiled import SEGMENT, WIDTH, Program  # noqa: PLC0415  Keras is loaded by now

    variant, data = find(source, name)
    variant = replace(variant, epochs=COMPILED_EPOCHS)
    program = Program(variant, data.fixed())
    times = []
    for _ in range(3):
        marks: list[float] = []
        program.train(range(WIDTH), data, "fixed", lambda _epoch, marks=marks: marks.append(time.perf_counter()))  # type: ignore[misc]
        times += [(after - before) / SEGMENT / WIDTH for before, after in pairwise(marks)]
    return 1e6 * median(times)


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
    line = "{:24} {:12} {:>9} {:>9} {:>11} {:>9} {:>9}"
    print(line.format("lesson", "variant", "compiled", "fit, JAX", "fit, TF", "JAX/ours", "TF/ours"))
    for source in sources:
        for variant in pools["compiled"].submit(names, source).result():
            ours, jax, tensorflow = (
                pools[name].submit(measure, source, variant).result()
                for name, measure in (("compiled", compiled), ("fit-jax", fitted), ("fit-tensorflow", fitted))
            )
            ratios = (f"{jax / ours:.0f}", f"{tensorflow / ours:.0f}")
            print(
                line.format(source.id, variant, f"{ours:.0f}", f"{jax:.0f}", f"{tensorflow:.0f}", *ratios), flush=True
            )


def names(source: Source) -> list[str]:
    """A lesson's variants; called where Keras is loaded."""
    return [variant.name for variant in catalog.load(source).variants]


if __name__ == "__main__":
    main()
