"""Every comparison of every lesson with its uncertainty: `table(runs, histories, lessons)`.

A row is lesson x variant (against its baseline) x data x endpoint. D = with - without, a difference a seed, over the
pairs in which both runs finished and have the number. A stuck run finished, so its score counts; its wobble, gap and number
of epochs don't, by which standing still looks well. Columns (NaN where a number has no meaning):

    lesson variant baseline data      categories; the baseline is the lesson's first variant
    measure statistic threshold       the endpoint: statistic "mean", "spread" or "rate"
    primary guards                    it decides; it is what must not get worse meanwhile
    better sesoi                      declared with it; better is "higher" or "lower"
    n_seeds n_baseline n_variant      seeds both arms were asked for; runs with the number, per arm
    n_pairs n_identical               pairs compared; those of them in which both arms are equal
    mean_baseline mean_variant sd_baseline sd_variant    over those pairs
    look declared family alpha        which look at the comparison this is, of how many that were declared before the
                                      first (else 0), among how many comparisons its lesson shares the level, and the
                                      level that leaves (reports.statistics.levels); 0.05 for secondary endpoints
    shared                            rows that draws of data have in common, as a share of their variance that stays
                                      (test rows over training rows of re-split files, after Nadeau and Bengio); else 0
    n_rows se_rows rows_dominate      rows that the accuracies are of, and the standard error that they leave however many
                                      seeds there are (reports.statistics.scored_rows), NaN where rows are taken as given; whether more
                                      rows would settle it, and more seeds would not
    effect low high                   mean of D with its t interval at 1 - alpha; for "spread" SD_with / SD_without, and
                                      the interval that inverts its permutation test; for "rate" the difference of the
                                      shares with Newcombe's interval
    p_interval                        the p that goes with the interval (t test; swap test for "spread", exact McNemar for
                                      "rate"): above alpha, the interval holds no effect
    p p_least                         two-sided permutation p: sign-flip (mean) or swap within pairs (spread); the least
                                      that so many pairs and draws can give; p_interval where that counts rows or
                                      shared rows, or for a rate
    p_adjusted                        of secondary endpoints: p after Benjamini-Hochberg within lesson and scope; of
                                      what decides or guards, whose level is shared instead: p_interval
    iqm p_wilcoxon dz                 interquartile mean of D; signed ranks (Pratt); mean of D over its SD
    probability_better                share of pairs in which the variant is better, ties as half
    spread_ratio p_spread             SD_with / SD_without and its swap p, for every endpoint
    p_equivalence                     two one-sided tests against the sesoi
    better_low better_high            Wilson's 95 % interval of that share
    single_low single_high single_coverage    the range that a single new difference lies in with that chance, by order
                                      statistics (reports.statistics.single_pairs); none below 20 pairs
    mde seeds_needed                  true effect found by 80 % of such experiments; pairs needed to find the sesoi
    settles seeds_settle              what would be shown if the effect is what it looks like ("beyond" the sesoi, "within"
                                      it, or only "real"), and the pairs that takes
    correlation skew                  Pearson's, between the arms; skewness of D
    failed_baseline failed_baseline_low failed_baseline_high    runs that raised or ran out of time, of n_seeds, and
                                      Wilson's 95 % bounds of their share; failed_variant..., diverged_..., stuck_... and
                                      bad_... (any of them) likewise
    p_failed p_diverged p_stuck p_bad    exact McNemar
    bad_low bad_high                  Newcombe's 95 % interval of the bad runs' share, with minus without
    seeds_bad                         pairs at which p_bad would reach alpha, were things to go on like this
    p_worst_rank worst_rank           Wilcoxon with bad runs as the worst; 1: the variant ranks better, -1: worse
    reached_baseline reached_variant  for "epochs_to_threshold": runs that got there,
    median_baseline median_variant    Kaplan-Meier medians (infinite when fewer than half do)
    p_logrank                         and the log-rank p
    verdict reason guard              see reports.verdicts.verdict; guard is "holds", "open" or "broken" beside what decides

An "epochs_to_threshold" not reached counts as the epochs asked for in its mean difference (a restricted mean).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from orchestrator.reports.statistics.comparisons import Comparison, comparisons
from orchestrator.reports.statistics.more_seeds import settle
from orchestrator.reports.statistics.paired import correlation, mean_effect, sign_flip
from orchestrator.reports.statistics.permutation import MORE, RESAMPLES, least
from orchestrator.reports.statistics.rates import exact_mcnemar, newcombe, rate, rate_effect, seeds_to_tell, worst_rank
from orchestrator.reports.statistics.single_pairs import single
from orchestrator.reports.statistics.spread import ratio, spread_effects, swap_test
from orchestrator.reports.statistics.survival import logrank, waiting
from orchestrator.reports.statistics.ties import merged
from orchestrator.reports.verdicts.verdict import CATEGORIES, MANY, guard, judge

Floats = npt.NDArray[np.float64]
Row = dict[str, Any]

KINDS = ("failed", "diverged", "stuck", "bad")
ALONE = ("better_low", "better_high", "single_low", "single_high", "single_coverage")
UNSETTLED = {"settles": "", "seeds_settle": math.nan}
SPREAD_FIELDS = ("effect", "low", "high", "p_interval", "p_equivalence", "mde", "seeds_needed")
CATEGORICAL = ("lesson", "variant", "baseline", "data", "measure", "statistic", "better")
COLUMNS = (
    *("lesson", "variant", "baseline", "data", "measure", "statistic", "threshold", "primary", "guards"),
    *("better", "sesoi"),
    *("n_seeds", "n_baseline", "n_variant", "n_pairs", "n_identical", "mean_baseline", "mean_variant", "sd_baseline", "sd_variant"),
    *("shared", "n_rows", "se_rows", "rows_dominate"),
    *("look", "declared", "family", "alpha", "effect", "low", "high", "p_interval", "p", "p_least", "p_adjusted"),
    *("iqm", "p_wilcoxon", "dz", "probability_better"),
    *("spread_ratio", "p_spread", "p_equivalence", "mde", "seeds_needed", "correlation", "skew"),
    *("better_low", "better_high", "single_low", "single_high", "single_coverage", "settles", "seeds_settle"),
    *(
        f"{what}_{arm}{end}"
        for what in KINDS
        for arm in ("baseline", "variant")
        for end in ("", "_low", "_high")
    ),
    *(*(f"p_{what}" for what in KINDS), "bad_low", "bad_high", "seeds_bad", "p_worst_rank", "worst_rank"),
    *("reached_baseline", "reached_variant", "median_baseline", "median_variant", "p_logrank"),
    *("verdict", "reason", "guard"),
)


def table(
    runs: pd.DataFrame, histories: pd.DataFrame, lessons: Sequence[Mapping[str, Any]], *, seed: int = 0
) -> pd.DataFrame:
    """All effects, one row each; columns are in the module's docstring. The same input gives the same bytes.

    `seed` starts the permutation draws. They depend on the number of pairs only, so a comparison's p stays what it is
    when lessons are added.
    """
    compared = list(comparisons(runs, histories, lessons))
    rows = [_row(c) for c in compared]
    _permute(rows, [c.pairs for c in compared], seed)
    _adjust(rows)
    for row in rows:
        verdict = judge(row)
        row.update(verdict=verdict.category, reason=verdict.reason, guard="")
    _guard(rows)
    return _frame(rows)


def _row(c: Comparison) -> Row:
    """All of a row but what is shared among rows: permutation p, adjustment, verdict."""
    alpha, e, (first, second), usable = c.alpha, c.endpoint, c.pairs, c.usable
    row: Row = {
        "lesson": c.lesson, "variant": c.names[1], "baseline": c.names[0], "data": c.data,
        "measure": e.measure, "statistic": e.statistic, "threshold": math.nan if e.threshold is None else e.threshold,
        "primary": e.primary, "guards": e.guards, "better": e.better, "sesoi": e.sesoi,
        "shared": c.shared, "n_rows": math.nan, "se_rows": math.nan, "rows_dominate": False,
        "look": c.level.look, "declared": c.level.declared, "family": c.level.family, "alpha": alpha,
        "n_seeds": len(c.baseline.values), "n_pairs": len(first), "n_identical": int((first == second).sum()),
        "n_baseline": int(usable[0].sum()), "n_variant": int(usable[1].sum()), "spread_ratio": ratio(first, second),
    }  # fmt: skip
    for name, values in (("baseline", first), ("variant", second)):
        row[f"mean_{name}"] = float(values.mean()) if len(values) else math.nan
        row[f"sd_{name}"] = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    if e.statistic == "mean":
        row |= _mean(c)
    elif e.statistic == "rate":
        row |= asdict(rate_effect(first > 0, second > 0, e.sesoi, alpha)) | UNSETTLED | {"mde": math.nan}
    else:
        row |= {"correlation": correlation(first, second), "p_interval": math.nan}
    return row | _unfinished(c) | _waiting(c)


def _mean(c: Comparison) -> Row:
    """What belongs to a mean difference, of seeds and of rows."""
    (first, second), e, rows = c.pairs, c.endpoint, None if c.shared else c.rows
    effect = mean_effect(first, second, e.better, e.sesoi, c.alpha, c.shared, rows)
    row: Row = {k: v for k, v in asdict(effect).items() if k not in ("n", "sd")}
    if c.shared:
        return row | dict.fromkeys(("p_wilcoxon", *ALONE), math.nan) | UNSETTLED
    alone = single(second - first, effect.probability_better)
    row |= {name: getattr(alone, name.removeprefix("single_")) for name in ALONE}
    row |= _settled(effect.effect, effect.sd, e.sesoi, c.alpha, rows.variance if rows else 0.0)
    if rows is None:
        return row
    dominate = rows.variance * effect.n > effect.sd**2 and not row["seeds_settle"] <= MANY
    return row | {"n_rows": rows.rows, "se_rows": rows.error, "rows_dominate": dominate}


def _settled(effect: float, sd: float, sesoi: float, alpha: float, of_rows: float = 0.0) -> Row:
    what, pairs = settle(effect, sd, sesoi, alpha, of_rows)
    return {"settles": what, "seeds_settle": pairs}


def _unfinished(c: Comparison) -> Row:
    row: Row = {}
    for what in KINDS:
        masks = c.ended[0].of(what), c.ended[1].of(what)
        for arm, mask in zip(("baseline", "variant"), masks, strict=True):
            share = rate(mask)
            row |= {f"{what}_{arm}": share.k, f"{what}_{arm}_low": share.low, f"{what}_{arm}_high": share.high}
        row[f"p_{what}"] = exact_mcnemar(*masks)
    first, second = c.ended[0].bad, c.ended[1].bad
    row["bad_low"], row["bad_high"] = newcombe(int(second.sum()), int(first.sum()), len(first))
    row["seeds_bad"] = seeds_to_tell(int((second & ~first).sum()), int((first & ~second).sum()), len(first), c.alpha)
    if c.endpoint.statistic == "mean":
        gone = first & ~c.usable[0], second & ~c.usable[1]
        ranks = worst_rank(c.baseline.values, c.variant.values, gone, c.endpoint.better)
        return row | {"p_worst_rank": ranks.p, "worst_rank": ranks.direction}
    return row | {"p_worst_rank": math.nan, "worst_rank": 0}


def _waiting(c: Comparison) -> Row:
    if c.endpoint.measure != "epochs_to_threshold":
        nothing = ("reached_baseline", "reached_variant", "median_baseline", "median_variant", "p_logrank")
        return dict.fromkeys(nothing, math.nan)
    first, second = c.usable
    kept = [
        (c.baseline.values[first], c.baseline.reached[first]),  # noqa: PD011  arrays
        (c.variant.values[second], c.variant.reached[second]),  # noqa: PD011
    ]
    arms = [waiting(*each) for each in kept]
    return {
        "reached_baseline": float(arms[0].reached.k), "reached_variant": float(arms[1].reached.k),
        "median_baseline": arms[0].median, "median_variant": arms[1].median, "p_logrank": logrank(kept[0], kept[1]),
    }  # fmt: skip


def _rng(seed: int, n: int) -> np.random.Generator:
    """Draws for n pairs: the same for every comparison of n pairs."""
    return np.random.default_rng([seed, n])


def _permute(rows: Sequence[Row], pairs: Sequence[tuple[Floats, Floats]], seed: int) -> None:
    """Fill in all that takes permutations, the rows of equal n in one go."""
    for n in sorted({len(first) for first, _ in pairs}):
        chosen = [i for i, (first, _) in enumerate(pairs) if len(first) == n]
        levels = np.array([rows[i]["alpha"] for i in chosen])
        first, second = (np.stack([pairs[i][side] for i in chosen], axis=1) for side in (0, 1))
        means = sign_flip(np.stack([merged(each)[0] for each in (second - first).T], axis=1), _rng(seed, n), levels=levels)
        spreads = swap_test(first, second, _rng(seed, n), levels=levels)
        for i, p_mean, p_spread in zip(chosen, means, spreads, strict=True):
            rows[i]["p_spread"] = math.nan if rows[i]["shared"] else float(p_spread)
            permuted = float(p_spread if rows[i]["statistic"] == "spread" else p_mean)
            rows[i]["p"] = rows[i]["p_interval"] if _by_interval(rows[i]) else permuted
            rows[i]["p_least"] = _least(rows[i]["p"], n)
        ratios = [i for i in chosen if rows[i]["statistic"] == "spread"]
        sesois, alphas = ([rows[i][name] for i in ratios] for name in ("sesoi", "alpha"))
        found = spread_effects([pairs[i] for i in ratios], sesois, alphas, _rng(seed, n))
        for i, effect in zip(ratios, found, strict=True):
            rows[i] |= {name: getattr(effect, name) for name in SPREAD_FIELDS}
            if rows[i]["shared"]:
                rows[i] |= UNSETTLED | dict.fromkeys(SPREAD_FIELDS[1:], math.nan)
                continue
            logs = math.log(effect.effect) if 0 < effect.effect < math.inf else math.nan
            rows[i] |= _settled(logs, effect.per_seed, abs(math.log(rows[i]["sesoi"])), rows[i]["alpha"])


def _by_interval(row: Row) -> bool:
    """Whether no permutation says what the interval does: of a rate, and where more than seeds is uncertain."""
    return bool(row["statistic"] == "rate" or row["shared"] or row["se_rows"] > 0)


def _least(p: float, n: int) -> float:
    """The least p there could have been, by the number of draws that p was made of: a floor, or below p."""
    return max((floor for floor in (least(n, draws) for draws in (RESAMPLES, *MORE)) if floor <= p * 1.01), default=math.nan)


def _adjust(rows: Sequence[Row]) -> None:
    """Fill in p_adjusted: within lesson and scope for what is only looked into; what decides shares its level instead."""
    families: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        decides = row["primary"] or row["guards"]
        row["p_adjusted"] = row["p_interval"] if decides else row["p"]
        if not (decides or math.isnan(row["p"])):
            families.setdefault((row["lesson"], row["data"]), []).append(row)
    for found in families.values():
        for row, p in zip(found, false_discovery_control([row["p"] for row in found]), strict=True):
            row["p_adjusted"] = float(p)


def _guard(rows: Sequence[Row]) -> None:
    """Say beside what decides how its guard stands."""
    guards = {(row["lesson"], row["variant"], row["data"]): guard(row) for row in rows if row["guards"]}
    for row in rows:
        if row["primary"]:
            row["guard"] = guards.get((row["lesson"], row["variant"], row["data"]), "")


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in CATEGORICAL:
        frame[name] = pd.Categorical(frame[name], categories=list(dict.fromkeys(row[name] for row in rows)))
    frame = frame.astype({"primary": bool, "guards": bool, "rows_dominate": bool})
    frame["verdict"] = pd.Categorical(frame["verdict"], categories=list(CATEGORIES))
    return frame
