"""Tables of one command stay together: killed between any two files, damaged in any bit, or older than the program."""

import io
import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from orchestrator import engine, reports
from orchestrator.cli import running as cli
from orchestrator.command import results
from orchestrator.errors import StoreError
from orchestrator.lessons import catalog
from orchestrator.planning import session
from orchestrator.reports.verdicts.results import Results
from orchestrator.store import Store, parquet, strays
from orchestrator.store.disk import Disk
from orchestrator.telling.screen import ConsoleScreen
from orchestrator.workers.local import Serial
from tests.conftest import TINY
from tests.forge import forge, told

engine.load()

EPOCHS = range(20)  # by heart: the training rows, not the others
HISTORY = {
    "loss": [0.9**e for e in EPOCHS],
    "val_loss": [1 + 0.05 * e for e in EPOCHS],
    "accuracy": [min(0.5 + 0.04 * e, 0.99) for e in EPOCHS],
    "val_accuracy": [0.5 + 0.005 * e for e in EPOCHS],
}
READERS = {
    "report": ["report", "--format", "csv"],
    "show": ["show"],
    "list": ["list", "--status", "ok"],
    "diagnose": ["diagnose"],
}


def run(lesson, out, seeds=2, report_too=True):
    """A command, in this process; gives what it printed."""
    said = io.StringIO()
    sources = tuple(catalog.find([str(lesson)]))
    asked = session.Request(
        sources, tuple(range(seeds)), ("fixed",), "compiled", serial=True, command=f"run {lesson.stem}"
    )
    cli.carry_out(asked, Store(out), Serial, ConsoleScreen(Console(file=said, width=1000)), report_too=report_too)
    return said.getvalue()


@pytest.fixture(scope="module")
def lessons(tmp_path_factory):
    """Two lessons that train in no time, of one family."""
    folder = tmp_path_factory.mktemp("lessons")
    paths = []
    for name, rate in (("first", 0.1), ("second", 0.3)):
        paths.append(folder / f"{name}.py")
        paths[-1].write_text(
            TINY.replace("SGD(0.1)", f"SGD({rate})").replace(
                "LESSON = Lesson(", 'LESSON = Lesson(family="generalization",'
            )
        )
    return paths


@pytest.fixture(scope="module")
def kills(lessons, tmp_path_factory):
    """A folder with the first lesson's results, and what lies there whenever the second lesson's command has written a file."""
    folder = tmp_path_factory.mktemp("kills")
    out = folder / "out"
    run(lessons[0], out)
    states = [shutil.copytree(out, folder / "0 nothing")]

    def kept(write):
        def writes(*words):
            given = write(*words)
            name = getattr(words[-2], "name", words[-2])
            if "/" not in name and name != "driver.json":
                states.append(shutil.copytree(out, folder / f"{len(states)} {name}"))
            return given

        return writes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Disk, "write", kept(Disk.write))
        patch.setattr(reports, "commit", kept(reports.commit))
        patch.setattr(Store, "write_page", lambda *_: None)  # of no generation, and written whenever its time has come
        run(lessons[1], out, seeds=3)
    return states


def words_of(reader, lesson, folder):
    """The words of a command that reads tables."""
    more = {"show": [lesson], "diagnose": [folder.parent / "h.json"]}
    return [*READERS[reader], *more.get(reader, []), "--out", folder]


def test_a_command_writes_its_files_in_the_order_that_readers_rely_on(kills):
    """First what was begun, then histories, runs, and what is made from them."""
    names = [state.name.split()[1] for state in kills[1:]]
    assert names == [
        "run.json",
        "histories.parquet",
        "runs.parquet",
        "run.json",
        "effects.parquet",
        "explore.html",
        "report.html",
    ]


@pytest.mark.parametrize("reader", READERS)
def test_wherever_a_command_is_killed_what_is_read_is_of_one_command(kills, here, reader):
    """At every point between two files a reader gives exactly what one whole command gave, or a line that names both."""
    first, last = kills[0], kills[-1]
    (first.parent / "h.json").write_text(json.dumps(HISTORY))
    truth = {
        name: here(*words_of(reader, name, folder)).stdout for name, folder in (("first", first), ("second", last))
    }
    assert truth["first"] != truth["second"]
    for at, folder in enumerate(kills):
        lesson = "first" if at < 3 else "second"
        done = here(*words_of(reader, lesson, folder))
        if at == 2 and reader in ("report", "diagnose"):
            assert (done.returncode, done.stderr.count("\n")) == (2, 1)
            assert "runs.parquet is of `run first`" in done.stderr
            assert "histories.parquet of another command, perhaps `run second`" in done.stderr
            assert "give the one that you want again" in done.stderr
        else:
            assert (done.returncode, done.stdout) == (0, truth[lesson])
            begun = "the tables are of `run first`" in done.stderr and "`run second`" in done.stderr
            assert begun == (at in (1, 2))


def test_status_tells_the_command_that_was_begun_from_the_one_that_the_tables_are_of(kills, here):
    """`status` speaks of the last command, and names, at every point, what is not of it and what to do."""
    said = [here("status", "--out", folder).stdout for folder in kills]
    assert said[0].startswith("run first")
    assert all(text.startswith("run second") for text in said[1:])
    parts = [
        "tables are of `run first`",
        "histories.parquet does not",
        "effects.parquet was made",
        "report.html was made",
    ]
    assert [[part in text for part in parts] for text in said] == [
        [False, False, False, False],
        [True, False, False, False],
        [True, True, False, False],
        [False, False, True, True],
        [False, False, True, True],
        [False, False, False, True],
        [False, False, False, True],
        [False, False, False, False],
    ]


