"""What is told while shards train: by default, when asked to be quiet, and when asked for everything."""

import io
import re
from dataclasses import replace

import pytest

from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, Plan, Shard
from orchestrator.store import Block, Store
from orchestrator.telling.notebook import NotebookCell
from orchestrator.telling.progress import LOUD, QUIET, USUAL, Progress, spell
from orchestrator.telling.screen import ConsoleScreen
from orchestrator.telling.terminal import Terminal
from orchestrator.workers.events import Finished, Lost, Started

JOB = Job("noise", "with", "fixed", "key", "program", "compiled", 8, 1.0, seeds=tuple(range(16)))
SHARDS = [Shard(JOB, tuple(range(8)), "not trained yet"), Shard(JOB, tuple(range(8, 16)), "not trained yet")]


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """A cache of its own: what is remembered of programs is not to reach the next test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def told(tmp_path, loud, *events, job=JOB):
    """What a run of two shards prints, while these events come."""
    said = io.StringIO()
    store = Store(tmp_path / "out")
    store.prepare()
    progress = Progress(store, ConsoleScreen(Terminal(file=said, width=200, highlight=False), loud), "command")
    with progress.shown():
        progress.at("loading lessons")
        progress.follow(Plan((job,), tuple(SHARDS), 0, 0), lambda: 1)
        for event in events:
            progress.say()
            progress.take(event)
        progress.say()
    return said.getvalue().splitlines()


def block(status="ok", error=None):
    """A block of eight runs that ended so, after four seconds of training."""
    return Block(tuple(Outcome(seed, status, seconds=0.5, error=error) for seed in range(8)))


def test_a_plain_line_says_what_is_done_what_compiles_and_how_long_it_takes(tmp_path):
    """While the first shard is at work its program compiles; once it has ended, what is left is told in seconds."""
    lines = told(tmp_path, USUAL, Started(SHARDS[0], "here"))
    assert lines[0] == "loading lessons"
    assert re.fullmatch(
        r"0 of 2 shards done, 1 running, 0 runs failed, compiling 1 of 1 programs, about \d+ s left", lines[-1]
    )
    lines = told(tmp_path, USUAL, Started(SHARDS[0], "here"), Finished(SHARDS[0], block()))
    assert re.fullmatch(r"1 of 2 shards done, 0 running, 0 runs failed, about \d+ s left", lines[-1])


def test_a_loss_that_makes_time_left_rise_is_named(tmp_path):
    """After a worker died the line says that more is left than before, and why."""
    events = Started(SHARDS[0], "here"), Lost(SHARDS[0], "its process died", 1)
    lines = told(tmp_path, USUAL, *events)
    assert "lost   noise/with/fixed seeds 0-7: its process died" in lines
    assert lines[-1].endswith("left (more than before: a shard was lost)")


def test_quiet_tells_failures_alone_and_loud_tells_every_shard(tmp_path):
    """`-q` leaves what went wrong; `-v` adds where each shard began and how long it took."""
    events = Started(SHARDS[0], "here"), Finished(SHARDS[0], block("failed", "no luck"))
    failure = "failed noise/with/fixed seeds 0-7: no luck"
    assert told(tmp_path, QUIET, *events) == [failure]
    lines = told(tmp_path, LOUD, *events)
    assert "began  noise/with/fixed seeds 0-7 on here" in lines
    assert any(
        re.fullmatch(r"ended  noise/with/fixed seeds 0-7 after \d+\.\d s, 0\.0 s of them compiling", line)
        for line in lines
    )
    assert failure in lines


def test_runs_that_nobody_asked_for_are_not_counted(tmp_path):
    """Eight seeds train side by side where five were asked for: of five it is told that they failed."""
    failed = Finished(SHARDS[0], block("failed", "no luck"))
    lines = told(tmp_path, USUAL, failed, job=replace(JOB, seeds=tuple(range(5))))
    assert "failed noise/with/fixed seeds 0-4: no luck" in lines
    assert "5 runs failed" in lines[-1]


def test_a_notebooks_cell_shows_a_bar_and_the_last_lines(tmp_path):
    """The bar is drawn anew as shards end; below it stands what was told, as text."""
    drawn = []

    class Handle:
        def update(self, bundle, raw):
            drawn.append(bundle["text/html"])

    store = Store(tmp_path / "out")
    store.prepare()
    progress = Progress(store, NotebookCell(lambda bundle, raw, display_id: Handle()), "command")
    with progress.shown():
        progress.follow(Plan((JOB,), tuple(SHARDS), 0, 0), lambda: 1)
        progress.take(Started(SHARDS[0], "here"))
        progress.take(Finished(SHARDS[0], block("failed", "no <luck>")))
    assert "<progress value='1' max='2'>" in drawn[-1]
    assert "failed noise/with/fixed seeds 0-7: no &lt;luck&gt;" in drawn[-1]


@pytest.mark.parametrize(("seconds", "said"), [(4.4, "4 s"), (119, "119 s"), (300, "5 min"), (9000, "2.5 h")])
def test_time_is_said_as_people_do(seconds, said):
    """Seconds, then minutes, then hours."""
    assert spell(seconds) == said
