"""The command line: its verbs, and where our errors are caught, once: one line, and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer._click.exceptions import ClickException

from orchestrator import __version__
from orchestrator.cli import checking, judging, looking, running
from orchestrator.cli.ending import INTERRUPTED, refuse
from orchestrator.cli.options import examples
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.store import without_secrets
from orchestrator.telling.streams import stand_before

if TYPE_CHECKING:
    from io import TextIOWrapper

NAME = "python -m orchestrator"
COMPLETED = "orchestrator"

app = typer.Typer(
    help="Train every variant of a lesson over many seeds, and say what the technique really does.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("run all --seeds 30", "run my_lesson.py", "report --format table"),
)


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


def hide_secrets() -> None:
    """Where the command line holds a credential, begin anew without it: neither `ps` nor Ray is to repeat it."""
    words = [without_secrets(word) for word in sys.orig_argv]
    if words != sys.orig_argv:
        os.execv(sys.executable, [sys.executable, *words[1:]])  # noqa: S606  this very program


def _verb(does: Callable[..., None], short: str, *commands: str) -> None:
    """Add a verb, called as its function is, with a line for the list of verbs and the examples that its help ends with."""
    app.command(does.__name__.rstrip("_"), short_help=short, epilog=examples(*commands))(does)


_verb(
    running.run,
    "train what is missing, report, say the verdicts",
    "run all --seeds 30",
    "run noise 7 --seeds 50 --workers 2",
    "run my_lesson.py --set epochs=20 --out quick",
)
_verb(running.plan, "what would train, what is stored, and why", "plan all --seeds 50", "plan noise --sd 0.02")
_verb(
    looking.report,
    "the page, the verdicts or the effects anew",
    "report",
    "report --format table",
    "report --format csv --out s3://bucket/results",
)
_verb(looking.list_, "the lessons, or the runs of one status", "list", "list --status failed")
_verb(
    looking.show,
    "a lesson's stored runs and their scores",
    "show early-stopping",
    "show early-stopping with --seed 3 --data fixed",
)
_verb(
    checking.verify,
    "the compiled engine against Keras's own fit",
    "verify noise",
    "verify all --data fixed --no-tensorflow",
)
_verb(running.retry, "train the last command's failed runs again", "retry", "retry my_lesson.py --timeout 600")
_verb(looking.status, "how far a run is, while it runs and after", "status", "status --out s3://bucket/results")
_verb(
    checking.diagnose,
    "what kind of problem a training log shows",
    "diagnose history.json",
    "diagnose run-*.csv --html page.html",
    "diagnose",
)
_verb(
    judging.judge,
    "results made elsewhere, judged like ours",
    "judge before.csv after.csv --endpoint val_acc --better higher --sesoi 0.01",
    "judge 'old/seed_*/metrics.csv' 'new/seed_*/metrics.csv' --endpoint val_loss --better lower --sesoi 0.02",
    "judge 'runs.csv?optimizer=sgd' 'runs.csv?optimizer=adam' --endpoint acc --better higher --sesoi 0.01 --require improves",
)
_verb(checking.doctor, "is everything here that a run needs", "doctor", "doctor --address 10.0.0.1:6379")
