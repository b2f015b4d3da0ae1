"""What comes from outside stays where it belongs: names, paths, secrets, and files that others could have written."""

import json
import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import engine
from orchestrator.errors import LessonError, StoreError, UsageError
from orchestrator.lesson import Variant
from orchestrator.lessons import catalog
from orchestrator.store import Store, without_secrets
from orchestrator.store.disk import Disk
from orchestrator.store.uri import SUBMITTED
from tests.conftest import ROOT, TINY
from tests.forge import forge, replaced
from tests.processes import background, family, happened, ray_folder, until

engine.load()


@pytest.fixture(scope="module")
def results(here, tmp_path_factory):
    """A folder with results, in a folder of its own."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "tiny.py").write_text(TINY)
    words = ["--seeds", "2", "--data", "fixed", "--serial", "--no-report"]
    assert here("run", folder / "tiny.py", *words, "--out", folder / "out").returncode == 0
    return folder


@pytest.mark.parametrize("name", ["..py", ".py", "-.py", " .py", "…/../...py"])
def test_a_lesson_is_not_called_by_a_path(tmp_path, name):
    """A lesson file whose name is no name, such as `..py`, is refused."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TINY)
    with pytest.raises(LessonError, match="must begin with a letter or digit"):
        catalog.find([str(path)])


def test_a_path_with_a_nul_is_no_path():
    """A NUL in the name of a lesson file or of the results folder is refused in a sentence."""
    with pytest.raises(LessonError, match="can't be read"):
        catalog.find(["a\0.py"])
    with pytest.raises(UsageError, match="is no path"):
        Store("a\0b")


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\x1b[2J", "a\u202eb"])
def test_a_variants_name_can_be_printed(name):
    """NUL, line ends, escape sequences and signs that turn text round are refused in a variant's name."""
    with pytest.raises(LessonError, match="variant's name"):
        Variant(name, lambda: None, epochs=1)


def test_names_that_look_like_paths_lead_nowhere(here, tmp_path):
    """Variants named `..` and `../../x/y` train, and every file lies below --out."""
    lesson = tmp_path / "a" / "tiny.py"
    lesson.parent.mkdir()
    lesson.write_text(TINY.replace('Variant("one"', 'Variant(".."').replace('Variant("two"', 'Variant("../../x/y"'))
    before = set(tmp_path.rglob("*"))
    done = here("run", lesson, "--seeds", "1", "--data", "fixed", "--serial", "--out", tmp_path / "a" / "out")
    assert done.returncode == 0, done.stderr
    new = {path for path in set(tmp_path.rglob("*")) - before if "__pycache__" not in path.parts}
    assert all(path.is_relative_to(tmp_path / "a" / "out") for path in new)
    assert {path.name for path in new if path.is_dir() and "store" not in path.parts} <= {"out"}


@given(st.text(alphabet=st.sampled_from("./\\ab\0-~"), max_size=12))
def test_no_name_leads_out_of_the_results_folder(name):
    """Whatever name is asked for, it is refused or lies below the folder."""
    root = Path("/some/where/results")
    try:
        where = Disk(root).where(name)
    except StoreError:
        return
    assert Path(os.path.normpath(where)).is_relative_to(root)
    assert Path(os.path.normpath(where)) != root


def test_keys_that_others_wrote_lead_nowhere(here, results, tmp_path):
    """Where keys are paths, `status` finds no block although there is one, and `show` refuses with one line."""
    out = tmp_path / "out"
    subprocess.run(["cp", "-r", results / "out", out], check=True)
    facts = json.loads((out / "run.json").read_text())
    for job in facts["jobs"]:
        subprocess.run(["cp", "-r", out / "store" / job["key"], tmp_path / "elsewhere"], check=True)
        job["key"] = "../../elsewhere"
    (out / "run.json").write_text(json.dumps(facts))
    forge(out, "runs.parquet", lambda table: replaced(table, key="../../elsewhere", error="no luck"))
    seen = here("status", "--out", out)
    assert seen.stdout.split("waiting")[1].split()[:6] == ["tiny", "0", "0", "0", "0", "4"]
    done = here("show", "tiny", "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is no name inside a results folder" in done.stderr


class Bomb:
    """What leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_is_unpickled_from_the_store(results, tmp_path):
    """Tables that bring a pickle along, as Arrow's old extension types did, are read without any class being looked up for one."""
    out = tmp_path / "out"
    subprocess.run(["cp", "-r", results / "out", out], check=True)
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    names = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": bomb}
    more = pa.field("more", pa.int32(), metadata=names)
    for path in ("histories.parquet", "runs.parquet", *(p.relative_to(out) for p in out.glob("store/*/*.parquet"))):
        forge(out, str(path), lambda table: table.append_column(more, pa.array([1] * len(table), pa.int32())))
    for place in (out / "store" / "x.pkl", out / "events.pkl"):
        place.write_bytes(bomb)
    code = f"""
import sys
from orchestrator.cli.app import main
def watch(event, details):
    if event == "pickle.find_class":
        print("UNPICKLED", details, file=sys.stderr)
sys.addaudithook(watch)
for words in ["status"], ["show", "tiny"], ["list", "--status", "ok"], ["report", "--format", "csv"]:
    sys.argv = ["orchestrator", *words, "--out", {str(out)!r}]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0, words
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "UNPICKLED" not in done.stderr
    assert not (tmp_path / "exploded").exists()


def test_a_ray_of_our_own_is_nobody_elses_affair(tiny, tmp_path):
    """All that Ray starts here listens on loopback only; its folder and its token are its user's alone, hold no secret, and the folder goes."""
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "MY_PASSWORD": "open-sesame"}
    ours = {name for name in environment if name.startswith("RAY_") and name != "RAY_worker_niceness"}
    environment = {name: value for name, value in environment.items() if name not in ours}
    words = ("run", tiny, "--seeds", "8", "--set", "epochs=5000", "--data", "fixed", "--out", tmp_path / "out")
    with background(*words, "--workers", "1", "--no-report", log=tmp_path / "log", env=environment, umask=0) as driver:
        until(happened(tmp_path / "out", "started"))
        processes = family(driver.pid)
        listening = {
            connection.laddr.ip.removeprefix("::ffff:")
            for process in processes
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        folder = ray_folder(processes)
        token = folder / "token"
        assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, token)] == [0o700, 0o600]
        assert len(token.read_text()) == 64
        logs = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        assert len(logs) > 10
        assert not [path for path in logs if b"open-sesame" in path.read_bytes()]
        assert driver.wait(120) == 0
    assert not folder.exists()
    assert not (tmp_path / ".ray").exists()
    said = [path for path in (tmp_path / "log", *(tmp_path / "out").rglob("*")) if path.is_file()]
    assert not [path for path in said if b"open-sesame" in path.read_bytes()]


