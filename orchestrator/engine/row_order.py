"""The order in which an epoch takes its rows, drawn as `fit` draws it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from orchestrator.engine.model import Beginning
from orchestrator.lesson import Array, Split, Variant, count


def shuffler(beginning: Beginning, variant: Variant, split: Split) -> np.random.RandomState:
    """The generator that shuffles a seed's rows, as it stands before the first epoch."""
    generator = beginning.generator
    if beginning.looks and variant.fit.get("shuffle", True):
        next(row_orders(generator, count(split.x_train), variant))
    return generator


def row_orders(generator: np.random.RandomState, rows: int, variant: Variant) -> Iterator[Array]:
    """The order of the rows in each epoch, drawn as Keras's array adapter draws it; shape (rows,)."""
    shuffle, size = variant.fit.get("shuffle", True), variant.batch_size
    while True:
        if shuffle == "batch":
            yield np.concatenate([generator.permutation(min(size, rows - i)) + i for i in range(0, rows, size)])
        else:
            yield generator.permutation(rows) if shuffle else np.arange(rows)


@dataclass
class Segments:
    """A seed's orders, segment by segment from the first on; where they are kept, another training has the same again."""

    orders: Iterator[Array]
    keeps: bool
    drawn: list[Array] = field(default_factory=list)

    def segment(self, at: int, number: int, places: int) -> Array:
        """So many epochs' orders, in an array of so many places that keeps a program's shapes fixed."""
        if at < len(self.drawn):
            return self.drawn[at]
        epochs = [next(self.orders) for _ in range(number)]
        found = np.stack(epochs + [epochs[0]] * (places - number)).astype(np.int32)
        if self.keeps:
            self.drawn.append(found)
        return found
