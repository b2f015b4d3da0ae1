"""One word for a comparison, one sentence for a lesson, both made from the numbers.

A row of `reports.verdicts.effects.table` is judged in this order:

    not testable  fewer seeds than can show anything at the level
    by rate       one arm has more bad runs (failed, diverged or stuck; exact McNemar, at the level): harms or improves,
                  with or without pairs; where the rest shows harm, harm wins
    not testable  fewer than four in five pairs
    no practical difference    every pair is identical
    improves      the whole interval lies beyond the smallest effect of interest; harms: the other way
    real but small    the interval leaves out no effect, but reaches below the smallest effect of interest
    no practical difference    equivalence shown at the level
    inconclusive  all the rest, with the seeds it would take
    not judged    what nobody said from where on it matters: an exploratory metric, with its interval and p

The interval is the one that is printed, at 1 - alpha. Where either arm has bad runs, only harm is said without a further
look: anything else needs Newcombe's 95 % interval to leave out that the technique has 20 points more of them. Harm in what
is left of an arm whose own runs went bad more often needs the ranks on its side, bad runs being the worst: otherwise it is
the better part of the baseline that the technique was held against.

What a lesson only looks into (its secondary endpoints) has 95 % intervals, each for itself, and needs a Benjamini-Hochberg
p below 0.05 besides.

The guard beside a verdict holds when its interval leaves out harm as large as its smallest effect of interest, is broken
when it leaves out anything less, and open otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.statistics.levels import WHOLE
from orchestrator.reports.statistics.more_seeds import seeds_can_decide
from orchestrator.reports.statistics.paired import ROUNDING, fewest_pairs
from orchestrator.reports.statistics.unpaired import fewest_runs, least
from orchestrator.reports.wording.phrases import (
    amount,
    digits_of,
    goal,
    measure,
    number,
    percent,
    plural,
    probability,
    size,
    times,
)
from orchestrator.reports.wording.qualifiers import bad_runs, qualifiers
from orchestrator.reports.wording.scopes import on_scope

IMPROVES, HARMS, SMALL = "improves", "harms", "real but small"
SAME, OPEN, VOID = "no practical difference", "inconclusive", "not testable"
UNJUDGED = "not judged"
CATEGORIES = (IMPROVES, HARMS, SMALL, SAME, OPEN, VOID, UNJUDGED)
MANY = 10_000
ENOUGH = 0.8
"""A verdict needs at least this share of the pairs: beyond it, what is left may be a selection."""
TOLERATED = 0.2
"""No good news while the share of bad runs may be this much larger: one bad run of thirty passes, two don't."""
HOLDS, UNSURE, BROKEN = "holds", "open", "broken"


@dataclass(frozen=True)
class Verdict:
    """One of CATEGORIES, and the numbers that made it so."""

    category: str
    reason: str


@dataclass(frozen=True)
class Headline:
    """A comparison's answer: a category for each scope it was made in, and one sentence joining them."""

    lesson: str
    variant: str
    baseline: str
    verdicts: Mapping[str, str]
    sentence: str


def judge(row: Effect) -> Verdict:
    """The verdict on one row of the effects table."""
    if not math.isfinite(row.sesoi):
        return Verdict(UNJUDGED, "nothing was declared of what change in it matters")
    found = _too_few(row) or _by_rate(row) or _left(row) or _identical(row) or _untestable(row) or _by_effect(row)
    aside = _aside(row)
    return Verdict(found.category, f"{found.reason}; {aside}" if aside and aside not in found.reason else found.reason)


def is_open(row: Effect) -> bool:
    """Whether more seeds may still decide a judged row: it is inconclusive, or has too few to be judged at all."""
    return row.verdict == OPEN or _too_few(row) is not None


def held_up(row: Effect) -> bool:
    """Whether a judged row is inconclusive only because of bad runs: its interval alone would have decided."""
    return bool(row.verdict == OPEN and not math.isnan(row.low) and _would_decide(row))


def perhaps_small(row: Effect) -> bool:
    """Whether a real effect may be too small to matter, and may as well not be: its interval holds what matters."""
    _, low, high, interest = _centred(row)
    return bool(row.verdict == SMALL and max(abs(low), abs(high)) > interest)


