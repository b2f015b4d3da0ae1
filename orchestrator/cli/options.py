"""What the command line's options mean, and refuse."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from orchestrator.command import provenance
from orchestrator.errors import UsageError
from orchestrator.lesson import SETTABLE
from orchestrator.lessons import catalog
from orchestrator.nouns import literals, seeds
from orchestrator.planning import session
from orchestrator.planning.session import Request
from orchestrator.planning.until import Until
from orchestrator.telling.progress import LOUD, QUIET, USUAL


class DataChoice(StrEnum):
    """The scopes a user can ask for."""

    fixed = "fixed"
    redrawn = "redrawn"
    both = "both"


class EngineChoice(StrEnum):
    """The engines a user can ask for."""

    compiled = "compiled"
    fit = "fit"


class BackendChoice(StrEnum):
    """The backends that `--engine fit` runs on."""

    jax = "jax"
    tensorflow = "tensorflow"


class FormatChoice(StrEnum):
    """What `report` can give."""

    html = "html"
    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


class TextChoice(StrEnum):
    """What `diagnose` can give."""

    text = "text"
    json = "json"


def lesson_names(incomplete: str) -> list[str]:
    """What a shell offers where a lesson is asked for."""
    return [
        name for name in ("all", "atlas", *(source.id for source in catalog.built_in())) if name.startswith(incomplete)
    ]


Lessons = Annotated[
    list[str],
    typer.Argument(
        help="all, ids, numbers, or paths of lesson files (a lesson file is code, and is run)",
        autocompletion=lesson_names,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="only what went wrong, the verdicts, and where the report is")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="each shard, too, as it begins and ends")]
Seeds = Annotated[
    str | None,
    typer.Option("--seeds", help="how many (30 is the total), or which: 100-103 or 0-9,12", show_default=seeds.DEFAULT),
]
DataOption = Annotated[DataChoice, typer.Option(help="the course's own data set, a new one per seed, or both")]
RESULTS = "results"  # where --out is, unless it is given
Out = Annotated[str, typer.Option(help="the results folder: a path, or a URI such as s3://bucket/prefix")]
EngineOption = Annotated[
    EngineChoice, typer.Option(help="one compiled program per block of seeds, or Keras's fit, seed by seed")
]
Backend = Annotated[BackendChoice, typer.Option(help="for --engine fit")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="an argument for fit, such as epochs=20; repeat for more")
]


UntilDecided = Annotated[
    bool,
    typer.Option("--until-decided", help="look at 16, 32, 64, 128 and the most seeds; open comparisons alone go on"),
]
UntilPrecise = Annotated[
    float | None,
    typer.Option(
        "--until-precise",
        help="go on until an interval is so wide at most, in the measure's units (for a ratio of spreads: its logarithm)",
    ),
]
MaxSeeds = Annotated[
    int | None, typer.Option("--max-seeds", help="the most seeds a comparison gets (200)", show_default=False)
]


def positive(value: float | None) -> float | None:
    """Refuse what is not above 0."""
    if value is not None and not value > 0:
        raise typer.BadParameter(f"{value:g} is not above 0")
    return value


def fraction(value: float | None) -> float | None:
    """Refuse what Ray can't count: below 0, or finer than a ten-thousandth."""
    if value is not None and not (value >= 0 and round(value, 4) == value):
        raise typer.BadParameter(f"{value:g} is not a number from 0 on, with four decimals at most")
    return value


def share(value: float | None) -> float | None:
    """Refuse what is not above 0, or what Ray can't count."""
    return positive(fraction(value))


Address = Annotated[
    str | None, typer.Option(help="a Ray cluster; without it one is started here", envvar="RAY_ADDRESS")
]
Workers = Annotated[int | None, typer.Option(help="processes, where Ray is started here (one per core)", min=1)]
Timeout = Annotated[float | None, typer.Option(help="seconds after which a shard is ended", callback=positive)]


def loudness(quiet: bool, verbose: bool) -> int:
    """How much a command tells.

    Raises:
        UsageError: both were asked for.
    """
    if quiet and verbose:
        raise UsageError("--quiet and --verbose: give one of them")
    return QUIET if quiet else LOUD if verbose else USUAL


def examples(*commands: str) -> str:
    """The end of a verb's help."""
    lines = "\n".join(f"  python -m orchestrator {command}" for command in commands)
    return f"\b\nExamples:\n{lines}"


def parse_settings(words: list[str] | None) -> dict[str, Any]:
    """`name=value` words as arguments for `fit`.

    Raises:
        UsageError: not of that form, or not an argument that `fit` takes.
    """
    found: dict[str, Any] = {}
    for word in words or []:
        name, equals, text = word.partition("=")
        if not equals or name not in SETTABLE:
            raise UsageError(f"--set {word[:60]}: give name=value with a name from {', '.join(SETTABLE)}")
        try:
            found |= literals.read({name: text})
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise UsageError(
                f"--set {name}={text[:60]}: that is no number, True, False, or other Python literal"
            ) from None
    return found


def request(
    lessons: list[str],
    wanted: str | None,
    data: DataChoice,
    engine: EngineChoice,
    backend: BackendChoice,
    settings: list[str] | None,
    until: Until | None,
    **more: Any,
) -> Request:
    """The user's words as a request; reads text, loads no training library."""
    return Request(
        tuple(catalog.find(lessons)),
        tuple(range(until.first)) if until else seeds.parse(wanted or seeds.DEFAULT),
        session.scopes_of(data),
        session.engine_of(engine.value, backend.value),
        parse_settings(settings),
        command=provenance.command_line(),
        until=until,
        **more,
    )
