"""Results made elsewhere are judged by what they say, or refused."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

import orchestrator as o
from tests.conftest import ROOT

ASKED = ("--endpoint", "acc", "--better", "higher", "--sesoi", "0.01")
FIRST_LOOK = 0.96


def numbers(seeds=12, gain=0.04, spread=0.02, seed=0):
    """Scores of as many runs on both sides."""
    draw = np.random.default_rng(seed)
    before = 0.8 + spread * draw.normal(size=seeds)
    return before, before + gain + spread / 2 * draw.normal(size=seeds)


@pytest.fixture
def sides(tmp_path):
    """Both sides as a table with a row a run, and their scores."""
    before, after = numbers()
    for name, values in (("before", before), ("after", after)):
        pd.DataFrame({"seed": range(12), "acc": values}).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path, before, after


def effect(here, *words, asked=ASKED):
    """The row of the effects table that decides."""
    done = here("judge", *words, *asked, "--format", "json")
    assert done.returncode == 0, done.stderr
    (row,) = (row for row in json.loads(done.stdout) if row["primary"])
    return row


def complaint(done):
    """The one line of a refusal."""
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    return done.stderr


def test_pairs_are_judged_by_their_t_interval(here, sides):
    """Effect and interval are scipy's for the differences by seed, at the level of a first look, in whatever order the rows stand."""
    folder, before, after = sides
    pd.read_csv(folder / "after.csv").sample(frac=1, random_state=1).to_csv(folder / "after.csv", index=False)
    row = effect(here, folder / "before.csv", folder / "after.csv")
    expected = stats.ttest_1samp(after - before, 0).confidence_interval(FIRST_LOOK)
    assert [row["effect"], row["low"], row["high"]] == pytest.approx([(after - before).mean(), *expected])
    assert (row["verdict"], row["n_pairs"], row["variant"], row["baseline"]) == ("improves", 12, "after", "before")
    back = effect(here, folder / "after.csv", folder / "before.csv")
    assert (back["effect"], back["verdict"]) == (pytest.approx(-row["effect"]), "harms")


def test_unpaired_runs_are_judged_by_welchs_interval(here, sides):
    """Where no seed joins the runs, of which there may be more on one side, effect and interval are scipy's by Welch."""
    folder, before, after = sides
    pd.read_csv(folder / "after.csv").iloc[:9].to_csv(folder / "after.csv", index=False)
    row = effect(here, folder / "before.csv", folder / "after.csv", "--unpaired")
    expected = stats.ttest_ind(after[:9], before, equal_var=False).confidence_interval(FIRST_LOOK)
    assert [row["low"], row["high"]] == pytest.approx([*expected])
    assert (row["asked_baseline"], row["asked_variant"], row["correlation"]) == (12, 9, None)


def _table(frame, path):
    frame.to_parquet(path)


def _lines(frame, path):
    path.write_text("\n".join(json.dumps(row) for row in frame.to_dict("records")))


def _wandb(frame, path):
    frame.assign(Name=[f"run-{s}" for s in frame.seed], State="finished", _step=100, _runtime=3.2).to_csv(path)


def _epochs(frame, path):
    rows = [
        {"seed": s, "epoch": e, "acc": value if e == 2 else 0.1 * e, "loss": 1.0}
        for e in range(3)
        for s, value in zip(frame.seed, frame.acc, strict=True)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)


def _comma(frame, path):
    frame.to_csv(path, sep=";", decimal=",", index=False)


@pytest.mark.parametrize("write", [_table, _lines, _wandb, _epochs, _comma])
def test_a_table_may_be_in_any_usual_form(here, sides, write):
    """Parquet, JSON lines, W&B's table of runs, a row an epoch, decimal commas: the effect is that of the plain table."""
    folder, before, after = sides
    for name in ("before", "after"):
        write(pd.read_csv(folder / f"{name}.csv"), folder / name)
    row = effect(here, folder / "before", folder / "after")
    assert (row["effect"], row["n_pairs"]) == (pytest.approx((after - before).mean()), 12)


def _lightning(folder, seed, value):
    rows = [f"{e},{10 * e},{0.5},\n{e},{10 * e},,{value if e == 2 else 0.3 + e / 10}" for e in range(3)]
    (folder / "metrics.csv").write_text("epoch,step,train_loss,acc\n" + "\n".join(rows))


def _history(folder, seed, value):
    (folder / "history.json").write_text(json.dumps({"loss": [1.0, 0.5], "acc": [0.5, value]}))


def _result(folder, seed, value):
    (folder / "result.json").write_text(json.dumps({"seed": seed, "acc": value}))