def test_run_json_says_whether_its_command_has_written_the_tables(kills):
    """Until its tables are written, run.json has no generation and no end; then it has that of runs.parquet."""
    facts = [json.loads((folder / "run.json").read_text()) for folder in kills]
    assert [("finished" in f, "generation" in f) for f in facts] == [(True, True)] + 3 * [(False, False)] + 4 * [
        (True, True)
    ]
    assert facts[-1]["generation"] == Store(kills[-1]).load()[3]["generation"] != facts[0]["generation"]


def test_the_page_names_the_command_that_its_tables_are_of(kills, tmp_path):
    """A report made while another command has been begun, and has written nothing, is of the one that wrote the tables."""
    out = shutil.copytree(kills[1], tmp_path / "out")
    results.report(Store(out))
    page = (out / "report.html").read_text()
    assert "<dd>run first</dd>" in page
    assert "run second" not in page
    assert list(strays(Store(out))) == list(strays(Store(kills[1])))


def test_the_same_command_heals_every_state(kills, lessons, tmp_path):
    """Given again after a kill anywhere, the second command leaves tables of its own and nothing astray, and trains nothing."""
    for at in (2, 3, 6):
        out = shutil.copytree(kills[at], tmp_path / str(at))
        assert "nothing to train" in run(lessons[1], out, seeds=3)
        assert list(strays(Store(out))) == []
        assert (out / "histories.parquet").read_bytes() == (kills[-1] / "histories.parquet").read_bytes()


def test_what_treats_a_problem_is_told_from_the_tables_that_are_there(kills, lessons, here, tmp_path):
    """After another command without a report, `diagnose` of a history names that command's lesson, as measured, and not the one of the last report."""
    out = shutil.copytree(kills[0], tmp_path / "out")
    (tmp_path / "h.json").write_text(json.dumps(HISTORY))
    said = run(lessons[1], out, report_too=False)
    assert "report.html was made from other tables" in said
    done = here("diagnose", tmp_path / "h.json", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "what treats it, as measured" in done.stdout
    assert {each.lesson for each in Results.of(*Store(out).load()).effects} == {"second"}


def test_fewer_seeds_are_told_in_the_terminal_and_on_the_page(lessons, tmp_path):
    """After 20 seeds, 4 are shown with a sentence that says how many are stored and how to see them; after the same 20 there is none."""
    for seeds in (20, 4):
        said = run(lessons[0], tmp_path, seeds)
        sentence = "4 seeds (0-3) are shown of the 20 that are stored (0-19); the same command with --seeds 0-19 shows them all"
        assert (sentence in said) == (seeds == 4)
        assert (f'<p class="note">{sentence}</p>' in (tmp_path / "report.html").read_text()) == (seeds == 4)
        assert ("that are stored" in said) == (seeds == 4)


@pytest.mark.parametrize("name", ["runs.parquet", "histories.parquet", "effects.parquet"])
def test_a_flipped_bit_in_a_table_is_noticed(kills, tmp_path, name):
    """Whichever bit of a table is flipped, a reader refuses it, or reads exactly what was written."""
    out = shutil.copytree(kills[-1], tmp_path / "out")
    store, path = Store(out), out / name
    whole, truth = path.read_bytes(), loaded(store)
    table, generator, noticed = parquet.read(whole), np.random.default_rng(0), 0
    for place, bit in zip(generator.integers(0, len(whole), 150), generator.integers(0, 8, 150), strict=True):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        path.write_bytes(bytes(flipped))
        found = list(strays(store))
        if name != "effects.parquet":
            try:
                assert all(map(same, loaded(store), truth))
            except StoreError as error:
                found = [str(error)]
        assert all(name in line and ("anew" in line or "again" in line) for line in found)
        assert found or parquet.read(bytes(flipped)).to_pydict() == table.to_pydict()
        noticed += bool(found)
    assert noticed > 75


def loaded(store):
    """What `load` gives, the histories read to their end."""
    runs, histories, *about = store.load()
    return runs, histories.frame(), *about


def same(one, other):
    """Whether two parts of what `load` gives are equal, to the bit."""
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
        return True
    return one == other


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda table: table.replace_schema_metadata({"lessons": "[]"}), "older version"),
        (lambda table: told(table, format="99"), "format 99, this program reads format 1"),
    ],
)
def test_tables_of_another_version_are_said_to_be_so(kills, tmp_path, here, change, part):
    """Tables that an older or a newer program wrote are refused in a line that says so and what to do; so are effects, whatever words they hold."""
    for name, words in (
        ("runs.parquet", ["report"]),
        ("runs.parquet", ["show", "second"]),
        ("effects.parquet", ["status"]),
    ):
        out = shutil.copytree(kills[-1], tmp_path / words[0])
        forge(out, name, change)
        table = pq.read_table(out / name)
        pq.write_table(table.replace_schema_metadata(change(table).schema.metadata), out / name)
        done = here(*words, "--out", out)
        line = (done.stdout + done.stderr).splitlines()[-1]
        assert part in line
        assert name in line
        assert "anew" in line


def test_effects_without_a_row_are_whole(kills, tmp_path):
    """Where nothing is compared, so that no column has an entry, effects.parquet is read as it was written."""
    store = Store(shutil.copytree(kills[-1], tmp_path / "out"))
    runs, histories, lessons, facts = store.load()
    effects = Results.of(
        runs, histories, [{**lesson, "variants": lesson["variants"][:1]} for lesson in lessons], {}
    ).table
    assert len(effects) == 0
    store.write_effects(effects, facts["generation"])
    assert list(strays(store)) == []