def too_little(row: Effect) -> str:
    """', perhaps too little to matter': what is to be added to a real but small effect."""
    return f", {'perhaps ' if perhaps_small(row) else ''}too little to matter"


def culprits(row: Effect) -> str:
    """'stuck runs': the bad runs of the technique, by their kind where there is one."""
    kinds = [each.kind for each in row.bad_runs if each.variant]
    return f"{kinds[0] if len(kinds) == 1 else 'bad'} runs"


def guard(row: Effect) -> str:
    """How a guard's own row of the effects table stands: HOLDS, UNSURE or BROKEN."""
    if row.verdict == HARMS or _surely_harms(row):
        return BROKEN
    _, low, high, interest = _centred(row)
    safe = low > -interest if row.better == "higher" else high < interest
    return HOLDS if _clear(row) and row.verdict != VOID and (safe or row.verdict == SAME) else UNSURE


def _surely_harms(row: Effect) -> bool:
    """Whether every run is worse by the same amount, and that matters: where nothing varies there is no interval, and no doubt."""
    known = math.isnan(row.low) and row.n_pairs > 1 and row.statistic == "mean" and not row.shared
    return known and (row.effect if row.better == "lower" else -row.effect) > row.sesoi


def _too_few(row: Effect) -> Verdict | None:
    seeds, fewest = row.n_seeds, fewest_pairs(row.alpha)
    if not row.paired:
        return _too_few_runs(row, row.asked_baseline, row.asked_variant)
    if seeds >= fewest:
        return None
    if row.part < 1:
        return Verdict(
            VOID,
            f"{seeds} seeds judge, since the others chose: so few can't show anything, it takes {2 * fewest} in all",
        )
    return Verdict(VOID, f"{seeds} {plural(str(seeds), 'seeds')}: so few can't show anything, it takes {fewest}")


def _too_few_runs(row: Effect, baseline: int, variant: int) -> Verdict | None:
    """Of arms that no seed joins: whether dealing their runs out could show anything."""
    if least(baseline, variant) <= row.alpha:
        return None
    return Verdict(
        VOID,
        f"{variant} and {baseline} runs: so few can't show anything, it takes {fewest_runs(row.alpha)} of either",
    )


def _by_rate(row: Effect) -> Verdict | None:
    if not row.primary or row.statistic == "rate" or row.p_bad > row.alpha:
        return None
    reason = f"{bad_runs(row)}; {'McNemar' if row.paired else 'Fisher'} {probability(row.p_bad)}"
    if row.bad_variant > row.bad_baseline:
        return Verdict(HARMS, reason)
    harmful = not _left(row) and not math.isnan(row.low) and _by_effect(row).category == HARMS
    return None if harmful else Verdict(IMPROVES, reason)


def _left(row: Effect) -> Verdict | None:
    pairs, seeds = row.n_pairs, row.n_seeds
    if not row.paired:
        return _left_of_either(row)
    if pairs < 2:
        return Verdict(VOID, f"{'no pair' if pairs == 0 else 'only one pair'} of runs has this number")
    if pairs < ENOUGH * seeds:
        return Verdict(VOID, f"only {pairs} of {seeds} pairs of runs have this number; too few to stand for all")
    if pairs < fewest_pairs(row.alpha):
        return Verdict(VOID, f"{pairs} pairs: so few can't show anything, it takes {fewest_pairs(row.alpha)}")
    return None


def _left_of_either(row: Effect) -> Verdict | None:
    arms = (row.n_variant, row.asked_variant), (row.n_baseline, row.asked_baseline)
    for known, asked in arms:
        if known < max(2, ENOUGH * asked):
            return Verdict(VOID, f"only {known} of {asked} runs of one side have this number; too few to stand for all")
    return _too_few_runs(row, row.n_baseline, row.n_variant)


def _identical(row: Effect) -> Verdict | None:
    if (
        not row.paired
        or row.n_identical < row.n_pairs
        or row.statistic == "rate"
        or _nobody_got_there(row)
        or row.se_rows > 0
    ):
        return None
    said = _constant(row)
    return Verdict(SAME, said) if _clear(row) else Verdict(OPEN, f"{said}, but bad runs may be more with it")


