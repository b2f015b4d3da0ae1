"""The verb that judges results made elsewhere."""

from __future__ import annotations

import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import typer

from orchestrator.cli.looking import print_as
from orchestrator.cli.options import FormatChoice
from orchestrator.cli.printing import complaints
from orchestrator.command import provenance
from orchestrator.errors import UsageError
from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.telling import verdicts

NOT_MET = 3
Way = Literal["higher", "lower"]


class Scope(StrEnum):
    """What data the runs had."""

    fixed = "fixed"
    redrawn = "redrawn"


class Form(StrEnum):
    """What `judge` can print."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


class Required(StrEnum):
    """What a side can be held to."""

    improves = "improves"
    no_harm = "no-harm"


def judge(
    baseline: Annotated[
        str, typer.Argument(help="runs as they were: a file, a pattern in quotation marks, or a results folder")
    ],
    candidate: Annotated[
        str, typer.Argument(help="runs with what is in question; `FILE?column=value` takes some rows of a file")
    ],
    endpoint: Annotated[str, typer.Option(help="the column that decides")],
    better: Annotated[Way, typer.Option(help="which way it is better")],
    sesoi: Annotated[float, typer.Option(help="the smallest effect that matters, in the column's units")],
    guard: Annotated[
        str | None,
        typer.Option(
            help="what must not get worse, as column,higher,0.1: which way is better, and from where on a loss matters"
        ),
    ] = None,
    seed: Annotated[
        str | None, typer.Option(help="the column that tells runs apart; without, one that is called seed")
    ] = None,
    unpaired: Annotated[bool, typer.Option("--unpaired", help="no run belongs with one of the other side")] = False,
    data: Annotated[
        Scope, typer.Option(help="whether all runs had the same data, or every seed drew its own")
    ] = Scope.fixed,
    ledger: Annotated[
        Path | None, typer.Option(help="a file that keeps the looks at this question, so that they count")
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="lines or Markdown, or every effect as JSON or CSV")
    ] = Form.table,
    html: Annotated[Path | None, typer.Option(help="also write the page here")] = None,
    require: Annotated[
        Required | None, typer.Option(help="exit code 3 unless this is shown; a broken guard fails it")
    ] = None,
) -> None:
    """Judge results that were made elsewhere: candidate against baseline, in the words of the page."""
    from orchestrator.command import referee  # noqa: PLC0415  statistics take a second to load
    from orchestrator.command.user_files import check_page  # noqa: PLC0415

    asked = referee.Question(
        referee.check(Endpoint(endpoint, better, sesoi)),
        referee.check(_guard(guard)) if guard is not None else None,
        seed,
        not unpaired,
        data.value,
    )
    if html:
        check_page(html, "--html")  # before the look is taken
    found = referee.judge(baseline, candidate, asked, ledger, provenance.command_line())
    if html:
        referee.write_page(found, html)
    print_as(FormatChoice(form.value), found)
    for remark in found.provenance["notices"]:
        complaints.print(remark, markup=False)
    if html:
        complaints.print(verdicts.where("page", html))
    if require and not referee.is_met(found, require.value):
        complaints.print(f"not met: --require {require.value}", markup=False)
        sys.exit(NOT_MET)


def _guard(text: str) -> Endpoint:
    measure, better, sesoi = ("", *text.rsplit(",", 2))[-3:] if text.count(",") >= 2 else ("", "", "")
    try:
        matters = float(sesoi)
    except ValueError:
        matters = math.nan
    if not measure or better not in get_args(Way) or math.isnan(matters):
        raise UsageError(f"--guard {text}: expected column,higher,0.1 or column,lower,0.1")
    return Endpoint(measure, cast("Way", better), matters)
