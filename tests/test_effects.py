"""The table of effects: every comparison, every edge."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from orchestrator.reports.statistics.more_seeds import seeds_can_decide
from orchestrator.reports.verdicts.effects import COLUMNS, table
from tests.reference import said_by_r
from tests.simulate import FRESH, LESSONS, SPEED, SPREAD, duel, endpoint, store


def effects(made, **options):
    """A store's table."""
    return table(made.runs, made.histories, made.lessons, **options)


def row(made):
    """The primary row of a store's only comparison, as a dictionary."""
    found = effects(made)
    return found[found["primary"]].iloc[0].to_dict()


def normal(mean, n=30, seed=0, sd=0.02):
    """Scores of n runs."""
    return np.random.default_rng(seed).normal(mean, sd, n)


@pytest.fixture(scope="module")
def made():
    """A small store of all lessons."""
    return store(12, scale=0.05)


@pytest.fixture(scope="module")
def whole(made):
    """Its effects."""
    return effects(made)


def test_every_lesson_variant_scope_has_one_primary_row(whole):
    """Eight comparisons in two scopes: batch size makes two of them, every other lesson one."""
    primary = whole[whole["primary"]]
    assert len(primary) == 16
    assert not primary.duplicated(["lesson", "variant", "data"]).any()
    assert primary.drop_duplicates("lesson")["lesson"].tolist() == list(LESSONS)
    assert list(whole.columns) == list(COLUMNS)


def test_speed_level_wobble_gap_and_spread_are_always_there(whole):
    """Whatever a lesson declares, the five things a technique can do to learning curves have a row each."""
    for _, part in whole.groupby(["lesson", "variant", "data"], observed=True):
        asked = set(zip(part["measure"], part["statistic"], strict=True))
        assert {
            ("epochs_to_threshold", "mean"),
            ("fresh_accuracy", "mean"),
            ("wobble", "mean"),
            ("gap", "mean"),
        } <= asked
        assert ("fresh_accuracy", "spread") in asked


def test_the_same_store_gives_the_same_table(made, whole):
    """Bit for bit, also when the rows of its tables come in another order."""
    pd.testing.assert_frame_equal(effects(made), whole)
    again = table(made.runs.sample(frac=1, random_state=1), made.histories.sample(frac=1, random_state=1), made.lessons)
    pd.testing.assert_frame_equal(again, whole, check_exact=False, rtol=1e-9)


def test_a_comparison_does_not_depend_on_other_lessons(whole):
    """Alone in its store a lesson has the same effects, p, intervals and verdicts."""
    alone = effects(store(12, scale=0.05, lessons={"noise": LESSONS["noise"]}))
    beside = whole[whole["lesson"] == "noise"].reset_index(drop=True)
    for column in ("effect", "low", "high", "p", "p_adjusted", "p_spread", "p_equivalence", "dz", "alpha", "verdict"):
        np.testing.assert_array_equal(alone[column], beside[column])


def test_benjamini_hochberg_within_lesson_and_scope_for_what_is_only_looked_into(whole):
    """Adjusted p of secondary endpoints are scipy's, lesson by lesson: no lesson changes another's."""
    explored = whole[~(whole["primary"] | whole["guards"])]
    for _, part in explored.groupby(["lesson", "data"], observed=True):
        known = part[part["p"].notna()]
        np.testing.assert_allclose(known["p_adjusted"], stats.false_discovery_control(known["p"]))
    assert set(explored["alpha"]) == {0.05}


def test_a_lesson_shares_its_level_among_its_own_comparisons(whole):
    """A first look has 0.04: a half each for two scopes, a quarter each for two variants in two scopes."""
    shares = whole[whole["primary"]].groupby("lesson", observed=True)["alpha"].unique()
    assert shares["noise"].tolist() == pytest.approx([0.02])
    assert shares["batch-size"].tolist() == pytest.approx([0.01])


