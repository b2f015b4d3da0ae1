"""Parses and prints. Our errors are caught here, once: one line, and an exit code."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer
from typer._click.exceptions import ClickException

from orchestrator import __version__
from orchestrator.cli import ahead, chances
from orchestrator.cli.interrupts import interruptible
from orchestrator.cli.options import (
    Address,
    Backend,
    BackendChoice,
    DataChoice,
    DataOption,
    EngineChoice,
    EngineOption,
    FormatChoice,
    Lessons,
    MaxSeeds,
    Out,
    Quiet,
    Seeds,
    Settings,
    TextChoice,
    Timeout,
    UntilDecided,
    UntilPrecise,
    Verbose,
    Workers,
    examples,
    fraction,
    loudness,
    positive,
    request,
    share,
)
from orchestrator.command import command as one
from orchestrator.command import places, provenance, remarks, results
from orchestrator.errors import OrchestratorError, StoreError, UsageError
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.planning.session import Executor, Request
from orchestrator.planning.until import until_of
from orchestrator.store import Store, older, without_secrets
from orchestrator.telling import listing, verdicts
from orchestrator.telling import status as statuses
from orchestrator.telling.failures import by_cause
from orchestrator.telling.progress import QUIET, STOPPED, spell
from orchestrator.telling.screen import ConsoleScreen
from orchestrator.telling.streams import stand_before
from orchestrator.telling.terminal import Terminal, clean

if TYPE_CHECKING:
    from io import TextIOWrapper

    from orchestrator.reports.verdicts.results import Results

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended
LINE = 80  # columns of a pipe's lines that are laid out
NAME = "python -m orchestrator"
COMPLETED = "orchestrator"
RESULTS = "results"
WIDTH = (
    None if sys.stdout and sys.stdout.isatty() else get_terminal_size((200, 24)).columns
)  # a pipe has no width to fit into

app = typer.Typer(
    help="Train every variant of a lesson over many seeds, and say what the technique really does.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("run all --seeds 30", "run my_lesson.py", "report --format table"),
)
console = Terminal(highlight=False, soft_wrap=True, width=WIDTH)
complaints = Terminal(stderr=True, highlight=False, soft_wrap=True, width=WIDTH)


def command() -> None:
    """Run the command line as `orchestrator`, a name that a shell can complete."""
    main(COMPLETED)


def main(name: str = NAME) -> None:
    """Run the command line.

    What trains goes on though nobody can be told of it, and ends with its own exit code; a command that only tells ends with 2.
    """
    out = stand_before()
    try:
        _run(name)
    except SystemExit as ended:
        out.flush()
        if ended.code or not out.lost or isinstance(out.lost, BrokenPipeError) or {"run", "retry"} & set(sys.argv):
            raise
        refuse(f"standard output can't be written: {out.lost.strerror or out.lost}", UsageError.exit_code)


def _run(name: str) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # both mean: stop
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            cast("TextIOWrapper", stream).reconfigure(errors="replace")  # not every terminal knows every sign
    if {"--install-completion", "--show-completion"} & set(sys.argv):
        name = COMPLETED
    try:
        hide_secrets()
        sys.exit(app(standalone_mode=False, prog_name=name) or 0)
    except OrchestratorError as error:
        refuse(str(error), error.exit_code)
    except ClickException as error:
        refuse(_in_one_line(error), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        refuse("interrupted", INTERRUPTED)


def refuse(text: str, code: int) -> NoReturn:
    """End with one line on what is wrong."""
    complaints.print(f"error: {text}", markup=False)
    sys.exit(code)


def _in_one_line(error: ClickException) -> str:
    """What the parser complains of, and where to read what is allowed."""
    said = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{said[:1].lower()}{said[1:]}; `{context.command_path if context else NAME} --help` says what is allowed"


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"orchestrator {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", help="say which version this is", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(UsageError.exit_code)


def end_with(work: Callable[[], int]) -> NoReturn:
    """Exit with the code that the work gives."""
    try:
        sys.exit(work())
    except KeyboardInterrupt:
        complaints.print(f"{STOPPED}: {provenance.command_line()}", markup=False)
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # at once: threads of a half-made cluster connection would hold a normal exit up


def hide_secrets() -> None:
    """Where the command line holds a credential, begin anew without it: neither `ps` nor Ray is to repeat it."""
    words = [without_secrets(word) for word in sys.orig_argv]
    if words != sys.orig_argv:
        os.execv(sys.executable, [sys.executable, *words[1:]])  # noqa: S606  this very program


def say(*lines: str) -> None:
    """Print text that may hold brackets of the user's own."""
    for line in lines:
        console.print(line, markup=False)


def caution(store: Store, facts: Mapping[str, Any]) -> None:
    """Say, beside what a command prints, where another one was begun since the one that `facts` are of, which wrote the tables."""
    for line in older(store, facts):
        complaints.print(line, markup=False)


@app.command(
    short_help="train what is missing, report, say the verdicts",
    epilog=examples(
        "run all --seeds 30", "run noise 7 --seeds 50 --workers 2", "run my_lesson.py --set epochs=20 --out quick"
    ),
)
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
        "timeout": timeout,
        "retries": retries,
    }
    store, screen = Store(out), ConsoleScreen(console, loud)
    start = places.here if serial else lambda: places.on_ray(asked.engine, options, store, say)
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


@app.command(
    short_help="what would train, what is stored, and why",
    epilog=examples("plan all --seeds 50", "plan noise --sd 0.02"),
)
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


@app.command(
    short_help="the page, the verdicts or the effects anew",
    epilog=examples("report", "report --format table", "report --format csv --out s3://bucket/results"),
)
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
        _print_as(form, built.results)
    if built.unnoted:
        complaints.print(built.unnoted, markup=False)
    caution(store, built.results.provenance)


def _print_as(form: FormatChoice, results: Results) -> None:
    if form is FormatChoice.json:
        sys.stdout.write(clean(results.table.to_json(orient="records", indent=1)) + "\n")
    elif form is FormatChoice.csv:
        sys.stdout.write(clean(results.table.to_csv(index=False)))
    elif form is FormatChoice.markdown:
        sys.stdout.write(verdicts.markdown(results))
    else:
        console.print(verdicts.lines(results, min(console.width, LINE) if WIDTH else console.width, full=True))


@app.command(
    "list", short_help="the lessons, or the runs of one status", epilog=examples("list", "list --status failed")
)
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


@app.command(
    short_help="a lesson's stored runs and their scores",
    epilog=examples("show early-stopping", "show early-stopping with --seed 3 --data fixed"),
)
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


@app.command(
    short_help="the compiled engine against Keras's own fit",
    epilog=examples("verify noise", "verify all --data fixed --no-tensorflow"),
)
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


@app.command(
    short_help="train the last command's failed runs again",
    epilog=examples("retry", "retry my_lesson.py --timeout 600"),
)
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
    options = {"address": address, "workers": workers, "timeout": timeout}
    start = partial(places.on_ray, asked.engine, options, store, say)
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


@app.command(
    short_help="how far a run is, while it runs and after",
    epilog=examples("status", "status --out s3://bucket/results"),
)
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


@app.command(
    short_help="what kind of problem a training log shows",
    epilog=examples("diagnose history.json", "diagnose run-*.csv --html page.html", "diagnose"),
)
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


@app.command(
    short_help="is everything here that a run needs", epilog=examples("doctor", "doctor --address 10.0.0.1:6379")
)
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
