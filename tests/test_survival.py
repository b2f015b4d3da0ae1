"""Epochs to a threshold, held against a published trial."""

import math

import numpy as np
import pytest

from orchestrator.reports.statistics.survival import logrank, waiting

# Remission of leukaemia in weeks, Freireich et al., Blood 21 (1963); the textbook example of both methods.
TREATED = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35], dtype=float)
RELAPSED = np.arange(21) < 9
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], dtype=float)
ALL = np.ones(21, dtype=bool)


def test_median_is_kaplan_and_meiers():
    """The trial's published medians: 23 weeks treated, 8 on placebo, with 9 and 21 relapses."""
    treated, placebo = waiting(TREATED, RELAPSED), waiting(PLACEBO, ALL)
    assert (treated.median, placebo.median) == (23, 8)
    assert (treated.reached.k, placebo.reached.k) == (9, 21)


def test_logrank_is_the_published_one():
    """The trial's log-rank chi-square is 16.79 with one degree of freedom."""
    assert logrank((TREATED, RELAPSED), (PLACEBO, ALL)) == pytest.approx(math.erfc(math.sqrt(16.79 / 2)), rel=0.01)


def test_a_threshold_most_runs_miss_has_no_median():
    """With two of five runs there, half of them never get there: infinity, not the mean of the lucky ones."""
    assert waiting(np.array([3.0, 5, 100, 100, 100]), np.array([True, True, False, False, False])).median == math.inf


def test_a_threshold_nobody_reaches_has_no_p():
    """Two arms in which nothing happened can't be compared."""
    nobody = np.array([10.0, 10]), np.array([False, False])
    assert math.isnan(logrank(nobody, nobody))


def test_no_runs_have_no_median():
    """An arm without runs waits for nothing."""
    assert math.isnan(waiting(np.array([]), np.array([], dtype=bool)).median)
