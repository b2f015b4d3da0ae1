"""Parses and prints. Our errors are caught here, once: one line, exit code 2."""

from __future__ import annotations

import ast
import os
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from orchestrator import catalog, seeds, session
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.lesson import SCOPES, Scope
from orchestrator.plan import Plan
from orchestrator.session import Executor, Prepared, Request
from orchestrator.store import Store

FIT_ARGUMENTS = (
    "epochs",
    "batch_size",
    "shuffle",
    "validation_batch_size",
    "class_weight",
    "steps_per_epoch",
    "validation_steps",
    "validation_freq",
)
INTERRUPTED = 130

app = typer.Typer(
    help="Train every variant of a lesson over many seeds, and say what the technique really does.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
WIDE = None if sys.stdout.isatty() else 200  # a pipe has no width to fit into
console = Console(highlight=False, soft_wrap=True, width=WIDE)
complaints = Console(stderr=True, highlight=False, soft_wrap=True, width=WIDE)


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
    json = "json"
    csv = "csv"


Lessons = Annotated[
    list[str], typer.Argument(help="all, ids, numbers, or paths of lesson files (a lesson file is code, and is run)")
]
Seeds = Annotated[str, typer.Option("--seeds", help="how many (30 is the total), or which: 100-103 or 0-9,12")]
DataOption = Annotated[DataChoice, typer.Option(help="the course's own data set, a new one per seed, or both")]
Out = Annotated[Path, typer.Option(help="the results folder")]
EngineOption = Annotated[
    EngineChoice, typer.Option(help="one compiled program per block of seeds, or Keras's fit, seed by seed")
]
Backend = Annotated[BackendChoice, typer.Option(help="for --engine fit")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="an argument for fit, such as epochs=20; repeat for more")
]


def positive(value: float | None) -> float | None:
    """Refuse what is not above 0."""
    if value is not None and not value > 0:
        raise typer.BadParameter(f"{value:g} is not above 0")
    return value


def not_negative(value: float | None) -> float | None:
    """Refuse what is below 0."""
    if value is not None and not value >= 0:
        raise typer.BadParameter(f"{value:g} is below 0")
    return value


Address = Annotated[
    str | None, typer.Option(help="a Ray cluster; without it one is started here", envvar="RAY_ADDRESS")
]
Workers = Annotated[int | None, typer.Option(help="processes, where Ray is started here (one per core)", min=1)]
Timeout = Annotated[float | None, typer.Option(help="seconds after which a shard is ended", callback=positive)]


def main() -> None:
    """Run the command line."""
    try:
        app()
    except OrchestratorError as error:
        complaints.print(f"error: {error}", markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        complaints.print("interrupted; the same command goes on from here")
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # at once: threads of a half-made cluster connection would hold a normal exit up


def parse_settings(words: list[str] | None) -> dict[str, Any]:
    """`name=value` words as arguments for `fit`.

    Raises:
        UsageError: not of that form, or not an argument that `fit` takes.
    """
    found = {}
    for word in words or []:
        name, equals, text = word.partition("=")
        if not equals or name not in FIT_ARGUMENTS:
            raise UsageError(f"--set {word}: give name=value with a name from {', '.join(FIT_ARGUMENTS)}")
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            raise UsageError(f"--set {word}: {text!r} is no number, True, False, or other Python literal") from None
    return found


def scopes_of(data: DataChoice) -> tuple[Scope, ...]:
    """The scopes that `--data` means."""
    return tuple(scope for scope in SCOPES if data in (DataChoice.both, scope))


def request(
    lessons: list[str],
    wanted: str,
    data: DataChoice,
    engine: EngineChoice,
    backend: BackendChoice,
    settings: list[str] | None,
    **more: Any,
) -> Request:
    """The user's words as a request; reads text, loads no training library."""
    scopes = scopes_of(data)
    name = "compiled" if engine is EngineChoice.compiled else f"fit-{backend.value}"
    return Request(
        tuple(catalog.find(lessons)),
        seeds.parse(wanted),
        scopes,
        name,
        parse_settings(settings),
        command=session.command_line(),
        **more,
    )


@app.command()
def run(
    lessons: Lessons,
    wanted: Seeds = "30",
    data: DataOption = DataChoice.both,
    out: Out = Path("results"),
    engine: EngineOption = EngineChoice.compiled,
    backend: Backend = BackendChoice.jax,
    settings: Settings = None,
    address: Address = None,
    workers: Workers = None,
    cpus_per_shard: Annotated[float, typer.Option(help="processors a shard asks Ray for", callback=positive)] = 1.0,
    gpus_per_shard: Annotated[
        float | None,
        typer.Option(help="GPUs, or a fraction of one (0.25 where the cluster has any)", callback=not_negative),
    ] = None,
    timeout: Timeout = None,
    retries: Annotated[
        int, typer.Option(help="how often a shard is sent again when its machine fails", callback=not_negative)
    ] = 3,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="begin nothing after the first failed run")] = False,
    serial: Annotated[bool, typer.Option("--serial", help="train in this process, without Ray: for debugging")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="train and write the tables only")] = False,
) -> None:
    """Train what is missing, write the tables, build the report."""
    asked = request(lessons, wanted, data, engine, backend, settings, fail_fast=fail_fast)
    options = {
        "address": address,
        "workers": workers,
        "cpus": cpus_per_shard,
        "gpus": gpus_per_shard,
        "timeout": timeout,
        "retries": retries,
    }
    _run(asked, Store(out), _serial if serial else lambda: _ray(asked, options), no_report)


