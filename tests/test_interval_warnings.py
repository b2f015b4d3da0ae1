"""What an interval can't promise."""

import pytest

from orchestrator.reports.wording.interval_warnings import interval_warnings
from tests.simulate import SPREAD, duel


def row(n, *, skewed=False, endpoint=None):
    """The effect that decides, of n pairs whose differences are symmetric, or lean far to one side."""
    values = [0.01 * (i - n / 2) for i in range(n)]
    if skewed:
        values = [0.0, 0.001] * (n // 2 - 1) + [0.0, 0.5]
    made = duel(
        [0.8 + 0.0001 * i for i in range(n)], [0.8 + v for v in values], **({"declared": endpoint} if endpoint else {})
    )
    return made.results.deciding[0]


def test_symmetric_differences_of_thirty_seeds_need_no_caveat():
    """The usual case has nothing to excuse."""
    assert interval_warnings(row(30)) == []


def test_lopsided_differences_are_named_with_their_figure():
    """One run far off among thirty: the skewness is said, and what intervals then hold."""
    (said,) = interval_warnings(row(30, skewed=True))
    assert "skewness 5" in said
    assert "93 % with 30" in said


def test_with_a_hundred_seeds_skew_is_no_matter():
    """From a hundred pairs on the mean is normal enough."""
    assert interval_warnings(row(100, skewed=True)) == []


@pytest.mark.parametrize(("n", "count"), [(10, 1), (20, 0)])
def test_a_spread_of_few_seeds_is_only_about_right(n, count):
    """Below twenty pairs the spread's interval carries its caveat, from there on it doesn't."""
    assert sum("interval of a spread" in said for said in interval_warnings(row(n, endpoint=SPREAD))) == count


def test_no_interval_no_caveat():
    """Where there is no interval the verdict has already said why."""
    made = duel([0.8] * 5, [0.8] * 5)
    assert interval_warnings(made.results.effects[0]) == []
