"""Tests of `orchestrator/telling/status.py`: what another shell is told, while a command runs and after."""

import itertools
import json
import signal
import subprocess
import time

import numpy as np
import pytest
from rich.console import Console

from orchestrator import engine
from orchestrator.cli import running as cli
from orchestrator.errors import StoreError
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.store import Store
from orchestrator.telling.screen import ConsoleScreen
from orchestrator.telling.status import status
from orchestrator.workers.local import Serial
from tests.conftest import ROOT
from tests.processes import background, command, events, happened, until

engine.load()


class Watched(Serial):
    """Trains here, and lets a function look after each event."""

    def __init__(self, look):
        super().__init__()
        self.look = look

    def run(self, orders):
        """Train the shards in their order."""
        for event in super().run(orders):
            yield event
            self.look(event)


@pytest.fixture
def start(tiny, tmp_path):
    """Run the tiny lesson, eight seeds, in this process, and look after each event; gives the exit code."""

    def run(look, **more):
        request = session.Request(
            tuple(catalog.find([str(tiny)])), tuple(range(8)), ("fixed", "redrawn"), "compiled", serial=True, **more
        )
        return cli.carry_out(
            request,
            Store(tmp_path / "out"),
            lambda: Watched(look),
            ConsoleScreen(Console(quiet=True)),
            report_too=False,
        )

    return run


def of(out):
    """What `status` prints in another process."""
    done = subprocess.run(command("status", "--out", out), cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_status_tells_of_a_run_while_it_runs_and_after(start, tmp_path):
    """From another process: how many runs are done and wait, what runs where, that the driver is at work, and later that it has ended."""
    seen, counted = {}, itertools.count()

    def look(event):
        if (n := next(counted)) in (2, 3):  # the second shard has been taken up, and is finished
            seen[n] = of(tmp_path / "out")

    assert start(look) == 0
    begun, done = seen[2], seen[3]
    assert "driver: at work" in begun
    assert "running: tiny/" in begun
    assert f" on {json.loads((tmp_path / 'out' / 'run.json').read_text())['host']}" in begun
    assert ["tiny", "8", "0", "0", "0", "24"] in [line.split() for line in begun.splitlines()]
    assert ["tiny", "16", "0", "0", "0", "16"] in [line.split() for line in done.splitlines()]
    assert "running" not in done
    assert "s left" in done
    after = of(tmp_path / "out")
    assert "driver: ended" in after
    assert ["tiny", "32", "0", "0", "0", "0"] in [line.split() for line in after.splitlines()]
    assert "left" not in after


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_harms_nothing(start, tmp_path, monkeypatch, days):
    """When the wall clock goes back or on by a day in mid-run, rates, durations and time left stay what they are, and the tables are written."""
    seen, true = [], time.time
    begun = time.monotonic()

    def look(event):
        seen.append(status(Store(tmp_path / "out")))
        monkeypatch.setattr(time, "time", lambda: true() + days * 86400)

    assert start(look) == 0
    assert [s.driver for s in seen] == ["at work"] * 8
    assert all(s.rate > 0 and s.left >= 0 for s in seen[1:])
    assert all(s.left > 0 for s in seen[1:4])
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert 0 < facts["wall_seconds"] <= time.monotonic() - begun
    assert facts["started"] <= facts["finished"]


def test_a_driver_that_was_killed_is_dead_at_once_and_the_same_command_finishes(here, tiny, tmp_path):
    """After SIGKILL nothing is said to run, the driver is dead whoever has its process id now, and another may take over.

    The killed command's page still holds when it was written, so that a browser tells that nobody is at work.
    """
    out = tmp_path / "out"
    words = ("run", tiny, "--seeds", "24", "--set", "epochs=200", "--out", out, "--serial", "--no-report")
    with background(*words, log=tmp_path / "log") as driver:
        until(happened(out, "started", 2))
        assert "driver: at work" in of(out)
        until(lambda: "shards done" in (out / "status.html").read_text(), 30)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    assert "data-written" in (out / "status.html").read_text()
    said = of(out)
    assert "driver: dead" in said
    assert "running" not in said
    assert "the same command goes on from here" in said
    whole = here(*words)
    assert whole.returncode == 0, whole.stderr
    assert "driver: ended" in of(out)


def test_a_ledger_line_cut_by_a_crash_hides_nothing(start, tmp_path):
    """After half a line in the ledger the next command's first line stands by itself, so that nothing old is said to run."""
    ledger = tmp_path / "out" / "events.jsonl"
    ledger.parent.mkdir()
    ledger.write_text(
        '{"event": "started", "at": 1, "tick": 1, "key": "k", "first": 0, "job": "old", "node": "n"}\n{"eve'
    )
    running = []
    start(lambda event: running.append(status(Store(tmp_path / "out")).running))
    assert all("old" not in line for lines in running for line in lines)
    assert sum(e["event"] == "finished" for e in events(tmp_path / "out")) == 4


@pytest.mark.parametrize("name", ["events.jsonl", "run.json"])
def test_damaged_bookkeeping_is_passed_over_or_said_so(start, tmp_path, name):
    """Whatever bits are flipped in the ledger, or wherever it or run.json is cut, `status` answers; or it says in a sentence what is damaged."""
    start(lambda event: None)
    generator, path = np.random.default_rng(7), tmp_path / "out" / name
    good, said = path.read_bytes(), []
    for _ in range(150):
        data = bytearray(good[: generator.integers(1, len(good) + 1)])
        data[generator.integers(len(data))] ^= 1 << generator.integers(8)
        path.write_bytes(data)
        try:
            assert status(Store(tmp_path / "out")).driver == "ended"
        except StoreError as error:
            said.append(str(error))
    assert all("damaged" in line for line in said)
    assert (len(said) > 100) == (name == "run.json")
    path.write_bytes(b"")
    assert start(lambda event: None) == 0
    assert status(Store(tmp_path / "out")).lessons == {"tiny": {"ok": 32}}


def test_a_driver_on_another_host_is_neither_dead_nor_alive(start, tmp_path):
    """A driver that wrote itself down elsewhere can't be looked at from here, and is said so."""
    start(lambda event: None)
    (tmp_path / "out" / "driver.json").write_text('{"pid": 1, "host": "elsewhere", "command": "c"}')
    assert status(Store(tmp_path / "out")).driver == "on another host"


def test_a_driver_that_still_plans_is_at_work(tmp_path):
    """Before the first plan is made, status says that somebody is at work, and at what."""
    store = Store(tmp_path / "out")
    store.prepare()
    with store.locked("python -m orchestrator run all"):
        found = status(store)
    assert (found.driver, found.command, found.lessons) == ("at work", "python -m orchestrator run all", {})