def _untestable(row: Effect) -> Verdict | None:
    if not math.isnan(row.low):
        return None
    if row.shared and row.statistic == "spread":
        return Verdict(VOID, "these data sets have rows in common, and so say nothing sure of a spread")
    return Verdict(VOID, _constant(row))


def _nobody_got_there(row: Effect) -> bool:
    return row.measure == "epochs_to_threshold" and not (row.reached_baseline or row.reached_variant)


def _constant(row: Effect) -> str:
    words = measure(row.measure, row.threshold)
    if _nobody_got_there(row):
        return f"no run reached {goal(row.threshold)}"
    if row.statistic == "spread" and row.n_identical < row.n_pairs:
        return f"{words.noun} does not vary from seed to seed in at least one arm"
    if row.sd_baseline < ROUNDING and row.n_identical == row.n_pairs:
        shown = number(words.scale * row.mean_baseline, words.digits)
        unit = " %" if row.measure.endswith("accuracy") else f" {plural(shown, words.unit)}" if words.unit else ""
        return f"{words.noun} is {shown}{unit} in every run of both arms"
    if row.n_identical == row.n_pairs:
        return f"both arms are exactly equal in each of the {row.n_pairs} pairs"
    if not row.paired:
        return f"{words.noun} does not vary from run to run on either side; the difference is {amount(row)}"
    return f"the difference is {amount(row)} in every pair, without any variation"


def _by_effect(row: Effect) -> Verdict:
    effect, low, high, interest = _centred(row)
    better, shown = (effect > 0) == (row.better == "higher"), _shown(row)
    if shown and (_clear(row) if better else not _selected(row)):
        beyond = low > interest or high < -interest
        category = SMALL if not beyond else IMPROVES if better else HARMS
        return Verdict(category, f"{_p(row)}; {matters(row)}{_would_settle(row, category)}")
    if row.p_equivalence <= row.alpha and not shown and _clear(row):
        return Verdict(SAME, f"less than {size(row)} either way, {probability(row.p_equivalence)}")
    return Verdict(OPEN, f"{_p(row)}; {_unsettled(row)}")


def _clear(row: Effect) -> bool:
    """Whether no bad runs stand in the way of good news: there are none, or hardly more of them with the technique."""
    if not (row.bad_baseline or row.bad_variant) or (row.statistic, row.measure) == ("rate", "bad"):
        return True
    return bool(row.bad_high < TOLERATED)


def _unsettled(row: Effect) -> str:
    """What stands in the way of a verdict: bad runs, or too few seeds."""
    if not _would_decide(row):
        return _seeds(row)
    if _shown(row) and (_centred(row)[0] > 0) != (row.better == "higher"):
        return "the runs that are left say so, but not once bad runs count as the worst"
    return f"up to {number(100 * row.bad_high, 0)} points more runs may go bad; under {100 * TOLERATED:.0f} would do"


def _selected(row: Effect) -> bool:
    """Whether harm may be due to the baseline having lost its own worst runs: then the ranks must show it, too."""
    if row.bad_baseline <= row.bad_variant or row.statistic != "mean":
        return False
    return not (row.p_worst_rank <= row.alpha and row.worst_rank == -1)


def _aside(row: Effect) -> str:
    """Bad runs that did not decide: both rates, and the seeds that would tell them apart."""
    if not row.primary or not (row.bad_baseline or row.bad_variant) or row.p_bad <= row.alpha:
        return ""
    if not math.isfinite(row.seeds_bad):
        return bad_runs(row)
    return f"{bad_runs(row)}; about {_round_up(row.seeds_bad / row.part):,} seeds would tell if that is chance"


def matters(row: Effect) -> str:
    """'a gain of at least 2.6 points': the interval's near end, true of any sesoi."""
    effect, low, high, _ = _centred(row)
    does = "gain" if (effect > 0) == (row.better == "higher") else "loss"
    near = row.low if abs(low) < abs(high) else row.high
    if row.statistic == "spread":
        return f"at least {percent(abs(near - 1))} {'less' if near < 1 else 'more'} spread"
    words = measure(row.measure, row.threshold)
    shown = number(abs(words.scale * near), digits_of(row))
    return f"a {does} of at least {shown}{f' {plural(shown, words.unit)}' if words.unit else ''}"


