"""What seeds would show, held against R's power.t.test and against drawn experiments."""

import math

import numpy as np
import pytest

from orchestrator.cli.ahead import stored
from orchestrator.cli.chances import chances as foretold
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, seeded
from orchestrator.reports.statistics.more_seeds import chances, settle
from orchestrator.store import Block, Store
from tests.reference import said_by_r


def test_a_large_effect_would_be_shown_beyond_what_matters():
    """Three points where one matters, SD 4: pairs to tell the two points between from nothing."""
    assert settle(0.03, 0.04, 0.01, 0.02) == ("beyond", math.ceil(said_by_r("n.beyond")[0]))
    assert settle(-0.03, 0.04, 0.01, 0.02) == settle(0.03, 0.04, 0.01, 0.02)


def test_a_tiny_effect_would_be_shown_to_make_no_difference():
    """A tenth of a point where one matters: pairs for two one-sided tests."""
    assert settle(0.001, 0.04, 0.01, 0.02) == ("within", math.ceil(said_by_r("n.within")[0]))


def test_an_effect_near_the_border_would_first_be_told_from_nothing():
    """0.9 points where one matters: real but small comes first, by far."""
    assert settle(0.009, 0.04, 0.01, 0.02) == ("real", math.ceil(said_by_r("n.real")[0]))
    assert settle(0.01, 0.04, 0.01, 0.02)[0] == settle(0.0101, 0.04, 0.01, 0.02)[0] == "real"


@pytest.mark.parametrize("known", [(math.nan, 0.1), (0.1, 0.0), (0.1, math.nan), (0.1, math.inf)])
def test_without_numbers_nothing_is_foretold(known):
    """No effect or no scatter gives no number of seeds."""
    what, pairs = settle(*known, 0.01, 0.02)
    assert what == ""
    assert math.isnan(pairs)


def test_so_many_seeds_do_show_it():
    """Of experiments with the pairs that equivalence takes, four in five show it."""
    _, pairs = settle(0.0, 0.04, 0.01, 0.02)
    rng = np.random.default_rng(0)
    d = rng.normal(0, 0.04, (1000, int(pairs)))
    error = d.std(axis=1, ddof=1) / math.sqrt(pairs)
    shown = np.abs(d.mean(axis=1)) + 2.0537 * error < 0.01  # qnorm(.98)
    assert shown.mean() == pytest.approx(0.8, abs=0.04)


def test_chances_are_those_of_the_verdicts_own_rules():
    """Against 20,000 drawn experiments, each judged by its t interval and two one-sided tests, for three true effects."""
    rng = np.random.default_rng(2)
    for truth in (0.0, 0.01, 0.02):
        d = rng.normal(truth, 0.03, (20_000, 64))
        mean, error = d.mean(axis=1), d.std(axis=1, ddof=1) / 8
        low, high = mean - 2.3870 * error, mean + 2.3870 * error  # qt(.99, 63)
        same = (np.abs(mean) + 2.0971 * error <= 0.01) & (low <= 0) & (high >= 0)  # qt(.98, 63)
        drawn = (
            (low > 0.01).mean(),
            (high < -0.01).mean(),
            (((low > 0) & (low <= 0.01)) | ((high < 0) & (high >= -0.01))).mean(),
        )
        found = chances(truth, 0.03, 0.01, 0.02, 64)
        assert (found.improves, found.harms, found.small) == pytest.approx(drawn, abs=0.01)
        assert found.same == pytest.approx(same.mean(), abs=0.01)


def test_a_difference_is_found_as_often_as_r_says():
    """With R's number of pairs for 0.9 points, four experiments in five leave out no effect."""
    found = chances(0.009, 0.04, 0.01, 0.02, math.ceil(said_by_r("n.real")[0]))
    assert found.improves + found.small == pytest.approx(0.8, abs=0.005)


def test_chances_add_up_and_too_few_seeds_have_none():
    """Every experiment has one verdict; five seeds can't have any at a level of 0.02."""
    found = chances(0.01, 0.02, 0.01, 0.02, 30)
    assert sum(vars(found).values()) == pytest.approx(1)
    assert chances(1.0, 0.02, 0.01, 0.02, 5).undecided == 1.0


DESCRIBED = {
    "id": "a", "variants": [{"name": "without"}, {"name": "with"}], "data": {"redrawn": False},
    "title": "A lesson",
    "endpoint": {"measure": "fresh_accuracy", "statistic": "mean", "better": "higher", "sesoi": 0.01, "threshold": None},
}  # fmt: skip


def test_plan_tells_the_chance_of_each_verdict(tmp_path):
    """With a scatter given, a row for true effects of none, one and two smallest ones of interest; without any, none."""
    rows = list(foretold([DESCRIBED], [], 0.02))
    assert [row[:5] for row in rows] == [("a", "with", "fixed", "0.02", effect) for effect in ("0", "0.01", "0.02")]
    assert rows[0][-1] == "no difference 96 %"
    assert rows[2][-1].startswith("improves 100 %")
    assert list(foretold([DESCRIBED], stored(Store(tmp_path))[1], None)) == []


def _run(seed, accuracy):
    """A run of one epoch."""
    history = {name: np.full(1, 0.5, np.float32) for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    return Outcome(seed, "ok", history, {"fresh_accuracy": accuracy, "test_accuracy": accuracy}, engine="compiled")


def test_plan_goes_by_stored_effects(tmp_path):
    """Looked at once with a scatter of two points: the next look is the second, at its level."""
    store = Store(tmp_path)
    store.prepare()
    apart = 0.02 * np.sqrt(7 / 8) * np.array([1, -1] * 4)  # eight differences with a standard deviation of .02
    for name, levels in (("without", np.full(8, 0.7)), ("with", 0.71 + apart)):
        store.blocks.write(name, Block(tuple(_run(seed, level) for seed, level in enumerate(levels))))
    jobs = [Job("a", name, "fixed", name, "p", "compiled", 8, 1.0) for name in ("without", "with")]
    described = {
        **DESCRIBED,
        "title": "A",
        "question": "Does it help?",
        "data": {"redrawn": False, "rows_fresh": 10**6, "rows_test": 10**6},
    }
    described["variants"] = [{"name": name, "epochs": 1, "batch_size": 32} for name in ("without", "with")]
    store.write_tables(seeded(jobs, range(8)), [described])
    runs, _, lessons, _ = store.load()
    assert store.record_looks(runs, lessons)
    rows = list(foretold([DESCRIBED], stored(store)[1], None))
    chance = chances(0.02, 0.02, 0.01, 0.005, 64)
    assert rows[2][3] == "0.02"
    assert f"improves {100 * chance.improves:.0f} %" in rows[2][7]
