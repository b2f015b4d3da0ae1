"""The command line as a user meets it: real processes, real exit codes."""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.main import get_command

import orchestrator
from orchestrator import __main__ as program
from orchestrator import engine
from orchestrator.cli.app import app, main
from tests.conftest import ROOT, TINY

engine.load()

VERBS = ("run", "plan", "list", "status", "show", "report", "verify", "diagnose", "retry", "doctor")


@pytest.fixture(scope="module")
def results(cli, tmp_path_factory):
    """A folder in which the tiny lesson was run with Ray, and the process that ran it."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "tiny.py").write_text(TINY)
    done = cli("run", folder / "tiny.py", "--seeds", "10", "--out", folder / "out", "--no-report", "--workers", "2")
    assert done.returncode == 0, done.stderr
    return folder, done


def complaint(done):
    """The one line a refused command prints; it exits with 2 and shows no traceback."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_run_leaves_tidy_tables_and_says_what_it_did(results):
    """Ten seeds of two variants in two scopes are forty rows, each with its scores, and the summary counts them."""
    folder, done = results
    assert "40 runs asked for, 0 stored" in done.stdout
    runs = pd.read_parquet(folder / "out" / "runs.parquet")
    assert len(runs) == 40
    assert set(runs.status) == {"ok"}
    assert runs[["train_accuracy", "test_accuracy", "fresh_accuracy", "fresh_bce"]].notna().all().all()
    histories = pd.read_parquet(folder / "out" / "histories.parquet")
    assert len(histories) == 40 * 3
    assert histories.epoch.min() == 1


def test_the_same_command_trains_nothing_the_second_time(here, results):
    """A second run finds everything stored, says so, and leaves the tables as they were."""
    folder, _ = results
    before = (folder / "out" / "histories.parquet").read_bytes()
    done = here("run", folder / "tiny.py", "--seeds", "10", "--out", folder / "out", "--no-report")
    assert "40 stored" in done.stdout
    assert "nothing to train" in done.stdout
    assert (folder / "out" / "histories.parquet").read_bytes() == before


def test_more_seeds_train_only_what_is_missing_and_change_no_byte(here, results, tmp_path):
    """After 10 seeds on Ray, 20 seeds need ten more of each job, of two blocks, and give the same bytes as 20 seeds at once without Ray."""
    folder, _ = results
    words = (folder / "tiny.py", "--seeds", "20", "--out")
    plan = here("plan", *words, folder / "out").stdout
    assert "8 shards to train" in plan
    assert plan.count("further seeds") == 4
    done = here("run", *words, folder / "out", "--no-report", "--serial")
    assert "8 of 8 shards done" in done.stdout
    assert here("run", *words, tmp_path / "other", "--no-report", "--serial").returncode == 0
    assert (folder / "out" / "histories.parquet").read_bytes() == (
        tmp_path / "other" / "histories.parquet"
    ).read_bytes()


def test_a_reformatted_lesson_trains_nothing_and_a_changed_one_does(here, results, tmp_path):
    """The key is of what is trained: comments, blank lines and another place change nothing, another learning rate everything."""
    folder, _ = results
    moved = tmp_path / "tiny.py"
    moved.write_text(
        TINY.replace("net = keras", "# a comment\n\n    net = keras").replace("about=__doc__", "about='Other words?'")
    )
    words = ("--seeds", "8", "--out", folder / "out")
    assert "nothing to train" in here("plan", moved, *words).stdout
    moved.write_text(TINY.replace("SGD(0.1)", "SGD(0.2)"))
    assert "4 shards to train" in here("plan", moved, *words).stdout
    assert "4 shards to train" in here("plan", folder / "tiny.py", "--set", "epochs=4", *words).stdout


def test_the_plan_is_what_executes(here, tmp_path, tiny):
    """The shards that `plan` counts are those that the ledger then shows finished."""
    words = (tiny, "--seeds", "9", "--data", "redrawn", "--out", tmp_path / "out")
    promised = int(re.search(r"(\d+) shards to train", here("plan", *words).stdout)[1])
    assert here("run", *words, "--serial", "--no-report").returncode == 0
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    assert promised == sum(e["event"] == "finished" for e in events) == 4


