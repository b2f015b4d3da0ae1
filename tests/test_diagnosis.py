"""Naming the areas: learning, generalization, predictions, each with its numbers and borders."""

import json

import numpy as np
import pytest

from orchestrator.reports.diagnosis.borders import BORDERS, markdown
from orchestrator.reports.diagnosis.diagnosis import Technique, diagnose, document, render, techniques, variants
from orchestrator.reports.diagnosis.problem_signs import falling
from orchestrator.reports.diagnosis.row_count import row_count, standard_error
from orchestrator.reports.diagnosis.task import Task
from orchestrator.reports.logs.logged_runs import FinalScores, LoggedRun, parse
from tests.conftest import ROOT
from tests.simulate import store

EPOCHS = np.arange(1, 101)


def record(train=0.95, held_out=0.93, speed=5.0, val_loss_rise=0.0, wobble=0.0):
    """A well-behaved run of a hundred epochs, spoilt on request."""
    rise = 1 - np.exp(-EPOCHS / speed)
    zigzag = wobble / 2 * (-1.0) ** EPOCHS
    return LoggedRun(
        loss=0.7 - 0.6 * rise,
        val_loss=0.7 - 0.5 * rise + val_loss_rise * EPOCHS / 100,
        accuracy=0.5 + (train - 0.5) * rise,
        val_accuracy=0.5 + (held_out - 0.5) * rise + zigzag,
    )


def areas(*records, **task):
    """The areas found in these runs, strongest first."""
    return diagnose(records, "mine", task=Task(**task)).areas


def signs(*records, **task):
    """The signs of these runs by what they measure."""
    return {sign.what: sign for sign in diagnose(records, "mine", task=Task(**task)).signs}


def test_a_healthy_model_has_no_area():
    """Fitted, alike on held-out rows and from run to run: nothing is found, and all six signs are told."""
    found = diagnose([record(), record(held_out=0.931)], "mine")
    assert found.areas == ()
    assert found.verdict == "no problem found"
    assert [sign.found for sign in found.signs] == [False] * 6


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([record(train=0.7, held_out=0.7)], "learning"),
        ([LoggedRun(loss=np.append(np.full(20, 0.7), np.inf))], "learning"),
        ([LoggedRun(loss=np.linspace(1.0, 0.95, 50))], "learning"),
        ([record(train=1.0, held_out=0.76)], "generalization"),
        ([record(val_loss_rise=1.0)], "generalization"),
        ([LoggedRun(loss=1.0 / EPOCHS, val_loss=1.0 / EPOCHS + 0.5)], "generalization"),
        ([LoggedRun(loss=3 - 0.1 * EPOCHS, val_loss=3 - 0.03 * EPOCHS)], "generalization"),
        ([record(held_out=0.90), record(held_out=0.94)], "predictions"),
        ([record(wobble=0.03)], "predictions"),
    ],
)
def test_each_sign_names_its_area(records, expected):
    """Not fitted or lost is learning; a gap or a risen loss generalization; a scatter predictions."""
    assert areas(*records) == (expected,)


def test_all_areas_are_named_the_strongest_first():
    """24 points of gap are five times the border, 70 % accuracy is 1.5 times; a lost loss comes before all."""
    assert areas(record(train=0.7, held_out=0.46)) == ("generalization", "learning")
    assert areas(record(train=0.3, held_out=0.2)) == ("learning", "generalization")
    lost = LoggedRun(loss=np.append(record().loss, np.inf))
    assert areas(record(train=1.0, held_out=0.5), record(train=1.0, held_out=0.51), lost)[0] == "learning"


@pytest.mark.parametrize("n", [20, 100, 1000, 5000])
def test_slowness_is_no_problem_at_any_length(n):
    """exp(-e/(n/4)) takes most of its epochs to fall, however many they are; a run that ends fitted was fast enough."""
    fall = np.exp(-4 * np.arange(1, n + 1) / n)
    assert (
        areas(
            LoggedRun(loss=0.1 + fall, val_loss=0.12 + fall, accuracy=0.98 - 0.4 * fall, val_accuracy=0.97 - 0.4 * fall)
        )
        == ()
    )


