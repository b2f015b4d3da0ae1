"""The front door: what `import orchestrator` gives beside the nouns. The command line stands on the same rooms.

Nothing here runs a training library in the caller's process, prints, or owns a signal: lessons are loaded and trained in
other processes, and whoever called gets the environment back as it was.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from orchestrator.command import command, diagnosis, places, remarks
from orchestrator.errors import UsageError
from orchestrator.found import Found
from orchestrator.lesson import SETTABLE, Data, Lesson, Split, Variant
from orchestrator.lessons import catalog
from orchestrator.lessons.catalog import Source
from orchestrator.nouns import literals, seeds
from orchestrator.planning import session
from orchestrator.planning.session import Request
from orchestrator.planning.until import Until, until_of
from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.reports.nouns.scope import SCOPES
from orchestrator.store import Store, without_secrets
from orchestrator.surroundings import undisturbed
from orchestrator.telling import notebook

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.reports.diagnosis.diagnosis import Diagnosis

Asked = Lesson | str | int | Path
Seeds = int | str | Iterable[int]
Scopes = Literal["fixed", "redrawn", "both"]
_one_at_a_time = threading.RLock()  # a process has one Ray


def run(
    lessons: Asked | Sequence[Asked],
    seeds: Seeds | None = None,
    out: str | Path = "results",
    *,
    data: Scopes = "both",
    until: Literal["decided"] | float | None = None,
    max_seeds: int | None = None,
    engine: Literal["compiled", "fit"] = "compiled",
    backend: Literal["jax", "tensorflow"] = "jax",
    fit: Mapping[str, Any] | None = None,
    address: str | None = None,
    workers: int | None = None,
    serial: bool = False,
    timeout: float | None = None,
    retry: bool = False,
    listener: Callable[[str], object] | None = None,
) -> Found:
    """Train what is missing, write tables and report, and give what was found.

    Interrupted, it stops at once; the same call goes on from there. Several calls at once wait for each other.

    Args:
        lessons: lessons, ids, numbers, paths of lesson files, or several of these; "all" is the seven.
        seeds: how many, 30 without; or which, as "100-103" or any whole numbers.
        out: the results folder: a path, or a URI such as s3://bucket/prefix.
        data: the lesson's own data set ("fixed"), a new one per seed ("redrawn"), or both.
        until: "decided" looks at 16, 32, 64, 128 and `max_seeds` seeds, a number goes on until intervals are so wide.
        max_seeds: the most seeds that a comparison gets with `until`, 200 without.
        engine: one compiled program per block of seeds, or Keras's fit, seed by seed.
        backend: for the engine "fit".
        fit: arguments for `fit` in every variant, such as {"epochs": 20}.
        address: a Ray cluster; without it the one that this process is connected to, else one is started here.
        workers: processes, where Ray is started here.
        serial: train in one process beside this one, without Ray.
        timeout: seconds after which a shard is ended.
        retry: train runs that failed before again.
        listener: is told what happens, a line a call; in a notebook without one the cell shows it.

    Returns:
        What was found, over all seeds that were asked for.

    Raises:
        UsageError: an argument or a lesson is wrong.
        StoreError: `out` can't be read or written, or another process is at work there.
        ClusterError: Ray can't be reached, or holds no shard.
    """
    asked = _request(
        lessons, seeds, out, data, until, max_seeds, engine, backend, fit, "run", timeout=timeout,
        retry=frozenset({"failed"} if retry else ()),
    )  # fmt: skip
    screen = notebook.screen(listener)
    where = address or os.environ.get("RAY_ADDRESS")
    placed = {"address": where, "workers": workers}
    with _one_at_a_time, undisturbed():
        store = Store(out)
        on_ray = partial(places.on_ray, asked, placed, store, screen.say)
        ended = command.run(asked, store, partial(places.aside, asked.timeout) if serial else on_ray, screen)
        return Found.of(store, ended.built)


def compare(
    *,
    without: Callable[[], Any],
    with_: Callable[[], Any],
    data: Any,
    epochs: int,
    batch_size: int = 32,
    seeds: Seeds | None = None,
    out: str | Path = "results",
    title: str = "the technique",
    endpoint: Endpoint | None = None,
    callbacks: Sequence[Any] = (),
    **more: Any,
) -> Found:
    """Compare two model functions on one data set: what does `with_` do that `without` does not?

    Args:
        without: builds and compiles a Keras model.
        with_: builds and compiles the other one.
        data: (x, y, x_test, y_test) or ((x, y), (x_test, y_test)), arrays of shape (rows, ...); a Split; a function that
            gives one of these; or a Data.
        epochs: as for `fit`.
        batch_size: as for `fit`.
        seeds: as for `run`.
        out: as for `run`.
        title: what sentences call the technique.
        endpoint: what decides; without, accuracy on the test rows, and 0.01 of it matters.
        callbacks: Keras callbacks for both.
        **more: as for `run`.

    Returns:
        What was found.

    Raises:
        UsageError: an argument, a model or the data are wrong.
        StoreError: as for `run`.
        ClusterError: as for `run`.
    """
    lesson = Lesson(
        title=title,
        about=f"Does {title} help?",
        data=_data(data),
        variants=[
            Variant("without", without, epochs, batch_size, callbacks),
            Variant("with", with_, epochs, batch_size, callbacks),
        ],
        endpoint=endpoint or Endpoint("test_accuracy"),
    )
    return run(lesson, seeds, out, **more)


def _data(given: Any) -> Data:
    if isinstance(given, Data):
        return given
    if callable(given):
        return Data(fixed=given)
    split = Split(*given) if isinstance(given, tuple | list) and len(given) == 4 else given
    return Data(fixed=lambda: split)


@dataclass(frozen=True)
class Planned:
    """What `run` would do.

    Attributes:
        runs: how many were asked for.
        stored: how many of those need no training.
        shared: how many another lesson's training gives.
        shards: a row a shard to train: lesson, variant, data, seeds, and why.
        remarks: sentences on what would go through `fit`, and what else to know.
    """

    runs: int
    stored: int
    shared: int
    shards: pd.DataFrame
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        """The remarks, a line each."""
        return "\n".join(self.remarks)


def plan(
    lessons: Asked | Sequence[Asked],
    seeds: Seeds | None = None,
    out: str | Path = "results",
    *,
    data: Scopes = "both",
    until: Literal["decided"] | float | None = None,
    max_seeds: int | None = None,
    engine: Literal["compiled", "fit"] = "compiled",
    backend: Literal["jax", "tensorflow"] = "jax",
    fit: Mapping[str, Any] | None = None,
) -> Planned:
    """What `run` with these arguments would train, what is stored, and why; trains nothing.

    Raises:
        UsageError: an argument or a lesson is wrong.
        StoreError: `out` can't be read.
    """
    import pandas as pd  # noqa: PLC0415

    asked = _request(lessons, seeds, out, data, until, max_seeds, engine, backend, fit, "plan")
    with undisturbed():
        made = session.prepare(asked, Store(out))
    rows = [(s.job.lesson, s.job.variant, s.job.data, s.seeds, s.why) for s in made.plan.shards]
    table = pd.DataFrame(rows, columns=["lesson", "variant", "data", "seeds", "why"])
    return Planned(made.plan.runs, made.plan.stored, made.plan.shared, table, tuple(remarks.of_plan(made)))


def load(out: str | Path = "results") -> Found:
    """What a results folder holds, trained by whomever.

    Raises:
        NoResultsError: it holds no tables.
        StoreError: it can't be read.
    """
    with undisturbed():
        return Found.of(Store(out))


def diagnose(
    history: Any, out: str | Path = "results", *, classes: int | None = None, majority: float | None = None
) -> Diagnosis:
    """Name what kinds of problem a training shows, and what treats them as far as `out` has measured it.

    Args:
        history: what `fit` gave, its `history` (a list of one number an epoch for each name), a pandas frame with a row an
            epoch, or the path of a log; several, as a list, are several seeds.
        out: the results folder whose measured techniques are named.
        classes: how many classes there are.
        majority: the share of the most frequent one, 0 to 1.

    Raises:
        UsageError: there is no curve in it.
    """
    from orchestrator.reports.diagnosis.task import Task  # noqa: PLC0415

    given = history if isinstance(history, list | tuple) else [history]
    with undisturbed():
        return diagnosis.of_histories(given, Store(out), Task(classes=classes, guess=majority))


def judge(
    baseline: Any,
    candidate: Any,
    endpoint: str,
    better: Literal["higher", "lower"],
    sesoi: float,
    *,
    guard: Endpoint | None = None,
    seed: str | None = None,
    paired: bool = True,
    data: Literal["fixed", "redrawn"] = "fixed",
    ledger: str | Path | None = None,
    page: str | Path | None = None,
) -> Found:
    """Judge results that other programs made: is the candidate better than its baseline, or was that luck?

    Args:
        baseline: a pandas frame or a dict of columns with a row a run; or a path or a pattern, as on the command line.
        candidate: the same of what is in question.
        endpoint: the column that decides.
        better: which way it is better.
        sesoi: the smallest effect that matters, in the column's units.
        guard: what must not get worse meanwhile.
        seed: the column that tells runs apart, and joins those of one seed; without, one that is called so.
        paired: whether the runs of a seed belong together; else no run belongs with one of the other side.
        data: whether all runs had the same data, or every seed drew its own.
        ledger: a file that keeps the looks at this question, so that they count.
        page: where to write the page.

    Raises:
        UsageError: a side can't be read, or what it holds can't be told.
    """
    from orchestrator.command import referee  # noqa: PLC0415  statistics take a second to load
    from orchestrator.command.user_files import check_page  # noqa: PLC0415

    _allowed("better", better, ("higher", "lower"))
    _allowed("data", data, SCOPES)
    if isinstance(sesoi, bool) or not isinstance(sesoi, int | float):
        raise UsageError(f"sesoi is {sesoi!r}; it must be a number above 0")
    if guard is not None and not isinstance(guard, Endpoint):
        raise UsageError(f"guard is {guard!r}; it must be an Endpoint(column, better=..., sesoi=...)")
    with undisturbed():
        own = referee.check(Endpoint(endpoint, better, sesoi))
        question = referee.Question(own, referee.check(guard) if guard else None, seed, paired, data)
        if page:
            check_page(Path(page), "page")
        before, after = (str(side) if isinstance(side, Path) else side for side in (baseline, candidate))
        found = referee.judge(before, after, question, Path(ledger) if ledger else None, "orchestrator.judge(...)")
        if page:
            referee.write_page(found, Path(page))
    return Found(found, Path(page) if page else None)


def _request(
    lessons: Any, wanted: Any, out: Any, data: str, until: Any, most: Any, engine: str, backend: str,
    fit: Mapping[str, Any] | None, verb: str, **more: Any,
) -> Request:  # fmt: skip
    """The caller's words as a request."""
    _allowed("data", data, ("both", *SCOPES))
    _allowed("engine", engine, ("compiled", "fit"))
    _allowed("backend", backend, ("jax", "tensorflow"))
    _check_fit(fit or {})
    rule = _until(until, most, wanted)
    sources = _sources(lessons)
    numbers = tuple(range(rule.first)) if rule else _seeds(wanted)
    said = f"orchestrator.{verb}({', '.join(repr(source.id) for source in sources)}, seeds={seeds.show(numbers)!r}, out={without_secrets(str(out))!r})"
    return Request(
        sources,
        numbers,
        session.scopes_of(data),
        session.engine_of(engine, backend),
        dict(fit or {}),
        command=said,
        until=rule,
        **more,
    )


