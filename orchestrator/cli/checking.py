"""The verbs that examine something: verify the engine, diagnose a training, doctor the machine."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import RESULTS, Address, DataChoice, DataOption, Lessons, Out, TextChoice
from orchestrator.cli.printing import caution, say
from orchestrator.errors import StoreError, UsageError
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.store import Store


def verify(
    lessons: Lessons,
    data: DataOption = DataChoice.both,
    epochs: Annotated[
        int, typer.Option(help="epochs compared with fit on JAX; all where a callback waits for a curve to turn", min=1)
    ] = 100,
    tensorflow: Annotated[bool, typer.Option(help="compare with fit on TensorFlow, too")] = True,
) -> None:
    """Compare the compiled engine with Keras's own fit; exit code 1 when a comparison fails."""
    from orchestrator import engine  # noqa: PLC0415

    sources = catalog.find(lessons)
    engine.load()
    from orchestrator.command import verify as checks  # noqa: PLC0415  imports Keras

    say(checks.HEADER)
    made = []
    for check in checks.verify(sources, session.scopes_of(data), epochs, tensorflow):
        say(str(check))
        made.append(check)
    failed = sum(not check.holds for check in made)
    say(f"{failed} comparisons failed" if failed else "every comparison holds")
    sys.exit(1 if failed else 0)


def diagnose(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="training logs in any usual form, - for standard input; several are several seeds; none: the runs in --out"
        ),
    ] = None,
    out: Out = RESULTS,
    form: Annotated[TextChoice, typer.Option("--format", help="lines to read, or an object")] = TextChoice.text,
    html: Annotated[Path | None, typer.Option(help="also write a page with the curves here")] = None,
    classes: Annotated[int | None, typer.Option(help="how many classes there are", min=2)] = None,
    majority: Annotated[
        float | None, typer.Option(help="share of the most frequent class, 0 to 1", min=0, max=1)
    ] = None,
) -> None:
    """Name what kinds of problem a model has, how far from healthy it is, and what treats them as measured here."""
    from orchestrator.command import diagnosis  # noqa: PLC0415  statistics take a second to load
    from orchestrator.reports.diagnosis.task import Task  # noqa: PLC0415

    store = Store(out)
    if not files:
        if html or classes or majority is not None:
            raise UsageError(
                "--html, --classes and --majority go with a training log; the runs in --out have report.html"
            )
        found = diagnosis.of_results(store)
        say(diagnosis.as_json(found) if form is TextChoice.json else "\n\n".join(map(diagnosis.as_text, found)))
        caution(store, store.load_runs().facts)
        return
    one, records = diagnosis.of_files(files, store, Task(classes=classes, guess=majority))
    if html:
        diagnosis.write_page(one, records, html)
    say(diagnosis.as_json(one) if form is TextChoice.json else diagnosis.as_text(one))
    if html and form is TextChoice.text:
        say(f"page: {html}")
    with suppress(StoreError):  # a log is diagnosed without any table, too
        caution(store, store.load_runs().facts)


def doctor(
    out: Out = RESULTS,
    address: Address = None,
) -> None:
    """Check what a run needs, here and on every node; exit code 1 when something is missing."""
    from orchestrator.workers import health  # noqa: PLC0415

    problems = 0
    for check in health.checks(Store(out), address):
        say(f"{'ok     ' if check.good else 'PROBLEM'}  {check.what}")
        problems += not check.good
    sys.exit(1 if problems else 0)
