"""A stranger's results folder is harmless: it runs nothing, reaches nothing outside, fills no memory, and gives a terminal no orders."""

import io
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from orchestrator import engine, jobs
from orchestrator.command import places
from orchestrator.errors import LessonError, StoreError
from orchestrator.lessons import catalog
from orchestrator.nouns.outcome import Outcome
from orchestrator.planning import session
from orchestrator.store import Block, BrokenShardError, Store, last
from orchestrator.store.disk import OWN
from orchestrator.store.document import loads
from orchestrator.telling.terminal import Terminal, clean
from tests.conftest import ROOT, TINY
from tests.forge import BOMBS, forge, replaced, rewrite, told

engine.load()

READERS = (["status"], ["show", "tiny"], ["list", "--status", "ok"], ["report"], ["diagnose"], ["retry", "--yes"])
SECRET = "precious"


@pytest.fixture(scope="module")
def results(here, tmp_path_factory):
    """A folder with results of a lesson file beside it."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "tiny.py").write_text(TINY)
    words = ["--seeds", "2", "--data", "fixed", "--serial", "--out", folder / "out"]
    assert here("run", folder / "tiny.py", *words).returncode == 0
    return folder


@pytest.fixture
def out(results, tmp_path):
    """The same as a folder of one's own."""
    return shutil.copytree(results / "out", tmp_path / "out")


# Links


