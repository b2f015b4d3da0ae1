"""The page by which a run is followed from a browser."""

import re
import signal
import time
from dataclasses import replace

import pytest

from orchestrator.cli import running as cli
from orchestrator.errors import StoreLostError
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.store import Store
from orchestrator.telling.screen import ConsoleScreen
from orchestrator.telling.statuspage import View, page
from orchestrator.telling.terminal import Terminal
from orchestrator.workers.local import Serial
from tests.processes import background, happened, until

VIEW = View(
    "python -m orchestrator run all",
    "3 of 9 shards done, about 12 s left",
    (("noise", 3, 9, 2, 1),),
    ("failed <b>x</b>",),
)


@pytest.fixture
def asked(tiny):
    """The tiny lesson, eight seeds on one data set."""
    return session.Request(tuple(catalog.find([str(tiny)])), tuple(range(8)), ("fixed",), "compiled", serial=True)


def run(asked, out, place=Serial, **more):
    """Run it in this process; gives the exit code."""
    return cli.carry_out(asked, Store(out), place, ConsoleScreen(Terminal(quiet=True)), report_too=False, **more)


def test_the_page_of_a_command_at_work_reloads_itself_and_says_how_far_it_is():
    """It says what is done and left, reloads every few seconds, and knows when it was written; what others wrote is text."""
    text = page(replace(VIEW, now=time.time()))
    assert '<meta http-equiv="refresh" content="5">' in text
    assert "3 of 9 shards done, about 12 s left" in text
    assert "<td>3 of 9</td><td>2</td><td>1</td>" in text
    assert "failed &lt;b&gt;x&lt;/b&gt;" in text
    written = int(re.search(r'data-written="(\d+)"', text)[1])
    assert abs(written - time.time()) < 60


def test_the_last_page_of_a_command_is_final():
    """It neither reloads nor counts its age, and says how the command ended."""
    text = page(View("command", "", end="interrupted; the same command goes on from here"))
    assert "refresh" not in text
    assert "<script" not in text
    assert "Interrupted; the same command goes on from here" in text


def test_a_run_leaves_a_page_that_is_renewed_meanwhile_and_final_afterwards(asked, tmp_path):
    """While shards train the page tells of them and reloads itself; afterwards it says that the command ended."""
    seen = []

    class Watched(Serial):
        def run(self, orders):
            for event in super().run(orders):
                yield event
                until(lambda: "shards done" in (tmp_path / "out" / "status.html").read_text(), 30)
                seen.append((tmp_path / "out" / "status.html").read_text())

    assert run(asked, tmp_path / "out", Watched) == 0
    assert all('http-equiv="refresh"' in text and "of 2 shards done" in text for text in seen)
    last = (tmp_path / "out" / "status.html").read_text()
    assert "Ended" in last
    assert "refresh" not in last


def test_a_command_that_ends_with_an_error_says_so_on_its_page(asked, tmp_path):
    """The last page holds the sentence that the terminal shows."""

    class Broken(Serial):
        def run(self, orders):
            raise StoreLostError("the disk is full")

    with pytest.raises(StoreLostError):
        run(asked, tmp_path / "out", Broken)
    assert "Ended with an error: the disk is full" in (tmp_path / "out" / "status.html").read_text()


def test_a_page_that_cannot_be_written_harms_nothing(asked, tmp_path, monkeypatch):
    """Where pages can't be written, the run ends as it would have."""

    def refuse(self, name, text):
        raise StoreLostError("no pages here")

    monkeypatch.setattr(Store, "write_page", refuse)
    assert run(asked, tmp_path / "out") == 0


def test_the_page_is_written_below_a_uri_too(asked):
    """In an object store the page lies beside the tables."""
    store = Store("memory://bucket/page")
    assert cli.carry_out(asked, store, Serial, ConsoleScreen(Terminal(quiet=True)), report_too=False) == 0
    assert b"Ended" in store.files.read("status.html")


def test_an_interrupted_command_finishes_its_page(tiny, tmp_path):
    """After Ctrl-C the page is final: it says what happened and how to go on, and counts no age."""
    out = tmp_path / "out"
    words = ("run", tiny, "--seeds", "80", "--set", "epochs=200", "--out", out, "--serial", "--no-report")
    with background(*words, log=tmp_path / "log") as driver:
        until(happened(out, "started", 2))
        driver.send_signal(signal.SIGINT)
        driver.wait()
    text = (out / "status.html").read_text()
    assert "interrupted; the same command goes on from here" in text.lower()
    assert "data-written" not in text
