"""Verdicts and the sentences they are told in."""

import math
from dataclasses import replace

import pytest

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.verdicts.chips import chip
from orchestrator.reports.verdicts.verdict import CATEGORIES, headline, held_up, judge, perhaps_small, settling, subject
from tests.simulate import LESSONS, store


def row(**changes):
    """An effect in which early stopping raised accuracy."""
    base = {
        "lesson": "early-stopping", "variant": "with", "baseline": "without", "data": "fixed",
        "measure": "fresh_accuracy", "statistic": "mean",
        "primary": True, "alpha": 0.02, "better": "higher", "sesoi": 0.01, "n_seeds": 30, "n_pairs": 30,
        "effect": 0.037, "low": 0.033, "high": 0.041, "p_adjusted": 0.0008, "p_equivalence": 1.0, "seeds_needed": 12.0,
        "mean_baseline": 0.76, "mean_variant": 0.797, "sd_baseline": 0.01, "sd_variant": 0.01,
        "n_identical": 0, "guard": "", "guards": False, "p_bad": 1.0, "bad_low": -0.11, "bad_high": 0.11, "seeds_bad": math.inf,
        "p_worst_rank": 0.0001, "worst_rank": 1, "look": 1, "declared": 0, "shared": 0.0,
        "settles": "beyond", "seeds_settle": 12.0,
        "probability_better": 1.0, "better_low": 0.89, "better_high": 1.0, "correlation": 0.1,
    }  # fmt: skip
    made = Effect(**{**base, **changes})
    return replace(made, verdict=made.verdict or judge(made).category, reason=judge(made).reason)


def spread(**changes):
    """A row in which the spread across seeds shrank to an eighth."""
    return row(
        **{"statistic": "spread", "better": "lower", "sesoi": 0.8, "effect": 0.13, "low": 0.1, "high": 0.18} | changes
    )


def diverged(variant, baseline=0, **changes):
    """What changes in a row when so many of thirty runs diverge in each arm."""
    arms = {"variant": variant, "baseline": baseline}
    counts = {f"{kind}_{arm}": n for kind in ("diverged", "bad") for arm, n in arms.items()}
    return counts | {"n_pairs": 30 - variant - baseline, "bad_high": 0.5 if variant > 1 else 0.1} | changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "improves"),
        ({"better": "lower"}, "harms"),
        ({"effect": -0.037, "low": -0.041, "high": -0.033}, "harms"),
        ({"low": 0.009}, "real but small"),
        ({"effect": 0.004, "low": 0.002, "high": 0.006, "p_equivalence": 0.001}, "real but small"),
        ({"p_adjusted": 0.06}, "improves"),
        ({"primary": False, "p_adjusted": 0.06}, "inconclusive"),
        ({"low": -0.001}, "inconclusive"),
        ({"n_seeds": 6, "n_pairs": 6}, "not testable"),
        ({"n_seeds": 7, "n_pairs": 7}, "improves"),
        (
            {"effect": 0.001, "low": -0.004, "high": 0.006, "p_adjusted": 0.9, "p_equivalence": 0.01},
            "no practical difference",
        ),
        ({"effect": 0.001, "low": -0.02, "high": 0.022, "p_adjusted": 0.9, "p_equivalence": 0.3}, "inconclusive"),
        ({"low": math.nan, "high": math.nan}, "not testable"),
        ({"low": math.nan, "high": math.nan, "effect": 0.0, "n_identical": 30}, "no practical difference"),
        ({"n_pairs": 1}, "not testable"),
        ({"n_pairs": 0}, "not testable"),
        ({"n_pairs": 23}, "not testable"),
        ({"n_pairs": 24}, "improves"),
    ],
)
def test_categories_in_their_order(changes, expected):
    """Each verdict is the first whose condition holds: testable, beyond the interest, real, equivalent, or none."""
    assert judge(row(**changes)).category == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "improves"),
        ({"better": "higher"}, "harms"),
        ({"effect": 2.0, "low": 1.3, "high": 3.0}, "harms"),
        ({"effect": 2.0, "low": 1.2, "high": 3.0}, "real but small"),
        ({"high": 0.85}, "real but small"),
        ({"effect": 1.0, "low": 0.9, "high": 1.1, "p_adjusted": 0.9, "p_equivalence": 0.01}, "no practical difference"),
        ({"effect": 0.7, "low": 0.0, "high": math.inf, "p_adjusted": 0.25, "p_equivalence": 0.5}, "inconclusive"),
    ],
)
def test_ratios_are_judged_around_one(changes, expected):
    """A spread of 0.8 to 1.25 times is the zone of no interest, and no effect is 1."""
    assert judge(spread(**changes)).category == expected