def _serial() -> Executor:
    from orchestrator.local import Serial  # noqa: PLC0415

    return Serial()


def _ray(asked: Request, options: dict[str, Any]) -> Executor:
    from orchestrator.driver import Driver, Options  # noqa: PLC0415  importing Ray takes a second

    driver = Driver(Options(**options))
    driver.warm(asked.engine)
    return driver


def _run(asked: Request, store: Store, start: Callable[[], Executor], no_report: bool) -> None:
    begun = time.time()
    timings: dict[str, float] = {}
    store.prepare()
    with store.locked(asked.command):
        with session.clock(timings, "start"):
            prepared, place = session.prepare_and_start(
                lambda: session.prepare(asked, store), start, early=store.is_empty()
            )
        _tell(prepared)
        whole = True
        resources: dict[str, float] = {}
        if place:
            store.write_provenance(session.provenance(asked, prepared, begun, timings, {}))
            try:
                with session.clock(timings, "train"):
                    whole = session.execute(prepared, asked, store, place, console, timings)
                resources = getattr(place, "resources", dict)()
            finally:
                place.close()
        _finish(asked, prepared, store, begun, timings, resources, whole, no_report)


def _finish(
    asked: Request,
    prepared: Prepared,
    store: Store,
    begun: float,
    timings: dict[str, float],
    resources: dict[str, float],
    whole: bool,
    no_report: bool,
) -> None:
    with session.clock(timings, "write"):
        failed = store.write_tables(prepared.plan.jobs, asked.seeds, prepared.descriptions)
    store.write_provenance(session.provenance(asked, prepared, begun, timings, resources))
    if not no_report and whole:
        with session.clock(timings, "report"):
            session.report(store)
        console.print(f"report: {store.report}", markup=False)
    console.print(
        ", ".join(f"{name} {seconds:.1f} s" for name, seconds in timings.items())
        + f"; {time.time() - begun:.1f} s in all"
    )
    if not whole:
        console.print("interrupted; the same command goes on from here")
        sys.exit(INTERRUPTED)
    sys.exit(1 if failed else 0)


def _tell(prepared: Prepared) -> None:
    made: Plan = prepared.plan
    new = f"{len(made.shards)} shards to train" if made.shards else "nothing to train"
    console.print(f"{made.runs} runs asked for, {made.stored} stored, {made.shared} shared with another lesson; {new}")
    for job in {job.key: job for job in made.jobs if job.reason}.values():
        console.print(f"{job.name} runs through fit, not compiled: {job.reason}", markup=False)


@app.command()
def plan(
    lessons: Lessons,
    wanted: Seeds = "30",
    data: DataOption = DataChoice.both,
    out: Out = Path("results"),
    engine: EngineOption = EngineChoice.compiled,
    backend: Backend = BackendChoice.jax,
    settings: Settings = None,
) -> None:
    """Say what `run` would train, what is stored, and why."""
    asked = request(lessons, wanted, data, engine, backend, settings)
    prepared = session.prepare(asked, Store(out))
    _tell(prepared)
    table = Table("lesson", "variant", "data", "key", "engine", "to train", "why", box=None)
    by_key: dict[str, list[Any]] = {}
    for shard in prepared.plan.shards:
        by_key.setdefault(shard.job.key, []).append(shard)
    trained: set[str] = set()
    for job in prepared.plan.jobs:
        shards = by_key.get(job.key, [])
        count = sum(len(s.seeds) for s in shards)
        why = "stored" if not shards else f"trained for {shards[0].job.name}" if job.key in trained else shards[0].why
        table.add_row(
            job.lesson, job.variant, job.data, job.key[:10], job.engine, "0" if job.key in trained else str(count), why
        )
        trained.add(job.key)
    console.print(table)