def _check_fit(arguments: Mapping[str, Any]) -> None:
    """Refuse what no `fit` takes, and what run.json can't repeat."""
    strange = sorted(set(arguments) - set(SETTABLE))
    if strange:
        raise UsageError(f"fit may not hold {', '.join(strange)}; it may hold {', '.join(SETTABLE)}")
    for name, value in arguments.items():
        try:
            literals.read(literals.written({name: value}))
        except (ValueError, SyntaxError):
            raise UsageError(
                f"fit's {name} is {type(value).__name__}; give numbers, True, False, None, or a dict or list of these"
            ) from None


def _allowed(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{name} is {value!r}; it must be {', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}")


def _until(until: Any, most: int | None, wanted: Any) -> Until | None:
    if until is not None and until != "decided" and not isinstance(until, int | float):
        raise UsageError(f"until is {until!r}; it must be 'decided', or the width of an interval")
    return until_of(until == "decided", None if until in (None, "decided") else until, most, wanted)


def _seeds(wanted: Any) -> tuple[int, ...]:
    if wanted is None or (isinstance(wanted, int | str) and not isinstance(wanted, bool)):
        return seeds.parse(str(seeds.DEFAULT if wanted is None else wanted))
    try:
        return seeds.parse(",".join(str(int(seed)) for seed in wanted))
    except (TypeError, ValueError):
        raise UsageError(f"seeds is {wanted!r}; {seeds.RULE}, or whole numbers") from None


def _sources(lessons: Any) -> tuple[Source, ...]:
    """The lessons meant, each once.

    Raises:
        UsageError: one is none, or two have one name.
    """
    given = lessons if isinstance(lessons, list | tuple) else [lessons]
    found = [source for each in given for source in _found(each)]
    names = [source.id for source in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two lessons are named {twice!r}; give one of them another title or file name")
    return tuple(found)


def _found(asked: Any) -> list[Source]:
    if isinstance(asked, Lesson):
        with undisturbed():
            from orchestrator.lessons import byvalue  # noqa: PLC0415  importing Ray takes a second

            return [byvalue.source(asked)]
    if isinstance(asked, str | int | Path) and not isinstance(asked, bool):
        return catalog.find([str(asked)])
    raise UsageError(
        f"{type(asked).__name__} is no lesson; give a Lesson, an id, a number, or the path of a lesson file"
    )