def test_divergence_decides_first():
    """Twelve diverge with it and none without: harm, whatever the finished runs look like and however few they are."""
    verdict = judge(row(**diverged(12, p_bad=0.001)))
    assert verdict.category == "harms"
    assert verdict.reason.startswith("diverged in 12 of 30 runs (baseline: 0 of 30)")


def test_where_rates_and_what_is_left_disagree_harm_wins():
    """Fewer bad runs improve, unless the pairs that are left show harm and the ranks don't deny it."""
    fewer = diverged(0, 8, p_bad=0.008, n_pairs=30)
    harm = {"effect": -0.03, "low": -0.04, "high": -0.02, "worst_rank": -1}
    assert judge(row(**fewer)).category == "improves"
    assert judge(row(**fewer, **harm)).category == "harms"
    assert judge(row(**diverged(8, p_bad=0.008, n_pairs=30))).category == "harms"


def test_bad_runs_that_may_be_many_more_keep_good_news_back():
    """Two of thirty against none may be up to 21 points more: no claim and no equivalence, but harm is said."""
    two = diverged(2, bad_high=0.213)
    assert judge(row(**two)).category == "inconclusive"
    assert judge(row(**two, effect=0.0, low=-0.004, high=0.004, p_equivalence=0.001)).category == "inconclusive"
    assert judge(row(**two, n_identical=28, effect=0.0, low=math.nan, high=math.nan)).category == "inconclusive"
    assert judge(row(**two, effect=-0.03, low=-0.04, high=-0.02)).category == "harms"
    assert judge(row(**diverged(1, bad_high=0.167))).category == "improves"


def test_one_sentence_joins_both_scopes():
    """Direction, size and interval of both, in plain words and in points of accuracy."""
    redrawn = row(data="redrawn", effect=-0.058, low=-0.089, high=-0.024)
    assert headline("Early stopping", [row(), redrawn]) == (
        "Early stopping raised accuracy by 3.7 points [3.3, 4.1] on this data set; "
        "on redrawn data it lowered it by 5.8 [2.4, 8.9]."
    )


def test_one_scope_alone_is_a_sentence_too():
    """Without redrawn data nothing is said about it."""
    assert headline("Noise", [row()]) == "Noise raised accuracy by 3.7 points [3.3, 4.1] on this data set."


