"""Arms that no seed joins, against closed forms and published figures."""

import math

import numpy as np
import pytest
from scipy import stats

from orchestrator.reports.statistics import unpaired
from orchestrator.reports.statistics.rates import newcombe

FIRST = np.array([0.81, 0.79, 0.83, 0.80, 0.78, 0.82])
SECOND = np.array([0.84, 0.90, 0.79, 0.88, 0.86, 0.93, 0.75, 0.91])


def test_the_interval_is_welchs():
    """Effect, interval and p follow from the two means and variances by Welch's formula."""
    found = unpaired.mean_effect(FIRST, SECOND, "higher", 0.01, 0.04)
    squares = [values.var(ddof=1) / len(values) for values in (FIRST, SECOND)]
    error = math.sqrt(sum(squares))
    degrees = sum(squares) ** 2 / sum(s**2 / (len(v) - 1) for s, v in zip(squares, (FIRST, SECOND), strict=True))
    effect = SECOND.mean() - FIRST.mean()
    reach = stats.t.ppf(0.98, degrees) * error
    expected = [effect, effect - reach, effect + reach, 2 * stats.t.sf(effect / error, degrees)]
    assert [found.effect, found.low, found.high, found.p_interval] == pytest.approx(expected)
    assert found.p_equivalence == pytest.approx(stats.t.sf((0.01 - effect) / error, degrees))


def test_better_is_counted_over_all_couples_of_runs():
    """The share of couples in which the variant does better, ties as half, in either direction."""
    couples = [(a, b) for a in FIRST for b in SECOND]
    above = sum((b > a) + (b == a) / 2 for a, b in couples) / len(couples)
    higher, lower = (unpaired.mean_effect(FIRST, SECOND, way, 0.01, 0.04) for way in ("higher", "lower"))
    assert (higher.probability_better, lower.probability_better) == pytest.approx((above, 1 - above))


def test_the_permutation_is_exact_for_few_runs():
    """Three runs against three that all lie above: 2 of the 20 ways to deal them out are as far apart."""
    p = unpaired.permuted(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), np.random.default_rng(0))
    assert p == pytest.approx(2 / 20)
    assert unpaired.least(3, 3) == pytest.approx(2 / 20)
    assert [unpaired.fewest_runs(level) for level in (0.1, 0.05, 0.04, 0.005)] == [3, 4, 4, 6]


def test_rates_go_by_published_figures():
    """Fisher's tea tasting has p = 0.4857; Newcombe's method 10 of 56 of 70 and 48 of 80 is 0.0524 to 0.3339 (Statistics in Medicine 17, 1998, table II)."""
    tea = np.array([True, True, True, False])
    assert unpaired.fisher(~tea, tea) == pytest.approx(0.4857, abs=5e-5)
    low, high = newcombe(56, 48, 70, of_baseline=80)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_bad_runs_rank_worst_whichever_way_is_better():
    """Runs that are gone stand below all others: the arm that lost some ranks worse, though the rest are equal."""
    equal, none = np.full(8, 0.5), np.zeros(8, dtype=bool)
    gone = np.arange(8) < 5
    for better in ("higher", "lower"):
        found = unpaired.worst_rank(equal, equal, (none, gone), better)
        assert (found.direction, found.p < 0.05) == (-1, True)
        assert unpaired.worst_rank(equal, equal, (none, none), better).direction == 0


def test_arms_without_variation_have_no_interval():
    """Two constants differ by what they differ by, and no interval is claimed; neither is one of a single run."""
    found = unpaired.mean_effect(np.full(5, 0.8), np.full(5, 0.9), "higher", 0.01, 0.04)
    assert found.effect == pytest.approx(0.1)
    assert math.isnan(found.low)
    assert math.isnan(unpaired.mean_effect(FIRST[:1], SECOND, "higher", 0.01, 0.04).low)
