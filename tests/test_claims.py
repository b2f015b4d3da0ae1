"""What others published, held against runs of a known effect."""

from dataclasses import replace

import pytest

import orchestrator as o
from orchestrator.errors import LessonError
from orchestrator.reports.verdicts.claims import CONTRADICTED, HOLDS, NOT_SHOWN, SAME_DIRECTION, checked
from orchestrator.reports.verdicts.results import Results
from tests.simulate import FRESH, LARGE, Sketch, store

SOURCE = "A. Author, A Paper, 2020"


def claimed(gain, claim, seeds=30, scale=0.01, spread=LARGE.spread):
    """What a claim comes to where the true gain is this one."""
    arms = {name: replace(LARGE, level=0.76 + more, spread=spread) for name, more in (("without", 0.0), ("with", gain))}
    made = store(seeds, lessons={"one": Sketch(1, "One", "Why?", None, FRESH, arms)}, flaws={}, scale=scale)
    made.lessons[0]["published"] = [{"source": SOURCE, **claim}]
    results = Results.of(made.runs, made.histories, made.lessons, {})
    (found,) = checked(results, results.lessons[0], "with")
    return found


@pytest.mark.parametrize(
    ("gain", "claim", "category"),
    [
        (0.05, {"effect": -0.03, "n": 9}, CONTRADICTED),  # the other way, and outside the interval
        (0.0, {"effect": 0.03, "n": 9}, CONTRADICTED),  # all that matters is ruled out
        (0.05, {"effect": 0.05, "n": 9}, HOLDS),
        (0.05, {"value": 0.81, "n": 9}, HOLDS),
        (0.05, {"effect": 0.2, "n": 9}, SAME_DIRECTION),
        (0.05, {"value": 0.96, "n": 9}, SAME_DIRECTION),
    ],
)
def test_a_claim_comes_to_what_the_runs_say(gain, claim, category):
    """Thirty seeds with a known gain contradict what points the other way, hold what is true, and tell size from direction."""
    assert claimed(gain, claim).category == category


def test_a_single_published_run_is_held_against_single_runs():
    """Of one run, what lies among single runs here holds, though the interval of the mean leaves it out; of nine it is another size."""
    one = claimed(0.05, {"effect": 0.06, "n": 1}, scale=0.02)
    assert not one.row.low <= 0.06 <= one.row.high or one.category == HOLDS
    low, high = one.range
    odd = 0.5 * (one.row.high + high)
    assert low < one.row.low < one.row.high < odd < high
    assert claimed(0.05, {"effect": odd, "n": 1}, scale=0.02).category == HOLDS
    assert claimed(0.05, {"effect": odd, "n": 9}, scale=0.02).category == SAME_DIRECTION


def test_few_noisy_seeds_show_nothing():
    """Where the interval holds no effect, and the claim lies beyond it on the same side, nothing is shown."""
    found = claimed(0.02, {"effect": 0.3, "n": 9}, seeds=8, spread=0.05)
    assert found.row.low < 0 < found.row.effect < found.row.high < 0.3
    assert found.category == NOT_SHOWN


def test_the_sentence_names_source_and_both_numbers():
    """A reader learns what was published, by whom, of how many runs, and what was found here."""
    said = claimed(0.05, {"effect": 0.05, "n": 3}).sentence
    assert "5.0 points more" in said
    assert f"3 runs ({SOURCE})" in said
    assert said.endswith("it holds.")


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"source": "", "effect": 0.1}, "needs a source"),
        ({"source": SOURCE}, "give one of them"),
        ({"source": SOURCE, "effect": 0.1, "value": 0.8}, "give one of them"),
        ({"source": SOURCE, "effect": float("nan")}, "give one of them"),
        ({"source": SOURCE, "effect": "0.1"}, "give one of them"),
        ({"source": SOURCE, "effect": 0.1, "n": 0}, "must be a whole number"),
        ({"source": SOURCE, "effect": 0.1, "contrast": "other"}, "the lesson compares 'b'"),
    ],
)
def test_a_claim_that_cannot_be_checked_is_refused(claim, said):
    """Without a source, a number, runs or a comparison a claim is refused where it is declared."""
    variants = [o.Variant(name, lambda: None, epochs=1) for name in ("a", "b")]
    with pytest.raises(LessonError, match=said):
        o.Lesson("L", "Why?", o.Data(fixed=lambda: None), variants, published=[o.Claim(**claim)])