@pytest.mark.parametrize("write", [_lightning, _history, _result])
def test_a_side_may_be_a_log_a_run(here, tmp_path, write):
    """Lightning's rows of several kinds, a Keras history, a small result: the last value of each counts, and the path or the file tells the seed."""
    before, after = numbers(8)
    for name, values in (("old", before), ("new", after)):
        for seed, value in enumerate(values):
            (folder := tmp_path / name / f"seed_{seed:02}").mkdir(parents=True)
            write(folder, seed, value)
    row = effect(here, f"{tmp_path}/old/*/*", f"{tmp_path}/new/*/*")
    assert (row["effect"], row["n_pairs"]) == (pytest.approx((after - before).mean()), 8)
    assert (row["variant"], row["baseline"]) == ("new", "old")


def events(path, rows):
    """An event file of these (step, tag, value), one half of the scalars as PyTorch writes them, the other as TensorFlow does."""
    import tensorflow as tf
    from tensorflow.core.util.event_pb2 import Event

    with tf.io.TFRecordWriter(str(path)) as file:
        for at, (step, tag, value) in enumerate(rows):
            event = Event(step=step)
            one = event.summary.value.add(tag=tag)
            if at % 2:
                one.simple_value = value
            else:
                one.tensor.CopyFrom(tf.make_tensor_proto(value, dtype=tf.float32))
                one.metadata.plugin_data.plugin_name = "scalars"
            file.write(event.SerializeToString())


def test_a_side_may_be_tensorboards_event_files(here, tmp_path):
    """The last value of a tag in a run's event file counts; a file that is cut is refused, and one without the tag says what it has."""
    before, after = numbers(8)
    for name, values in (("old", before), ("new", after)):
        for seed, value in enumerate(values):
            (folder := tmp_path / name / f"seed_{seed}").mkdir(parents=True)
            rows = [
                (step, tag, x) for step in range(3) for tag, x in (("loss", 1.0), ("val/acc", value - (2 - step) / 10))
            ]
            events(folder / "events.out.tfevents.1.host", rows)
    words = (
        f"{tmp_path}/old/*/*",
        f"{tmp_path}/new/*/*",
        "--endpoint",
        "val/acc",
        "--better",
        "higher",
        "--sesoi",
        "0.01",
    )
    done = here("judge", *words, "--format", "json")
    (row,) = (row for row in json.loads(done.stdout) if row["primary"])
    assert (row["effect"], row["n_pairs"]) == (pytest.approx((after - before).mean(), abs=1e-6), 8)
    assert "it has step, loss, val/acc" in complaint(here("judge", *words[:2], *ASKED))
    cut = tmp_path / "new" / "seed_3" / "events.out.tfevents.1.host"
    cut.write_bytes(cut.read_bytes()[:-5])
    assert "is cut or damaged" in complaint(here("judge", *words))


def test_a_file_of_several_settings_is_never_mixed(here, tmp_path):
    """Rows of two settings with the same seeds are refused until a column and a value say which are meant."""
    before, after = numbers()
    frame = pd.concat(
        pd.DataFrame({"seed": range(12), "optimizer": name, "epochs": 50 + 50 * at, "acc": values})
        for at, (name, values) in enumerate((("sgd", before), ("adam", after)))
    )
    frame.to_csv(tmp_path / "runs.csv", index=False)
    frame.drop(columns="optimizer").to_csv(tmp_path / "bare.csv", index=False)
    assert "of several runs, by column 'optimizer': 'sgd', 'adam'" in complaint(
        here("judge", tmp_path / "runs.csv", tmp_path / "bare.csv", *ASKED)
    )
    assert "no column numbers its epochs" in complaint(
        here("judge", tmp_path / "bare.csv", tmp_path / "runs.csv", *ASKED)
    )
    row = effect(here, f"{tmp_path}/runs.csv?optimizer=sgd", f"{tmp_path}/runs.csv?optimizer=adam")
    assert (row["effect"], row["variant"]) == (pytest.approx((after - before).mean()), "adam")
    assert "there are 'sgd', 'adam'" in complaint(
        here("judge", f"{tmp_path}/runs.csv?optimizer=rms", f"{tmp_path}/runs.csv?optimizer=adam", *ASKED)
    )


