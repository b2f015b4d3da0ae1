"""Runs that did not finish, held against closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from reports.rates import exact_mcnemar, rate, worst_rank

NONE = np.zeros(10, dtype=bool)


def mask(*seeds, n=10):
    """True for these seeds of n."""
    return np.isin(np.arange(n), seeds)


def test_wilsons_interval_without_events():
    """None of ten: Wilson's upper bound is z² / (n + z²) = 0.2775."""
    found = rate(NONE)
    assert (found.k, found.n) == (0, 10)
    assert found.low == pytest.approx(0.0)
    assert found.high == pytest.approx(1.959964**2 / (10 + 1.959964**2), abs=1e-6)


def test_no_runs_have_no_rate():
    """None of none is no share at all."""
    assert math.isnan(rate(np.array([], dtype=bool)).high)


def test_mcnemar_is_a_coin_for_each_discordant_pair():
    """Five pairs in which only the variant fails are five heads in a row: p = 2 / 32. Concordant pairs say nothing."""
    assert exact_mcnemar(mask(9), mask(0, 1, 2, 3, 4, 9)) == pytest.approx(2 / 32)


def test_mcnemar_without_discordant_pairs_is_one():
    """No pair differs: p is 1, whether nobody failed or everybody did."""
    assert exact_mcnemar(NONE, NONE) == 1.0
    assert exact_mcnemar(~NONE, ~NONE) == 1.0
    assert math.isnan(exact_mcnemar(NONE[:0], NONE[:0]))


def test_worst_rank_without_divergence_is_wilcoxon():
    """Nobody diverged: it is the signed-rank test of the differences."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=10), rng.normal(0.5, size=10)
    assert worst_rank(a, b, (NONE, NONE), "higher").p == pytest.approx(stats.wilcoxon(b - a).pvalue)


def test_the_better_direction_is_the_endpoints():
    """Lower values rank better where lower is better, and worse where higher is."""
    a, b = np.arange(10.0), np.arange(10.0) - np.linspace(0.1, 0.2, 10)
    assert [worst_rank(a, b, (NONE, NONE), better).direction for better in ("lower", "higher")] == [1, -1]


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_diverged_runs_rank_worst(better):
    """Eight of ten baselines diverge and no variant does: the variant ranks better, whatever direction is better."""
    values = np.linspace(0.5, 0.6, 10)
    found = worst_rank(np.full(10, np.nan), values, (mask(*range(8)), NONE), better)
    assert found.direction == 1
    assert found.p < 0.05


def test_values_of_diverged_runs_are_not_read():
    """A diverged run is told by its loss: an accuracy of 1 that it happens to have does not help it."""
    values = np.linspace(0.5, 0.6, 10)
    found = worst_rank(values, np.ones(10), (NONE, ~NONE), "higher")
    assert (found.direction, found.p) == (
        -1,
        pytest.approx(stats.wilcoxon(-np.ones(10), method="asymptotic").pvalue, abs=0.01),
    )


def test_two_diverged_halves_are_a_tie():
    """When both arms diverge in every seed there is no difference between them."""
    found = worst_rank(np.full(10, np.nan), np.full(10, np.nan), (~NONE, ~NONE), "higher")
    assert (found.p, found.direction) == (1.0, 0)


def test_crashed_runs_are_left_out_of_the_ranks():
    """A crash says nothing about the technique: a NaN that did not diverge takes its pair out."""
    a, b = np.arange(10.0), np.arange(10.0) + 1
    b[0] = np.nan
    assert worst_rank(a, b, (NONE, NONE), "higher").p == pytest.approx(
        stats.wilcoxon(np.ones(9), method="asymptotic").pvalue
    )
