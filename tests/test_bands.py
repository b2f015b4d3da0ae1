"""The difference curve's simultaneous band."""

import numpy as np
import pytest
from scipy import stats

from orchestrator.reports.statistics.bands import difference_band


def noise(n, epochs, seed=0):
    """Standard normal curves, (n, epochs)."""
    return np.random.default_rng(seed).normal(size=(n, epochs))


def band(baseline, variant):
    """The band with draws of its own."""
    return difference_band(baseline, variant, np.random.default_rng(0))


def test_the_mean_is_the_mean_difference():
    """The curve in the middle is with minus without, averaged over the pairs."""
    a, b = noise(10, 5), noise(10, 5, 1)
    assert band(a, b).mean == pytest.approx((b - a).mean(axis=0))
    assert band(a, b).n == 10


def test_one_epoch_gives_about_the_t_interval():
    """With a single epoch nothing is simultaneous: the band is about as wide as a t interval."""
    a, b = noise(30, 1), noise(30, 1, 1)
    interval = stats.ttest_1samp((b - a)[:, 0], 0).confidence_interval()
    found = band(a, b)
    assert (found.high - found.low)[0] == pytest.approx(interval.high - interval.low, rel=0.1)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_the_whole_curve_is_held_nineteen_times_in_twenty(shift):
    """Of 300 bands over 50 epochs about 95 % hold every epoch at once, with and without a true difference."""
    held = []
    for seed in range(300):
        found = difference_band(
            noise(20, 50, 2 * seed), noise(20, 50, 2 * seed + 1) + shift, np.random.default_rng(1), 499
        )
        held.append(np.all((found.low <= shift) & (shift <= found.high)))
    assert 0.91 <= np.mean(held) <= 0.985


def test_a_band_over_many_epochs_is_wider_than_an_interval_at_each():
    """Holding 100 independent epochs at once takes well over two standard errors."""
    found = band(noise(30, 100), noise(30, 100, 1))
    error = (noise(30, 100, 1) - noise(30, 100)).std(axis=0, ddof=1) / np.sqrt(30)
    assert ((found.high - found.low) / 2 / error > 3).all()


def test_a_band_of_real_effect_is_as_narrow_as_one_of_none():
    """Adding a constant to the variant moves the band and leaves its width: the effect does not leak into the flips."""
    a, b = noise(12, 30), noise(12, 30, 1)
    plain, moved = band(a, b), band(a, b + 5)
    assert moved.low == pytest.approx(plain.low + 5)
    assert moved.differs.all()


def test_no_width_before_the_arms_part():
    """Up to the first epoch in which any pair differs the arms are one and the same: no width, no difference."""
    a = noise(10, 20)
    b = np.concatenate([a[:, :8], noise(10, 12, 1)], axis=1)
    found = band(a, b)
    assert found.parted == 8
    assert found.low[:8].tolist() == found.high[:8].tolist() == [0.0] * 8
    assert (found.high[8:] > found.low[8:]).all()


def test_an_epoch_in_which_all_runs_agree_still_has_a_width():
    """Thirty pairs that happen to differ by nothing at a stepped metric's ceiling are no proof that none ever would."""
    a, b = noise(30, 10), noise(30, 10, 1)
    b[:, 5] = a[:, 5]
    found = band(a, b)
    assert found.low[5] < 0 < found.high[5]


def test_arms_that_never_part_have_a_band_without_width():
    """A technique that never acted: the difference is nought in every pair and every epoch."""
    found = band(noise(8, 6), noise(8, 6))
    assert found.parted == 6
    assert found.low.tolist() == found.high.tolist() == [0.0] * 6
    assert not found.differs.any()


def test_a_difference_without_variation_has_no_band():
    """Pairs that all differ by the same amount give a mean, and no width to trust it by."""
    a = np.zeros((10, 4))
    found = band(a, a + 1)
    assert found.mean.tolist() == [1.0] * 4
    assert np.isnan(found.low).all()


def test_diverged_curves_are_left_out_and_counted():
    """A pair with NaN anywhere along its curve is no part of the band, and n says so."""
    a, b = noise(10, 6), noise(10, 6, 1)
    b[3, 4:] = np.nan
    rest = np.arange(10) != 3
    assert band(a, b).n == 9
    assert band(a, b).mean == pytest.approx((b - a)[rest].mean(axis=0))


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_too_few_pairs_have_no_band(n):
    """Five pairs have only 16 ways to flip that differ, which can't tell one in twenty: no band, but their mean."""
    a = noise(5, 4)[:n]
    found = band(a, a + noise(5, 4, 1)[:n])
    assert np.isnan(found.low).all()
    assert np.isnan(found.mean).all() == (n == 0)