HERE = "on this data set"
SAID = [
    (spread(), f"narrowed the spread of accuracy across seeds to 0.13 times [0.10, 0.18] {HERE}."),
    (
        spread(effect=2.0, low=1.2, high=3.0),
        (
            f"widened the spread of accuracy across seeds to 2.00 times [1.20, 3.00] {HERE}, perhaps too little to "
            "matter (less than a factor of 0.80)."
        ),
    ),
    (
        spread(effect=0.7, low=0.0, high=math.inf, p_adjusted=0.25, p_equivalence=0.5, seeds_settle=math.nan),
        (
            f"left the spread of accuracy across seeds in doubt {HERE} (0.70 times [0.00, unbounded]; too few to say "
            "how many seeds it would take)."
        ),
    ),
    (
        row(measure="epochs_to_threshold", threshold=0.8, better="lower", sesoi=5, effect=-37.2, low=-44.1, high=-30.3),
        f"reached 80 % validation accuracy 37 epochs sooner [30, 44] {HERE}.",
    ),
    (
        row(measure="epochs", sesoi=10, effect=-3629, low=-3700, high=-3560),
        f"trained 3,629 epochs fewer [3,560, 3,700] {HERE}.",
    ),
    (
        row(measure="wobble", better="lower", sesoi=0.002, effect=-0.0068, low=-0.007, high=-0.0066),
        f"lowered the wobble of validation accuracy by 0.68 points [0.66, 0.70] {HERE}.",
    ),
    (
        row(effect=0.005, low=0.002, high=0.008),
        f"raised accuracy by 0.5 points [0.2, 0.8] {HERE}, too little to matter (less than 1 point).",
    ),
    (
        row(effect=0.001, low=-0.004, high=0.006, p_adjusted=0.7, p_equivalence=0.01),
        f"made no practical difference to accuracy {HERE} (+0.1 points [\N{MINUS SIGN}0.4, 0.6]).",
    ),
    (
        row(
            effect=0.004, low=-0.006, high=0.014, p_adjusted=0.4, p_equivalence=0.2, seeds_settle=117.0, settles="real"
        ),
        (
            f"left accuracy in doubt {HERE} (+0.4 points [\N{MINUS SIGN}0.6, 1.4]; about 120 seeds would likely show “real "
            "but small”)."
        ),
    ),
    (
        row(
            effect=0.004,
            low=-0.6,
            high=0.608,
            p_adjusted=0.9,
            p_equivalence=0.9,
            seeds_settle=48_213.0,
            settles="within",
        ),
        (
            f"left accuracy in doubt {HERE} (+0.4 points [\N{MINUS SIGN}60.0, 60.8]; more than 10,000 seeds would "
            "be needed to show “no practical difference”)."
        ),
    ),
    (
        row(n_seeds=6, n_pairs=6, effect=0.234, low=0.19, high=0.278),
        f"could not be tested {HERE} (6 seeds: so few can't show anything, it takes 7).",
    ),
    (
        row(effect=0.0, low=math.nan, high=math.nan, n_identical=30),
        f"left accuracy as it was {HERE} (both arms are exactly equal in each of the 30 pairs).",
    ),
    (
        row(**diverged(1)),
        (f"raised accuracy by 3.7 points [3.3, 4.1] {HERE}; it diverged in 1 of 30 runs (baseline: 0 of 30)."),
    ),
    (
        row(**diverged(2, bad_high=0.213)),
        (
            f"left accuracy in doubt {HERE} (+3.7 points [3.3, 4.1]; up to 21 points more runs may go bad; under 20 "
            "would do); it diverged in 2 of 30 runs (baseline: 0 of 30)."
        ),
    ),
    (
        row(**diverged(0, 30, p_bad=0.001, effect=math.nan, low=math.nan, high=math.nan)),
        f"diverged in 0 of 30 runs (baseline: 30 of 30) {HERE}.",
    ),
    (
        row(**diverged(0, 10, p_bad=0.002, effect=0.001, low=-0.01, high=0.012)),
        (
            f"diverged in 0 of 30 runs (baseline: 10 of 30) {HERE}; in the 20 pairs that finished the difference was "
            "+0.1 points [\N{MINUS SIGN}1.0, 1.2]."
        ),
    ),
    (
        row(measure="fresh_bce", better="lower", sesoi=0.02, effect=-0.081, low=-0.099, high=-0.063),
        f"lowered cross-entropy by 0.08 [0.06, 0.10] {HERE}.",
    ),
]


@pytest.mark.parametrize(("given", "said"), SAID)
def test_every_kind_of_endpoint_and_verdict_has_its_words(given, said):
    """Ratios, epochs, wobble, points, and each verdict: the sentence says what the numbers say."""
    assert headline("It", [given]) == f"It {said}"


