"""The mean effect, held against scipy, statsmodels and published tables."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from orchestrator.reports.statistics.paired import (
    constant,
    correlation,
    detectable,
    fewest_pairs,
    mean_effect,
    seeds_needed,
    sign_flip,
    wilcoxon,
)
from tests.reference import pairs, said_by_r


@pytest.fixture
def arms():
    """Thirty pairs a point apart, with scatter of two."""
    rng = np.random.default_rng(7)
    return rng.normal(0.80, 0.02, 30), rng.normal(0.81, 0.02, 30)


def test_sign_flip_is_scipys_permutation_test(arms):
    """With the same draws, the p is the one scipy's own sign-flip test of the differences gives."""
    d = arms[1] - arms[0]
    expected = stats.permutation_test((d,), np.mean, permutation_type="samples", rng=np.random.default_rng(3)).pvalue
    assert sign_flip(d[:, None], np.random.default_rng(3)) == pytest.approx([expected])


def test_sign_flip_takes_thousands_of_pairs():
    """The p of 3,000 pairs is that of the normal distribution, which so many come to."""
    rng = np.random.default_rng(1)
    d = rng.normal(0.02, 1, 3000)
    expected = 2 * stats.norm.sf(abs(d.mean()) / np.sqrt((d**2).mean() / len(d)))
    assert sign_flip(d[:, None], rng) == pytest.approx([expected], abs=0.02)


def test_sign_flip_is_exact_for_few_pairs():
    """Five differences of one sign are matched or beaten by 2 of 32 flips."""
    assert sign_flip(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), np.random.default_rng(0)) == pytest.approx([2 / 32])


def test_columns_share_draws_without_touching_each_other(arms):
    """A column's p does not depend on what is tested beside it."""
    d = np.stack([arms[1] - arms[0], arms[0] - 0.8], axis=1)
    alone = [sign_flip(d[:, [j]], np.random.default_rng(5))[0] for j in range(2)]
    assert sign_flip(d, np.random.default_rng(5)).tolist() == alone


def test_no_difference_anywhere_has_p_one():
    """All-equal pairs are no evidence: p is 1, not 0 and not NaN."""
    assert sign_flip(np.zeros((20, 1)), np.random.default_rng(0)).tolist() == [1.0]


def test_one_pair_has_no_p():
    """A single pair can't be permuted, so p is NaN."""
    assert math.isnan(sign_flip(np.ones((1, 1)), np.random.default_rng(0))[0])