def test_comparisons_that_are_not_run_have_their_share(made, whole):
    """Leaving out the redrawn data, or a variant, does not make a lesson's verdicts easier."""
    runs = made.runs[(made.runs["data"] == "fixed") & (made.runs["variant"] != "stochastic")]
    alone = table(runs, made.histories, made.lessons)
    for lesson in ("noise", "batch-size"):
        assert set(alone.loc[(alone["lesson"] == lesson) & alone["primary"], "alpha"]) == set(
            whole.loc[(whole["lesson"] == lesson) & whole["primary"], "alpha"]
        )


def test_a_second_look_is_judged_at_the_level_that_is_left():
    """Looks one, two and three have 0.04, 0.005 and 0.0017: their intervals are wider, and verdicts follow them."""
    a, b = normal(0.80), normal(0.822, seed=1)
    made = duel(a, b)
    looks = [{"variant": "with", "data": "fixed"}] * 3
    alphas, verdicts = [], []
    for k in range(4):
        lessons = [dict(made.lessons[0], looks=looks[:k])]
        found = table(made.runs, made.histories, lessons)
        first = found[found["primary"]].iloc[0]
        interval = stats.ttest_1samp(b - a, 0).confidence_interval(1 - first["alpha"])
        assert (first["low"], first["high"]) == pytest.approx((interval.low, interval.high))
        alphas.append(first["alpha"])
        verdicts.append(first["verdict"])
    assert alphas == pytest.approx([0.04, 0.04, 0.01 / 2, 0.01 / 6])
    assert verdicts == ["improves", "improves", "real but small", "real but small"]


def test_brackets_words_and_p_cannot_disagree(whole):
    """A deciding interval leaves out no effect where its p is at most the level, and says so in its verdict."""
    for row in whole[whole["primary"] & whole["low"].notna()].to_dict("records"):
        centre = 1 if row["statistic"] == "spread" else 0
        out = row["low"] > centre or row["high"] < centre
        assert out == (row["p_interval"] <= row["alpha"])
        assert out == (row["verdict"] in ("improves", "harms", "real but small"))


def test_a_mean_effect_is_scipys():
    """Effect, interval and p of one comparison, from the differences directly."""
    a, b = normal(0.80), normal(0.83, seed=1)
    found = row(duel(a, b))
    interval = stats.ttest_1samp(b - a, 0).confidence_interval(0.96)
    expected = stats.permutation_test((b - a,), np.mean, permutation_type="samples", rng=np.random.default_rng([0, 30]))
    assert (found["effect"], found["low"], found["high"]) == pytest.approx(
        ((b - a).mean(), interval.low, interval.high)
    )
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["verdict"] == "improves"


def test_lower_is_better_turns_the_verdict():
    """The same rise is harm to an endpoint of which less is better."""
    made = duel(normal(0.80), normal(0.83, seed=1), endpoint("fresh_bce", "lower", 0.01))
    assert row(made)["verdict"] == "harms"


def test_a_spread_effect_is_a_ratio():
    """The effect is SD with over SD without, and a tenth of the scatter improves an endpoint about spread."""
    a, b = normal(0.80, sd=0.02), normal(0.80, seed=1, sd=0.002)
    found = row(duel(a, b, SPREAD))
    assert found["effect"] == pytest.approx(b.std(ddof=1) / a.std(ddof=1))
    assert found["low"] < found["effect"] < found["high"] < 0.8
    assert found["verdict"] == "improves"


@pytest.mark.parametrize("seed", range(3))
def test_an_a_a_lesson_shows_nothing(seed):
    """The same recipe against itself with other seeds, through the whole pipeline: nothing is claimed."""
    one, other = (
        store(20, seed=10 * seed + i, scale=0.1, lessons={"noise": LESSONS["noise"]}, flaws={}) for i in (0, 1)
    )
    parts = []
    for name in ("runs", "histories"):
        first, second = (getattr(each, name) for each in (one, other))
        first = first[first["variant"] == "without"]
        second = second[second["variant"] == "without"].assign(variant="with")
        parts.append(pd.concat([first.astype({"variant": str}), second], ignore_index=True))
    found = table(*parts, one.lessons)
    primary = found[found["primary"]]
    assert primary["verdict"].isin(["inconclusive", "no practical difference"]).all()


