"""How many seeds would settle a comparison, held against R's power.t.test."""

import math

import numpy as np
import pytest

from reports.prospects import settle
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