def test_mean_effect_is_the_sum_of_its_sources(arms):
    """Interval, ranks, equivalence and correlation are scipy's and statsmodels' own."""
    d = arms[1] - arms[0]
    found = mean_effect(*arms, "higher", 0.01)
    interval = stats.ttest_1samp(d, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.effect == pytest.approx(d.mean())
    assert found.dz == pytest.approx(d.mean() / d.std(ddof=1))
    assert found.iqm == pytest.approx(stats.trim_mean(d, 0.25))
    assert found.p_wilcoxon == pytest.approx(stats.wilcoxon(d, zero_method="pratt").pvalue)
    assert found.p_equivalence == pytest.approx(ttost_paired(arms[1], arms[0], -0.01, 0.01)[0])
    assert found.correlation == pytest.approx(stats.pearsonr(*arms).statistic)


@pytest.mark.parametrize("alpha", [0.04, 0.02, 0.01, 0.005, 0.00125])
def test_the_interval_is_rs_at_any_level(alpha):
    """R's t.test gives the same interval at 1 - alpha, the same p, and the same two one-sided tests."""
    found = mean_effect(*pairs(), "higher", 0.02, alpha)
    assert (found.low, found.high) == pytest.approx(said_by_r(f"t.interval.{alpha:g}"), rel=1e-11)
    assert found.p_interval == pytest.approx(said_by_r("t.p")[0], rel=1e-11)
    assert found.p_equivalence == pytest.approx(said_by_r("tost.0.02")[0], rel=1e-11)


def test_a_p_near_its_level_gets_more_draws_and_no_other(arms):
    """In doubt whether p is below 0.02 a hundred thousand flips decide; far from it, ten thousand do."""
    d = arms[1] - arms[0]
    near = np.stack([d - d.mean() + shift for shift in np.linspace(0.42, 0.6, 9) * d.std()], axis=1)
    few = sign_flip(near, np.random.default_rng(0))
    more = sign_flip(near, np.random.default_rng(0), levels=np.full(9, 0.02))
    changed = few != more
    assert changed.any()
    assert (np.abs(few[changed] - 0.02) < 0.02).all()
    assert not changed[few < 0.005].any()
    again = sign_flip(near[:, changed], np.random.default_rng(0), levels=np.full(int(changed.sum()), 0.02))
    assert again.tolist() == more[changed].tolist()


def test_ties_count_as_half_a_win():
    """Two wins, one tie and one loss make 2.5 of 4, in whichever direction is better."""
    baseline, variant = np.array([0.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 0.0, -1.0])
    assert mean_effect(baseline, variant, "higher", 0.1).probability_better == 2.5 / 4
    assert mean_effect(baseline, variant, "lower", 0.1).probability_better == 1.5 / 4


def test_re_split_files_get_the_corrected_t():
    """Draws with rows in common are less certain than they are many: Nadeau and Bengio's interval, by R."""
    found = mean_effect(*pairs(), "higher", 0.02, 0.04, shared=70 / 30)
    assert (found.low, found.high) == pytest.approx(said_by_r("corrected.t.interval"), rel=1e-11)
    assert found.p_interval > 0.5
    assert math.isnan(found.seeds_needed)


@pytest.mark.parametrize("dz", [0.5, 1])
def test_seeds_needed_are_rs_at_a_shared_level(dz):
    """R's power.t.test says how many pairs it takes at a level of 0.02."""
    assert seeds_needed(dz, 0.02) == np.ceil(said_by_r(f"n.{dz:g}")[0])


@pytest.mark.parametrize("alpha", [0.05, 0.002, 1e-4, 1e-6])
@pytest.mark.parametrize("dz", [0.05, 0.3, 1.2])
def test_so_many_seeds_will_do_and_one_less_will_not(dz, alpha):
    """At the number of pairs told scipy's noncentral t gives a power of 0.8, and at one less it does not."""
    n = seeds_needed(dz, alpha)
    pairs = np.array([n - 1, n])
    power = stats.nct.sf(stats.t.isf(alpha / 2, pairs - 1), pairs - 1, dz * np.sqrt(pairs))
    assert power[1] >= 0.8
    assert power[0] < 0.8 or n == fewest_pairs(alpha)


@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_equal_differences_have_no_interval(shift):
    """Where every pair differs by the same amount a width can't be estimated: NaN, not a width of nought."""
    baseline = np.linspace(0.7, 0.8, 12)
    found = mean_effect(baseline, baseline + shift, "higher", 0.01)
    assert found.effect == pytest.approx(shift)
    assert np.isnan([found.low, found.high, found.dz, found.p_equivalence, found.mde]).all()


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_pairs_give_no_interval(n):
    """None or one pair gives NaN where a number would be invented."""
    found = mean_effect(np.full(n, 0.8), np.full(n, 0.9), "higher", 0.01)
    assert found.n == n
    assert math.isnan(found.low)
    assert math.isnan(found.p_wilcoxon)


def test_two_pairs_still_give_scipys_interval():
    """With two pairs the t interval has one degree of freedom and 12.7 standard errors to each side."""
    found = mean_effect(np.array([0.0, 0.0]), np.array([1.0, 2.0]), "higher", 0.1)
    assert found.high - found.effect == pytest.approx(12.7062 * 0.5, rel=1e-5)


def test_signed_ranks_are_exact_without_ties_and_approximate_with_them():
    """Eight untied positive differences: 2 of 256; with a zero among them the normal approximation answers."""
    d = np.arange(1.0, 9.0)
    assert wilcoxon(d) == pytest.approx(2 / 256)
    tied = np.array([0.0, 1, 1, 2, 3, 4, 5, -1])
    assert wilcoxon(tied) == stats.wilcoxon(tied, zero_method="pratt", method="asymptotic").pvalue
    assert wilcoxon(np.zeros(5)) == 1.0


def test_detectable_effects_are_those_of_the_tables():
    """A paired t test of 30 finds dz 0.53 four times in five (G*Power), 0.69 at a seventh of the level."""
    assert detectable(30) == pytest.approx(0.53, abs=0.005)
    assert detectable(30, 0.05 / 7) == pytest.approx(0.69, abs=0.005)
    assert math.isnan(detectable(1))


def test_seeds_needed_are_those_of_the_tables():
    """Cohen's medium and small effect take 34 and 199 pairs at a power of 0.8 (G*Power)."""
    assert (seeds_needed(0.5), seeds_needed(0.2)) == (34, 199)


def test_no_effect_is_found_by_fewer_seeds_than_a_permutation_needs():
    """Six pairs are the fewest whose smallest sign-flip p, 2 / 64, is below 0.05; nine at an eighth of that."""
    assert seeds_needed(50.0) == 6
    assert seeds_needed(50.0, 0.05 / 8) == 9


def test_rounding_is_no_variation():
    """0.83 - 0.82 and 0.84 - 0.83 differ in binary, and are the same difference."""
    assert constant(np.array([0.83 - 0.82, 0.84 - 0.83, 0.85 - 0.84]))
    assert not constant(np.array([0.0, 1 / 70]))
    assert constant(np.array([]))


def test_constant_arms_have_no_correlation():
    """Thirty runs at 1.000 correlate with nothing: NaN, without a warning."""
    assert math.isnan(correlation(np.ones(30), np.arange(30.0)))