def test_constant_columns_make_no_practical_difference():
    """Training accuracy 1.000 in 30 of 30 runs of both arms: no interval, no infinite t, and the reason says so."""
    found = row(duel([1.0] * 30, [1.0] * 30))
    assert (found["verdict"], found["effect"], found["p"]) == ("no practical difference", 0.0, 1.0)
    assert math.isnan(found["low"])
    assert found["reason"] == "accuracy is 100.0 % in every run of both arms"


def test_identical_in_every_pair_is_no_practical_difference():
    """A technique that never acted leaves every pair equal: effect 0, p 1, no interval, whatever is compared."""
    values = normal(0.8)
    found = row(duel(values, values))
    assert (found["effect"], found["p"], found["p_wilcoxon"], found["p_worst_rank"]) == (0.0, 1.0, 1.0, 1.0)
    assert found["n_identical"] == 30
    assert (found["verdict"], found["reason"]) == (
        "no practical difference",
        "both arms are exactly equal in each of the 30 pairs",
    )
    assert row(duel(values, values, SPREAD))["verdict"] == "no practical difference"


def test_a_constant_shift_is_not_testable():
    """The same difference in every pair has no variation to judge it by."""
    found = row(duel([0.8] * 10, [0.9] * 10))
    assert (found["verdict"], found["effect"]) == ("not testable", pytest.approx(0.1))
    assert found["reason"] == "the difference is +10.0 points in every pair, without any variation"


def test_one_constant_arm_is_testable():
    """Training accuracy 1.000 throughout without, scattered with: the differences vary, so the mean is tested."""
    found = row(duel([1.0] * 30, normal(0.93)))
    assert found["verdict"] == "harms"
    assert math.isnan(found["correlation"])
    assert (found["spread_ratio"], found["p_spread"]) == (math.inf, pytest.approx(0.0002))


def test_one_failed_half_takes_its_pair_out():
    """A crash in one arm: 29 pairs, 30 and 29 runs, one failure of thirty, and the effect of the 29."""
    a, b = normal(0.80), normal(0.83, seed=1)
    found = row(duel(a, [None, *b[1:]], status={("with", 0): "failed"}))
    assert (found["n_seeds"], found["n_baseline"], found["n_variant"], found["n_pairs"]) == (30, 30, 29, 29)
    assert found["effect"] == pytest.approx((b - a)[1:].mean())
    assert (found["failed_baseline"], found["failed_variant"]) == (0, 1)
    wilson = stats.binomtest(1, 30).proportion_ci(method="wilson")
    assert (found["failed_variant_low"], found["failed_variant_high"]) == pytest.approx((wilson.low, wilson.high))
    assert found["p_failed"] == 1.0


def test_a_timeout_counts_as_failed():
    """A run out of time left no model, like one that raised."""
    assert row(duel(normal(0.8), [None, *normal(0.8, 29, 1)], status={("with", 0): "timeout"}))["failed_variant"] == 1


def test_nan_in_one_seed_takes_its_pair_out():
    """A run that ended well but has no such number is missing, not zero and not the whole column's end."""
    a, b = normal(0.80), normal(0.83, seed=1)
    b[4] = np.nan
    found = row(duel(a, b))
    assert found["n_pairs"] == 29
    assert found["effect"] == pytest.approx(np.delete(b - a, 4).mean())
    assert found["failed_variant"] == 0