def _shown(row: Effect) -> bool:
    _, low, high, _ = _centred(row)
    return (low > 0 or high < 0) and _looked_into(row)


def _would_decide(row: Effect) -> bool:
    """Whether its interval alone would decide: it leaves out no effect, or all that matter."""
    return _shown(row) or bool(row.p_equivalence <= row.alpha)


def _looked_into(row: Effect) -> bool:
    """What was only looked into is one of many, and needs a small p among all of them."""
    return bool(row.primary or row.p_adjusted < WHOLE)


def _p(row: Effect) -> str:
    """'p = 0.22 (limit 0.02)'; what is exploratory says so instead."""
    said = probability(row.p_adjusted)
    if not row.primary:
        return f"exploratory, adjusted {said}"
    return said if row.p_adjusted <= row.alpha else f"{said} (limit {row.alpha:.2g})"


def _centred(row: Effect) -> tuple[float, float, float, float]:
    """Effect, interval and smallest effect of interest on a scale where no effect is 0: logarithms for a ratio."""
    effect, low, high, interest = (row.effect, row.low, row.high, row.sesoi)
    if row.statistic != "spread":
        return effect, low, high, interest
    if not effect > 0:
        return math.nan, math.nan, math.nan, abs(math.log(interest))
    return math.log(effect), math.log(low) if low > 0 else -math.inf, math.log(high), abs(math.log(interest))


def _seeds(row: Effect) -> str:
    """How many seeds would show what, if the effect is what it looks like."""
    if row.statistic == "rate":
        return f"about {_round_up(row.seeds_needed):,} seeds would find a difference of {size(row)}"
    needed, what = row.seeds_settle / row.part, _settles(row)
    those = "seeds" if row.paired else "runs of either"
    if row.shared:
        return "these data sets have rows in common, so that more of them hardly tell more"
    if row.rows_dominate:
        return f"more rows, not more seeds, would show “{what}”"
    if math.isinf(needed) and row.se_rows > 0:
        return f"more seeds alone would not show “{what}”: it takes more rows as well"
    if math.isnan(needed):
        return "too few to say how many seeds it would take"
    if needed > MANY:
        return f"more than {MANY:,} {those} would be needed to show “{what}”"
    if needed * row.part <= row.n_pairs:
        return (
            f"these {'seeds' if row.paired else 'runs'} could have shown “{what}”; the true effect is near that border"
        )
    return f"about {_round_up(needed):,} {those} would likely show “{what}”"


def settling(row: Effect) -> int | None:
    """How many seeds would settle what is inconclusive or perhaps small, as far as seeds can; None elsewhere."""
    needed = row.seeds_bad if held_up(row) else row.seeds_needed if row.statistic == "rate" else row.seeds_settle
    needed /= row.part
    wanted = row.verdict == OPEN or (perhaps_small(row) and row.settles == "beyond")
    seeds = row.n_seeds / row.part
    return _round_up(needed) if wanted and seeds_can_decide(row) and seeds < needed <= MANY else None


def _would_settle(row: Effect, category: str) -> str:
    """The seeds that would show whether a real effect is large enough to matter, where it looks as if it were."""
    more = category == SMALL and row.settles == "beyond" and row.n_pairs < row.seeds_settle <= MANY
    return f"; {_seeds(row)}" if more and seeds_can_decide(row) else ""


def _settles(row: Effect) -> str:
    better = (_centred(row)[0] > 0) == (row.better == "higher")
    return {"within": SAME, "real": SMALL}.get(row.settles, IMPROVES if better else HARMS)


def _round_up(count: float) -> int:
    """Two digits will do: nobody plans 1,837 seeds."""
    step = 10 ** max(0, math.floor(math.log10(count)) - 1)
    return int(math.ceil(count / step) * step)


