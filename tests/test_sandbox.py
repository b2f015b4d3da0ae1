"""Tests of `orchestrator/lessons/sandbox.py` and `orchestrator/lessons/keys.py`: a lesson's code can end its own process, and not ours."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import LessonError
from orchestrator.lessons import catalog, keys
from orchestrator.lessons.catalog import Source
from orchestrator.lessons.sandbox import NoAnswerError, Sandbox
from orchestrator.planning import session
from orchestrator.store import Store
from tests.conftest import TINY


def warm():
    """Nothing to load."""


@pytest.fixture
def sandbox():
    """A sandbox that waits two seconds for an answer."""
    with Sandbox(warm, timeout=2) as made:
        yield made


@pytest.mark.parametrize(
    ("question", "arguments", "why"),
    [
        (os._exit, (7,), "exit code 7"),
        (sys.exit, (7,), "SystemExit: 7"),
        (ctypes.string_at, (0,), "SIGSEGV"),
        (os.abort, (), "SIGABRT"),
        (time.sleep, (60,), "after 2 s, the --timeout"),
        (int, ("x",), "ValueError: invalid literal"),
    ],
)
def test_what_ends_its_process_or_never_returns_is_an_error_here(sandbox, question, arguments, why):
    """Exits, crashes, hangs and exceptions of a question come back as an error that says so, and the next question is answered."""
    with pytest.raises(NoAnswerError, match=why):
        sandbox.ask(question, *arguments)
    assert sandbox.ask(divmod, 17, 5) == (3, 2)


def kill_myself():
    """Dies of SIGKILL each time."""
    os.kill(os.getpid(), signal.SIGKILL)


def once_killed(path):
    """Dies of SIGKILL the first time."""
    if not path.exists():
        path.touch()
        kill_myself()
    return "well"


def test_a_process_that_somebody_kills_is_asked_once_more(sandbox, tmp_path):
    """SIGKILL comes from outside: the question is put to another process, so that no variant gets a makeshift key for it."""
    assert sandbox.ask(once_killed, tmp_path / "been-here") == "well"
    with pytest.raises(NoAnswerError, match="SIGKILL"):
        sandbox.ask(kill_myself)


def test_our_own_errors_keep_their_class(sandbox):
    """An error of ours comes back as what it was, with its sentence."""
    with pytest.raises(LessonError, match="can't be read"):
        sandbox.ask(catalog._read, Path("/nowhere/lesson.py"))


def test_the_process_ends_with_the_sandbox():
    """Leaving the sandbox leaves no process behind."""
    with Sandbox(warm) as made:
        pid = made.ask(os.getpid)
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


def test_a_variant_that_cannot_be_built_is_a_job_all_the_same():
    """A variant whose model raises or ends its process gets a key of its own from the lesson's text; the others keep theirs."""
    good = 'Variant("two", lambda: model(2), epochs=3, batch_size=8)'
    bad = 'Variant("raises", lambda: 1 / 0, epochs=3), Variant("exits", lambda: __import__("os")._exit(1), epochs=3)'
    clean, spoilt = (Source("t", None, "/t.py", text) for text in (TINY, TINY.replace(good, f"{good}, {bad}")))
    with Sandbox(warm, timeout=60) as made:
        expected, _, _ = keys.survey(made.ask, clean, (), ("fixed",), "compiled")
        jobs, about, _ = keys.survey(made.ask, spoilt, (), ("fixed",), "compiled")
    assert [job.variant for job in jobs] == ["one", "two", "raises", "exits"]
    assert [job.key for job in jobs[:2]] == [job.key for job in expected]
    assert len({job.key for job in jobs}) == 4
    assert [job.width for job in jobs] == [8, 8, 1, 1]
    assert about["data"]["rows_train"] == 16


def test_a_file_whose_loading_ends_the_process_is_refused():
    """A lesson that exits hard while it is loaded is no lesson, and is said so."""
    with Sandbox(warm, timeout=60) as made, pytest.raises(LessonError, match="/t.py can't be loaded: .* exit code 3"):
        keys.survey(made.ask, Source("t", None, "/t.py", "import os; os._exit(3)"), (), ("fixed",), "compiled")


def test_a_lesson_that_takes_all_memory_when_loaded_takes_only_its_own(tmp_path):
    """Allocating without end while the plan is made is a MemoryError of the lesson's, before the machine has to choose a victim."""
    path = tmp_path / "hog.py"
    path.write_text("import numpy as np\nhog = [np.empty(2**30, np.uint8) for _ in range(2000)]  # never touched\n")
    asked = session.Request(tuple(catalog.find([str(path)])), (0,), ("fixed",), "compiled")
    with pytest.raises(LessonError, match="Unable to allocate"):
        session.prepare(asked, Store(tmp_path / "out"))
