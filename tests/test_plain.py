"""Effects in plain words: no bare minus for what got better, no rounding that contradicts itself."""

import math

import pytest

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.verdicts.plain_words import lost, plain, shown_digits, title

NAN = math.nan


def row(measure="fresh_accuracy", effect=0.028, low=0.027, high=0.030, **more):
    """An effect that decides, without bad runs."""
    usual = {
        "measure": measure, "statistic": "mean", "effect": effect, "low": low, "high": high, "n_pairs": 30,
        "n_seeds": 30, "verdict": "improves", "p_bad": 1.0, "alpha": 0.02, "sesoi": 0.01, "mean_baseline": 0.78, "mean_variant": 0.808,
    }  # fmt: skip
    return Effect("noise", "with", "without", "fixed", **(usual | more))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (row(), ("2.8 points more accuracy", "[2.7, 3.0]")),
        (row(effect=0.008, low=-0.008, high=0.024), ("0.8 points more accuracy", "[0.8 less, 2.4 more]")),
        (row(effect=0.034, low=0.0003, high=0.0677), ("3.40 points more accuracy", "[0.03, 6.77]")),
        (row("wobble", -0.003, -0.0034, -0.0026), ("0.30 points less wobble", "[0.26, 0.34]")),
        (row("epochs_to_threshold", -43.7, -46.9, -40.6, threshold=0.8), ("reaches 80 % 44 epochs sooner", "[41, 47]")),
        (row("fresh_accuracy", 0.122, 0.073, 0.291, statistic="spread"), ("88 % less spread", "[71, 93]")),
        (row("fresh_accuracy", 3.07, 1.2, 8.0, statistic="spread"), ("3.1 times the spread", "[1.2, 8.0]")),
        (row("test_mae", -0.06, -0.08, -0.04), ("test absolute error 0.06 lower", "[0.04, 0.08]")),
        (row("test_sparse_categorical_accuracy", 0.021, 0.01, 0.03), ("2.1 points more test accuracy", "[1.0, 3.0]")),
        (row("test_loss", -0.5, -0.6, -0.4), ("test loss 0.50 lower", "[0.40, 0.60]")),
        (row("test_price_error", 0.5, 0.4, 0.6), ("test price error 0.50 higher", "[0.40, 0.60]")),
        (row("bad", 0.75, 0.296, 0.926, statistic="rate"), ("75.0 points more runs go bad", "[29.6, 92.6]")),
        (row(effect=NAN, low=NAN, high=NAN), ("", "")),
    ],
)
def test_effects_are_told_in_plain_words(given, expected):
    """Each measure in its own unit, with the direction in words; an interval across nothing says both directions."""
    assert plain(given) == expected


def test_a_title_says_what_was_found():
    """What is shown is said with its size; what is not is not claimed."""
    assert title("Noise", row()) == "Noise raises accuracy by 2.8 points"
    assert title("Noise", row(verdict="inconclusive")) == "Noise is not shown to change accuracy"
    assert title("Noise", row(verdict="no practical difference")) == "Noise makes no practical difference to accuracy"


def test_a_title_says_how_small_and_what_stands_in_the_way():
    """An interval across what matters is perhaps too little, one within it is; stuck runs are named where they hold up."""
    assert title("Noise", row(verdict="real but small", low=0.007, high=0.03)).endswith(
        "2.8 points, perhaps too little to matter"
    )
    assert title("Noise", row(verdict="real but small", effect=0.005, low=0.002, high=0.009)).endswith(
        "0.5 points, too little to matter"
    )
    held = row(verdict="inconclusive", bad_variant=2, stuck_variant=2, bad_high=0.21, primary=True)
    assert title("Noise", held) == "Noise raises accuracy by 2.8 points, but bad runs leave that open"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.0598, -0.0166, "[0.017, 0.060]"), (-0.0258, -0.0043, "[0.004, 0.026]"), (-0.06, -0.02, "[0.02, 0.06]")],
)
def test_an_end_is_told_from_what_matters(low, high, expected):
    """Where 0.02 matters, 0.0166 is not printed as 0.02."""
    assert plain(row("test_mae", (low + high) / 2, low, high, sesoi=0.02))[1] == expected


def test_lost_runs_are_told_where_they_did_not_decide():
    """Two of thirty stuck runs are named, one in the singular, none not at all."""
    assert lost(row(bad_variant=2, stuck_variant=2)) == "2 of 30 runs get stuck"
    assert lost(row(bad_variant=1, failed_variant=1)) == "1 of 30 runs fails"
    assert lost(row()) == ""


@pytest.mark.parametrize(("before", "after"), [(0.414, 0.3851), (0.78162, 0.80516), (0.00012, 0.00019), (1.0, 1.0)])
def test_printed_means_differ_by_the_printed_effect(before, after):
    """0.41 to 0.38 is never an effect of -0.02: the means get the digits that keep them from saying so."""
    given = row(
        "test_mse",
        after - before,
        after - before - 0.01,
        after - before + 0.01,
        mean_baseline=before,
        mean_variant=after,
    )
    digits = shown_digits(given)
    shown = round(round(after, digits) - round(before, digits), 2)
    assert shown == pytest.approx(round(after - before, 2), abs=1e-9)