def headlines(effects: Sequence[Effect], lessons: Sequence[Lesson]) -> list[Headline]:
    """A headline for every comparison, in the order of the effects."""
    of = {lesson.id: lesson for lesson in lessons}
    groups: dict[tuple[str, str], list[Effect]] = {}
    for row in effects:
        if row.primary:
            groups.setdefault((row.lesson, row.variant), []).append(row)
    found = []
    for (lesson, variant), rows in groups.items():
        says = of[lesson].contrast(variant).says
        who = f"{says[:1].upper()}{says[1:]}" if says else subject(of[lesson].technique, rows[0].baseline, variant)
        sentence = headline(who, rows)
        found.append(Headline(lesson, variant, rows[0].baseline, {row.data: row.verdict for row in rows}, sentence))
    return found


def subject(title: str, baseline: str, variant: str) -> str:
    """Who acts in the sentence: the lesson's technique, or 'Minibatch instead of batch'."""
    if variant == "with" or baseline == "without":
        return title if variant == "with" else f"{title} ({variant})"
    return f"{variant[:1].upper()}{variant[1:]} instead of {baseline}"


def headline(who: str, rows: Sequence[Effect]) -> str:
    """One sentence over one or two scopes' rows of the same comparison and endpoint, with one qualifier at most."""
    parts = []
    for again, row in enumerate(rows):
        where = on_scope(row.data)
        did, further = clause(row, bool(again))
        parts.append(f"{where} it {did}{further}" if again else f"{who} {did} {where}{further}")
    found = [(each.strength, at, each.text) for at, row in enumerate(rows) for each in qualifiers(row) if each.headline]
    if found:
        _, at, text = min(found)
        parts.append(f"{on_scope(rows[at].data)} {text}" if len(rows) > 1 else text)
    return f"{'; '.join(parts)}."


def clause(row: Effect, again: bool = False) -> tuple[str, str]:
    """What the technique did, as a predicate, and what to add after saying where.

    `again` says 'it' for the measure: the sentence has named it.
    """
    if not _too_few(row) and _by_rate(row):
        those = f"the {row.n_pairs} pairs" if row.paired else "the runs"
        rest = f"; in {those} that finished the difference was {_said(row)}"
        return bad_runs(row), "" if math.isnan(row.low) else rest
    return _did(row, again)


def _said(row: Effect) -> str:
    return times(row) if row.statistic == "spread" else amount(row)


def _did(row: Effect, again: bool) -> tuple[str, str]:
    category, spread = row.verdict, row.statistic == "spread"
    if category == VOID:
        return "could not be tested", f" ({row.reason})"
    if math.isnan(row.low):
        return f"left {_noun(row, again)} as it was", f" ({row.reason})"
    said = _said(row)
    if category == SAME:
        return f"made no practical difference to {_noun(row, again)}", f" ({said})"
    if category == OPEN:
        return f"left {_noun(row, again)} in doubt", f" ({said}; {_unsettled(row)})"
    did = (
        f"{'widened' if row.effect > 1 else 'narrowed'} {_noun(row, again)} to {said}" if spread else _moved(row, again)
    )
    return did, _beside_the_point(row) if category == SMALL else ""


def _noun(row: Effect, again: bool) -> str:
    noun = measure(row.measure, row.threshold).noun
    if again:
        return "it"
    return f"the spread of {noun} across seeds" if row.statistic == "spread" else noun


def _moved(row: Effect, again: bool) -> str:
    """'raised accuracy by 3.7 points [3.3, 4.1]', 'reached 80 % validation accuracy 37 epochs sooner [30, 44]'."""
    up = row.effect > 0
    said = amount(row, towards=1 if up else -1, unit=not again or row.measure.startswith("epochs"))
    number_of, _, interval = said.partition(" [")
    if row.measure == "epochs":
        return f"trained {number_of} {'more' if up else 'fewer'} [{interval}"
    if row.measure == "epochs_to_threshold":
        came = "got there" if again else f"reached {goal(row.threshold)} validation accuracy"
        return f"{came} {number_of} {'later' if up else 'sooner'} [{interval}"
    return f"{'raised' if up else 'lowered'} {_noun(row, again)} by {said}"


def _beside_the_point(row: Effect) -> str:
    return f"{too_little(row)} (less than {size(row)})"
