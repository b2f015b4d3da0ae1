"""How a lesson's level is shared among its looks and its comparisons."""

import pytest

from orchestrator.reports.nouns.lesson import lessons
from orchestrator.reports.statistics.levels import Level, family, level, of_look


def lesson(names, **more):
    """A lesson of these variants, out of its description."""
    described = {
        "id": "a",
        "title": "A",
        "endpoint": {"measure": "epochs", "sesoi": 1},
        "variants": [{"name": name} for name in names],
    }
    return lessons([described | more])[0]


def test_all_looks_together_have_five_percent():
    """0.04, 0.005, 0.0017, 0.0008, ...: after ten thousand looks, all but a millionth of 0.05 is spent."""
    assert [of_look(k) for k in (1, 2, 3, 4)] == pytest.approx([0.04, 0.01 / 2, 0.01 / 6, 0.01 / 12])
    assert sum(of_look(k) for k in range(1, 10_001)) == pytest.approx(0.05 - 0.01 / 10_000)


def test_comparisons_share_a_look():
    """The second look at one of eight comparisons has an eighth of 0.005."""
    assert Level(2, 8).alpha == pytest.approx(0.005 / 8)


def test_what_a_lesson_declares_is_counted_run_or_not():
    """Three variants against a baseline in two scopes are six comparisons; without redrawn data three."""
    assert family(lesson("abcd", data={"redrawn": True})) == 6
    assert family(lesson("abcd", data={"redrawn": False})) == family(lesson("abcd")) == 3


def test_a_look_belongs_to_its_comparison():
    """Looking at one variant is no look at another one, nor at the same one on other data."""
    looks = [{"variant": "b", "data": "fixed"}, {"variant": "b", "data": "fixed"}, {"variant": "b", "data": "redrawn"}]
    found = [level(lesson("abc", looks=looks), variant, data).look for variant in "bc" for data in ("fixed", "redrawn")]
    assert found == [2, 1, 1, 1]