def test_all_failed_is_not_testable():
    """Nothing finished: no effect, no p, thirty of thirty failures, and a verdict that says so."""
    bad = {(variant, seed): "failed" for variant in ("without", "with") for seed in range(30)}
    found = row(duel([None] * 30, [None] * 30, status=bad))
    assert (found["verdict"], found["reason"]) == (
        "not testable",
        "no pair of runs has this number; failed in 30 of 30 runs (baseline: 30 of 30)",
    )
    assert np.isnan([found[name] for name in ("effect", "low", "p", "p_adjusted", "mean_variant")]).all()
    assert found["failed_baseline"] == 30


def test_too_many_failures_are_not_testable():
    """Seven of thirty pairs lost, four in one arm and three in the other, leave a selection."""
    status = {("with", seed): "failed" for seed in range(4)} | {("without", seed): "failed" for seed in range(4, 7)}
    found = row(duel(normal(0.8), normal(0.9, seed=1), status=status))
    assert (found["verdict"], found["n_pairs"]) == ("not testable", 23)
    assert found["reason"].startswith("only 23 of 30 pairs")


def test_so_few_seeds_cannot_show_anything():
    """With two pairs the smallest p there can be is 0.5: not testable, and the reason says how many seeds it takes."""
    found = row(duel([0.70, 0.71], [0.90, 0.92]))
    assert (found["p"], found["p_least"], found["verdict"]) == (0.5, 0.5, "not testable")
    assert found["low"] < found["effect"] < found["high"]
    assert found["reason"] == "2 seeds: so few can't show anything, it takes 6"


def test_one_seed_is_not_testable():
    """One pair gives a difference and nothing to judge it by."""
    found = row(duel([0.7], [0.9]))
    assert (found["effect"], found["verdict"]) == (pytest.approx(0.2), "not testable")
    assert math.isnan(found["p"])


def test_diverged_runs_are_counted_first_and_never_compared():
    """Three diverged runs with an accuracy of 0.5: counted, ranked worst, and left out of the mean."""
    a, b = normal(0.80), normal(0.83, seed=1)
    b[:3] = 0.5
    found = row(duel(a, b, status={("with", seed): "diverged" for seed in range(3)}))
    assert (found["diverged_variant"], found["n_pairs"]) == (3, 27)
    assert found["effect"] == pytest.approx((b - a)[3:].mean())
    assert found["p_worst_rank"] > found["p_wilcoxon"]


def test_a_technique_that_mostly_diverges_harms():
    """Twenty of thirty diverge with it and none without: the rate decides, though the ten that finish look better."""
    status = {("with", seed): "diverged" for seed in range(20)}
    found = row(duel(normal(0.80), normal(0.85, seed=1), status=status))
    assert (found["verdict"], found["worst_rank"]) == ("harms", -1)
    assert found["p_diverged"] == pytest.approx(2 * 0.5**20)


def test_a_crashed_run_ranks_worst_whatever_its_columns_say():
    """A failed run's 0 epochs are no record of training briefly: it is the worst of ten, the largest of the ranks."""
    trained = [100.0 + seed for seed in range(10)]
    shorter = [value - 20 - seed for seed, value in enumerate(trained)]
    found = row(duel(trained, [0.0, *shorter[1:]], endpoint("epochs", "lower", 5), status={("with", 0): "failed"}))
    signed = [-50, *range(21, 30)]
    assert found["p_worst_rank"] == pytest.approx(stats.wilcoxon(signed, method="exact").pvalue)
    assert found["p_wilcoxon"] == pytest.approx(2 / 2**9)


def test_a_technique_that_stops_divergence_improves():
    """Clipping at eight seeds: the loss becomes NaN in 8 of 8 runs without it, in none with it. No pair is left to compare."""
    status = {("without", seed): "diverged" for seed in range(8)}
    found = row(duel([None] * 8, normal(0.8, 8), status=status))
    assert (found["verdict"], found["n_pairs"]) == ("improves", 0)
    assert found["p_bad"] == pytest.approx(said_by_r("mcnemar.8.0")[0])
    assert found["reason"].startswith("diverged in 0 of 8 runs (baseline: 8 of 8)")


