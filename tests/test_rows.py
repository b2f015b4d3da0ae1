"""Seeds and rows, both of them drawn."""

import math

import numpy as np
import pytest

from reports.rows import crossed
from tests.reference import said_by_r

WITHOUT = """10110101 11010101 00110111 10100101 10011100 10110001"""
WITH = """11110111 11110101 10111111 11100110 10111111 11110101"""


def mask(text):
    """One row a run, one character a row of the test set."""
    return np.array([[sign == "1" for sign in run] for run in text.split()])


def test_the_error_is_that_of_an_analysis_of_variance():
    """R's aov of six pairs of runs on eight rows: (MS seeds + MS rows - MS residual) / (n R)."""
    found = crossed(mask(WITHOUT), mask(WITH))
    assert found.effect == pytest.approx(mask(WITH).mean() - mask(WITHOUT).mean())
    assert found.error == pytest.approx(said_by_r("crossed.error")[0])


def simulated(rng, n, rows, hard):
    """Masks of n pairs of runs whose technique helps on some rows and harms on others, by `hard`."""
    ease, gain = rng.normal(1, 1, rows), hard * rng.normal(size=rows)
    first = rng.normal(size=(n, rows)) < ease
    return first, rng.normal(size=(n, rows)) < ease + gain


def test_it_is_the_scatter_over_new_seeds_and_new_rows():
    """Over 400 draws of 20 seeds and 40 rows the effect scatters as the error says, where seeds alone say a third of that."""
    rng = np.random.default_rng(0)
    found = [crossed(*simulated(rng, 20, 40, 1.0)) for _ in range(400)]
    scatter = np.std([each.effect for each in found])
    assert np.sqrt(np.mean([each.error**2 for each in found])) == pytest.approx(scatter, rel=0.1)
    assert np.mean([each.rows_dominate for each in found]) > 0.99


def test_where_rows_abound_seeds_are_what_counts():
    """On 5,000 rows on which the technique does the same everywhere, more seeds help and more rows don't."""
    rng = np.random.default_rng(1)
    luck = rng.normal(0, 0.3, (8, 1))
    first = rng.normal(size=(8, 5000)) < 1
    second = rng.normal(size=(8, 5000)) < 1 + luck
    found = crossed(first, second)
    assert not found.rows_dominate
    assert found.error == pytest.approx(found.of_seeds, rel=0.05)


def test_one_pair_or_one_row_has_no_error():
    """One pair of runs tells nothing of other seeds, one row nothing of other rows."""
    assert math.isnan(crossed(mask("101"), mask("111")).error)
    assert math.isnan(crossed(mask("1 0"), mask("1 1")).error)