def test_damaged_files_are_set_aside_and_trained_again(here, results):
    """A truncated shard is moved out of the way, its block trains again, and every number of its histories is the same as before."""
    folder, _ = results

    def histories():
        table = pd.read_parquet(folder / "out" / "histories.parquet")
        return table[table.seed < 8].reset_index(drop=True)

    before = histories()
    path = min((folder / "out" / "store").glob("*/seeds-0000-0007.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[:200])
    done = here("run", folder / "tiny.py", "--seeds", "8", "--out", folder / "out", "--no-report", "--serial")
    assert done.returncode == 0
    assert "1 shards to train" in done.stdout
    assert "set aside" in done.stdout
    assert list(path.parent.glob("*.damaged-*"))
    pd.testing.assert_frame_equal(histories(), before, check_exact=True)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nois"], "did you mean noise"),
        (["noise", "--seeds", "0"], "--seeds 0"),
        (["noise", "--seeds", "-3"], "--seeds -3"),
        (["noise", "--seeds", "abc"], "'abc' is no seed"),
        (["noise", "--seeds", "5-2"], "runs backwards"),
        (["noise", "--seeds", "1,1"], "asked for twice"),
        (["noise", "--set", "epochs"], "--set epochs"),
        (["noise", "--set", "patience=3"], "--set patience=3"),
        (["noise", "--set", "epochs=zero"], "epochs=zero: that is no number"),
        (["noise", "--set", "epochs=0", "--serial"], "epochs is 0"),
        (["noise", "--data", "both-ish"], "both-ish"),
        (["noise", "--workers", "0"], "workers"),
        (["noise", "--timeout", "-1"], "above 0"),
        (["noise", "--cpus-per-shard", "nan"], "nan is not a number from 0 on"),
        (["noise", "--cpus-per-shard", "0"], "0 is not above 0"),
        (["noise", "--cpus-per-shard", "0.00001"], "four decimals"),
        (["noise", "--seeds", "9" * 5000], "5,000 characters"),
        (["noise", "--set", f"epochs={'-' * 3000}5"], "no number"),
        (["noise", "--until-decided", "--seeds", "30"], "--max-seeds instead"),
        (["missing/lesson.py"], "can't be read"),
        ([], "missing argument"),
    ],
)
def test_bad_input_gets_one_clear_line_and_exit_code_2(here, tmp_path, words, part):
    """What can't be run is refused with what is wrong and what is allowed, and leaves no results behind."""
    done = here("run", *words, "--out", tmp_path / "out")
    assert part in complaint(done)
    assert re.fullmatch(r"error: .+\n", done.stderr)
    assert not (tmp_path / "out" / "runs.parquet").exists()


@pytest.mark.parametrize(
    "out",
    ["", " ", "a\nb", "a\x1b[2J", "\udce4", "~nosuchuser/x", "file:relative", "file://host/x", "http://x/y", "loop"],
)
def test_what_can_be_no_results_folder_is_refused(here, tmp_path, monkeypatch, out):
    """An address of nowhere, of another machine or of the web, and links in a circle: one line, exit 2."""
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    assert re.fullmatch(r"error: --out .+\n", here("status", "--out", out).stderr)
    assert here("run", "noise", "--out", out).returncode == 2


@pytest.mark.parametrize("where", [">&-", "> /dev/full"])
def test_nobody_to_tell_is_said_in_a_line(where):
    """A command that only tells ends with 2 and a line where standard output is closed or full."""
    words = f"{sys.executable} -m orchestrator list {where}"
    done = subprocess.run(["bash", "-c", words], stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"error: standard output can't be written: .+\n", done.stderr)