BAD_NEWS = [
    ("no practical difference", FRESH, "diverged", 6, lambda a: a + normal(0, sd=0.001, seed=2)),
    ("improves", FRESH, "failed", 6, lambda a: a + 0.03 + normal(0, sd=0.01, seed=2)),
    ("improves", FRESH, "timeout", 2, lambda a: a + 0.03 + normal(0, sd=0.01, seed=2)),
    ("improves", SPREAD, "diverged", 4, lambda a: 0.8 + (a - 0.8) / 8),
    ("no practical difference", FRESH, "failed", 3, lambda a: a),
]


@pytest.mark.parametrize(("otherwise", "declared", "status", "count", "with_"), BAD_NEWS)
def test_nothing_good_is_said_of_what_bad_runs_have_left(otherwise, declared, status, count, with_):
    """What would be good news of all runs is undecided where six of them diverged or crashed, and both rates are told."""
    a = normal(0.80)
    assert row(duel(a, with_(a), declared))["verdict"] == otherwise
    made = duel(a, with_(a), declared, status={("with", seed): status for seed in range(count)})
    made.lessons[0]["data"] = {"redrawn": True}
    found = row(made)
    assert found["verdict"] == "inconclusive"
    assert f" in {count} of 30 runs (baseline: 0 of 30)" in found["reason"]
    assert "seeds would tell if that is chance" in found["reason"]


def test_one_bad_run_of_thirty_passes():
    """One crash against none: up to 17 points more, says Newcombe's interval, which leaves out 20."""
    a = normal(0.80)
    found = row(duel(a, a + 0.03 + normal(0, sd=0.01, seed=2), status={("with", 0): "failed"}))
    assert (found["bad_low"], found["bad_high"]) == pytest.approx(said_by_r("newcombe.1.0"))
    assert found["verdict"] == "improves"


def test_harm_is_said_in_spite_of_bad_runs():
    """Two crash and the others lose three points: harm."""
    a = normal(0.80)
    status = {("with", seed): "failed" for seed in range(2)}
    assert row(duel(a, a - 0.03 + normal(0, sd=0.01, seed=2), status=status))["verdict"] == "harms"


def test_more_bad_runs_harm_whatever_is_left():
    """Seven of thirty crash against none, McNemar 2 / 128 at a level of 0.04: harm, though the others gain."""
    a = normal(0.80)
    status = {("with", seed): "failed" for seed in range(7)}
    found = row(duel(a, a + 0.03 + normal(0, sd=0.01, seed=2), status=status))
    assert (found["verdict"], found["p_bad"]) == ("harms", pytest.approx(2 / 128))


def test_the_rate_is_judged_at_the_comparisons_level():
    """Six against none are 2 / 64: enough alone at a first look (0.04), not for one of two scopes (0.02)."""
    a, b = normal(0.80), normal(0.80, seed=1)
    made = duel(a, b, status={("with", seed): "failed" for seed in range(6)})
    assert row(made)["p_bad"] == pytest.approx(said_by_r("mcnemar.6.0")[0])
    assert row(made)["verdict"] == "harms"
    made.lessons[0]["data"] = {"redrawn": True}
    assert row(made)["verdict"] == "inconclusive"


def test_a_baseline_that_lost_its_worst_runs_proves_no_harm():
    """Both arms alike, but the baseline's five worst runs timed out: what is left of it looks better, and proves nothing."""
    rng = np.random.default_rng(0)
    claimed = 0
    for _ in range(40):
        a, b = rng.normal(0.80, 0.02, (2, 30))
        late = {("without", int(seed)): "timeout" for seed in np.argsort(a)[:5]}
        claimed += row(duel(a, b, status=late))["verdict"] == "harms"
    assert claimed <= 3


