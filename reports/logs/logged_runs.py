"""The curves a diagnosis goes by, out of whatever log people keep of a training.

Read are: `history.history` as JSON, as a Python literal, as .npy; records and JSON lines; what pandas, Keras's CSVLogger,
Lightning, TensorBoard, W&B and trainers export as CSV or JSON; columns of a Parquet file. Titles are understood by their
words (`reports.logs.column_titles`); several runs in a file, or several files, are several seeds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from orchestrator.reports.logs import chosen_columns, file_format, rows_by_epoch
from orchestrator.reports.logs.chosen_columns import Pair
from orchestrator.reports.logs.column_titles import HELD_OUT, Kind, is_epoch, known, meaning
from orchestrator.reports.logs.log import BROKEN, Log, numbers, shorten, titles

Floats = npt.NDArray[np.float64]

FIELDS = ("loss", "val_loss", "accuracy", "val_accuracy")
SLACK = 1e-4
"""An accuracy may lie this far above 1: some programs round up."""
ADVERSARIES = frozenset({"d", "g", "disc", "gen", "discriminator", "generator", "critic", "dis", "adv", "adversarial"})
ASKED = "give a metric of what it generates"
MISSING = "no loss and no metric such as loss, train_loss, val_loss, accuracy, val_acc"


@dataclass(frozen=True)
class FinalScores:
    """A finished model's scores in inference mode; NaN where unknown. Accuracies are shares, losses without penalties."""

    train_accuracy: float = np.nan
    test_accuracy: float = np.nan
    train_loss: float = np.nan
    test_loss: float = np.nan


@dataclass(frozen=True)
class LoggedRun:
    """One run's curves, arrays of shape (epochs,); None for what was not recorded.

    Accuracies are shares, 0 to 1. NaN is a hole, where nothing was recorded; infinity is a NaN or infinity that was.

    Attributes:
        epochs: the epoch of each value; None means 1, 2, ...
        measure: what the loss is called.
        score: what the accuracy is called, which may be another score, such as AUC.
        final: the finished model's scores, where they were measured apart from the curves.
        run: its name among several.
        notes: sentences on what was left out or taken for what.
    """

    loss: Floats | None = None
    val_loss: Floats | None = None
    accuracy: Floats | None = None
    val_accuracy: Floats | None = None
    epochs: Floats | None = None
    measure: str = "loss"
    score: str = "accuracy"
    final: FinalScores | None = None
    run: str = ""
    notes: tuple[str, ...] = ()

    def with_curves(self, curves: Mapping[str, Floats]) -> LoggedRun:
        """The record with these curves, named as the fields are."""
        return replace(self, **{field: curves.get(field) for field in FIELDS})  # type: ignore[arg-type]

    @property
    def length(self) -> int:
        """How many epochs were recorded."""
        return max((len(getattr(self, field)) for field in FIELDS if getattr(self, field) is not None), default=0)

    @property
    def lost(self) -> int | None:
        """The place of the epoch from which on the loss is NaN or infinite for good; None while it is not.

        A hole is not that: other numbers of its epoch would be missing, too, or the loss come back. Where NaN can't be
        told from a hole, a curve that was whole before it tells.
        """
        if self.loss is None or not len(self.loss):
            return None
        finite = np.isfinite(self.loss)
        start = int(np.flatnonzero(finite)[-1]) + 1 if finite.any() else 0
        tail = self.loss[start:]
        later = self.val_loss is not None and np.isfinite(self.val_loss[start:]).any()
        told = bool(np.isinf(tail).any()) or (bool(finite[:start].all()) and start > 0)
        return start if len(tail) and told and not later else None


def parse(source: str | bytes, name: str = "the history") -> list[LoggedRun]:
    """The runs in a file's text or bytes, one at least. `name` says in errors where it came from.

    Raises:
        ValueError: there is none; the message is one line that says what is wrong and where.
    """
    data = source.encode() if isinstance(source, str) else source
    return records([(name, file_format.logs(data, name))])


def records(files: Sequence[tuple[str, Sequence[Log]]]) -> list[LoggedRun]:
    """The runs in several files, each with what was read from it. Files that hold one curve each are joined by run.

    Raises:
        ValueError: one holds no run, or they don't fit together.
    """
    whole, series = _sorted(files)
    found = []
    for path, logs in [*whole, *_joined(series)]:
        label, name = PurePath(path).stem if len(files) > 1 else "", PurePath(path).name
        found += [_labelled(record, label) for log in logs for record in _runs(log, name)]
    if not found:
        raise ValueError(
            f"{PurePath(files[0][0]).name} holds no run; expected lists of numbers by metric, one number an epoch"
        )
    return found


def _labelled(record: LoggedRun, label: str) -> LoggedRun:
    return replace(record, run=", ".join(filter(None, (label, record.run))))