@pytest.mark.parametrize("name", OWN)
def test_no_link_leads_out(out, here, results, tmp_path, name):
    """Where a file of the folder is a link to one outside, a run is refused before it trains, no reader tells what is in it, and it stays as it was."""
    outside = tmp_path / "outside"
    outside.write_text(SECRET)
    (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(outside)
    words = ["--seeds", "20", "--data", "fixed", "--serial", "--out", out]
    done = here("run", results / "tiny.py", *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{name} leads out of {out} by a link" in done.stderr
    for reader in READERS:
        done = here(*reader, "--out", out)
        assert SECRET not in done.stdout + done.stderr
        assert done.returncode in (0, 2)
    assert outside.read_text() == SECRET


@pytest.mark.parametrize("name", ["store", "failures", "store/KEY", "store/KEY/seeds-0000-0001.parquet"])
def test_no_folder_leads_out(out, here, results, tmp_path, name):
    """Nor is a folder, or a block, that is a link out of the results folder, in whatever depth."""
    key = next((out / "store").iterdir()).name
    place, outside = out / name.replace("KEY", key), tmp_path / "outside"
    if place.exists():
        place.rename(outside)
    else:
        outside.mkdir()
    place.symlink_to(outside)
    before = sorted(outside.rglob("*"))
    done = here("run", results / "tiny.py", "--seeds", "20", "--data", "fixed", "--serial", "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{place} leads out of {out} by a link" in done.stderr
    assert sorted(outside.rglob("*")) == before


def test_links_that_stay_inside_are_links_like_any(out, here, results, tmp_path):
    """--out may be a link, and so may a file in it that leads to another one there."""
    (out / "histories.parquet").rename(out / "other.parquet")
    (out / "histories.parquet").symlink_to("other.parquet")
    (tmp_path / "link").symlink_to(out)
    assert here("report", "--format", "csv", "--out", tmp_path / "link").returncode == 0
    done = here("run", results / "tiny.py", "--seeds", "2", "--data", "fixed", "--serial", "--out", tmp_path / "link")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["run.json", "runs.parquet", "events.jsonl", ".lock", "driver.json"])
def test_what_is_no_file_is_not_waited_for(out, results, here, name):
    """A pipe in a file's place, from which nothing would ever come, is refused in a line."""
    (out / name).unlink(missing_ok=True)
    os.mkfifo(out / name)
    done = here("run", results / "tiny.py", "--serial", "--out", out)
    assert f"{name} is no file" in done.stderr
    assert all(here(*reader, "--out", out).returncode in (0, 2) for reader in READERS[:4])


# Code


def fail_one(out):
    """Have a run of the folder's have failed, so that there is something to retry."""
    store, last = Store(out), Store(out).last()
    key, seeds = last["jobs"][0]["key"], range(2)
    block = store.blocks.read(key, seeds)
    store.blocks.write(
        key, replace(block, outcomes=tuple(Outcome(o.seed, "failed", error="no luck") for o in block.outcomes))
    )


def test_retry_runs_nothing_that_was_not_named_or_agreed_to(out, here, monkeypatch, tmp_path):
    """Where nobody can be asked, `retry` refuses, with the path and what to type; --yes is consent."""
    lesson, ran = tmp_path / "tiny.py", tmp_path / "ran"
    lesson.write_text(f"{TINY}\nopen({str(ran)!r}, 'w')\n")
    rewrite(out / "run.json", lessons=[str(lesson)])
    fail_one(out)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(places, "on_ray", lambda *_: places.here())  # where it would run is not asked here
    done = here("retry", "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert (
        f"where you trust it, name it: `python -m orchestrator retry {lesson} --out {out}`, or give --yes"
        in done.stderr
    )
    assert not ran.exists()
    done = here("retry", "--yes", "--out", out)
    assert done.returncode == 0, done.stderr
    assert ran.exists()
    fail_one(out)
    assert "noise: not in the last command" in here("retry", "noise", "--out", out).stderr


def test_a_file_named_for_retry_is_the_one_that_runs(out, tmp_path):
    """A lesson that lies elsewhere now, or that run.json leads astray, is taken from where this command line says; the rest is asked about."""
    (tmp_path / "tiny.py").write_text(TINY)
    rewrite(out / "run.json", lessons=["/nowhere/tiny.py", "noise", "/nowhere/other.py"])
    asked = []
    with pytest.raises(LessonError, match="other.py"):
        session.last_request(Store(out), catalog.find([str(tmp_path / "tiny.py")]), asked.extend, frozenset(), None)
    assert asked == ["/nowhere/other.py"]
    rewrite(out / "run.json", lessons=["/nowhere/tiny.py", "noise"])
    request = session.last_request(
        Store(out), catalog.find([str(tmp_path / "tiny.py")]), pytest.fail, frozenset(), None
    )
    assert request.sources[0].path == str(tmp_path / "tiny.py")


def test_the_seven_lessons_are_retried_unasked(out):
    """A folder whose command was of lessons that come with the program is retried without a question."""
    rewrite(out / "run.json", lessons=list(jobs.LESSONS))
    request = session.last_request(Store(out), [], pytest.fail, frozenset(), None)
    assert [source.id for source in request.sources] == list(jobs.LESSONS)


# Memory


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    """Files that declare more than fits anywhere, made where the memory that it takes is not ours."""
    folder = tmp_path_factory.mktemp("bombs")
    subprocess.run([sys.executable, "-m", "tests.forge", folder], check=True, cwd=ROOT)
    return folder


@pytest.mark.parametrize("says", BOMBS)
def test_parquet_that_would_fill_the_memory_is_refused(out, bombs, says):
    """A file of few kilobytes that declares 10^9 rows, megabytes of text or what no table of ours holds is refused at once, as block and as table."""
    bomb = bombs / says
    assert bomb.stat().st_size < 10**6
    block = next((out / "store").glob("*/*.parquet"))
    store, pool = Store(out), pa.default_memory_pool()
    for place in (block, out / "runs.parquet"):
        shutil.copy(bomb, place)
    before = pool.max_memory()
    with pytest.raises(BrokenShardError, match=says):
        store.blocks.read(block.parent.name, (0, 1))
    with pytest.raises(StoreError, match=says):
        store.load_runs()
    assert pool.max_memory() <= max(before, 2**26)


def test_json_that_is_too_deep_or_too_long_is_none():
    """Deep nesting, which ends Python's own parser, and megabytes are refused as any other damage is."""
    for text in ("[" * 10**5, "[" * 40 + "]" * 40, '"' + "a" * 2**24 + '"', "{", b"\xff"):
        with pytest.raises(ValueError, match="."):
            loads(text)
    assert loads("[" * 30 + "]" * 30)


def test_a_block_whose_metadata_is_too_deep_is_broken(tmp_path):
    """A block that says it holds runs in a hundred thousand brackets is called broken, and `status` finds no run in it."""
    store = Store(tmp_path)
    store.prepare()
    store.blocks.write("k", Block((Outcome(0, "ok", {"loss": np.ones(2, np.float32)}),)))
    path = tmp_path / "store" / "k" / "seeds-0000-0000.parquet"
    pq.write_table(told(pq.read_table(path), block="[" * 10**5), path)
    with pytest.raises(BrokenShardError):
        store.blocks.read("k", (0,))
    assert store.blocks.glance("k", (0,)) == []


# What is told


RUBBISH = [
    [],
    "x",
    {"jobs": [{"lesson": "a", "variant": "b", "data": "fixed", "key": 9}]},
    {"jobs": [[]]},
    {"seeds": [10**30]},
    {"seeds": [[0]]},
    {"seeds": [True]},
    {"lessons": [0]},
    {"scopes": ["elsewhere"]},
    {"engine": "rm -rf"},
    {"settings": []},
    {"command": {}},
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_in_run_json_is_refused_in_a_line(out, here, rubbish):
    """Whatever run.json says that no command writes, `status` and `retry` answer with one line, and readers of tables don't mind."""
    path = out / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **rubbish} if isinstance(rubbish, dict) else rubbish))
    for verb in (["status"], ["retry", "--yes"]):
        done = here(*verb, "--out", out)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "run.json is damaged" in done.stderr
    assert here("show", "tiny", "--out", out).returncode == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
