"""One compiled program trains a block of seeds: a loop over epochs of a scan over batches of Keras's own train step.

The contract: for each seed, the history that `keras.utils.set_random_seed(seed)`, building, compiling and `fit` would
give on Keras's JAX backend. No layer, loss, metric or optimiser is written again here. What `fit` does in Python
between steps (shuffling, callbacks, validation) is done in its order.

On a CPU the seeds of a block take turns, segment by segment, so that every operation has the shape that it has in `fit`, and
rounds as it does there. Only where a batch has next to no rows do they train side by side, under `vmap`: that is twice
as fast there, and may differ in the last bit. The number of seeds in a program is fixed (`WIDTH`), since XLA may round
otherwise for another width, and a run's bytes would depend on its neighbours. Where the data are large, it is one: eight
copies of them would gain nothing but turns.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from orchestrator.engine.form import form_of, start_of
from orchestrator.engine.history import columns
from orchestrator.engine.model import Beginning, as_keras, begin
from orchestrator.engine.reference import Scores
from orchestrator.engine.row_order import Segments, row_orders, shuffler
from orchestrator.engine.shapes import Shapes
from orchestrator.engine.stacked import fastest
from orchestrator.engine.state import State
from orchestrator.errors import OtherModelError
from orchestrator.lesson import Array, Data, Rows, Split, Variant, count
from orchestrator.nouns.identity import Sketch
from orchestrator.nouns.outcome import Outcome, failure, judge
from orchestrator.reports.nouns.scope import Scope

WIDTH = 8  # seeds in a program; more spill the cache, fewer waste the dispatch
NARROW = 8  # rows in a batch below which a step leaves a processor's lanes empty, unless seeds fill them
SEGMENT = 100  # epochs between two looks of the host, at most
LARGE = 2**24  # bytes of a data set from which on seeds train one after the other
ORDERS = 2**24  # bytes of row numbers: those that a segment may bring along, and those that are kept for another scope
NUMBER = np.dtype(np.int32).itemsize  # bytes of one

Progress = Callable[[int], None]
Otherwise = Callable[[int, str], Outcome]


class Start(NamedTuple):
    """What a seed begins with, in either scope."""

    state: State
    orders: Segments
    sketch: Sketch


class Program:
    """A variant's compiled program; made once, then trains any block of seeds of either scope."""

    # The block that was trained last, by whichever program, and what its seeds began with.
    latest: ClassVar[tuple[Any, dict[int, Start]]] = (None, {})

    def __init__(self, variant: Variant, split: Split, beginning: Beginning | None = None, form: str = "") -> None:
        """Trace nothing yet; `beginning` is a built model of one seed, made here where there is none, `form` that of all seeds' models, if known."""
        self.variant = variant
        self.shapes, self.form = Shapes(split), form
        self.alone = is_large(split)
        self.one = fastest(variant, beginning or begin(variant, split, 0), split, by_batch=self.alone)
        self.rows = count(split.x_train)
        self.places = max(1, min(SEGMENT, ORDERS // (WIDTH * self.rows * NUMBER)))
        self.segment = jax.jit(self._segment, donate_argnums=0)
        self.score = jax.jit(self._score)
        self._others: dict[Shapes, Program] = {}  # for seeds whose rows have other shapes

    def _segment(self, state: State, orders: Any, rows: Any, first: Any, number: Any, total: Any) -> tuple[State, Any]:
        """Train `number` epochs of every seed; orders are (seeds, places, rows), logs (seeds, places)."""
        mapped = _side_by_side if is_narrow(self.variant) or jax.default_backend() != "cpu" else jax.lax.map
        return mapped(partial(self._epochs, first, number, total), (state, orders, rows))  # type: ignore[no-any-return]

    def _epochs(self, first: Any, number: Any, total: Any, seed: Any) -> tuple[State, Any]:
        """Train `number` epochs of a seed, or until it has stopped."""
        state, orders, rows = seed

        def body(carry: Any) -> Any:
            i, state, logs = carry
            state, new = self.one.epoch(state, orders[i], rows, first + i, first + i == total - 1)
            return i + 1, state, jax.tree.map(lambda kept, value: kept.at[i].set(value), logs, new)

        def goes_on(carry: Any) -> Any:
            i, state, _ = carry
            return (i < number) & state.active

        logs = _zeros(jax.eval_shape(self.one.epoch, state, orders[0], rows, first, False)[1], len(orders))
        _, state, logs = jax.lax.while_loop(goes_on, body, (jnp.int32(0), state, logs))
        return state, logs

    def _score(self, state: State, parts: Any) -> Any:
        """Scores of the finished models of a block, each of shape (seeds,), and the rows that they have right."""

        def one(both: Any) -> dict[str, tuple[Scores, Any]]:
            state, parts = both
            state = self.one.finish(state)
            return {part: self.one.grade(state, x, y) for part, (x, y) in parts.items()}

        return jax.lax.map(one, (state, parts))

    def initial(self, seed: int, split: Split, keeps: bool, known: Start | None = None) -> Start:
        """A seed's state before its first epoch, and the orders of its rows, kept for another scope or not; `known` is what it began with in that.

        Raises:
            OtherModelError: its model is not the one that this program trains.
        """
        beginning = begin(self.variant, split, seed, whole=False)
        if self.form and form_of(self.variant, split, beginning) != self.form:
            raise OtherModelError(f"seed {seed} builds another model than seeds 0 and 1")
        start = start_of(beginning)
        if known and known.sketch == start:
            return known
        generator = shuffler(beginning, self.variant, split)
        orders = row_orders(generator, count(split.x_train), self.variant)
        return Start(self.one.start(*beginning.values), Segments(orders, keeps), start)

    def train(
        self,
        seeds: Sequence[int],
        data: Data,
        scope: Scope,
        progress: Progress = lambda _epochs: None,
        stop_after: int | None = None,
        otherwise: Otherwise | None = None,
    ) -> list[Outcome]:
        """Train WIDTH seeds at the most; one that can't even start fails alone.

        With `stop_after` training ends after so many epochs of those it was to have. A seed whose model is not the one that this program trains
        is trained by `otherwise`, which is told why; without, it fails.
        """
        epochs = stop_after or self.variant.epochs
        blocks = [[seed] for seed in dict.fromkeys(seeds)] if self.alone else [seeds]
        found = dict[int, Outcome]()
        for block in blocks:
            found |= self._block(block, data, scope, progress, epochs, otherwise)
        return [found[seed] for seed in seeds]

    def _block(
        self,
        seeds: Sequence[int],
        data: Data,
        scope: Scope,
        progress: Progress,
        epochs: int,
        otherwise: Otherwise | None,
    ) -> dict[int, Outcome]:
        """Train seeds in one program, and those whose rows are of other shapes in one of their own."""
        begun = time.perf_counter()
        keeps = len(seeds) * epochs * self.rows * NUMBER <= ORDERS
        kept = self._kept(tuple(seeds), epochs) if keeps else {}
        starts: dict[int, tuple[Split, Start]] = {}
        ended: dict[int, Outcome] = {}
        others: dict[Shapes, tuple[Split, list[int]]] = {}
        departed: dict[int, str] = {}
        for seed in dict.fromkeys(seeds):
            try:
                split = data.draw(scope, seed)
                if (shapes := Shapes(split)) != self.shapes:
                    others.setdefault(shapes, (split, []))[1].append(seed)
                    continue
                kept[seed] = self.initial(seed, split, keeps, kept.get(seed))
                starts[seed] = split, kept[seed]
            except Exception as error:  # the lesson's own code: whatever it raises is this seed's answer
                ended[seed] = failure(seed, "compiled", error, traceback.format_exc())
                if isinstance(error, OtherModelError):
                    departed[seed] = str(error)
        if starts:
            ends = self._run([*starts.values()], data, progress, epochs)
            seconds = (time.perf_counter() - begun) / len(starts)
            for (seed, (_, start)), end in zip(starts.items(), ends, strict=True):
                ended[seed] = _outcome(seed, start, end, seconds)
        for shapes, (split, same) in others.items():
            if shapes not in self._others:
                if len(self._others) == WIDTH:
                    self._others.clear()
                beginning = begin(self.variant, split, 0)
                form = self.form and form_of(self.variant, split, beginning)
                self._others[shapes] = Program(self.variant, split, beginning, form)
            trained = self._others[shapes].train(same, data, scope, progress, epochs, otherwise)
            ended |= zip(same, trained, strict=True)
        return ended | {seed: otherwise(seed, why) for seed, why in departed.items() if otherwise}

    def _kept(self, seeds: tuple[int, ...], epochs: int) -> dict[int, Start]:
        """What these seeds began with in the other scope, if no others have been trained since."""
        block = (self, seeds, epochs)
        if Program.latest[0] != block:
            Program.latest = (block, {})
        return Program.latest[1]

    def beginning(self, starts: Sequence[tuple[Split, Start]]) -> tuple[State, Any]:
        """The states of all lanes before their first epoch, and their rows; lanes without a start stand still."""
        lanes = [*starts, *[starts[0]] * (0 if self.alone else WIDTH - len(starts))]
        # On the host, where nothing need be compiled for it.
        state = jax.tree.map(lambda *leaves: np.stack(leaves), *[start.state for _, start in lanes])
        state = state._replace(active=state.active & (np.arange(len(lanes)) < len(starts)))
        return jax.device_put((state, _stack([_parts(split) for split, _ in lanes])))  # type: ignore[no-any-return]

    def _run(self, starts: Sequence[tuple[Split, Start]], data: Data, progress: Progress, epochs: int) -> list[Any]:
        """Of each start its history, its scores, and the rows it has right."""
        state, rows = self.beginning(starts)
        total, logs = self.variant.epochs, []
        for first in range(0, epochs, self.places):
            number = min(self.places, epochs - first)
            drawn = [start.orders.segment(first // self.places, number, self.places) for _, start in starts]
            orders = np.stack(drawn + [drawn[0]] * (len(state.active) - len(starts)))
            state, new = self.segment(state, orders, rows, np.int32(first), np.int32(number), np.int32(total))
            logs.append(jax.tree.map(np.asarray, new))
            progress(first + number)
            if not np.asarray(state.active).any():
                break
        trained = np.asarray(state.epochs)
        whole = {name: np.concatenate([part[name] for part in logs], axis=1) for name in logs[0]}
        histories = [
            columns({name: values[i, : trained[i]] for name, values in whole.items()}, 1) for i in range(len(starts))
        ]
        return [(history, *ends) for history, ends in zip(histories, self._scores(state, rows, data), strict=False)]

    def _scores(self, state: State, rows: Any, data: Data) -> Iterator[tuple[dict[str, float], Any]]:
        parts, seeds = {"train": rows[:2], "test": rows[2:]}, len(state.active)
        if (fresh := data.fresh_rows()) is not None:
            parts["fresh"] = _stack([fresh] * seeds)
        graded = jax.tree.map(np.asarray, self.score(state, parts))
        return (in_parts(jax.tree.map(lambda array, i=i: array[i], graded)) for i in range(seeds))


def _outcome(seed: int, start: Start, end: tuple[Any, dict[str, float], Any], seconds: float) -> Outcome:
    history, scores, right = end
    return Outcome(seed, judge(history), history, scores, seconds, "compiled", right=right, start=start.sketch)


def in_parts(graded: dict[str, tuple[Scores, Any]]) -> tuple[dict[str, float], dict[str, Array]]:
    """One run's scores by part and name, and which rows it has right in each part but the training rows."""
    scores = {f"{part}_{name}": value for part, (found, _) in graded.items() for name, value in found.items()}
    right = {part: np.asarray(rows) for part, (_, rows) in graded.items() if rows is not None and part != "train"}
    return {name: float(value) for name, value in columns(scores, 0).items()}, right


def _zeros(shapes: Any, places: int) -> Any:
    """Zeros of these shapes, so many of each."""
    return jax.tree.map(lambda s: jnp.zeros((places, *s.shape), s.dtype), shapes)


def _side_by_side(function: Any, seeds: Any) -> Any:
    """Like `jax.lax.map`, all seeds at once."""
    return jax.vmap(function)(seeds)


def is_narrow(variant: Variant) -> bool:
    """Whether the seeds of a program train side by side on a processor."""
    return variant.batch_size < NARROW


def is_large(split: Split) -> bool:
    """Whether seeds train on such data one after the other."""
    return sum(int(array.nbytes) for array in jax.tree.leaves(_parts(split))) >= LARGE


def _parts(split: Split) -> tuple[Rows, Rows, Rows, Rows]:
    return split.x_train, split.y_train, split.x_test, split.y_test


def _stack(rows: Sequence[Rows]) -> Any:
    """(seeds, rows, ...) of each array; of a single seed without a copy."""
    if len(rows) == 1:
        return jax.tree.map(lambda array: as_keras(array)[None], rows[0])
    return jax.tree.map(lambda *arrays: np.stack([as_keras(array) for array in arrays]), *rows)