@pytest.mark.parametrize(
    ("cell", "ended"), [("", "failed"), ("nan", "diverged"), ("inf", "diverged"), ("0.9", "failed")]
)
def test_runs_that_went_wrong_count(here, sides, cell, ended):
    """A run without a number, with NaN or infinity, or that crashed is counted as one that went bad, and its pair is missing."""
    folder, _, _ = sides
    frame = pd.read_csv(folder / "after.csv", dtype=str)
    frame["State"] = "finished"
    frame.loc[:2, "acc"] = cell
    frame.loc[:2, "State"] = "crashed" if cell == "0.9" else "finished"
    frame.to_csv(folder / "after.csv", index=False)
    row = effect(here, folder / "before.csv", folder / "after.csv")
    assert (row[f"{ended}_variant"], row["n_pairs"], row["verdict"]) == (3, 9, "not testable")
    apart = effect(here, folder / "before.csv", folder / "after.csv", "--unpaired")
    assert apart["p_bad"] == pytest.approx(stats.fisher_exact([[3, 9], [0, 12]]).pvalue)


def test_seeds_without_a_partner_are_told_and_may_be_too_many(here, sides):
    """One seed less on a side is said; more than a fifth less is refused, since what is left may be a selection."""
    folder, _, _ = sides
    frame = pd.read_csv(folder / "after.csv")
    frame.iloc[:-1].to_csv(folder / "after.csv", index=False)
    done = here("judge", folder / "before.csv", folder / "after.csv", *ASKED)
    assert "only before has them: seed 11." in done.stderr
    frame.iloc[:-3].to_csv(folder / "after.csv", index=False)
    assert "9 of 12 seeds are on both sides" in complaint(
        here("judge", folder / "before.csv", folder / "after.csv", *ASKED)
    )


def test_a_ledger_makes_a_second_look_stricter(here, sides):
    """The same runs again are the same look; other runs are a second one, at 0.005; another endpoint is another question."""
    folder, _, _ = sides
    words = (folder / "before.csv", folder / "after.csv", "--ledger", folder / "looks.jsonl")
    assert [effect(here, *words)["alpha"] for _ in range(2)] == pytest.approx([0.04, 0.04])
    frame = pd.read_csv(folder / "after.csv")
    frame["acc"] += 0.001
    frame.to_csv(folder / "after.csv", index=False)
    second = effect(here, *words)
    assert (second["look"], second["alpha"]) == (2, pytest.approx(0.005))
    assert len((folder / "looks.jsonl").read_text().splitlines()) == 2
    other = ("--endpoint", "acc", "--better", "higher", "--sesoi", "0.02")
    assert "is of another question" in complaint(here("judge", *words, *other))
    assert "Earlier looks" in here("judge", *words[:2], *ASKED).stderr


def test_what_is_required_decides_the_exit_code(here, sides):
    """0 where it is shown, 3 where it is not or the guard is broken; not being worse by as much as matters is enough for no-harm."""
    folder, before, _ = sides
    for name, values in (("same", before + 1e-4 * np.arange(12)), ("worse", before - 0.05)):
        pd.DataFrame({"seed": range(12), "acc": values, "ms": 20.0 + np.arange(12) / 10}).to_csv(
            folder / f"{name}.csv", index=False
        )
    frame = pd.read_csv(folder / "before.csv").assign(ms=10.0)
    frame.to_csv(folder / "before.csv", index=False)
    pd.read_csv(folder / "after.csv").assign(ms=20.0 + np.arange(12) / 10).to_csv(folder / "slow.csv", index=False)

    def code(name, required, *more):
        return here(
            "judge", folder / "before.csv", folder / f"{name}.csv", *ASKED, "--require", required, *more
        ).returncode

    assert [code(name, "improves") for name in ("after", "same", "worse")] == [0, 3, 3]
    assert [code(name, "no-harm") for name in ("after", "same", "worse")] == [0, 0, 3]
    assert [code("slow", required, "--guard", "ms,lower,5") for required in ("improves", "no-harm")] == [3, 3]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--endpoint", "accuracy", "--better", "higher", "--sesoi", "1"),
            "there is no column 'accuracy'; it has seed, acc",
        ),
        (("--endpoint", "acc", "--better", "higher", "--sesoi", "0"), "must be above 0"),
        (("--endpoint", "acc", "--better", "higher", "--sesoi", "nan"), "must be above 0"),
        (("--endpoint", "acc", "--better", "more", "--sesoi", "1"), "--help` says what is allowed"),
        (("--endpoint", "gap", "--better", "lower", "--sesoi", "1"), "means something here"),
        ((*ASKED, "--guard", "ms,less,5"), "expected column,higher,0.1"),
        ((*ASKED, "--seed", "run"), "there is no column 'run'"),
        ((*ASKED, "--ledger", "."), "can't be read"),
        ((*ASKED, "--html", "no/such/folder/page.html"), "can't be written"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_in_one_line(here, sides, words, said):
    """Wrong columns, sizes, ways and files: exit code 2, one line, nothing judged."""
    folder, _, _ = sides
    assert said in complaint(here("judge", folder / "before.csv", folder / "after.csv", *words))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("seed,acc\n1,0.5\n1,0.6\n", "no column numbers its epochs"),
        ("seed,acc\n1,high\n2,0.6\n", "expected a number"),
        ("acc\n0.5\n0.6\n", "tells no seed"),
        ("seed,acc\n1,0.5\n,0.6\n", "is empty in row 2"),
        ("seed,acc,State\n1,0.5,paused\n2,0.6,finished\n", "no way to end"),
        ("\x80\x04\x95", "pickle"),
    ],
)
def test_what_cannot_be_told_is_refused_in_one_line(here, sides, text, said):
    """Files that leave open what a run is, or what it scored, are refused, and never guessed at."""
    folder, _, _ = sides
    (folder / "odd.csv").write_bytes(text.encode("latin-1"))
    assert said in complaint(here("judge", folder / "before.csv", folder / "odd.csv", *ASKED))