def _sorted(
    files: Sequence[tuple[str, Sequence[Log]]],
) -> tuple[list[tuple[str, Sequence[Log]]], list[tuple[str, Log]]]:
    """Files with whole runs, and files that hold one of TensorBoard's curves each."""
    series = [(name, log) for name, logs in files for log in logs if rows_by_epoch.is_series(log)]
    return [(name, logs) for name, logs in files if not any(map(rows_by_epoch.is_series, logs))], series


def _joined(series: Sequence[tuple[str, Log]]) -> list[tuple[str, list[Log]]]:
    """One-curve files as runs: the file's name says which metric it is, and of which run."""
    runs: dict[str, dict[str, dict[float, float]]] = {}
    for name, log in series:
        metric, run = _named(name)
        curves = runs.setdefault(run, {})
        if metric in curves:
            raise ValueError(f"{name} is a second curve called {metric!r} of the same run; give one file a metric")
        columns = {title.lower(): values for title, values in log.columns.items()}
        steps, values = (numbers(columns[title], f"{name}: {title}", log.comma) for title in ("step", "value"))
        curves[metric] = dict(zip(steps.tolist(), values.tolist(), strict=True))
    return [(run or "TensorBoard", [_side_by_side(curves, run)]) for run, curves in runs.items()]


def _side_by_side(curves: Mapping[str, Mapping[float, float]], run: str) -> Log:
    steps = sorted({step for curve in curves.values() for step in curve})
    columns = {metric: [curve.get(step) for step in steps] for metric, curve in curves.items()}
    return Log({"epoch": steps, **columns}, run, ())


def _named(name: str) -> tuple[str, str]:
    """The metric and the run in `run-NAME_train-tag-epoch_loss.csv`, or in `loss=FILE`.

    Raises:
        ValueError: neither is told.
    """
    given = name.partition("=")[0]
    stem = (
        given
        if "=" in name and "/" not in given and known(given)
        else re.sub(r"\.(csv|json)$", "", PurePath(name).name)
    )
    run, tag, metric = stem.rpartition("tag-")
    words = [word for word in re.split(r"[-_. /]+", run.removeprefix("run")) if word]
    rows = next((word.lower() for word in words if meaning(f"{word}_loss").rows), "")
    if not known(metric):
        raise ValueError(
            f"{PurePath(name).name} is one unnamed series (Wall time, Step, Value); which metric is it? Write"
            f" loss={PurePath(name).name} or val_loss={PurePath(name).name}, and give its other curves beside it"
        )
    told = f"{rows}_{metric}" if tag and rows and not meaning(metric).rows else metric
    return told, "-".join(word for word in words if word.lower() != rows)


def _runs(log: Log, name: str) -> list[LoggedRun]:
    try:
        found = rows_by_epoch.runs(log)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return [_record(each, name if len(found) == 1 else f"{name}, {each.run}", log) for each in found]


def _record(log: Log, name: str, whole: Log) -> LoggedRun:
    curves = _curves(log, name)
    loss = chosen_columns.choose(curves, Kind.LOSS, Kind.ERROR)
    score = chosen_columns.choose(curves, Kind.ACCURACY, Kind.SCORE)
    if loss is None and score is None:
        raise ValueError(f"{name} has columns {titles(whole.columns)}, but {MISSING}")
    if loss and score is None and loss.means.output in ADVERSARIES:
        held = titles(whole.columns)
        raise ValueError(
            f"{name} has columns {held}: losses of networks that train against each other don't tell how well either learns; {ASKED}"
        )
    score, moved = _of_validation(loss, score)
    chosen = dict(zip(FIELDS, (loss.train, loss.held_out) if loss else (None, None), strict=False))
    chosen |= dict(zip(FIELDS[2:], (score.train, score.held_out) if score else (None, None), strict=True))
    arrays = {field: curves[title] for field, title in chosen.items() if title is not None}
    notes = [*log.notes, *moved]
    if score and score.means.kind is Kind.ACCURACY:
        _scale(arrays, chosen, log, name, notes)
    elif score and not _are_shares(arrays, notes, score.titles):
        score = None
        arrays = {field: values for field, values in arrays.items() if field in ("loss", "val_loss")}
    if not arrays:
        raise ValueError(f"{name} has columns {titles(whole.columns)}, but {MISSING}")
    arrays, epochs = _even(arrays, chosen, log, name)
    notes += filter(None, map(chosen_columns.taken, (score, loss)))
    notes += _rest(log, chosen, curves)
    measure, called = loss.name if loss else "loss", score.name if score else "accuracy"
    about = LoggedRun(epochs=epochs, measure=measure, score=called, run=log.run, notes=tuple(notes))
    return about.with_curves(arrays)


