"""Tests of `orchestrator/nouns/seeds.py`."""

import pytest

from orchestrator.errors import UsageError
from orchestrator.nouns import seeds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", (0, 1, 2)),
        ("100-103", (100, 101, 102, 103)),
        ("0-2,12", (0, 1, 2, 12)),
        ("7,5", (5, 7)),
        (" 2 ", (0, 1)),
        ("4-4", (4,)),
    ],
)
def test_counts_ranges_and_lists_are_understood(text, expected):
    """A lone number is a count; ranges and lists name seeds, and come out in order."""
    assert seeds.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-3",
        "abc",
        "5-2",
        "",
        ",",
        "1,",
        "3,3",
        "0-4,2",
        "1.5",
        "1e3",
        "100001",
        "0-100000",
        "0-99999,200000",
        "4294967296-4294967297",
        "١-٣x",
    ],
)
def test_rubbish_is_refused_in_one_line(text):
    """What is no set of seeds raises a usage error whose message is a single line that quotes it."""
    with pytest.raises(UsageError) as caught:
        seeds.parse(text)
    assert "\n" not in str(caught.value)
    assert text.strip()[:4] in str(caught.value)


@pytest.mark.parametrize("text", ["0-9,12", "5", "1,3,5-7"])
def test_shown_seeds_parse_to_themselves(text):
    """`show` writes seeds in a form that `parse` reads back, except that a single seed reads as a count."""
    parsed = seeds.parse(text)
    assert seeds.parse(seeds.show(parsed)) == parsed