def test_stuck_runs_are_bad_runs():
    """Guessing is 50 %, the median of both arms 80 %: a run below 70 % is stuck, one at 71 % is not."""
    a, b = np.full(30, 0.80), np.full(30, 0.80)
    b[:3] = 0.52, 0.69, 0.71
    made = duel(a, b)
    made.lessons[0]["data"] = {"chance": 0.5}
    found = row(made)
    assert (found["stuck_variant"], found["stuck_baseline"], found["bad_variant"]) == (2, 0, 2)
    assert found["n_pairs"] == 30
    assert found["effect"] == pytest.approx(-(0.28 + 0.11 + 0.09) / 30)


def test_where_nobody_learns_nobody_is_stuck():
    """All runs guess: half of them below any line between 50 % and the median is luck, not being stuck."""
    made = duel(normal(0.5, sd=0.005), normal(0.5, seed=1, sd=0.005))
    made.lessons[0]["data"] = {"chance": 0.5, "rows_fresh": 10_000}
    assert row(made)["bad_variant"] == row(made)["bad_baseline"] == 0


def test_losses_get_stuck_likewise():
    """The mean of the targets has a squared error of 1, the median run one of 0.1: a run above 0.4 is stuck."""
    a, b = np.full(30, 0.1), np.full(30, 0.1)
    b[:3] = 0.99, 0.41, 0.39
    made = duel(a, b, endpoint("fresh_mse", "lower", 0.01))
    made.lessons[0]["data"] = {"guess": {"fresh_mse": 1.0}}
    assert row(made)["stuck_variant"] == 2


def test_a_stuck_run_is_not_the_calmest():
    """A run that learned nothing has no wobble: it is counted as stuck, and not as the best of them."""
    made = store(20, scale=0.05, lessons={"learning-rate-schedule": LESSONS["learning-rate-schedule"]}, flaws={})
    runs, histories = made.runs.copy(), made.histories.copy()
    for frame, column, value in ((runs, "fresh_accuracy", 0.52), (histories, "val_accuracy", 0.5)):
        frame.loc[(frame["variant"] == "with") & frame["seed"].isin([3, 8]), column] = value
    found = table(runs, histories, made.lessons)
    first = found[found["primary"] & (found["data"] == "redrawn")].iloc[0]
    assert (first["measure"], first["stuck_variant"], first["n_pairs"], first["n_variant"]) == ("wobble", 2, 18, 18)
    kept = ~histories["seed"].isin([3, 8])
    without = table(runs[~runs["seed"].isin([3, 8])], histories[kept], made.lessons)
    assert first["effect"] == pytest.approx(
        without[without["primary"] & (without["data"] == "redrawn")].iloc[0]["effect"]
    )


def test_what_a_machine_lost_is_missing():
    """A run whose last try was not its own failure is no bad run; its pair is missing, as if it had not been tried."""
    status = {("with", 0): "failed", ("with", 1): "failed"}
    made = duel(normal(0.8), normal(0.8, seed=1), status=status)
    runs = made.runs.assign(
        final=[not (v == "with" and s == 0) for v, s in zip(made.runs["variant"], made.runs["seed"], strict=True)]
    )
    found = table(runs, made.histories, made.lessons)
    assert found.loc[found["primary"], ["n_seeds", "failed_variant"]].to_numpy().tolist() == [[29, 1]]


def test_after_a_retry_the_first_outcome_stays_in_the_rate():
    """A run that crashed first and finished when it was tried again did crash; the number that it has at last counts."""
    made = duel(normal(0.8), normal(0.8, seed=1))
    first = [
        "failed" if v == "with" and s < 2 else None
        for v, s in zip(made.runs["variant"], made.runs["seed"], strict=True)
    ]
    found = table(made.runs.assign(first_status=first), made.histories, made.lessons)
    found = found[found["primary"]].iloc[0]
    assert (found["failed_variant"], found["bad_variant"], found["n_pairs"]) == (2, 2, 30)
    assert found["effect"] == row(made)["effect"]