def test_each_number_is_told_with_its_border_and_the_distance():
    """A gap of 24 points is 19 beyond the border of 5; an accuracy of 100 % is 20 clear of that of 80 %."""
    found = signs(record(train=1.0, held_out=0.76, speed=1.0))
    assert (
        "24 points below training accuracy: 19 points beyond the border of 5 points"
        in found["training minus validation accuracy"].text
    )
    assert "ends at 100 %: 20 points clear of the border of 80 %" in found["training accuracy"].text
    assert found["training minus validation accuracy"].times == pytest.approx(4.8)


@pytest.mark.parametrize(
    ("task", "limit"),
    [
        ({}, 0.80),
        ({"classes": 2}, 0.80),
        ({"classes": 10}, 0.64),
        ({"guess": 0.95}, 0.98),
        ({"classes": 10, "guess": 0.5}, 0.8),
        ({"guess": 0.5, "best": 0.84}, 0.704),
    ],
)
def test_the_border_of_accuracy_knows_what_guessing_gives(task, limit):
    """It lies 60 % of the way from guessing to the best possible, which is kappa = 0.6 where all rows can be right."""
    assert signs(record(), **task)["training accuracy"].limit == pytest.approx(limit)


def test_classes_are_read_off_the_first_epoch():
    """A first loss of log(40) at an accuracy no coin would have is of 40 classes; at 60 % it is of two."""
    for first, limit in ((0.05, 0.6 + 0.4 / 40), (0.6, 0.8)):
        curve = LoggedRun(loss=np.linspace(np.log(40.5), 0.5, 20), accuracy=np.linspace(first, 0.9, 20))
        assert signs(curve)["training accuracy"].limit == pytest.approx(limit)


def test_an_accuracy_that_stands_still_is_that_of_always_answering_alike():
    """95 % from the first epoch to the last, and a loss that hardly falls, is the majority class and nothing learned."""
    loss = 0.2 + 0.01 * np.exp(-EPOCHS)
    stuck = LoggedRun(loss=loss, val_loss=loss, accuracy=np.full(100, 0.95), val_accuracy=np.full(100, 0.95))
    assert areas(stuck) == ("learning",)
    assert "always answered" in signs(stuck)["training accuracy"].text
    assert areas(LoggedRun(loss=1 / EPOCHS, accuracy=np.full(100, 0.95))) == ()


def test_a_training_curve_held_down_by_dropout_is_no_problem():
    """71 % on training rows with dropout on and 90 % on validation rows: the model fits; both at 60 % is a problem."""
    found = diagnose([record(train=0.71, held_out=0.90)], "mine")
    assert found.areas == ()
    assert any("dropout" in note for note in found.notes)
    assert areas(record(train=0.55, held_out=0.60)) == ("learning",)


