"""Every comparison of every lesson with its uncertainty and its verdict: `effects(comparisons)`, and as a table.

An effect is lesson x variant (against its baseline) x data x endpoint. D = with - without, a difference a seed, over the
pairs in which both runs finished and have the number. A stuck run finished, so its score counts; its wobble, gap and number
of epochs don't, by which standing still looks well. Its attributes are the table's columns (NaN where a number has no meaning):

    lesson variant baseline data      categories; the baseline is the lesson's first variant
    measure statistic threshold       the endpoint: statistic "mean", "spread" or "rate"
    primary guards                    it decides; it is what must not get worse meanwhile
    better sesoi                      declared with it; better is "higher" or "lower"; empty and NaN where nobody said
    paired                            whether the two runs of a seed belong together; where not, "pairs" are the runs of the
                                      smaller arm, the interval is Welch's, p deals runs out to the arms, p_wilcoxon is Mann
                                      and Whitney's, McNemar's test is Fisher's, and what takes pairs is NaN
    part                              the share of the seeds that judge, where the others chose what is judged; else 1
    n_seeds asked_baseline asked_variant    seeds both arms were asked for; runs of each arm
    n_baseline n_variant              runs with the number, per arm
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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.statistics import unpaired
from orchestrator.reports.statistics.choice import made_of
from orchestrator.reports.statistics.comparisons import Comparison, comparisons
from orchestrator.reports.statistics.more_seeds import settle
from orchestrator.reports.statistics.paired import MeanEffect, correlation, mean_effect, sign_flip
from orchestrator.reports.statistics.permutation import MORE, RESAMPLES, least
from orchestrator.reports.statistics.rates import exact_mcnemar, newcombe, rate, rate_effect, seeds_to_tell, worst_rank
from orchestrator.reports.statistics.single_pairs import single
from orchestrator.reports.statistics.spread import SpreadEffect, ratio, spread_effects, swap_test
from orchestrator.reports.statistics.survival import logrank, waiting
from orchestrator.reports.statistics.ties import merged
from orchestrator.reports.verdicts.verdict import CATEGORIES, MANY, guard, judge

Floats = npt.NDArray[np.float64]
Pairs = Sequence[tuple[Floats, Floats]]

KINDS = ("failed", "diverged", "stuck", "bad")
CATEGORICAL = ("lesson", "variant", "baseline", "data", "measure", "statistic", "better")
COLUMNS = tuple(field.name for field in fields(Effect))


def table(
    runs: pd.DataFrame, histories: pd.DataFrame, descriptions: Sequence[Mapping[str, Any]], *, seed: int = 0
) -> pd.DataFrame:
    """All effects of a store's tables and its lessons' descriptions, one row each."""
    return frame(effects(comparisons(runs, histories, made_of(runs, descriptions)), seed=seed))


def effects(compared: Iterable[Comparison], *, seed: int = 0) -> tuple[Effect, ...]:
    """The effects of comparisons, in their order. The same input gives the same numbers.

    `seed` starts the permutation draws. They depend on the number of pairs only, so a comparison's p stays what it is
    when lessons are added.
    """
    compared = list(compared)
    found = _permuted([_alone(c) for c in compared], [c.pairs for c in compared], seed)
    return _guarded([_judged(effect) for effect in _adjusted(found)])


def frame(found: Sequence[Effect]) -> pd.DataFrame:
    """Effects as a table, one row each, with the columns of the module's docstring."""
    rows = [
        vars(effect) | {"threshold": math.nan if effect.threshold is None else effect.threshold} for effect in found
    ]
    made = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in CATEGORICAL:
        made[name] = pd.Categorical(made[name], categories=list(dict.fromkeys(row[name] for row in rows)))
    made = made.astype({"primary": bool, "guards": bool, "rows_dominate": bool, "paired": bool})
    made["verdict"] = pd.Categorical(made["verdict"], categories=list(CATEGORIES))
    return made