def test_a_run_goes_on_though_nobody_can_be_told(tiny, tmp_path):
    """With a full standard output a run trains, writes its tables, and ends with its own exit code."""
    words = f"{sys.executable} -m orchestrator run {tiny} --seeds 1 --data fixed --serial --no-report --out {tmp_path / 'out'} > /dev/full"
    done = subprocess.run(["bash", "-c", words], stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "runs.parquet").exists()


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("LESSON = Lesson", "OTHER = Lesson", "defines no lesson"),
        ('Variant("two"', 'Variant("one"', "'one'"),
        ("    net.compile", "    0 and net.compile", "not compiled"),
        ("x[:16], y[:16]", "x[:16], y[:15]", "16 rows and y_train has 15"),
        ("    y = (x.sum", "    x[3] = np.nan\n    y = (x.sum", "NaN"),
        ("return net", "return 5", "not a keras.Model"),
        ("import numpy as np", "import numpy as np\nimport nothing_such", "nothing_such"),
    ],
)
def test_a_wrong_lesson_file_gets_one_clear_line(here, tmp_path, old, new, part):
    """Each way in which a user's lesson can be wrong is said before anything trains."""
    path = tmp_path / "wrong.py"
    path.write_text(TINY.replace(old, new))
    done = here("run", path, "--seeds", "2", "--out", tmp_path / "out", "--serial")
    assert part in complaint(done)


HEAVY = ("ray", "keras", "jax", "tensorflow")
ONE_BY_ONE = """
import json, sys
from orchestrator.cli.app import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["orchestrator", *words]
    try:
        main()
    except SystemExit as ended:
        print("\\n->", json.dumps([ended.code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def one_by_one(*commands):
    """These commands, one after another in a new process; gives of each what it said, its exit code, and what was imported by then."""
    words = json.dumps([[str(word) for word in words] for words in commands])
    done = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE, words], capture_output=True, text=True, cwd=ROOT, check=True
    )
    parts = re.split(r"\n-> (.+)\n", done.stdout)
    return [(said, *json.loads(end)) for said, end in zip(parts[::2], parts[1::2], strict=False)]


def test_every_verb_has_help_and_needs_no_training_library_for_it():
    """`--help` prints the verb's options without importing Ray, Keras, JAX or TensorFlow."""
    for verb, (said, code, imported) in zip(VERBS, one_by_one(*([verb, "--help"] for verb in VERBS)), strict=True):
        assert code == 0
        assert f"orchestrator {verb}" in said
        assert not {*HEAVY} & {*imported}, verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_help_ends_with_examples_that_the_program_takes(here, verb):
    """Each verb's `-h` shows commands to copy; they are of that verb, and every option in them is one that it has."""
    done = here(verb, "-h")
    assert done.returncode == 0
    head, _, shown = done.stdout.partition("Examples:\n")
    commands = [line.split() for line in shown.strip().splitlines()]
    assert commands
    assert all(words[:4] == ["python", "-m", "orchestrator", verb] for words in commands)
    assert all(re.search(rf"{word}\b", head) for words in commands for word in words if word.startswith("--"))


def test_version_is_told_and_no_verb_gets_the_help(here):
    """`--version` names the program's version, and no words at all get the verbs and exit code 2."""
    done = here("--version")
    assert (done.returncode, done.stdout) == (0, f"orchestrator {orchestrator.__version__}\n")
    done = here()
    assert done.returncode == 2
    assert all(f"\n  {verb} " in done.stdout for verb in VERBS)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["rnu"], "Did you mean 'run'"),
        (["run", "noise", "--sedes", "3"], "--seeds"),
        (["report", "--format", "pdf"], "'markdown'"),
        (["run", "noise", "-q", "-v"], "give one of them"),
    ],
)
def test_every_mistake_is_answered_alike(here, words, part):
    """Whoever notices it, a mistake gets one line that begins with `error:`, and exit code 2."""
    done = here(*words)
    assert re.fullmatch(r"error: .+\n", complaint(done))
    assert part in done.stderr


WORDS = "- -- -1 0 nan inf ~nobody /dev/null s3:// x://y epochs=[ a=b 127.0.0.1:1 [::1 ray://x file:///etc 0x1 1_0 ٣ noise.py/ %s"
RUBBISH = st.sampled_from(["", "9" * 30, "x" * 5000, "a\nb", "\x1b[2J", "\udce4", *WORDS.split()]) | st.text(max_size=8)
NO_LESSON = {"run": "nois", "plan": "8", "verify": "missing.py"}  # so that nothing trains
NO_CLUSTER = {"doctor": ("--address", "127.0.0.1:1")}


