"""The spread across seeds, held against enumeration, invariance and known power."""

import itertools
import math

import numpy as np
import pytest

from orchestrator.reports.statistics.spread import ratio, spread_effects, swap_test


def one(baseline, variant, sesoi=0.8, seed=0):
    """One pair's spread effect."""
    return spread_effects([(baseline, variant)], [sesoi], [0.05], np.random.default_rng(seed))[0]


def test_swap_test_is_the_enumeration_of_all_swaps():
    """For six pairs the p is the share of the 64 swaps whose log ratio is as far out, on the nearer side, doubled."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=6), 3 * rng.normal(size=6)
    a0, b0 = a - np.median(a), b - np.median(b)
    logs = []
    for swaps in itertools.product([False, True], repeat=6):
        first, second = np.where(swaps, b0, a0), np.where(swaps, a0, b0)
        logs.append(math.log(second.std() / first.std()))
    observed = math.log(b0.std() / a0.std())
    share = min(np.mean(np.array(logs) >= observed - 1e-12), np.mean(np.array(logs) <= observed + 1e-12))
    assert swap_test(a[:, None], b[:, None], np.random.default_rng(0))[0] == pytest.approx(min(1, 2 * share))


@pytest.mark.parametrize(("true_ratio", "power"), [(2.0, 0.90), (1.5, 0.46)])
def test_power_at_thirty_seeds(true_ratio, power):
    """At thirty seeds a ratio of 2 is found nine times in ten, one of 1.5 not even half of the time."""
    rng = np.random.default_rng(1)
    p = swap_test(rng.normal(size=(30, 400)), true_ratio * rng.normal(size=(30, 400)), np.random.default_rng(2), 999)
    assert np.mean(p < 0.05) == pytest.approx(power, abs=0.08)


def test_interval_scales_with_the_variant():
    """Three times the scatter is three times the ratio, and three times both ends of its interval."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=20), rng.normal(size=20)
    single, triple = one(a, b), one(a, 3 * b + 7)
    assert (triple.effect, triple.low, triple.high) == pytest.approx(
        [3 * x for x in (single.effect, single.low, single.high)]
    )


def test_interval_and_test_are_one():
    """Dividing the variant by an end of its interval brings p to 0.05: the interval inverts the test."""
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=30), 2 * rng.normal(size=30)
    found = one(a, b)
    scaled = np.stack([b / found.low, b / found.high], axis=1)
    p = swap_test(np.stack([a, a], axis=1), scaled, np.random.default_rng(0), 1999)
    assert p == pytest.approx([0.05, 0.05], abs=0.01)


@pytest.mark.parametrize("alpha", [0.04, 0.005, 0.0005])
def test_the_interval_leaves_out_one_just_where_its_p_is_at_most_the_level(alpha):
    """Bracket and p are one test with one set of draws, at any level and any size of the effect."""
    rng = np.random.default_rng(16)
    a = rng.normal(size=30)
    pairs = [(a, true * rng.normal(size=30)) for true in (1.0, 1.3, 1.5, 1.7, 2.0, 2.5, 3.0)]
    for found in spread_effects(pairs, [0.8] * 7, [alpha] * 7, np.random.default_rng(0)):
        assert (found.low >= 1 or found.high <= 1) == (found.p_interval <= alpha)


def test_equal_spreads_of_many_seeds_are_equivalent():
    """Three hundred seeds with the very same scatter show that the ratio lies within 0.8 and 1.25; ten do not."""
    values = np.random.default_rng(7).normal(size=300)
    many, few = one(values, values[::-1]), one(values[:10], values[9::-1])
    assert many.effect == pytest.approx(1.0)
    assert many.p_equivalence < 0.05
    assert 0.8 < many.low < 1 < many.high < 1.25
    assert few.p_equivalence > 0.05


def test_equivalence_is_two_one_sided_tests():
    """Its p is the larger of the two one-sided p at 0.8 and at 1.25, each half of the two-sided one."""
    rng = np.random.default_rng(9)
    a = rng.normal(size=40)
    b = 0.95 * a[::-1]
    bounds = np.stack([b / 0.8, b / 1.25], axis=1)
    two_sided = swap_test(np.stack([a, a], axis=1), bounds, np.random.default_rng(0))
    assert 0.8 < ratio(a, b) < 1.25
    assert one(a, b).p_equivalence == pytest.approx(two_sided.max() / 2)


def test_few_seeds_leave_the_ratio_unbounded():
    """With three pairs no p is below 0.25, so no ratio can be ruled out."""
    found = one(np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 5.0]))
    assert (found.low, found.high) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("baseline", "variant", "expected"),
    [(np.ones(5), np.arange(5.0), math.inf), (np.arange(5.0), np.ones(5), 0.0), (np.ones(5), np.ones(5), math.nan)],
)
def test_constant_arms_have_a_ratio_but_no_interval(baseline, variant, expected):
    """An arm without scatter makes the ratio 0 or infinite, two make it unknown; an interval there is none."""
    found = one(baseline, variant)
    assert found.effect == pytest.approx(expected, nan_ok=True)
    assert ratio(baseline, variant) == pytest.approx(expected, nan_ok=True)
    assert np.isnan([found.low, found.high, found.p_equivalence, found.mde, found.seeds_needed]).all()


def test_a_constant_arm_is_still_tested():
    """Ten different results against ten equal ones: only 2 of 1024 swaps keep the arms that far apart."""
    p = swap_test(np.zeros((10, 1)), np.arange(10.0)[:, None] - 4.5, np.random.default_rng(0))
    assert p == pytest.approx([2 / 1024])


def test_pairs_do_not_depend_on_their_company():
    """A comparison's interval stays what it is when others are computed with it, beyond the size of a chunk too."""
    rng = np.random.default_rng(8)
    pairs = [(rng.normal(size=12), rng.normal(size=12)) for _ in range(40)]
    together = spread_effects(pairs, [0.8] * 40, [0.05] * 40, np.random.default_rng(0))
    assert together[37] == one(*pairs[37])