@app.command()
def report(
    out: Out = Path("results"),
    form: Annotated[
        FormatChoice, typer.Option("--format", help="the page, or the effects on standard output")
    ] = FormatChoice.html,
) -> None:
    """Build the report anew from the tables alone."""
    store = Store(out)
    if form is FormatChoice.html:
        session.report(store)
        console.print(f"report: {store.report}", markup=False)
        return
    runs, histories, lessons, _ = store.load()
    effects = session.effects_of(runs, histories, lessons)
    if form is FormatChoice.json:
        sys.stdout.write(effects.to_json(orient="records", indent=1) + "\n")
    elif form is FormatChoice.csv:
        effects.to_csv(sys.stdout, index=False)
    else:
        _print_effects(effects)


def _print_effects(effects: Any) -> None:
    table = Table("lesson", "variant", "data", "measure", "effect", "95 % interval", "verdict", box=None)
    for row in effects[effects.primary].to_dict("records"):
        numbers = [f"{row[name]:+.4g}" for name in ("effect", "low", "high")]
        table.add_row(
            row["lesson"],
            row["variant"],
            row["data"],
            f"{row['statistic']} of {row['measure']}",
            numbers[0],
            f"{numbers[1]} to {numbers[2]}",
            row["verdict"],
        )
    console.print(table)


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="runs with this status: ok, diverged, failed or timeout")] = None,
    out: Out = Path("results"),
) -> None:
    """List the lessons, or the runs that ended in a certain way."""
    if status is None:
        table = Table("number", "lesson", "question", box=None)
        for source in catalog.built_in():
            table.add_row(str(source.number), source.id, source.question)
        console.print(table)
        return
    if status not in ("ok", "diverged", "failed", "timeout"):
        raise UsageError(f"--status {status}: there are ok, diverged, failed and timeout")
    runs = Store(out).load()[0]
    table = Table("lesson", "variant", "data", "seed", "status", "epochs", "error", box=None)
    for row in runs[runs.status == status].itertuples():
        table.add_row(
            *(str(getattr(row, name)) for name in ("lesson", "variant", "data", "seed", "status", "epochs", "error"))
        )
    console.print(table)


@app.command()
def show(
    lesson: Annotated[str, typer.Argument(help="a lesson's id or number")],
    variant: Annotated[str | None, typer.Argument(help="one of its variants")] = None,
    seed: Annotated[int | None, typer.Option(help="one seed")] = None,
    data: Annotated[DataChoice, typer.Option(help="one scope, or both")] = DataChoice.both,
    out: Out = Path("results"),
) -> None:
    """Show a lesson's stored runs: scores, or why there are none and where the traceback lies."""
    store = Store(out)
    runs, _, lessons, _ = store.load()
    known = {str(name): one["id"] for one in lessons for name in (one["id"], one["number"])}
    if lesson not in known:
        raise UsageError(f"no lesson {lesson!r} in {store.root}; it holds {', '.join(one['id'] for one in lessons)}")
    chosen = runs[runs.lesson == known[lesson]]
    if variant is not None:
        chosen = chosen[chosen.variant == variant]
    if seed is not None:
        chosen = chosen[chosen.seed == seed]
    if data is not DataChoice.both:
        chosen = chosen[chosen.data == data.value]
    if chosen.empty:
        raise UsageError(
            f"no run of {known[lesson]!r} fits; its variants are {', '.join(runs[runs.lesson == known[lesson]].variant.unique())}"
        )
    scores = [
        name for name in chosen.columns if name.startswith(("train_", "test_", "fresh_")) and chosen[name].notna().any()
    ]
    table = Table("variant", "data", "seed", "status", "epochs", *scores, box=None)
    for row in chosen.to_dict("records"):
        table.add_row(
            row["variant"],
            row["data"],
            str(row["seed"]),
            row["status"],
            str(row["epochs"]),
            *(f"{row[name]:.4f}" for name in scores),
        )
    console.print(table)
    for row in chosen[chosen.error.notna()].to_dict("records"):
        path = store.traceback_path(row["key"], row["seed"])
        where = f" ({path})" if path.exists() else ""
        console.print(f"{row['variant']} {row['data']} seed {row['seed']}: {row['error']}{where}", markup=False)


