"""What one pair of runs may look like."""

import math

import numpy as np
import pytest

from orchestrator.reports.statistics.single_pairs import single
from tests.reference import said_by_r


def test_the_share_has_wilsons_interval():
    """Better in 19 of 30 data sets is R's prop.test; a tie counts as half a data set."""
    found = single(np.arange(30.0), 19 / 30)
    assert (found.better_low, found.better_high) == pytest.approx(said_by_r("wilson.19.of.30"))
    found = single(np.arange(30.0), 18.5 / 30)
    assert (found.better_low, found.better_high) == pytest.approx(said_by_r("wilson.18.5.of.30"))


@pytest.mark.parametrize(("n", "cut"), [(20, 1), (30, 1), (39, 2), (100, 5)])
def test_a_single_run_lies_between_two_of_the_ordered_ones(n, cut):
    """Between the i-th and the j-th of n lies the next one with a chance of (j - i) / (n + 1): at least nine in ten."""
    found = single(np.random.default_rng(0).permutation(n).astype(float), 0.5)
    assert (found.low, found.high) == (cut - 1, n - cut)
    assert found.coverage == pytest.approx((n + 1 - 2 * cut) / (n + 1))
    assert found.coverage >= 0.9


def test_the_coverage_is_what_it_says_whatever_the_runs_are_drawn_from():
    """Of 4,000 skewed samples of 30, 93.5 % hold a further run."""
    rng = np.random.default_rng(1)
    drawn = rng.exponential(size=(4000, 31))
    found = [single(sample[:30], 0.5) for sample in drawn]
    held = np.mean([each.low <= new <= each.high for each, new in zip(found, drawn[:, 30], strict=True)])
    assert held == pytest.approx(29 / 31, abs=0.012)


def test_with_fewer_than_twenty_there_is_none():
    """Nineteen runs, or none, bound nothing."""
    assert math.isnan(single(np.arange(19.0), 0.5).low)
    assert math.isnan(single(np.array([]), math.nan).better_low)