def test_what_can_be_read_in_two_ways_is_refused(here, sides):
    """A thousands comma where commas are decimal, a percent sign, a column there twice, a late first epoch, a row of means: none is guessed at."""
    folder, _, _ = sides
    for text, said in (
        ("seed\tacc\n" + "\n".join(f"{s}\t1,0{s:02}" for s in range(12)), "read in two ways"),
        ("seed,acc\n" + "\n".join(f"{s},{70 + s}%" for s in range(12)), "write numbers without a unit"),
        ("seed,acc,acc\n" + "\n".join(f"{s},0.{s + 10},0.9" for s in range(12)), "several columns 'acc'"),
        (
            "seed,lr,epoch,acc\n" + "\n".join(f"{s},0.1,{12 + s},0.8\n{s},0.3,{15 + s},0.6" for s in range(12)),
            "begins with epoch 12",
        ),
        ("seed,acc\nmean,0.8\n" + "\n".join(f"{s},0.8{s}" for s in range(11)), "among seeds that are numbers"),
    ):
        (folder / "odd.csv").write_text(text)
        assert said in complaint(here("judge", folder / "before.csv", folder / "odd.csv", *ASKED))


def test_a_log_that_goes_on_without_its_number_ended_badly(here, sides):
    """Where every epoch but the last has the number, as when NaN is written as nothing, the run counts as failed, not by an earlier epoch."""
    folder, _, _ = sides
    for name in ("before", "after"):
        _epochs(pd.read_csv(folder / f"{name}.csv"), folder / f"{name}.csv")
    frame = pd.read_csv(folder / "after.csv")
    frame.loc[(frame.epoch == 2) & (frame.seed < 5), "acc"] = np.nan
    frame.to_csv(folder / "after.csv", index=False)
    assert effect(here, folder / "before.csv", folder / "after.csv")["failed_variant"] == 5


def test_a_guard_that_never_varies_is_broken_all_the_same(here, sides):
    """Parameters that double in every run break a guard, though there is no interval of what doesn't vary."""
    folder, _, _ = sides
    for name, size in (("before", 1000), ("after", 2000)):
        pd.read_csv(folder / f"{name}.csv").assign(size=size).to_csv(folder / f"{name}.csv", index=False)
    words = (folder / "before.csv", folder / "after.csv", *ASKED, "--require", "improves")
    assert here("judge", *words, "--guard", "size,lower,100").returncode == 3
    assert here("judge", *words, "--guard", "size,higher,100").returncode == 0


def test_one_run_far_off_leaves_the_others_apart(here, sides):
    """Beside a run of ten million, 20 and 23 are still two numbers: the loss is told."""
    folder, before, _ = sides
    for name, more in (("before", 0.0), ("after", 3.0)):
        values = np.where(np.arange(12) == 3, 1e7, 100 * before - 60 + more + 0.1 * np.arange(12) * more)
        pd.DataFrame({"seed": range(12), "ppl": values}).to_csv(folder / f"{name}.csv", index=False)
    asked = ("--endpoint", "ppl", "--better", "lower", "--sesoi", "1")
    row = effect(here, folder / "before.csv", folder / "after.csv", asked=asked)
    assert (row["n_identical"], row["verdict"]) == (1, "harms")