def _alone(c: Comparison) -> Effect:
    """All of an effect but what depends on others: permutation p, adjustment, verdict."""
    e, (first, second), usable = c.endpoint, c.pairs, c.usable
    known = Effect(
        lesson=c.lesson, variant=c.names[1], baseline=c.names[0], data=c.data,
        measure=e.measure, statistic=e.statistic, threshold=e.threshold, primary=c.primary, guards=c.guards,
        better=e.better, sesoi=e.sesoi, shared=c.shared,
        look=c.level.look, declared=c.level.declared, family=c.level.family, alpha=c.alpha,
        paired=c.paired, part=c.part, n_seeds=min(map(len, c.seeds)), asked_baseline=len(c.seeds[0]), asked_variant=len(c.seeds[1]),
        n_pairs=min(len(first), len(second)), n_identical=int((first == second).sum()) if c.paired else 0,
        n_baseline=int(usable[0].sum()), n_variant=int(usable[1].sum()), spread_ratio=ratio(first, second),
        mean_baseline=_mean(first), mean_variant=_mean(second), sd_baseline=_sd(first), sd_variant=_sd(second),
    )  # fmt: skip
    if e.statistic == "mean":
        known = _of_means(known, c)
    elif e.statistic == "rate":
        known = replace(known, **asdict(rate_effect(first > 0, second > 0, e.sesoi, c.alpha)))
    else:
        known = replace(known, correlation=correlation(first, second))
    return replace(known, **_unfinished(c), **_waiting(c))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def _sd(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _of_means(known: Effect, c: Comparison) -> Effect:
    """With what belongs to a mean difference, of seeds and of rows."""
    (first, second), e, rows = c.pairs, c.endpoint, None if c.shared else c.rows
    if not c.paired:
        found = unpaired.mean_effect(first, second, e.better, e.sesoi, c.alpha)
        return _settled(_holding(known, found), found.effect, found.sd, e.sesoi)
    found = mean_effect(first, second, e.better, e.sesoi, c.alpha, c.shared, rows)
    known = _holding(known, found)
    if c.shared:
        return replace(known, p_wilcoxon=math.nan)
    alone = single(second - first, found.probability_better)
    known = replace(
        known,
        better_low=alone.better_low, better_high=alone.better_high,
        single_low=alone.low, single_high=alone.high, single_coverage=alone.coverage,
    )  # fmt: skip
    known = _settled(known, found.effect, found.sd, e.sesoi, rows.variance if rows else 0.0)
    if rows is None:
        return known
    dominate = rows.variance * found.n > found.sd**2 and not known.seeds_settle <= MANY
    return replace(known, n_rows=rows.rows, se_rows=rows.error, rows_dominate=dominate)


def _holding(known: Effect, found: MeanEffect) -> Effect:
    return replace(known, **{name: value for name, value in asdict(found).items() if name not in ("n", "sd")})


def _settled(known: Effect, effect: float, sd: float, sesoi: float, of_rows: float = 0.0) -> Effect:
    what, pairs = settle(effect, sd, sesoi, known.alpha, of_rows)
    return replace(known, settles=what, seeds_settle=pairs)


def _unfinished(c: Comparison) -> dict[str, Any]:
    """What the bad runs come to, by attribute."""
    found: dict[str, Any] = {}
    for what in KINDS:
        masks = c.ended[0].of(what), c.ended[1].of(what)
        for arm, mask in zip(("baseline", "variant"), masks, strict=True):
            share = rate(mask)
            found |= {f"{what}_{arm}": share.k, f"{what}_{arm}_low": share.low, f"{what}_{arm}_high": share.high}
        found[f"p_{what}"] = exact_mcnemar(*masks) if c.paired else unpaired.fisher(*masks)
    first, second = c.ended[0].bad, c.ended[1].bad
    low, high = newcombe(int(second.sum()), int(first.sum()), len(second), of_baseline=len(first))
    seeds = math.inf
    if c.paired:
        seeds = seeds_to_tell(int((second & ~first).sum()), int((first & ~second).sum()), len(first), c.alpha)
    return found | {"bad_low": low, "bad_high": high, "seeds_bad": seeds, **_ranked(c)}


def _ranked(c: Comparison) -> dict[str, Any]:
    """The ranks of a mean difference, runs that are bad and have no number being the worst."""
    if c.endpoint.statistic != "mean" or not c.endpoint.better:
        return {}
    gone = c.ended[0].bad & ~c.usable[0], c.ended[1].bad & ~c.usable[1]
    rank = worst_rank if c.paired else unpaired.worst_rank
    ranks = rank(c.baseline.values, c.variant.values, gone, c.endpoint.better)
    return {"p_worst_rank": ranks.p, "worst_rank": ranks.direction}


def _waiting(c: Comparison) -> dict[str, Any]:
    """How long both arms wait for a threshold, where that is what is compared."""
    if c.endpoint.measure != "epochs_to_threshold":
        return {}
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


def _permuted(found: Sequence[Effect], pairs: Pairs, seed: int) -> list[Effect]:
    """With all that takes permutations, the effects of equal n in one go."""
    made = [each if each.paired else _dealt_out(each, pair, seed) for each, pair in zip(found, pairs, strict=True)]
    joined = [i for i, each in enumerate(made) if each.paired]
    for n in sorted({len(pairs[i][0]) for i in joined}):
        chosen = [i for i in joined if len(pairs[i][0]) == n]
        levels = np.array([made[i].alpha for i in chosen])
        first, second = (np.stack([pairs[i][side] for i in chosen], axis=1) for side in (0, 1))
        means = sign_flip(
            np.stack([merged(each)[0] for each in (second - first).T], axis=1), _rng(seed, n), levels=levels
        )
        spreads = swap_test(first, second, _rng(seed, n), levels=levels)
        for i, p_mean, p_spread in zip(chosen, means, spreads, strict=True):
            made[i] = _with_p(made[i], float(p_mean), float(p_spread), n)
        ratios = [i for i in chosen if made[i].statistic == "spread"]
        sesois, alphas = [made[i].sesoi for i in ratios], [made[i].alpha for i in ratios]
        spread = spread_effects([pairs[i] for i in ratios], sesois, alphas, _rng(seed, n))
        for i, each in zip(ratios, spread, strict=True):
            made[i] = _of_spread(made[i], each)
    return made


def _dealt_out(known: Effect, arms: tuple[Floats, Floats], seed: int) -> Effect:
    """With the permutation p of two arms that no seed joins."""
    p = unpaired.permuted(*arms, _rng(seed, sum(map(len, arms))))
    return replace(known, p=p, p_least=max(unpaired.least(*map(len, arms)), 2 / (RESAMPLES + 1)))


def _with_p(known: Effect, p_mean: float, p_spread: float, n: int) -> Effect:
    """With its permutation p, or the interval's where no permutation says what that does."""
    p = known.p_interval if _by_interval(known) else p_spread if known.statistic == "spread" else p_mean
    return replace(known, p_spread=math.nan if known.shared else p_spread, p=p, p_least=_least(p, n))


def _of_spread(known: Effect, found: SpreadEffect) -> Effect:
    """With what belongs to a ratio of spreads; of draws that share rows, the ratio alone."""
    if known.shared:
        return replace(known, effect=found.effect)
    known = replace(
        known,
        effect=found.effect, low=found.low, high=found.high, p_interval=found.p_interval,
        p_equivalence=found.p_equivalence, mde=found.mde, seeds_needed=found.seeds_needed,
    )  # fmt: skip
    logs = math.log(found.effect) if 0 < found.effect < math.inf else math.nan
    return _settled(known, logs, found.per_seed, abs(math.log(known.sesoi)))


def _by_interval(known: Effect) -> bool:
    """Whether no permutation says what the interval does: of a rate, and where more than seeds is uncertain."""
    return known.statistic == "rate" or bool(known.shared) or known.se_rows > 0


def _least(p: float, n: int) -> float:
    """The least p there could have been, by the number of draws that p was made of: a floor, or below p."""
    return max(
        (floor for floor in (least(n, draws) for draws in (RESAMPLES, *MORE)) if floor <= p * 1.01), default=math.nan
    )


def _adjusted(found: Sequence[Effect]) -> list[Effect]:
    """With p_adjusted: within lesson and scope for what is only looked into; what decides shares its level instead."""
    made, families = list(found), dict[tuple[str, str], list[int]]()
    for i, each in enumerate(found):
        decides = each.primary or each.guards
        made[i] = replace(each, p_adjusted=each.p_interval if decides else each.p)
        if not (decides or math.isnan(each.p)):
            families.setdefault((each.lesson, each.data), []).append(i)
    for family in families.values():
        for i, p in zip(family, false_discovery_control([found[i].p for i in family]), strict=True):
            made[i] = replace(made[i], p_adjusted=float(p))
    return made


def _judged(known: Effect) -> Effect:
    verdict = judge(known)
    return replace(known, verdict=verdict.category, reason=verdict.reason)


def _guarded(found: Sequence[Effect]) -> tuple[Effect, ...]:
    """With how its guard stands, beside what decides."""
    guards = {each.comparison: guard(each) for each in found if each.guards}
    return tuple(replace(each, guard=guards.get(each.comparison, "")) if each.primary else each for each in found)