def _of_validation(loss: Pair | None, score: Pair | None) -> tuple[Pair | None, list[str]]:
    """A score without a twin is of the validation rows where the loss is told for both kinds of rows by name.

    So it is in fastai, YOLO and trainers; Keras never says `train_loss`.
    """
    if not (loss and score and loss.train and loss.held_out and score.train) or score.held_out or score.means.rows:
        return score, []
    if meaning(loss.train).rows != "train":
        return score, []
    return replace(score, train=None, held_out=score.train), [
        f"{score.train} is taken for that of the validation rows, since the losses name theirs"
    ]


def _curves(log: Log, name: str) -> dict[str, Floats]:
    """The columns that are losses or metrics, as numbers; one without any number is as good as absent."""
    found = {}
    for title, values in log.columns.items():
        if known(title):
            read = numbers(values, f"{name}: {shorten(title)}", log.comma)
            if not np.isnan(read).all():
                found[title] = read
    if not found and any(known(title) for title in log.columns):
        raise ValueError(
            f"{name} has no epochs: there is no number in {titles({t: v for t, v in log.columns.items() if known(t)})}"
        )
    return found


def _scale(arrays: dict[str, Floats], chosen: Mapping[str, str | None], log: Log, name: str, notes: list[str]) -> None:
    """Accuracies in percent become shares."""
    scaled = []
    for field in ("accuracy", "val_accuracy"):
        title = chosen[field]
        if title is None or field not in arrays:
            continue
        values = arrays[field]
        highest = float(np.max(values[np.isfinite(values)], initial=0.0))
        if _in_percent(title, log) or highest > 2:
            arrays[field] = values = values / 100
            scaled.append(title)
        wrong = np.flatnonzero((values < 0) | ((values > 1 + SLACK) & np.isfinite(values)))
        if len(wrong):
            seen = f"row {wrong[0] + 1} is {log.columns[title][wrong[0]]}"
            raise ValueError(f"{name}: {shorten(title)}, {seen}; an accuracy lies between 0 and 1, or 0 and 100 %")
    if scaled:
        notes.append(f"{' and '.join(scaled)} taken as percent")


def _in_percent(title: str, log: Log) -> bool:
    cells = log.columns[title]
    return "%" in title or any(isinstance(cell, str) and cell.strip().endswith("%") for cell in cells)


def _are_shares(arrays: Mapping[str, Floats], notes: list[str], used: Sequence[str]) -> bool:
    values = np.concatenate([arrays[field] for field in ("accuracy", "val_accuracy") if field in arrays])
    values = values[np.isfinite(values)]
    within = bool(((values >= 0) & (values <= 1 + SLACK)).all())
    if not within:
        notes.append(f"not used: {', '.join(used)}, which lies outside 0 to 1")
    return within


def _even(
    arrays: Mapping[str, Floats], chosen: Mapping[str, str | None], log: Log, name: str
) -> tuple[dict[str, Floats], Floats | None]:
    """Curves of one length, without rows in which nothing was recorded, and the epoch of each row.

    `fit` can validate every few epochs only, and then keeps fewer values of it; they get their places.
    """
    lengths = {chosen[field]: len(values) for field, values in arrays.items()}
    epochs = max(
        (len(values) for field, values in arrays.items() if not field.startswith("val_")), default=max(lengths.values())
    )
    spread = {}
    for field, values in arrays.items():
        every = epochs // max(1, len(values))
        if len(values) != epochs and (
            not field.startswith("val_") or len(values) > epochs or epochs // every != len(values)
        ):
            told = ", ".join(f"{title} {length}" for title, length in lengths.items())
            raise ValueError(f"{name}: its metrics differ in their number of epochs: {told}")
        spread[field] = np.full(epochs, np.nan)
        spread[field][every - 1 : every * len(values) : every] = values
    kept = ~np.all([np.isnan(values) for values in spread.values()], axis=0)
    clock = next((title for title in log.columns if is_epoch(title) and len(log.columns[title]) == epochs), None)
    counted = rows_by_epoch.counts(log.columns[clock]) if clock is not None else None
    return {field: values[kept] for field, values in spread.items()}, None if counted is None else counted[kept]


def _rest(log: Log, chosen: Mapping[str, str | None], curves: Mapping[str, Floats]) -> list[str]:
    """What was not used, and which rows stand for validation where they are called something else."""
    notes = []
    rows = {meaning(title).rows for title in (chosen["val_loss"], chosen["val_accuracy"]) if title is not None}
    odd = sorted(rows & set(HELD_OUT[HELD_OUT.index("eval") :]))
    if odd:
        notes.append(f"validation rows are those called {' and '.join(odd)}")
    empty = [title for title in log.columns if known(title) and title not in curves]
    unused = chosen_columns.spare(log.columns, [*filter(None, chosen.values()), *empty])
    if unused:
        notes.append(f"not used: {titles(dict.fromkeys(unused, ()))}")
    return notes + ([f"without any number: {titles(dict.fromkeys(empty, ()))}"] if empty else [])


__all__ = ["BROKEN", "FinalScores", "LoggedRun", "parse", "records"]