@st.composite
def commands(draw):
    """A verb with arguments and options of its own, and rubbish for their values."""
    verb = draw(st.sampled_from(VERBS))
    words = [verb, *filter(None, [NO_LESSON.get(verb)])]
    for option in get_command(app).commands[verb].params:
        if option.name == "help":
            continue
        if option.param_type_name == "argument":
            words += draw(st.lists(RUBBISH, max_size=2))
        elif draw(st.integers(0, 3)) == 0:
            words += [draw(st.sampled_from(option.opts)), *([] if option.is_flag else [draw(RUBBISH)])]
    return [*words, *NO_CLUSTER.get(verb, ())]


@pytest.mark.long
def test_rubbish_gets_a_line_whatever_the_verb(monkeypatch, tmp_path):
    """Every verb, with whatever for its arguments and options: an exit code of ours, and for 2 one line that begins with `error:`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    @settings(max_examples=60, deadline=None)
    @given(commands())
    def answered(words):
        monkeypatch.setattr(sys, "argv", ["orchestrator", *words])
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said, pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, 1, 2)
        assert ended.value.code != 2 or re.fullmatch(r"error: .+\n", said.getvalue()), said.getvalue()

    answered()


def test_a_shell_completes_verbs_options_and_lessons(tmp_path):
    """What bash asks for after `orchestrator run no` is `noise`; verbs and options are completed as well."""

    def offered(line):
        words = line.split(" ")
        asks = {"_ORCHESTRATOR_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        code = "import sys; sys.argv[0] = 'orchestrator'; from orchestrator.cli.app import command; command()"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **asks},
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        return done.stdout.split()

    assert offered("orchestrator run no") == ["noise"]
    assert "status" in offered("orchestrator sta")
    assert "--seeds" in offered("orchestrator run --se")


def test_a_run_says_at_once_what_it_is_at_and_at_the_end_the_verdicts(results, here):
    """The first lines come before anything is loaded; then what is told in words, no control sign among them; and `-q` leaves the verdicts."""
    folder, done = results
    first, second = done.stdout.splitlines()[:2]
    assert first == f"results: {folder / 'out'}"
    assert second == "loading lessons and starting the workers"
    assert "\x1b" not in done.stdout
    words = ("run", folder / "tiny.py", "--seeds", "10", "--out", folder / "out")
    lines = here(*words, "--quiet").stdout.splitlines()
    assert lines[0].startswith("On this data set “two” ")
    assert lines[1] == "Tiny lesson: two"
    told = [line for line in lines[2:-1] if "runs get stuck" not in line and "got stuck" not in line]
    assert [line.split("  ")[1][:7] for line in told] == ["On this", "On redr"]
    assert lines[-1] == f"report: {folder / 'out' / 'report.html'}"
    table = here("report", "--format", "table", "--out", folder / "out").stdout.splitlines()
    assert max(map(len, table)) <= 80
    flat = " ".join(" ".join(table).split())
    assert all(" ".join(line.split()) in flat for line in told)
    markdown = here("report", "--format", "markdown", "--out", folder / "out").stdout
    assert markdown.startswith("| Technique | Data | Verdict |")


def test_scores_are_readable_in_sixty_columns(results, cli):
    """`show` fits them: accuracies in percent, and what has no room beside the others stands below them, for every seed."""
    done = cli("show", "tiny", "two", "--out", results[0] / "out", env={**os.environ, "COLUMNS": "60"})
    lines = done.stdout.splitlines()
    assert lines[0] == "two, on this data set"
    assert sum(line.lstrip().startswith("seed") for line in lines) >= 2
    assert any(re.search(r"\d %", line) for line in lines)


def test_looking_needs_neither_ray_nor_a_training_library(results):
    """`list`, `status`, `show` and `report` import neither Ray, Keras, JAX nor TensorFlow; `retry` where no run failed says so, without pandas and SciPy."""
    looks = (
        ["retry"],
        ["status"],
        ["list"],
        ["list", "--status", "failed"],
        ["show", "tiny"],
        ["report", "--format", "csv"],
    )
    seen = one_by_one(*([*words, "--out", results[0] / "out"] for words in looks))
    assert [code for _, code, _ in seen] == [0] * len(looks)
    assert "there is nothing to retry" in seen[0][0]
    assert not {*HEAVY, "pandas", "scipy"} & {*seen[0][2]}
    for words, (_, _, imported) in zip(looks, seen, strict=True):
        assert not {*HEAVY} & {*imported}, words


def test_importing_the_package_is_light():
    """`import orchestrator` loads neither Ray nor a training library nor pandas."""
    code = "import sys, orchestrator; print(sorted({'ray', 'keras', 'jax', 'tensorflow', 'pandas', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
    assert program.main


def test_folders_that_cannot_be_used_are_refused(here, tmp_path):
    """A file in the way and a folder that cannot be made are each said in one line."""
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below", "/proc/nothing"):
        assert "--out" in complaint(here("run", "noise", "--out", out, "--serial"))


def test_no_cluster_at_the_address_is_said_in_one_line(here, tmp_path, tiny):
    """An address where no Ray answers ends the command with that sentence."""
    done = here("run", tiny, "--address", "127.0.0.1:1", "--out", tmp_path / "out")
    assert "no Ray cluster answers at 127.0.0.1:1" in complaint(done)


def test_reports_without_results_say_how_to_get_them(here, tmp_path):
    """Asking an empty folder for anything gives one line with the command that fills it."""
    for words in (["report"], ["status"], ["show", "noise"], ["list", "--status", "ok"], ["retry"]):
        assert "run `python -m orchestrator run all" in complaint(here(*words, "--out", tmp_path))


def test_another_keras_is_refused(here, monkeypatch, tmp_path):
    """With a Keras of another minor version nothing runs, and the message names both."""
    monkeypatch.setattr(engine, "version", lambda name: "3.99.0" if name == "keras" else version(name))
    done = here("run", "noise", "--serial", "--out", tmp_path)
    assert "Keras 3.99.0 is installed, but results are checked against Keras 3.15" in complaint(done)


def test_fit_runs_the_same_jobs_seed_by_seed(cli, here, tmp_path, tiny):
    """`--engine fit` on both backends gives the same table shape; on JAX, losses are the compiled engine's."""
    words = ("run", tiny, "--seeds", "2", "--data", "fixed", "--serial", "--no-report", "--out")
    for done in (
        here(*words, tmp_path / "out"),
        here(*words, tmp_path / "out-fit", "--engine", "fit"),
        cli(*words, tmp_path / "out-tensorflow", "--engine", "fit", "--backend", "tensorflow"),
    ):
        assert done.returncode == 0, done.stderr
    folders = sorted(tmp_path.glob("out*"))
    frames = [pd.read_parquet(folder / "histories.parquet") for folder in folders]
    assert [len(frame) for frame in frames] == [12, 12, 12]
    engines = [set(pd.read_parquet(folder / "runs.parquet").engine) for folder in folders]
    assert engines == [{"compiled"}, {"fit-jax"}, {"fit-tensorflow"}]
    assert (frames[0].loss - frames[1].loss).abs().max() < 5e-7


def test_verify_passes_for_a_users_file_and_fails_when_the_engine_lies(here, tiny, monkeypatch):
    """`verify` compares with `fit` on both backends and exits with 0; an engine that is off by a little makes it exit with 1."""
    done = here("verify", tiny, "--epochs", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("holds") == 9
    from orchestrator.engine import compiled

    true = compiled.Program._epochs

    def lie(self, *a):
        state, logs = true(self, *a)
        return state, {**logs, "loss": logs["loss"] + 3e-6}

    monkeypatch.setattr(compiled.Program, "_epochs", lie)
    tiny.write_text(TINY.replace("model(2)", "model(3)"))  # a model that was not compiled here before
    done = here("verify", tiny, "--epochs", "3", "--data", "fixed", "--no-tensorflow")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILS" in done.stdout