PARTS = ("command", "started", "engine", "lessons", "scopes", "seeds", "jobs", "settings")


@given(JSON | st.fixed_dictionaries(dict.fromkeys(PARTS, JSON)))
def test_run_json_is_what_a_command_writes_or_nothing(found):
    """Any JSON is read whole or refused with ValueError."""
    try:
        assert last.read(json.dumps(found).encode()) == found
    except ValueError:
        return


ORDERS = "\x1b]0;mine\x07\x9b2J\u202e\r\x00"


def test_no_verb_hands_a_terminal_an_order(out, here):
    """ESC, C1 controls and signs that turn text round, wherever in a folder they stand, are printed as escapes by every verb."""
    rewrite(out / "run.json", command=f"run {ORDERS}", host=ORDERS)
    lessons = json.dumps(
        [
            {
                **json.loads(pq.read_table(out / "runs.parquet").schema.metadata[b"lessons"])[0],
                "id": ORDERS,
                "title": ORDERS,
            }
        ]
    )
    about = json.dumps({"command": ORDERS, "started": ORDERS})
    forge(
        out,
        "runs.parquet",
        lambda table: told(
            replaced(table, lesson=ORDERS, error=ORDERS, status="failed"), lessons=lessons, command=about
        ),
    )
    forge(out, "histories.parquet", lambda table: replaced(table, lesson=ORDERS))
    verbs = (["status"], ["show", ORDERS], ["show", "none"], ["list", "--status", "failed"], ["diagnose"])
    forms = [["report", "--format", form] for form in ("table", "json", "csv")]
    for verb in (*verbs, *forms):
        done = here(*verb, "--out", out)
        text = done.stdout + done.stderr
        assert "\\x1b]0;mine" in text or "u001b]0;mine" in text
        assert not set(text) & set(ORDERS.replace("0;mine", "").replace("]", "").replace("2J", "")), verb


@given(st.text())
def test_clean_text_holds_no_order(text):
    """Whatever the text, what is printed has no control character but line ends and tabs, and no sign that turns text round; plain text stays."""
    shown = clean(text)
    assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign not in "\n\t"]
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
    assert clean(shown) == shown
    assert clean("naïve – 5 µs, 日本") == "naïve – 5 µs, 日本"


def test_tables_and_styles_pass_while_their_texts_are_cleaned():
    """On a terminal a table keeps Rich's own colours; an ESC in a cell is shown."""
    said = io.StringIO()
    table = Table("[red]a[/] with room")
    table.add_row("x\x1b[2Jy")
    Terminal(file=said, force_terminal=True, width=60).print(table)
    assert "x\\x1b[2Jy" in said.getvalue()
    assert "\x1b[2J" not in said.getvalue()
    assert "\x1b[" in said.getvalue()


# Pages


def test_a_full_disk_cuts_no_page(out, here, tmp_path):
    """Where there is no room for a new page, the old ones are as they were, and nothing is left beside them."""
    pages = {name: (out / name).read_bytes() for name in ("report.html", "explore.html")}
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(pages['explore.html']) - 100},) * 2)\n"
        "from orchestrator.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "report", "--out", str(out)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "can't be written" in done.stderr
    assert pages == {name: (out / name).read_bytes() for name in pages}
    assert not list(out.glob(".*.html.*"))
