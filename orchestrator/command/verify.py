"""The contract, checked: what a user gets, planned, trained and stored, against Keras's own `fit`, on JAX in this process and on TensorFlow in another.

Against JAX, seeds are the same and nothing else is shared. TensorFlow draws other random numbers from the same seed,
so it is handed the initial weights and the order of the rows; a model that draws noise while it trains can't be
compared there.

TensorFlow also rounds otherwise. Among thousands of updates that difference sooner or later puts a unit on the other side of
its relu's edge, and from there on the curves part: at batch size 1, of the seeds 0, 1, 3, 5 and 6 seed 3 did so within 5,000 updates.

Imports Keras; `engine.load` comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from orchestrator import engine
from orchestrator.command import command
from orchestrator.command.agreement import comparable
from orchestrator.engine import fit, private
from orchestrator.engine.model import begin, build, make
from orchestrator.engine.row_order import row_orders, shuffler
from orchestrator.engine.selfcheck import largest_difference
from orchestrator.lesson import Array, Lesson, Variant
from orchestrator.lessons import catalog
from orchestrator.lessons.catalog import Source
from orchestrator.lessons.loaded import Loaded
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job
from orchestrator.planning import session
from orchestrator.planning.session import Request
from orchestrator.reports.nouns.scope import Scope
from orchestrator.store import Store
from orchestrator.telling.notebook import Told
from orchestrator.telling.progress import Progress
from orchestrator.workers.local import Serial

JAX_LIMIT, JAX_EPOCHS = 5e-7, 100
TENSORFLOW_LIMIT, TENSORFLOW_EPOCHS = 1e-6, 10
ROW = "{:24} {:12} {:8} {:18} {:>6} {:>10} {:>10}  {}"
HEADER = ROW.format("lesson", "variant", "data", "against", "epochs", "loss", "accuracy", "verdict")
SEED = 1  # not the program's template, which is 0

History = Mapping[str, Array]


@dataclass(frozen=True)
class AgainstFit:
    """One comparison: the largest difference of a loss and of an accuracy, and whether it keeps the contract.

    `note` says why there was nothing to compare.
    """

    lesson: str
    variant: str
    data: Scope
    against: str
    epochs: int
    loss: float | None
    accuracy: float | None
    holds: bool
    note: str = ""

    def __str__(self) -> str:
        """A row below HEADER."""
        gaps = ["" if gap is None else f"{gap:.1e}" for gap in (self.loss, self.accuracy)]
        verdict = f"{'holds' if self.holds else 'FAILS'}{': ' if self.note else ''}{self.note}"
        return ROW.format(self.lesson, self.variant, self.data, self.against, self.epochs, *gaps, verdict)


def verify(sources: Sequence[Source], scopes: Sequence[Scope], epochs: int, tensorflow: bool) -> Iterator[AgainstFit]:
    """Compare every variant in every scope; gives each comparison as soon as it is made."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=engine.load, initargs=("fit-tensorflow",)) as other:
        later: list[tuple[AgainstFit, History, Future[History]]] = []
        for source in sources:
            settings = {"epochs": _epochs(Loaded(source, {}).enter(), epochs)}
            lesson = Loaded(source, settings)
            for job, ours in _trained(source, scopes, settings):
                variant = lesson.enter().variant(job.variant)
                check = _against_jax(lesson, variant, job, ours)
                yield check
                if tensorflow and not ours.error and not job.reason:
                    later += _ask_tensorflow(other, source, lesson.lesson, variant, check, dict(ours.history))
        for check, ours_then, theirs in later:
            yield _compare(check, ours_then, theirs.result(), TENSORFLOW_LIMIT)


def _epochs(lesson: Lesson, epochs: int) -> int:
    """As many epochs as asked for; where a callback waits for a curve to turn, all, so that it comes to act."""
    longest = max(variant.epochs for variant in lesson.variants)
    waits = any(hasattr(callback, "patience") for variant in lesson.variants for callback in variant.callbacks)
    return longest if waits else min(longest, epochs)


def _trained(source: Source, scopes: Sequence[Scope], settings: Mapping[str, Any]) -> Iterator[tuple[Job, Outcome]]:
    """SEED's run of each job, as `run` would train and store it."""
    request = Request((source,), (SEED,), tuple(scopes), "compiled", settings, serial=True)
    with TemporaryDirectory() as folder:
        store = Store(folder)
        store.prepare()
        prepared = session.prepare(request, store)
        command.execute(prepared, request, store, Serial(), Progress(store, Told(lambda _: None)), {})
        for job in prepared.plan.jobs:
            yield job, next(o for block in store.blocks.of(job) for o in block.outcomes if o.seed == SEED)


