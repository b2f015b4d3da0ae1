"""The first screen counts the verdicts as they are."""

import copy
from dataclasses import replace

import pytest

from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.since_last_look import since
from orchestrator.reports.verdicts.summary import headline, lines, sorted_out
from tests.simulate import FRESH, LARGE, LESSONS, Sketch, store


def results(names, verdicts, scopes=("fixed", "redrawn")):
    """Results whose effects that decide have these verdicts, by scope and in the lessons' order."""
    made = store(4, scale=0.02, lessons={name: LESSONS[name] for name in names}, flaws={}, scopes=scopes)
    found, left = made.results, {scope: iter(verdicts[scope]) for scope in scopes}
    judged = [
        replace(each, verdict=next(left[each.data]), guard="holds") if each.primary else each for each in found.effects
    ]
    return with_effects(found, judged)


def with_effects(found, effects):
    """These results with other effects."""
    found = replace(found)
    vars(found)["effects"] = tuple(effects)
    return found


NAMES = ("framework", "batch-size", "noise")
GOOD, OPEN, SMALL = "improves", "inconclusive", "real but small"


@pytest.mark.parametrize(
    ("fixed", "redrawn", "expected"),
    [
        (
            [GOOD] * 4, [GOOD, OPEN, OPEN, SMALL],
            ("On this data set every technique improves what it promises; on redrawn data one does, one has a real, perhaps "
            "small effect and two are unproven."),
        ),
        (
            [GOOD, GOOD, OPEN, GOOD], [OPEN] * 4,
            "On this data set every technique but stochastic batch size improves what it promises; on redrawn data all four are unproven.",
        ),
        (
            [OPEN, "harms", GOOD, GOOD], [GOOD] * 4,
            ("On this data set two of four techniques improve what they promise, one does harm and one is unproven; on redrawn data "
            "all of them do."),
        ),
        (
            [GOOD, OPEN, SMALL, "not testable"], [GOOD] * 4,
            ("On this data set one of four techniques improves what it promises and three are perhaps small, unproven or untested; on redrawn "
            "data all of them do."),
        ),
    ],
)  # fmt: skip
def test_the_headline_counts_the_verdicts(fixed, redrawn, expected):
    """Every comparison is in the sentence once a scope."""
    assert headline(results(NAMES, {"fixed": fixed, "redrawn": redrawn})) == expected


def test_the_headline_tells_small_from_perhaps_small_and_unproven_from_held_up():
    """The same verdicts, told apart by their intervals: within what matters or across it, across nothing or clear of it."""
    found = results(NAMES, {"fixed": [SMALL, SMALL, OPEN, OPEN]}, ("fixed",))
    ends = iter([(0.5, 0.9), (0.002, 0.009), (0.002, 0.03), (-0.03, 0.03)])
    told = [
        replace(row, p_equivalence=1.0, low=low, high=high, effect=(low + high) / 2)
        for row in found.deciding
        for low, high in [next(ends)]
    ]
    assert headline(with_effects(found, told)) == (
        "On this data set none of four techniques improves what it promises, one is held up by bad runs and three are perhaps small,"
        " small or unproven."
    )


def test_a_single_comparison_is_named():
    """With one comparison there is nothing to count."""
    assert (
        headline(results(("noise",), {"fixed": [GOOD]}, ("fixed",)))
        == "On this data set noise improves what it promises."
    )


def test_a_row_is_called_by_its_technique():
    """Not by its lesson's title."""
    found = results(NAMES, {"fixed": [GOOD] * 4, "redrawn": [GOOD] * 4})
    first, *others = found.lessons
    framework = replace(first, title="A framework for diagnosis", technique="Weight averaging")
    told = with_effects(replace(found, lessons=(framework, *others)), found.effects)
    assert [line.name for line in lines(told)][:2] == ["Weight averaging", "Batch size: minibatch"]


def test_what_changed_since_the_last_look_is_told():
    """Three seeds could show nothing, twelve do: the verdict before, the verdict now, and of how many seeds it was."""
    made = store(12, scale=0.05, lessons={"early-stopping": LESSONS["early-stopping"]}, flaws={}, scopes=("fixed",))
    lesson = copy.deepcopy(made.lessons[0])
    look = {"variant": "with", "data": "fixed", "endpoint": lesson["endpoint"]}
    first = look | {"seeds": [0, 1, 2], "date": "2026-11-23T10:00:00"}
    lesson["looks"] = [first, look | {"seeds": [*range(12)], "date": "2026-11-24T10:00:00", "current": True}]
    found = Results.of(made.runs, made.histories, [lesson], {})
    now = found.deciding[0].verdict
    assert since(found) == [
        f"Since the last look (2026-11-23, 3 seeds): Early stopping on this data set: not testable before, now {now}."
    ]


def test_a_first_look_has_nothing_to_compare():
    """Nothing is said where nothing was looked at before."""
    made = store(4, scale=0.02, lessons={"noise": LESSONS["noise"]}, flaws={})
    assert since(made.results) == []


def test_of_many_lessons_the_first_screen_names_what_helps_and_what_does_not():
    """Of eight lessons those that improve where each seed has its own data are named, and those shown to be of no use; seven have a row each and no list."""
    gains = {"Alpha": 0.08, **dict.fromkeys(("Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta"), 0.002)}
    sketches = {
        name.lower(): Sketch(
            at, name, "Why?", None, FRESH, {"without": replace(LARGE, level=LARGE.level - gain), "with": LARGE}
        )
        for at, (name, gain) in enumerate(gains.items(), 1)
    }

    def told(names):
        made = store(30, lessons={name: sketches[name] for name in names}, flaws={}, scale=0.01)
        return sorted_out(Results.of(made.runs, made.histories, made.lessons, {}))

    assert told(list(sketches)[:7]) == []
    helps, useless = told(sketches)
    assert helps == "Helps: Alpha."
    assert useless.startswith("Not worth it: Beta, Gamma")
