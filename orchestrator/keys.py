"""What there is to train: a lesson's jobs and their keys, found by loading it and building its models.

The functions that touch the lesson's own code are questions for a sandbox. Where there is no answer, the lesson's text
stands for what it would train: the job is sent all the same, and its failure told where failures are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from orchestrator import catalog, engine
from orchestrator.catalog import Source
from orchestrator.errors import LessonError, UsageError
from orchestrator.lesson import Lesson, Scope
from orchestrator.plan import Job
from orchestrator.sandbox import NoAnswerError

Ask = Callable[..., Any]
Settings = tuple[tuple[str, Any], ...]


def survey(
    ask: Ask, source: Source, settings: Settings, scopes: Sequence[Scope], engine: str
) -> tuple[list[Job], dict[str, Any]]:
    """A lesson's jobs in these scopes, and its description.

    Raises:
        UsageError: it can't be loaded, is no lesson, or has none of the scopes.
    """
    try:
        variants, has = ask(names, source, settings, engine)
    except NoAnswerError as error:
        raise LessonError(f"{source.path} can't be loaded: {_first_line(error)}") from None
    wanted = [scope for scope in scopes if scope in has]
    if not wanted:
        raise UsageError(f"lesson {source.id!r} has no data for --data {scopes[0]}; it has {', '.join(has)}")
    jobs = [_job(ask, source, settings, variant, scope, engine) for variant in variants for scope in wanted]
    reasons = {job.variant: job.reason for job in jobs}
    try:
        return jobs, ask(describe, source, settings, reasons, True)
    except NoAnswerError:
        return jobs, ask(describe, source, settings, reasons, False)


def _job(ask: Ask, source: Source, settings: Settings, variant: str, scope: Scope, engine: str) -> Job:
    try:
        return ask(keyed, source, settings, variant, scope, engine)  # type: ignore[no-any-return]
    except NoAnswerError:
        return ask(unkeyed, source, settings, variant, scope, engine)  # type: ignore[no-any-return]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


@lru_cache(maxsize=32)
def lesson(source: Source, settings: Settings) -> Lesson:
    """The lesson with the arguments that the user set for `fit`."""
    return catalog.load(source).with_fit(dict(settings))


# Questions.


def names(source: Source, settings: Settings, engine_name: str) -> tuple[list[str], tuple[Scope, ...]]:
    """The names of the lesson's variants, and the scopes its data has."""
    engine.load(engine_name)
    found = lesson(source, settings)
    return [variant.name for variant in found.variants], found.data.scopes


def keyed(source: Source, settings: Settings, variant: str, scope: Scope, engine_name: str) -> Job:
    """A job by what it trains."""
    engine.load(engine_name)
    from orchestrator.engine.recipe import recipe  # noqa: PLC0415  imports Keras, loaded above

    found = lesson(source, settings)
    r = recipe(found.variant(variant), found.data, scope, engine_name)
    return Job(source.id, variant, scope, r.key, r.program, r.engine, r.width, r.cost, r.reason)


def unkeyed(source: Source, settings: Settings, variant: str, scope: Scope, engine_name: str) -> Job:
    """A job by its lesson's text, where building its model comes to nothing."""
    engine.load(engine_name)
    from orchestrator.engine.fingerprint import digest  # noqa: PLC0415
    from orchestrator.engine.recipe import WIDTHS  # noqa: PLC0415

    program = digest([source.text, settings, variant, engine_name])[:20]
    key = digest([program, scope])[:20]
    return Job(source.id, variant, scope, key, program, engine_name, WIDTHS[engine_name], 0.0)


def describe(source: Source, settings: Settings, reasons: dict[str, str | None], draw: bool) -> dict[str, Any]:
    """What a report needs to know of the lesson; the numbers of its rows only if its data may be drawn."""
    found = lesson(source, settings)
    rows = {"rows_train": 0, "rows_test": 0, "rows_fresh": 0}
    if draw:
        split = found.data.fixed()
        fresh = len(found.data.fresh()[0]) if found.data.fresh else 0
        rows = {"rows_train": len(split.x_train), "rows_test": len(split.x_test), "rows_fresh": fresh}
    return found.describe(rows, reasons)