def _against_jax(lesson: Loaded, variant: Variant, job: Job, ours: Outcome) -> AgainstFit:
    """The stored history of one seed beside `fit`'s on JAX."""
    check = AgainstFit(job.lesson, variant.name, job.data, "fit on JAX", 0, None, None, holds=True)
    if ours.reason:
        return replace(check, note=f"runs through fit anyway: {ours.reason}")
    if ours.error:
        return replace(check, holds=False, note=ours.error)
    split = lesson.enter().data_of(variant).draw(job.data, SEED)
    theirs = fit.fit(variant, split, SEED)[1]
    limit = comparable(ours.history, theirs, variant.callbacks)
    pair = [{name: values[:limit] for name, values in history.items()} for history in (ours.history, theirs)]
    note = (
        "" if limit is None else f"then a callback's decision is within rounding ({len(theirs['loss'])} epochs in all)"
    )
    return replace(_compare(check, pair[0], pair[1], JAX_LIMIT), note=note)


def _ask_tensorflow(
    pool: ProcessPoolExecutor, source: Source, lesson: Lesson, variant: Variant, check: AgainstFit, ours: History
) -> list[Any]:
    epochs = min(variant.epochs, TENSORFLOW_EPOCHS)
    check = replace(check, against="fit on TensorFlow", epochs=epochs)
    split = lesson.data_of(variant).draw(check.data, SEED)
    if any(hasattr(layer, "seed_generator") for layer in private.layers_in(make(variant, SEED))):
        return []  # its random numbers differ between backends
    beginning = begin(variant, split, SEED)
    weights = [*beginning.values[0], *beginning.values[1]]
    generator = shuffler(beginning, variant, split)
    orders = list(islice(row_orders(generator, len(split.x_train), variant), epochs))
    theirs = pool.submit(ordered_fit, source, variant.name, check.data, epochs, weights, orders)
    return [(check, {name: values[:epochs] for name, values in ours.items()}, theirs)]


def ordered_fit(
    source: Source, name: str, scope: Scope, epochs: int, weights: Sequence[Array], orders: Sequence[Array]
) -> History:
    """`fit` with given initial weights and given orders of the rows, in whatever process and on whatever backend this is."""
    lesson = catalog.load(source)
    variant = lesson.variant(name)
    split = lesson.data_of(variant).draw(scope, SEED)
    model = make(variant, SEED)
    build(model, split)
    for variable, value in zip((*model.trainable_variables, *model.non_trainable_variables), weights, strict=True):
        variable.assign(value)
    size = variant.batch_size

    def batches() -> Iterator[tuple[Array, Array]]:
        for order in orders:
            for start in range(0, len(order), size):
                rows = order[start : start + size]
                yield split.x_train[rows].astype("float32"), split.y_train[rows].astype("float32")

    steps = -(-len(split.x_train) // size)
    rate = fit.LearningRate()
    callbacks = [rate, *variant.callbacks]
    test = (split.x_test, split.y_test)
    history = model.fit(
        batches(),
        steps_per_epoch=steps,
        epochs=epochs,
        validation_data=test,
        validation_batch_size=size,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    ).history
    history = {"learning_rate": rate.rates, **history}
    return {metric: np.asarray(values, np.float32) for metric, values in history.items()}


def _compare(check: AgainstFit, ours: History, theirs: History, limit: float) -> AgainstFit:
    """Everything within the limit, accuracies equal, and as many epochs."""
    epochs = len(theirs["loss"])
    if len(ours["loss"]) != epochs or set(ours) != set(theirs):
        return replace(
            check,
            epochs=epochs,
            holds=False,
            note=f"{len(ours['loss'])} epochs and {sorted(ours)}, fit {epochs} and {sorted(theirs)}",
        )
    gaps = {name: largest_difference(ours[name], theirs[name]) for name in ours}
    loss = max(gap for name, gap in gaps.items() if name.endswith("loss"))
    accuracy = max((gap for name, gap in gaps.items() if name.endswith("accuracy")), default=0.0)
    equal = accuracy == 0 if check.against == "fit on JAX" else accuracy <= limit
    return replace(check, epochs=epochs, loss=loss, accuracy=accuracy, holds=equal and max(gaps.values()) <= limit)