def test_scores_of_the_finished_model_go_before_the_curves():
    """A stored run knows its accuracies in inference mode: 99 % and 80 % are a gap of 19 points, whatever the curves say."""
    curve = record(train=0.7, held_out=0.8)
    final = FinalScores(train_accuracy=0.99, test_accuracy=0.80)
    known = LoggedRun(final=final).with_curves(
        {name: getattr(curve, name) for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
    )
    assert areas(known) == ("generalization",)
    assert signs(known)["training minus validation accuracy"].value == pytest.approx(0.19)


def test_a_gap_on_few_rows_is_weak_or_none():
    """On 140 and 60 rows a standard error is 5.6 points: a gap of 9 is a weak sign, one of 6 none; on 6,000 rows it is plain."""
    steps = np.linspace(0, 1, 20)
    for train, held, rows, found, weak in (
        (127, 49, 1, True, True), (122, 49, 1, False, False), (127 * 100, 49 * 100, 100, True, False),
    ):  # fmt: skip
        curve = LoggedRun(
            accuracy=np.round(train * (0.6 + 0.4 * steps)) / (140 * rows),
            val_accuracy=np.round(held * (0.6 + 0.4 * steps)) / (60 * rows),
        )
        sign = signs(curve)["training minus validation accuracy"]
        assert (sign.found, sign.weak) == (found, weak)


def test_rows_are_read_off_the_steps_of_an_accuracy():
    """Shares of 60 rows in float32 or to four decimals give 60; rounded percents and large data sets give no number."""
    shares = np.array([31, 37, 41, 44, 47, 49, 53]) / 60
    assert row_count(shares.astype(np.float32).astype(float)) == 60
    assert row_count(np.round(shares, 4)) == 60
    assert row_count(np.array([0.77, 0.81, 0.85, 0.9, 0.93])) is None
    assert row_count(np.array([19345, 21239, 22003, 22504, 23001]) / 25000) is None
    assert row_count(np.full(9, 0.8)) is None


def test_the_standard_error_of_a_gap():
    """sqrt(p(1-p)/n + q(1-q)/m) for 1,000 and 500 rows at 90 and 80 %, to the smoothing of a row: 2.03 points."""
    assert standard_error(0.9, 0.8, (1000, 500)) == pytest.approx(np.sqrt(0.09 / 1000 + 0.16 / 500), rel=0.01)
    assert np.isnan(standard_error(0.9, 0.8, (None, None)))


@pytest.mark.parametrize("n", [1, 3, 9])
def test_under_ten_epochs_it_is_too_short_to_tell(n):
    """Nothing is found in nine epochs, however bad they look, except a loss that is NaN."""
    curve = LoggedRun(loss=np.full(n, 0.7), accuracy=np.full(n, 0.3), val_accuracy=np.full(n, 0.1))
    found = diagnose([curve], "mine")
    assert found.areas == ()
    assert found.verdict.startswith(f"too short to tell ({n} epoch")
    assert areas(LoggedRun(loss=np.array([0.7, np.inf]))) == ("learning",)


def test_what_the_log_does_not_hold_is_not_known():
    """Without validation, learning is judged and the rest is said not to be known."""
    found = diagnose([LoggedRun(loss=record().loss, accuracy=record().accuracy)], "mine")
    assert found.verdict == "no problem found; not known: generalization and predictions"
    assert signs(LoggedRun(loss=record().loss))["training loss left"].found is False


def test_equal_runs_say_nothing_of_the_spread():
    """The same history twice is one run, and it is said."""
    found = diagnose([record(), record()], "mine")
    assert found.runs == 1
    assert any("equal to another" in note for note in found.notes)
    assert next(sign for sign in found.signs if sign.what.startswith("spread")).found is None


def test_a_regression_is_judged_by_its_losses():
    """Without any accuracy: training loss left, validation over training loss, and scatter as a share of its mean."""
    made = record()
    plain = [LoggedRun(loss=made.loss, val_loss=made.loss * factor) for factor in (1.0, 1.4)]
    found = diagnose(plain, "mine")
    assert found.areas == ("predictions",)
    assert any("final validation loss differs by 23.6 %" in sign.text for sign in found.signs)


def test_losses_below_zero_have_no_ratio():
    """A log-likelihood that falls from 1 to -5, validation 0.1 above: no problem; with half the descent missing, one."""
    fall = np.linspace(1, -5, 50)
    assert areas(LoggedRun(loss=fall, val_loss=fall + 0.1)) == ()
    assert areas(LoggedRun(loss=fall, val_loss=np.linspace(1, -1, 50))) == ("generalization",)


def test_a_noisy_validation_loss_has_not_risen():
    """The lowest single epoch of a noisy curve is luck; tenths of the training are compared, and against the noise."""
    noisy = np.full(100, 0.5) + 0.1 * np.sin(EPOCHS * 2.4)
    assert signs(LoggedRun(loss=record().loss, val_loss=noisy))[
        "validation loss, end over lowest"
    ].value == pytest.approx(1.0, abs=0.02)
    jitter = 0.5 * (1 + 0.3 * np.random.default_rng(0).standard_normal(30))
    assert signs(LoggedRun(loss=record().loss[:30], val_loss=jitter))["validation loss, end over lowest"].found is False


def test_a_curve_that_still_rises_does_not_wobble():
    """Steps that all lead upwards are progress; only what goes back and forth counts."""
    rising = LoggedRun(loss=record().loss, val_accuracy=np.linspace(0.1, 0.9, 30))
    assert signs(rising)["wobble of validation accuracy"].value == pytest.approx(0)


def test_how_fast_a_loss_falls_is_counted_in_epochs():
    """0.99^e falls by 1 % an epoch, whether 30 or 3,000 of them were trained."""
    for n in (30, 300):
        assert falling(0.99 ** np.arange(n)) == pytest.approx(0.01)


def test_no_history_is_an_error():
    """There is nothing to diagnose in nothing."""
    with pytest.raises(ValueError, match="no history"):
        diagnose([], "mine")


def test_the_families_techniques_come_with_their_effects():
    """Only the remedies of the areas found are listed, each with its sentence."""
    known = [Technique(family, family, "with", {}, f"{family} helped.") for family in ("learning", "generalization")]
    found = diagnose([record(train=1.0, held_out=0.7)], "mine", known)
    assert [t.family for t in found.techniques] == ["generalization"]
    assert "    generalization helped." in render(found)


def test_a_users_history_goes_all_the_way():
    """From the JSON text of an overfitted run to the named area and its lines."""
    made = record(train=1.0, held_out=0.7)
    text = json.dumps({name: getattr(made, name).tolist() for name in ("loss", "val_loss", "accuracy", "val_accuracy")})
    said = render(diagnose(parse(text), "mine.json"))
    assert said.startswith("mine.json, 1 run of 100 epochs: a problem with generalization\n")
    assert (
        "! validation accuracy ends 30 points below training accuracy: 25 points beyond the border of 5 points" in said
    )
    assert "nothing that treats it has been measured" in said


def test_a_diagnosis_as_json_holds_plain_numbers():
    """JSON knows neither NaN nor infinity: what isn't known is null; every border is told with its source."""
    made = json.loads(
        json.dumps(document(diagnose([LoggedRun(loss=np.array([1.0, np.inf]))], "mine")), allow_nan=False)
    )
    assert made["areas"] == ["learning"]
    assert made["signs"][1]["value"] is None
    assert all(sign["source"] for sign in made["signs"])


def test_every_variant_of_a_store_is_diagnosed():
    """Fifteen variants; overfitting is found where it was put, with the three techniques that treat it.

    Early stopping is no problem with learning, though it trains a fraction of the epochs.
    """
    made = store(5, scale=0.1)
    found = {d.name: d for d in variants(made.results)}
    assert len(found) == 15
    overfit = found["early-stopping / without"]
    assert overfit.area == "generalization"
    assert [t.lesson for t in overfit.techniques][:3] == ["weight-regularization", "noise", "early-stopping"]
    assert "learning" not in found["early-stopping / with"].areas
    assert found["framework / without"].area == "predictions"
    assert found["batch-size / stochastic"].area == "learning"


def test_techniques_need_a_family():
    """A user's lesson outside the three families is no remedy for anything."""
    made = store(4, scale=0.02)
    for lesson in made.lessons:
        lesson["family"] = None
    assert techniques(made.results) == []


def test_the_borders_stand_in_the_documentation():
    """docs/diagnose.md holds the very table that the code judges by."""
    assert markdown() in (ROOT / "docs" / "diagnose.md").read_text()
    assert all(border.source and border.rule for border in BORDERS.values())


def test_the_gap_border_is_akaike_s_at_a_parameter_for_five_rows():
    """(n + p) / (n - p) is 1.5 at p = n / 5, and kappa at 80 % of two classes alike is 0.6: the sources say what they are said to."""
    assert BORDERS["ratio"].limit == (5 + 1) / (5 - 1)
    assert pytest.approx(BORDERS["fitted"].limit) == (0.8 - 0.5) / (1 - 0.5)


OVERFIT = "loss,accuracy,val_loss,val_accuracy\n" + "".join(
    f"{0.6 * 0.8**i},{1 - 0.3 * 0.7**i},{0.4 + 0.03 * i},{0.9 - 0.1 * 0.5**i}\n" for i in range(30)
)


@pytest.fixture
def logs(tmp_path):
    """A folder with two seeds' logs."""
    for seed in (1, 2):
        (tmp_path / f"seed{seed}.csv").write_text(OVERFIT.replace("0.6,", f"0.6{seed},"))
    return tmp_path


def test_the_command_reads_patterns_as_seeds(here, logs):
    """A pattern in quotation marks is as many runs as files fit it; --format json says so to programs."""
    done = here("diagnose", f"{logs}/*.csv", "--format", "json", "--out", logs / "none")
    made = json.loads(done.stdout)
    assert (made["runs"], made["area"]) == (2, "generalization")


def test_the_command_reads_standard_input(cli, logs):
    """A dash stands for what comes through a pipe."""
    done = cli("diagnose", "-", "--out", logs / "none", input=OVERFIT)
    assert done.stdout.startswith("standard input, 1 run of 30 epochs: a problem with generalization")


def test_the_command_reads_parquet(here, logs):
    """Columns of a Parquet file are read as those of a CSV."""
    import io

    import pandas as pd

    pd.read_csv(io.StringIO(OVERFIT)).to_parquet(logs / "mine.parquet")
    assert "a problem with generalization" in here("diagnose", logs / "mine.parquet", "--out", logs / "none").stdout


def test_what_steers_a_terminal_is_not_printed(here, logs):
    """An escape sequence in a column's title reaches no terminal, neither in a note nor in an error."""
    (logs / "steering.csv").write_text("loss,\x1b[31mred\n" + "1,2\n" * 12)
    (logs / "none.csv").write_text("\x1b[31mred,b\n1,2\n")
    for name in ("steering.csv", "none.csv"):
        done = here("diagnose", logs / name, "--out", logs / "none")
        assert "red" in done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr


def test_classes_and_majority_move_the_border(here, logs):
    """97 % is not fitted where one class has 95 %; --majority says so."""
    (logs / "rare.csv").write_text(
        "loss,accuracy\n" + "".join(f"{0.3 - 0.005 * i},{0.95 + 0.001 * min(i, 20)}\n" for i in range(30))
    )
    words = ("diagnose", logs / "rare.csv", "--out", logs / "none")
    assert "no problem found" in here(*words).stdout
    assert "a problem with learning" in here(*words, "--majority", "0.95").stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere.json"], "nowhere.json can't be read: No such file or directory"),
        (["."], ". is a folder; name its files, or a pattern"),
        (["*.nothing"], "no file fits *.nothing"),
        (["/dev/zero"], "zero is larger than 64 MiB"),
        (["--html", "x.html"], "go with a training log"),
        (["seed1.csv", "--html", "nowhere/x.html"], "--html nowhere/x.html can't be written"),
        (["bad.parquet"], "bad.parquet is a damaged Parquet file"),
        (["huge.parquet"], "huge.parquet claims 3,000,000 rows"),
        (["seed1.csv", "loss="], "loss= can't be read"),
    ],
)
def test_a_wrong_call_is_one_line(here, logs, monkeypatch, words, complaint):
    """What can't be read or written ends in one line and exit code 2."""
    import pandas as pd

    monkeypatch.chdir(logs)
    (logs / "bad.parquet").write_bytes(b"PAR1" + b"x" * 100)
    pd.DataFrame({"loss": np.zeros(3_000_000)}).to_parquet(logs / "huge.parquet")
    done = here("diagnose", *words, "--out", logs / "none")
    assert done.returncode == 2, done.stdout
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
