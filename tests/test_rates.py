"""Runs that did not finish, held against closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from orchestrator.reports.statistics.rates import exact_mcnemar, newcombe, rate, rate_effect, seeds_to_tell, worst_rank
from tests.reference import said_by_r

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


@pytest.mark.parametrize("counts", [(6, 0), (8, 0), (7, 1), (12, 3)])
def test_mcnemar_is_rs_binomial_test(counts):
    """Exact McNemar is R's binom.test on the discordant pairs."""
    more, fewer = counts
    baseline, variant = np.zeros(30, dtype=bool), np.zeros(30, dtype=bool)
    variant[:more], baseline[more : more + fewer] = True, True
    assert exact_mcnemar(baseline, variant) == pytest.approx(said_by_r(f"mcnemar.{more}.{fewer}")[0])


@pytest.mark.parametrize("bad", [1, 2, 4, 6])
def test_newcombes_interval_is_made_of_rs_wilson_intervals(bad):
    """One, two, four and six bad runs of thirty against none: up to .167, .213, ... more."""
    assert newcombe(bad, 0, 30) == pytest.approx(said_by_r(f"newcombe.{bad}.0"))
    assert newcombe(2, 6, 30) == pytest.approx(said_by_r("newcombe.2.6"))
    assert newcombe(4, 1, 30, 0.98) == pytest.approx(said_by_r("newcombe.98.4.1"))


def test_seeds_that_would_tell_the_rates_apart():
    """Five against none of thirty: the sixth would be 2 / 64 and the seventh 2 / 128, so 42 seeds at a level of 0.02."""
    assert seeds_to_tell(5, 0, 30, 0.04) == 36
    assert seeds_to_tell(5, 0, 30, 0.02) == 42
    assert seeds_to_tell(3, 3, 30, 0.04) == math.inf


def test_a_rates_interval_holds_none_where_mcnemar_does():
    """Five against none are 2 / 32: Newcombe's interval alone would leave out no difference at a level of 0.05."""
    baseline, variant = mask(n=30), mask(*range(5), n=30)
    assert newcombe(5, 0, 30)[0] > 0
    found = rate_effect(baseline, variant, 0.1, 0.05)
    assert (found.effect, found.low, found.p_interval) == (pytest.approx(5 / 30), 0.0, pytest.approx(2 / 32))


def test_equal_rates_are_equivalent_where_the_interval_fits():
    """None of 200 against none: Newcombe's interval at 1 - 2 p reaches to 2 points exactly at the p that is told."""
    nobody = mask(n=200)
    p = rate_effect(nobody, nobody, 0.02, 0.05).p_equivalence
    assert newcombe(0, 0, 200, 1 - 2 * p) == pytest.approx((-0.02, 0.02), abs=1e-6)
    assert rate_effect(mask(n=30), mask(*range(12), n=30), 0.1, 0.05).p_equivalence == 1.0


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