def test_a_sentence_carries_the_strongest_qualifier_alone():
    """Bad runs go before a broken guard, that before a second look, that before data sets on which it is no better."""
    redrawn = row(data="redrawn", probability_better=0.6, better_low=0.42, better_high=0.75)
    known = [
        ({"look": 2}, "; on this data set this is the second look."),
        ({"look": 2, "guard": "broken"}, "; on this data set its guard is broken."),
        (
            {"look": 2, "guard": "broken", **diverged(1)},
            "; on this data set it diverged in 1 of 30 runs (baseline: 0 of 30).",
        ),
    ]
    plain = headline("It", [row(), redrawn])
    assert plain.endswith("; on redrawn data it was better on 60 % of data sets [42, 75].")
    for changes, end in known:
        said = headline("It", [row(**changes), redrawn])
        assert said.endswith(end)
        assert said.count(";") == plain.count(";")


def test_a_real_effect_is_small_only_where_the_interval_says_so():
    """Across what matters it is perhaps small, with the seeds that would tell; within that it is small, and they would not."""
    across, within = (
        row(low=0.007, settles="beyond", seeds_settle=112.0),
        row(effect=0.005, low=0.002, high=0.009, settles="real"),
    )
    assert [perhaps_small(across), perhaps_small(within)] == [True, False]
    assert [chip(across).words, chip(within).words] == ["Real gain, perhaps small", "Real but small gain"]
    assert across.reason.endswith("a gain of at least 0.7 points; about 120 seeds would likely show “improves”")
    assert within.reason.endswith("a gain of at least 0.2 points")
    assert [settling(across), settling(within)] == [120, None]


def test_what_bad_runs_hold_up_is_not_called_unshown():
    """A clear interval beside two diverged runs waits for these; an interval across nothing waits for seeds."""
    blocked = row(**diverged(2, bad_high=0.213, seeds_bad=104.0))
    assert held_up(blocked)
    assert chip(blocked).words == "Inconclusive: diverged runs"
    assert settling(blocked) == 110
    unshown = row(
        effect=0.004, low=-0.006, high=0.014, p_adjusted=0.4, p_equivalence=0.2, seeds_settle=117.0, settles="real"
    )
    assert not held_up(unshown)
    assert chip(unshown).words == "Inconclusive"
    assert settling(unshown) == 120


def test_the_near_end_of_the_interval_stands_with_every_smallest_effect():
    """Whoever cares for less than 3.3 points reads an improvement, whatever the lesson declared; a loss is a harm."""
    assert judge(row()).reason.endswith("a gain of at least 3.3 points")
    assert judge(row(sesoi=0.001)).reason.endswith("a gain of at least 3.3 points")
    assert judge(row(better="lower")).reason.endswith("a loss of at least 3.3 points")
    assert judge(spread()).reason.endswith("at least 82 % less spread")
    late = row(measure="epochs_to_threshold", threshold=0.8, better="lower", sesoi=5, effect=-9, low=-17, high=-1.2)
    assert judge(late).reason.endswith("a gain of at least 1 epoch")


def test_the_technique_is_named_by_its_lesson_or_by_its_variant():
    """'with' is the lesson's technique; variants with names of their own are set against their baseline."""
    assert subject("Early stopping", "without", "with") == "Early stopping"
    assert subject("Batch size", "batch", "minibatch") == "Minibatch instead of batch"
    assert subject("Penalty", "without", "strong") == "Penalty (strong)"


def test_headlines_come_one_a_comparison_in_order():
    """Eight comparisons, each with a verdict a scope and a sentence that starts with who did it."""
    made = store(6, scale=0.03)
    found = made.results.headlines
    assert [h.lesson for h in found] == ["framework", "batch-size", "batch-size", *list(LESSONS)[2:]]
    assert all(set(h.verdicts) == {"fixed", "redrawn"} and set(h.verdicts.values()) <= set(CATEGORIES) for h in found)
    assert found[1].sentence.startswith("Minibatch instead of batch ")


def test_a_lesson_may_name_its_technique_apart_from_its_title():
    """Where the title is no technique, 'technique' in its document is the one who acts."""
    made = store(6, scale=0.03, lessons={"framework": LESSONS["framework"]})
    made.lessons[0] |= {"title": "A framework", "technique": "Weight averaging"}
    assert made.results.headlines[0].sentence.startswith("Weight averaging ")
