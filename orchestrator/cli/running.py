"""The verbs that train, and the one that says what would train: run, retry, plan."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import typer

from orchestrator.cli import ahead, chances
from orchestrator.cli.ending import INTERRUPTED, end_with
from orchestrator.cli.interrupts import interruptible
from orchestrator.cli.options import (
    RESULTS,
    Address,
    Backend,
    BackendChoice,
    DataChoice,
    DataOption,
    EngineChoice,
    EngineOption,
    Lessons,
    MaxSeeds,
    Out,
    Quiet,
    Seeds,
    Settings,
    Timeout,
    UntilDecided,
    UntilPrecise,
    Verbose,
    Workers,
    fraction,
    loudness,
    positive,
    request,
    share,
)
from orchestrator.cli.printing import complaints, console, say
from orchestrator.command import command as one
from orchestrator.command import places, remarks
from orchestrator.errors import UsageError
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.planning.session import Executor, Request
from orchestrator.planning.until import until_of
from orchestrator.store import Store
from orchestrator.telling import listing, verdicts
from orchestrator.telling import status as statuses
from orchestrator.telling.failures import by_cause
from orchestrator.telling.progress import QUIET, STOPPED
from orchestrator.telling.screen import ConsoleScreen


def run(
    lessons: Lessons,
    wanted: Seeds = None,
    until_decided: UntilDecided = False,
    until_precise: UntilPrecise = None,
    max_seeds: MaxSeeds = None,
    data: DataOption = DataChoice.both,
    out: Out = RESULTS,
    engine: EngineOption = EngineChoice.compiled,
    backend: Backend = BackendChoice.jax,
    settings: Settings = None,
    address: Address = None,
    workers: Workers = None,
    cpus_per_shard: Annotated[float, typer.Option(help="processors a shard asks Ray for", callback=share)] = 1.0,
    gpus_per_shard: Annotated[
        float | None,
        typer.Option(help="GPUs, or a fraction of one (0.25 where the cluster has any)", callback=fraction),
    ] = None,
    timeout: Timeout = None,
    retries: Annotated[int, typer.Option(help="how often a shard is sent again when its machine fails", min=0)] = 3,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="begin nothing after the first failed run")] = False,
    serial: Annotated[bool, typer.Option("--serial", help="train in this process, without Ray: for debugging")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="train and write the tables only")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train what is missing, write the tables, build the report, say the verdicts."""
    loud = loudness(quiet, verbose)
    until = until_of(until_decided, until_precise, max_seeds, wanted)
    asked = request(
        lessons, wanted, data, engine, backend, settings, until, fail_fast=fail_fast, timeout=timeout, serial=serial
    )
    options = {
        "address": address,
        "workers": workers,
        "cpus": cpus_per_shard,
        "gpus": gpus_per_shard,
        "retries": retries,
    }
    store, screen = Store(out), ConsoleScreen(console, loud)
    start = places.here if serial else lambda: places.on_ray(asked, options, store, say)
    end_with(lambda: carry_out(asked, store, start, screen, not no_report))


def carry_out(
    asked: Request, store: Store, start: Callable[[], Executor], screen: ConsoleScreen, report_too: bool = True
) -> int:
    """Run it, and say how it ended; returns the exit code."""
    ended = one.run(asked, store, start, screen, report_too, interruptible)
    for line in by_cause(ended.failed, store):
        screen.say(line, QUIET)
    if ended.built:
        screen.console.print(verdicts.lines(ended.built.results, screen.console.width))
        screen.console.print(verdicts.where("report", store.report, ended.built.unnoted))
    if not ended.whole:
        screen.say(f"{STOPPED}: {asked.command}", QUIET)
        return INTERRUPTED
    for line in remarks.missing(ended.missing):
        screen.say(line, QUIET)
    return 1 if ended.failed or ended.missing else 0


def retry(
    lessons: Annotated[
        list[str] | None,
        typer.Argument(help="the lesson files of the last command, which are run; without them you are asked"),
    ] = None,
    out: Out = RESULTS,
    yes: Annotated[bool, typer.Option("--yes", help="run the lesson files that the folder names, unasked")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="the failed runs; there is nothing else to retry")] = True,
    address: Address = None,
    workers: Workers = None,
    timeout: Timeout = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train the failed runs of the last command again."""
    loud = loudness(quiet, verbose)
    store = Store(out)
    if nothing := statuses.nothing_failed(store):
        say(*nothing)
        return
    again = frozenset({"failed"} if failed else ())
    agree = (lambda _: None) if yes else (lambda paths: confirm(paths, store))
    asked = session.last_request(store, catalog.find(lessons or []), agree, again, timeout)
    options = {"address": address, "workers": workers}
    start = partial(places.on_ray, asked, options, store, say)
    end_with(lambda: carry_out(asked, store, start, ConsoleScreen(console, loud)))


def confirm(paths: Sequence[str], store: Store) -> None:
    """Have the user agree to run these lesson files.

    Raises:
        UsageError: nobody can be asked, or they said no.
    """
    files = shlex.join(paths)
    if not sys.stdin.isatty():
        raise UsageError(
            f"{store.provenance} names {files}, and retry would run that code; where you trust it, name it:"
            f" `python -m orchestrator retry {files} --out {store.root}`, or give --yes"
        )
    say(f"{store.provenance} names these lesson files, and retry runs them as code:", *(f"  {path}" for path in paths))
    if not typer.confirm("Run them?"):
        raise UsageError("nothing was run")


def plan(
    lessons: Lessons,
    wanted: Seeds = None,
    until_decided: UntilDecided = False,
    until_precise: UntilPrecise = None,
    max_seeds: MaxSeeds = None,
    data: DataOption = DataChoice.both,
    out: Out = RESULTS,
    engine: EngineOption = EngineChoice.compiled,
    backend: Backend = BackendChoice.jax,
    settings: Settings = None,
    sd: Annotated[
        float | None,
        typer.Option("--sd", help="scatter of a pair's difference, for the chance of each verdict", callback=positive),
    ] = None,
) -> None:
    """Say what `run` would train, what is stored, and why; and what more seeds would show, where scatter is known."""
    until = until_of(until_decided, until_precise, max_seeds, wanted)
    asked, store = request(lessons, wanted, data, engine, backend, settings, until), Store(out)
    with complaints.status("loading lessons") as shown:
        made = session.prepare(asked, store, shown.update)
    say(*remarks.of_plan(made))
    console.print(listing.of_plan(made.plan))
    runs, rows = ahead.stored(store) if until or not sd else (None, [])
    if until:
        say(*ahead.ahead(made.plan.jobs, until, runs, rows))
    if found := list(chances.chances(made.descriptions, rows, sd)):
        console.print(listing.of_chances(found, chances.SEEDS))
