"""Whether an effect depends on when training stopped."""

import numpy as np
import pytest

from orchestrator.reports.statistics.stopping import parted
from tests.reference import said_by_r

STOPS = np.array([201.0] * 9 + [416.0 + 8 * i for i in range(21)])
EFFECT = [-199, -95, -92, -91, -77, -43, -42, -35, -4, 33, -41, -6, 40, 26, -43, -18, 21, -3, 60, -9, 26, 29, 43, 14]
EFFECT = np.array([*EFFECT, 61, 113, 12, -8, -2, 16]) / 1000


def test_runs_that_stopped_at_once_are_told_from_the_others():
    """Nine runs stopped in the first 201 epochs and lost 7.5 points, the others gained 1.7: R's ranks times the cuts tried."""
    found = parted(STOPS, EFFECT)
    assert (found.until, found.early, found.late) == (201, 9, 21)
    assert (found.effect_early, found.effect_late) == pytest.approx((EFFECT[:9].mean(), EFFECT[9:].mean()))
    cuts = 25 - 9 + 1
    assert found.p == pytest.approx(said_by_r("mann.whitney")[0] * cuts)


def test_where_nothing_separates_nothing_is_said():
    """Differences in any order, runs that all stop together, and four runs that stopped early are no line."""
    rng = np.random.default_rng(0)
    assert parted(STOPS, rng.permutation(EFFECT)) is None
    assert parted(np.full(30, 201.0), EFFECT) is None
    assert parted(np.array([201.0] * 4 + [900.0] * 26), EFFECT) is None
