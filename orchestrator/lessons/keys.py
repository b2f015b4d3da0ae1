"""What there is to train: a lesson's jobs and their keys, found by loading it and building its models.

The functions that touch the lesson's own code are questions for a sandbox. Where there is no answer, the lesson's text
stands for what it would train: the job is sent all the same, and its failure told where failures are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from orchestrator import engine
from orchestrator.errors import LessonError, UsageError
from orchestrator.lesson import Lesson, Variant, count, have_same_targets
from orchestrator.lessons.catalog import Source
from orchestrator.lessons.description import description
from orchestrator.lessons.guess import guesses
from orchestrator.lessons.loaded import Loaded
from orchestrator.lessons.sandbox import NoAnswerError
from orchestrator.nouns import literals
from orchestrator.nouns.identity import Sketch, digest, sketch
from orchestrator.nouns.measures import Traits
from orchestrator.nouns.plan import Job
from orchestrator.reports.nouns.scope import Scope

Ask = Callable[..., Any]
Settings = tuple[tuple[str, str], ...]


def survey(
    ask: Ask, source: Source, settings: Settings, scopes: Sequence[Scope], engine: str
) -> tuple[list[Job], dict[str, Any], Source]:
    """A lesson's jobs in these scopes, its description, and its source with the modules that it brings.

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
    known = {job.variant: (job.reason, job.traits) for job in jobs}
    try:
        described = ask(describe, source, settings, known, True)
    except NoAnswerError:
        described = ask(describe, source, settings, known, False)
    return jobs, described, ask(travelling, source, settings)


def _job(ask: Ask, source: Source, settings: Settings, variant: str, scope: Scope, engine: str) -> Job:
    try:
        return ask(keyed, source, settings, variant, scope, engine)  # type: ignore[no-any-return]
    except NoAnswerError:
        return ask(unkeyed, source, settings, variant, scope, engine)  # type: ignore[no-any-return]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


@lru_cache(maxsize=32)
def loaded(source: Source, settings: Settings) -> Loaded:
    """The lesson with the arguments that the user set for `fit`, loaded once a process."""
    return Loaded(source, literals.read(dict(settings)))


def lesson(source: Source, settings: Settings) -> Lesson:
    """The same, as the lesson at work."""
    return loaded(source, settings).enter()


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

    here = loaded(source, settings)
    found = here.enter()
    asked = found.variant(variant)
    try:
        _refuse_other_targets(found, asked, scope)
        r = recipe(asked, found.data_of(asked), scope, engine_name, partial(here.files, variant), here.afresh)
    except LessonError as error:
        raise LessonError(f"lesson {source.id!r}: {error}") from None
    traits = Traits(r.study.measures, r.study.loss, r.study.notes)
    return Job(
        source.id,
        variant,
        scope,
        r.identity.key,
        r.identity.training,
        r.engine,
        r.width,
        r.cost,
        r.reason,
        r.identity,
        traits,
        r.traced,
        r.whole,
        digest(here.files(variant), variant) if r.traced and not source.is_shipped else "",
    )


def _refuse_other_targets(lesson: Lesson, variant: Variant, scope: Scope) -> None:
    """Runs that are scored on other targets would differ for that alone."""
    from orchestrator.engine.recipe import SEEDS  # noqa: PLC0415

    if variant.data and not have_same_targets(lesson.data, variant.data, scope, SEEDS[scope]):
        raise LessonError(
            f"variant {variant.name!r}: its data are validated or scored on other targets than the lesson's;"
            " y_test, its weights and the fresh y must be the same for all variants"
        )


def unkeyed(source: Source, settings: Settings, variant: str, scope: Scope, engine_name: str) -> Job:
    """A job by its lesson's text, where building its model comes to nothing."""
    program = digest(source.code(variant), settings, variant, engine_name)
    return Job(source.id, variant, scope, digest(program, scope), program, engine_name, 1, 0.0)


def begun(source: Source, settings: Settings, variant: str, scope: Scope, seeds: Sequence[int]) -> dict[int, Sketch]:
    """What these seeds of a variant begin with; without those that raise."""
    engine.load()
    from orchestrator.engine.form import form_of_both, start_in  # noqa: PLC0415  they import Keras
    from orchestrator.engine.model import begin  # noqa: PLC0415

    here, found = lesson(source, settings), dict[int, Sketch]()
    asked = here.variant(variant)
    data = here.data_of(asked)
    split = data.draw(scope, 0)
    form = form_of_both(asked, split, *(begin(asked, split, seed, whole=False) for seed in (0, 1)))
    for seed in seeds:
        with suppress(Exception):  # the lesson's own code: whoever trains the seed will tell
            rows = split if scope == "fixed" else data.draw(scope, seed)
            found[seed] = start_in(form, asked, rows, begin(asked, rows, seed, whole=False))
    return found


def redrawn(source: Source, settings: Settings, variant: str, seeds: Sequence[int]) -> dict[int, Sketch]:
    """The rows that the lesson draws for these seeds of a variant; without those that it can't draw."""
    from orchestrator.engine.recipe import arrays  # noqa: PLC0415  imports Keras, which the lesson's jobs have loaded

    here, found = lesson(source, settings), dict[int, Sketch]()
    data = here.data_of(here.variant(variant))
    for seed in seeds:
        with suppress(Exception):  # the lesson's own code: whoever trains the seed will tell
            found[seed] = sketch(arrays(data.draw("redrawn", seed)))
    return found


def travelling(source: Source, settings: Settings) -> Source:
    """The lesson with all the modules of its own that planning has brought in."""
    here = loaded(source, settings)
    modules = here.modules()
    return replace(source, modules=modules, reads=here.reads(), variables=here.variables(modules))


def describe(
    source: Source, settings: Settings, known: dict[str, tuple[str | None, Traits | None]], draw: bool
) -> dict[str, Any]:
    """What a report needs to know of the lesson; the numbers of its rows only if its data may be drawn."""
    found = lesson(source, settings)
    rows: dict[str, Any] = {"rows_train": 0, "rows_test": 0, "rows_fresh": 0, "resplit": found.data.resplit}
    if draw:
        with suppress(Exception):  # the lesson's own code: whoever trains will tell
            rows["resplit"] = any(data.is_resplit() for data in found.sources)
        split, fresh = found.data.draw("fixed", 0), found.data.fresh_rows()
        rows |= {
            "rows_train": count(split.x_train),
            "rows_test": count(split.x_test),
            "rows_fresh": count(fresh[0]) if fresh else 0,
            "guess": guesses({"test": split.y_test, **({"fresh": fresh[1]} if fresh else {})}, split.x_test),
        }
    try:
        return description(found, rows, known)
    except LessonError as error:
        raise LessonError(f"lesson {source.id!r}: {error}") from None