def test_draws_that_share_rows_say_nothing_but_their_corrected_t():
    """Thirty re-splits of one file, 40 rows to test and 60 to train on: Nadeau and Bengio's interval, no ranks, no spread, no number of seeds."""
    made = duel(normal(0.8), normal(0.85, seed=1), data="redrawn")
    apart = table(made.runs, made.histories, made.lessons)
    made.lessons[0]["data"] = {"redrawn": True, "rows_train": 60, "rows_test": 40, "resplit": True}
    effects = table(made.runs, made.histories, made.lessons)
    ours, theirs = (frame[frame["primary"]].iloc[0] for frame in (effects, apart))
    wider = math.sqrt((1 / 30 + 40 / 60) / (1 / 30)) * (theirs["high"] - theirs["low"])
    assert ours["high"] - ours["low"] == pytest.approx(
        wider * stats.t.ppf(1 - ours["alpha"] / 2, 29) / stats.t.ppf(1 - theirs["alpha"] / 2, 29)
    )
    assert ours["p"] == ours["p_interval"]
    assert np.isnan(
        ours[["p_wilcoxon", "p_spread", "better_low", "single_low", "seeds_needed", "seeds_settle"]].astype(float)
    ).all()
    assert "rows in common" in ours["reason"]
    assert not seeds_can_decide(made.results.deciding[0])
    spread = effects[effects["statistic"] == "spread"].iloc[0]
    assert (spread["verdict"], math.isnan(spread["low"]), math.isnan(spread["p"])) == ("not testable", True, True)


def rated(bad, n=30, **more):
    """A comparison by its rate of diverged runs: `bad` of them with the technique, none without."""
    status = {("with", seed): "diverged" for seed in range(bad)}
    made = duel(normal(0.8, n), normal(0.8, n, 1), FRESH, status=status)
    made.lessons[0]["endpoint"] = endpoint("diverged", "lower", 0.1, "rate") | more
    return row(made)


def test_a_rate_may_decide():
    """Twelve of thirty diverge against none: 40 points, with Newcombe's interval and exact McNemar's p, beyond 10 points."""
    found = rated(12)
    assert (found["effect"], found["n_pairs"]) == (pytest.approx(0.4), 30)
    assert found["p_interval"] == pytest.approx(2 / 2**12)
    assert found["low"] > 0.1
    assert (found["verdict"], found["guard"]) == ("harms", "open")
    assert rated(6)["verdict"] == "real but small"


def test_few_runs_without_any_divergence_do_not_prove_that_there_is_none():
    """Nobody diverges: of 20 runs up to 18 points might, of 200 no more than 2."""
    assert rated(0, n=20)["verdict"] == "inconclusive"
    assert rated(0, n=200)["verdict"] == "no practical difference"


def guarded(loss, sd=0.01, **declared):
    """A lesson that trains for fewer epochs, at the price of `loss` in accuracy."""
    made = duel(normal(100, sd=5), normal(50, seed=1, sd=5), endpoint("epochs", "lower", 10))
    arms = dict(zip(("without", "with"), (normal(0.8, seed=2, sd=sd), normal(0.8 - loss, seed=3, sd=sd)), strict=True))
    runs = made.runs.assign(fresh_accuracy=np.concatenate(list(arms.values())))
    made.lessons[0] |= declared
    found = table(runs, made.histories, made.lessons)
    return found[found["primary"]].iloc[0].to_dict(), found[found["guards"]].iloc[0].to_dict()