@app.command()
def verify(
    lessons: Lessons,
    data: DataOption = DataChoice.both,
    epochs: Annotated[int, typer.Option(help="epochs compared with fit on JAX", min=1)] = 100,
    tensorflow: Annotated[bool, typer.Option(help="compare with fit on TensorFlow, too")] = True,
) -> None:
    """Compare the compiled engine with Keras's own fit; exit code 1 when a comparison fails."""
    from orchestrator import engine  # noqa: PLC0415

    sources = catalog.find(lessons)
    engine.load()
    from orchestrator.engine import verify as checks  # noqa: PLC0415  imports Keras

    scopes = scopes_of(data)
    both = [(source, catalog.load(source)) for source in sources]
    row = "{:24} {:12} {:8} {:18} {:>6} {:>10} {:>10}  {}"
    console.print(row.format("lesson", "variant", "data", "against", "epochs", "loss", "accuracy", "verdict"))
    failed = 0
    for c in checks.verify(both, scopes, epochs, tensorflow):
        numbers = ["" if gap is None else f"{gap:.1e}" for gap in (c.loss, c.accuracy)]
        verdict = ("holds" if c.holds else "FAILS") if not c.note else f"{'' if c.holds else 'FAILS: '}{c.note}"
        console.print(row.format(c.lesson, c.variant, c.data, c.against, c.epochs, *numbers, verdict), markup=False)
        failed += not c.holds
    console.print(f"{failed} comparisons failed" if failed else "every comparison holds")
    sys.exit(1 if failed else 0)


@app.command()
def retry(
    out: Out = Path("results"),
    failed: Annotated[bool, typer.Option("--failed", help="the failed runs (there is nothing else to retry)")] = True,
    address: Address = None,
    workers: Workers = None,
    timeout: Timeout = None,
) -> None:
    """Train the failed runs of the last command again."""
    store = Store(out)
    last = store.last()
    sources = tuple(catalog.find(last["lessons"]))
    what = frozenset({"failed"} if failed else ())
    asked = Request(
        sources,
        tuple(last["seeds"]),
        tuple(last["scopes"]),
        last["engine"],
        last["settings"],
        what,
        command=last["command"],
    )
    _run(
        asked, store, lambda: _ray(asked, {"address": address, "workers": workers, "timeout": timeout}), no_report=False
    )


@app.command()
def status(
    out: Out = Path("results"),
) -> None:
    """Say how far a run is, from its folder alone: while it runs and after."""
    from orchestrator.status import status as look  # noqa: PLC0415

    found = look(Store(out))
    console.print(f"{found.command}\ndriver: {found.driver}", markup=False)
    columns = ("ok", "diverged", "failed", "timeout", "waiting")
    table = Table("lesson", *columns, box=None)
    for lesson, count in found.lessons.items():
        table.add_row(lesson, *(str(count.get(name, 0)) for name in columns))
    console.print(table)
    for line in found.running:
        console.print(f"running: {line}", markup=False)
    if found.left is not None:
        console.print(f"{found.rate:.0f} runs a minute, about {found.left:.0f} s left")
    if found.driver == "dead":
        console.print("the driver died; the same command goes on from here")


@app.command()
def diagnose(
    file: Annotated[
        Path | None,
        typer.Argument(help="a Keras history (history.history as JSON or CSV); without it, the runs in --out"),
    ] = None,
    out: Out = Path("results"),
) -> None:
    """Name what kind of problem a model has, and what treats it as measured here."""
    store = Store(out)
    known = []
    if file is None or store.effects.exists():
        runs, histories, lessons, _ = store.load()
        effects = session.effects_of(runs, histories, lessons)
    from reports import diagnosis, keras_history  # noqa: PLC0415  statistics take a second to load

    if file is None:
        found = diagnosis.variants(histories, effects, lessons)
    else:
        known = diagnosis.techniques(effects, lessons) if store.effects.exists() else []
        try:
            found = [diagnosis.diagnose(keras_history.parse(file.read_text(), file.name), file.name, known)]
        except OSError as error:
            raise UsageError(f"{file} can't be read: {error.strerror}") from None
        except ValueError as error:
            raise UsageError(str(error)) from None
    console.print("\n\n".join(diagnosis.render(one) for one in found), markup=False)


@app.command()
def doctor(
    out: Out = Path("results"),
    address: Address = None,
) -> None:
    """Check what a run needs, here and on every node; exit code 1 when something is missing."""
    from orchestrator import health  # noqa: PLC0415

    problems = 0
    for check in health.checks(Store(out), address):
        console.print(f"{'ok     ' if check.good else 'PROBLEM'}  {check.what}", markup=False)
        problems += not check.good
    sys.exit(1 if problems else 0)
