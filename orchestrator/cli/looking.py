"""The verbs that tell of what a folder holds: report, list, show, status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import RESULTS, DataChoice, FormatChoice, Out
from orchestrator.cli.printing import COLUMNS, caution, complaints, console, say
from orchestrator.command import results
from orchestrator.errors import UsageError
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.store import Store
from orchestrator.telling import listing, verdicts
from orchestrator.telling import status as statuses
from orchestrator.telling.progress import spell
from orchestrator.telling.terminal import clean

if TYPE_CHECKING:
    from orchestrator.reports.verdicts.results import Results

LINE = 80  # columns of a pipe's lines that are laid out


def report(
    out: Out = RESULTS,
    form: Annotated[
        FormatChoice,
        typer.Option("--format", help="the page; the verdicts as lines or as Markdown; or every effect as JSON or CSV"),
    ] = FormatChoice.html,
) -> None:
    """Build the report anew from the tables alone."""
    store = Store(out)
    with complaints.status("building the report" if form is FormatChoice.html else "computing the effects"):
        built = (results.report if form is FormatChoice.html else results.results)(store)
    if form is FormatChoice.html:
        console.print(verdicts.where("report", store.report))
    else:
        print_as(form, built.results)
    if built.unnoted:
        complaints.print(built.unnoted, markup=False)
    caution(store, built.results.provenance)


def print_as(form: FormatChoice, results: Results) -> None:
    """The verdicts as lines or as Markdown, or every effect as JSON or CSV."""
    if form is FormatChoice.json:
        sys.stdout.write(clean(results.table.to_json(orient="records", indent=1)) + "\n")
    elif form is FormatChoice.csv:
        sys.stdout.write(clean(results.table.to_csv(index=False)))
    elif form is FormatChoice.markdown:
        sys.stdout.write(verdicts.markdown(results))
    else:
        console.print(verdicts.lines(results, min(console.width, LINE) if COLUMNS else console.width, full=True))


def list_(
    status: Annotated[str | None, typer.Option(help="runs with this status: ok, diverged, failed or timeout")] = None,
    out: Out = RESULTS,
) -> None:
    """List the lessons, or the runs that ended in a certain way."""
    if status is None:
        console.print(listing.of_lessons(catalog.built_in()))
        return
    if status not in listing.STATUSES:
        raise UsageError(f"--status {status}: there are {', '.join(listing.STATUSES)}")
    store = Store(out)
    found = store.load_runs()
    runs = found.frame
    console.print(listing.of_runs(runs[runs["status"] == status]))
    caution(store, found.facts)


def show(
    lesson: Annotated[str, typer.Argument(help="a lesson's id or number")],
    variant: Annotated[str | None, typer.Argument(help="one of its variants")] = None,
    seed: Annotated[int | None, typer.Option(help="one seed")] = None,
    data: Annotated[DataChoice, typer.Option(help="one scope, or both")] = DataChoice.both,
    out: Out = RESULTS,
) -> None:
    """Show a lesson's stored runs: scores, or why there are none and where the traceback lies."""
    store = Store(out)
    found = store.load_runs()
    runs = found.frame
    known = {str(name): one["id"] for one in found.lessons for name in (one["id"], one.get("number"))}
    if lesson not in known:
        raise UsageError(
            f"no lesson {lesson!r} in {store.root}; it holds {', '.join(one['id'] for one in found.lessons)}"
        )
    all_runs = runs[runs["lesson"] == known[lesson]]
    chosen = all_runs[all_runs["data"].isin(session.scopes_of(data))]
    chosen = chosen if variant is None else chosen[chosen["variant"] == variant]
    chosen = chosen if seed is None else chosen[chosen["seed"] == seed]
    if chosen.empty:
        variants = ", ".join(all_runs["variant"].unique())
        raise UsageError(f"no run of {known[lesson]!r} fits; its variants are {variants}")
    console.print(listing.of_scores(chosen, console.width))
    say(*listing.of_failures(chosen, store))
    caution(store, found.facts)


def status(
    out: Out = RESULTS,
) -> None:
    """Say how far a run is, from its folder alone: while it runs and after."""
    found = statuses.status(Store(out))
    say(found.command, f"driver: {found.driver}")
    console.print(listing.of_status(found))
    say(*found.failures, *(f"running: {line}" for line in found.running))
    if found.left is not None:
        say(f"{found.rate:.0f} runs a minute, about {spell(found.left)} left")
    say(*found.to_do, *found.strays)