def test_a_home_that_nobody_can_write_to_is_no_hindrance(tiny, tmp_path):
    """Where the user's home takes no file the same run ends well, and not a word is said about caches that are not there."""
    environment = {**os.environ, "HOME": "/proc/1"}
    environment.pop("XDG_CACHE_HOME", None)
    environment.pop("MPLCONFIGDIR", None)
    words = ("run", tiny, "--seeds", "1", "--data", "fixed", "--workers", "1", "--out", tmp_path / "out")
    with background(*words, log=tmp_path / "log", env=environment) as driver:
        assert driver.wait(180) == 0
    assert (tmp_path / "out" / "report.html").exists()
    assert "/proc/1" not in (tmp_path / "log").read_text()


def test_a_submitted_job_must_say_where_results_go(here, monkeypatch, tmp_path):
    """In a job that `ray job submit` runs, a relative --out, also the one by default, is refused with what to give."""
    monkeypatch.setenv(SUBMITTED, "{}")
    for words in ([], ["--out", "results"]):
        done = here("run", "noise", "--serial", *words)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "give an absolute path, or a URI" in done.stderr
    assert Store(tmp_path / "out").root == tmp_path / "out"


def test_the_place_of_the_results_is_said_in_full(here, monkeypatch, tmp_path, tiny):
    """A relative --out is resolved, and the run prints the absolute path."""
    monkeypatch.chdir(tmp_path)
    done = here("run", tiny, "--seeds", "1", "--data", "fixed", "--serial", "--no-report", "--out", "some/where")
    assert f"results: {tmp_path}/some/where\n" in done.stdout


def test_a_file_uri_is_a_path(tmp_path):
    """`file:///a%20b` is the folder `/a b`, with the lock and the renames of one; with a host in it, it is refused."""
    store = Store(f"file://{tmp_path}/a%20b")
    assert (store.root, store.uri) == (tmp_path / "a b", None)
    with pytest.raises(UsageError, match="is no path"):
        Store("file://host")


AWS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "so/se+cret"}


@pytest.mark.parametrize(
    ("word", "clean", "found"),
    [
        ("s3://AKID:so%2Fse%2Bcret@bucket/x?region=a", "s3://bucket/x?region=a", AWS),
        ("--out=s3://AKID:so/se+cret@bucket", "--out=s3://bucket", AWS),
        ("s3://b/x?access_key=AKID&region=a&secret_key=so%2Fse%2Bcret", "s3://b/x?region=a", AWS),
        ("s3://b/x?session_token=t", "s3://b/x", {"AWS_SESSION_TOKEN": "t"}),
        ("s3://bucket/a:b@c?region=a", "s3://bucket/a:b@c?region=a", {}),
        ("hdfs://host:8020/a@b", "hdfs://host:8020/a@b", {}),
        ("abfs://container@account.dfs.core.windows.net/x", "abfs://container@account.dfs.core.windows.net/x", {}),
        ("results", "results", {}),
    ],
)
def test_credentials_leave_a_uri_for_the_environment(monkeypatch, word, clean, found):
    """An s3 URI's login, however it is given, is taken out of the word and put where Arrow looks for it."""
    names = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    for name in names:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    assert without_secrets(word) == clean
    assert {name: os.environ[name] for name in names & set(os.environ)} == found


@pytest.mark.parametrize(
    "word", ["sftp://me:hush@host/x", "abfs://:hush@account/x", "gs://b/x?token=hush", "az://b?account_key=hush"]
)
def test_a_password_elsewhere_is_refused_and_not_repeated(word):
    """A URI of another kind with a password in it is refused, in words that leave it out."""
    with pytest.raises(UsageError, match="in the environment") as raised:
        without_secrets(word)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("words", [["status", "WORD"], ["run", "WORD"], ["run", "noise", "--seeds", "WORD"]])
def test_a_login_in_the_wrong_place_is_not_repeated(cli, words):
    """Even where the URI is no --out, so that the whole word is quoted in the complaint, its secret is not in it."""
    word = "s3://AKID:hush@bucket/x"
    done = cli(*(word if part == "WORD" else part for part in words))
    assert done.returncode == 2
    assert "bucket" in done.stderr
    assert "hush" not in done.stdout + done.stderr
