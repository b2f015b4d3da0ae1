"""The calibration study, a small piece of it: the real one takes minutes."""

import math

import numpy as np
import pytest

from benchmarks import calibration as study
from orchestrator.reports.statistics.paired import detectable


@pytest.fixture
def rng():
    """Seeded draws."""
    return np.random.default_rng(11)


def near(found, wanted):
    """Within three Monte Carlo standard errors, and a percent."""
    return abs(found.k / found.n - wanted) <= 3 * math.sqrt(wanted * (1 - wanted) / found.n) + 0.01


@pytest.mark.parametrize("name", study.ENDPOINTS)
def test_no_effect_is_seldom_claimed_and_intervals_hold(rng, name):
    """Both arms alike, 10 seeds: at most about 5 % of claims, and 95 % of intervals hold nought."""
    draw = study.ENDPOINTS[name]
    effects = study.experiments(draw(rng, (120, 1, 10)), draw(rng, (120, 1, 10)))
    assert study.claims(effects, small=True).k <= 120 * 0.05 + 3 * math.sqrt(120 * 0.05 * 0.95)
    assert study.covers(effects, 0.0).k >= 120 * 0.95 - 3 * math.sqrt(120 * 0.05 * 0.95)


def test_power_at_the_minimal_detectable_effect(rng):
    """A true effect of the size the table calls detectable is found four times in five."""
    shift = detectable(30) * math.sqrt(2) * 0.02
    effects = study.experiments(study.normal(rng, (150, 1, 30)), study.normal(rng, (150, 1, 30)) + shift)
    assert near(study.share(effects["p"] < 0.05), 0.80)
    assert effects["mde"].median() == pytest.approx(shift, rel=0.05)


def test_spread_intervals_hold_the_ratio(rng):
    """Twice the scatter: 95 % of the intervals hold 2."""
    effects = study.experiments(study.normal(rng, (80, 1, 20)), 2 * study.normal(rng, (80, 1, 20)), measure="score")
    assert near(study.covers(effects[effects["statistic"] == "spread"], 2.0), 0.95)


def test_lessons_share_a_scope_and_a_scope_is_an_experiment(rng):
    """Three experiments of two lessons are three scopes of two primary comparisons, each at its own lesson's level."""
    effects = study.experiments(study.normal(rng, (3, 2, 5)), study.normal(rng, (3, 2, 5)), lessons=2)
    assert effects.groupby("data", observed=True).size().tolist() == [2, 2, 2]
    assert set(effects["alpha"]) == {0.04}


def test_diverging_runs_reach_the_table(rng):
    """The mask of diverged runs ends as counts, arm by arm."""
    gone = np.zeros((2, 1, 1, 5), dtype=bool)
    gone[1, 0, 0, :2] = True
    effects = study.experiments(study.normal(rng, (1, 1, 5)), study.normal(rng, (1, 1, 5)), diverging=gone)
    assert effects[["diverged_baseline", "diverged_variant"]].to_numpy().tolist() == [[0, 2]]


def test_a_share_tells_its_error():
    """Five of a hundred: 5 %, give or take 4.8; none of a hundred still has an error."""
    assert str(study.Share(5, 100)) == "  5.0 ±4.8"
    assert str(study.Share(0, 100)) == "  0.0 ±2.6"
    assert str(study.Share(0, 0)) == "-"