@pytest.mark.parametrize(("loss", "state"), [(0.0, "holds"), (0.01, "open"), (0.05, "broken")])
def test_the_guard_stands_beside_the_verdict(loss, state):
    """Shorter training improves; accuracy on fresh points holds, is open or broken, read off its interval at the same level."""
    found, own = guarded(loss)
    assert (found["verdict"], found["guard"]) == ("improves", state)
    assert own["alpha"] == found["alpha"]
    assert {"holds": own["low"] > -0.01, "broken": own["high"] < -0.01}.get(state, own["low"] < -0.01 < own["high"])


def test_a_lesson_may_declare_its_guard():
    """With two points to spare a loss of about a point holds that leaves the usual guard of one point open."""
    assert guarded(0.008)[0]["guard"] == "open"
    found, own = guarded(0.008, guard=endpoint("fresh_accuracy", "higher", 0.02))
    assert (found["guard"], own["sesoi"]) == ("holds", 0.02)


def test_what_decides_guards_nothing():
    """A lesson decided by accuracy on fresh points has no guard of its own."""
    found = effects(duel(normal(0.8), normal(0.83, seed=1)))
    assert not found["guards"].any()
    assert set(found["guard"]) == {""}


def test_a_threshold_nobody_reaches_is_not_testable(whole, made):
    """No run reaches 99 %: said so, with both medians infinite and no log-rank p."""
    lesson = dict(made.lessons[0], endpoint=endpoint("epochs_to_threshold", "lower", 5, threshold=0.99), secondary=[])
    found = table(made.runs, made.histories, [lesson]).iloc[0]
    assert (found["verdict"], found["reason"]) == ("not testable", "no run reached 99 %")
    assert (found["reached_variant"], found["median_variant"]) == (0, math.inf)
    assert math.isnan(found["p_logrank"])


def test_epochs_to_a_threshold_are_told_by_medians_and_by_pairs(whole):
    """Batch normalization's endpoint: the effect is the restricted mean difference, the medians are Kaplan-Meier's."""
    found = whole[(whole["lesson"] == "batch-normalization") & whole["primary"]].iloc[0]
    assert found["measure"] == SPEED["measure"]
    assert found["effect"] == pytest.approx(found["mean_variant"] - found["mean_baseline"])
    assert found["median_variant"] <= found["median_baseline"]
    assert found["reached_variant"] == 12


def test_arms_of_unequal_length_are_compared_over_the_shorter():
    """Asked for 20 and for 10 epochs: a threshold reached in epoch 15 counts as not reached in 10."""
    made = store(4, scale=0.02, lessons={"noise": LESSONS["noise"]}, flaws={}, scopes=["fixed"])
    histories = made.histories.copy()
    late = (histories["epoch"] >= 15) & (histories["variant"] == "without")
    histories["val_accuracy"] = np.where(late, 0.9, 0.5).astype(np.float32)
    variants = [
        dict(variant, epochs=epochs) for variant, epochs in zip(made.lessons[0]["variants"], (20, 10), strict=True)
    ]
    found = table(made.runs, histories, [dict(made.lessons[0], variants=variants)])
    speed = found[found["measure"] == "epochs_to_threshold"].iloc[0]
    assert (speed["mean_baseline"], speed["mean_variant"], speed["reached_baseline"]) == (10, 10, 0)


def test_an_empty_store_has_an_empty_table():
    """No lessons, no rows, all columns."""
    made = duel([0.8, 0.8], [0.8, 0.9], FRESH)
    assert list(table(made.runs, made.histories, []).columns) == list(COLUMNS)
    assert len(table(made.runs, made.histories, [])) == 0


def test_a_scope_without_runs_has_no_rows():
    """Asked for the course's data only, the table has nothing about redrawn data."""
    found = effects(store(4, scale=0.02, scopes=["fixed"]))
    assert found["data"].unique().tolist() == ["fixed"]


def test_labels_are_categories(whole):
    """Thousands of rows share a few labels, so they are stored as categories."""
    assert all(
        isinstance(whole[name].dtype, pd.CategoricalDtype)
        for name in ("lesson", "variant", "data", "measure", "verdict")
    )