def test_seeds_are_joined_by_their_names(here, sides):
    """Seeds 1 and 01 are two seeds, whichever comes first in a file."""
    folder, before, after = sides
    names = [*(str(s) for s in range(6)), *(f"0{s}" for s in range(6))]
    pd.DataFrame({"seed": names, "acc": before}).to_csv(folder / "before.csv", index=False)
    pd.DataFrame({"seed": names[::-1], "acc": after[::-1]}).to_csv(folder / "after.csv", index=False)
    row = effect(here, folder / "before.csv", folder / "after.csv")
    assert row["low"] == pytest.approx(stats.ttest_1samp(after - before, 0).confidence_interval(FIRST_LOOK).low)


def test_a_question_leaves_the_users_files_alone(here, sides):
    """A page does not take the place of a table, a ledger is a file, and no look is kept of a question that ends in an error."""
    folder, _, _ = sides
    words = ("judge", folder / "before.csv", folder / "after.csv", *ASKED)
    assert "is no page" in complaint(here(*words, "--html", folder / "after.csv"))
    assert "it is no file" in complaint(here(*words, "--ledger", "/dev/full"))
    assert "can't be written" in complaint(
        here(*words, "--ledger", folder / "looks", "--html", folder / "none" / "x.html")
    )
    assert not (folder / "looks").exists()


def test_no_filter_hides_how_runs_ended_or_their_data(here, sides):
    """Finished runs alone would be a selection; another scope than the one that is asked for is refused."""
    folder, _, _ = sides
    frame = pd.read_csv(folder / "after.csv").assign(state="finished", data="redrawn")
    frame.to_csv(folder / "after.csv", index=False)
    hidden = here("judge", folder / "before.csv", f"{folder}/after.csv?state=finished", *ASKED)
    assert "would leave out runs by how they ended" in complaint(hidden)
    assert "give --data redrawn" in complaint(
        here("judge", folder / "before.csv", f"{folder}/after.csv?data=redrawn", *ASKED)
    )


def test_the_page_says_nothing_of_a_training_it_knows_nothing_of(here, sides):
    """It holds the verdict and the command; no diagnosis, no variants as trained, no tables beside it; unpaired, no seeds and no McNemar."""
    folder, _, _ = sides
    for more in ((), ("--unpaired",)):
        done = here("judge", folder / "before.csv", folder / "after.csv", *ASKED, "--html", folder / "page.html", *more)
        assert done.returncode == 0
        page = (folder / "page.html").read_text()
        assert "Improves" in page
        assert "judge" in page
        for word in ("What was trained", "runs.parquet", "Diagnosis"):
            assert word not in page
        assert ("Seed by seed" in page, "Run by run" in page) == (not more, bool(more))


def test_the_step_of_a_workflow_fails_a_job_and_tells_why(sides):
    """The action's script, run by bash as a workflow does, writes the verdict into the summary and ends as `judge` does."""
    folder, _, _ = sides
    action = yaml.safe_load((ROOT / "docs" / "judge" / "action.yml").read_text())
    (step,) = action["runs"]["steps"]
    given = {"baseline": "before.csv", "candidate": "after.csv", "endpoint": "acc", "better": "higher", "sesoi": "0.01"}

    def job(**more):
        inputs = {name: about.get("default", "") for name, about in action["inputs"].items()} | given | more
        told = {
            name: inputs[re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value)[1]] for name, value in step["env"].items()
        }
        place = {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}  # noqa: PTH120
        environment = {**os.environ, **place, **told, "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    assert job().returncode == 0
    assert "| Improves |" in (folder / "summary.md").read_text()
    assert (folder / "judge.html").exists()
    back = job(baseline="after.csv", candidate="before.csv")
    assert (back.returncode, "not met: --require no-harm" in back.stdout) == (3, True)
    assert job(require="", baseline="after.csv", candidate="before.csv", page="").returncode == 0
    assert job(endpoint="nothing").returncode == 2


def test_python_gives_the_same_of_frames(here, sides, tmp_path):
    """Frames and dicts of columns are judged as the files are; the page is written where it is asked for."""
    folder, _, _ = sides
    before, after = (pd.read_csv(folder / f"{name}.csv") for name in ("before", "after"))
    found = o.judge(before, after.to_dict("list"), "acc", "higher", 0.01, page=tmp_path / "page.html")
    expected = effect(here, folder / "before.csv", folder / "after.csv")
    (row,) = found.verdicts.to_dict("records")
    assert [row["effect"], row["low"], row["verdict"]] == [
        pytest.approx(expected["effect"]),
        pytest.approx(expected["low"]),
        expected["verdict"],
    ]
    assert found.report == tmp_path / "page.html"
    assert found.report.exists()
    assert "Earlier looks" in repr(found)
    with pytest.raises(o.UsageError, match="better"):
        o.judge(before, after, "acc", "more", 0.01)
