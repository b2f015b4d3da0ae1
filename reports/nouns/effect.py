"""An effect: one comparison by one endpoint, with all that is known of it and the verdict on it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ArmSummary:
    """One arm of an effect: runs with the number, their mean and SD; for a wait, how many got there, and the median."""

    n: int
    mean: float
    sd: float
    reached: float
    median: float


@dataclass(frozen=True)
class BadRuns:
    """How many runs of either arm ended in one way: failed, diverged or stuck."""

    kind: str
    baseline: int
    variant: int


@dataclass(frozen=True)
class Effect:
    """A variant against its baseline in one scope by one endpoint. Numbers without a meaning are NaN.

    The attributes are the columns of the effects table, which `reports.verdicts.effects` describes. A threshold is None
    where there is none.
    """

    lesson: str
    variant: str
    baseline: str
    data: str
    measure: str
    statistic: str = "mean"
    threshold: float | None = None
    primary: bool = False
    guards: bool = False
    better: str = "higher"
    sesoi: float = math.nan
    paired: bool = True
    part: float = 1.0
    n_seeds: int = 0
    asked_baseline: int = 0
    asked_variant: int = 0
    n_baseline: int = 0
    n_variant: int = 0
    n_pairs: int = 0
    n_identical: int = 0
    mean_baseline: float = math.nan
    mean_variant: float = math.nan
    sd_baseline: float = math.nan
    sd_variant: float = math.nan
    shared: float = 0.0
    n_rows: float = math.nan
    se_rows: float = math.nan
    rows_dominate: bool = False
    look: int = 1
    declared: int = 0
    family: int = 1
    alpha: float = 0.05
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_interval: float = math.nan
    p: float = math.nan
    p_least: float = math.nan
    p_adjusted: float = math.nan
    iqm: float = math.nan
    p_wilcoxon: float = math.nan
    dz: float = math.nan
    probability_better: float = math.nan
    spread_ratio: float = math.nan
    p_spread: float = math.nan
    p_equivalence: float = math.nan
    mde: float = math.nan
    seeds_needed: float = math.nan
    correlation: float = math.nan
    skew: float = math.nan
    better_low: float = math.nan
    better_high: float = math.nan
    single_low: float = math.nan
    single_high: float = math.nan
    single_coverage: float = math.nan
    settles: str = ""
    seeds_settle: float = math.nan
    failed_baseline: int = 0
    failed_baseline_low: float = math.nan
    failed_baseline_high: float = math.nan
    failed_variant: int = 0
    failed_variant_low: float = math.nan
    failed_variant_high: float = math.nan
    diverged_baseline: int = 0
    diverged_baseline_low: float = math.nan
    diverged_baseline_high: float = math.nan
    diverged_variant: int = 0
    diverged_variant_low: float = math.nan
    diverged_variant_high: float = math.nan
    stuck_baseline: int = 0
    stuck_baseline_low: float = math.nan
    stuck_baseline_high: float = math.nan
    stuck_variant: int = 0
    stuck_variant_low: float = math.nan
    stuck_variant_high: float = math.nan
    bad_baseline: int = 0
    bad_baseline_low: float = math.nan
    bad_baseline_high: float = math.nan
    bad_variant: int = 0
    bad_variant_low: float = math.nan
    bad_variant_high: float = math.nan
    p_failed: float = math.nan
    p_diverged: float = math.nan
    p_stuck: float = math.nan
    p_bad: float = math.nan
    bad_low: float = math.nan
    bad_high: float = math.nan
    seeds_bad: float = math.nan
    p_worst_rank: float = math.nan
    worst_rank: int = 0
    reached_baseline: float = math.nan
    reached_variant: float = math.nan
    median_baseline: float = math.nan
    median_variant: float = math.nan
    p_logrank: float = math.nan
    verdict: str = ""
    reason: str = ""
    guard: str = ""

    @property
    def comparison(self) -> tuple[str, str, str]:
        """Lesson, variant and scope."""
        return self.lesson, self.variant, self.data

    @property
    def asked(self) -> tuple[int, int]:
        """How many runs baseline and variant were asked for."""
        return (self.n_seeds, self.n_seeds) if self.paired else (self.asked_baseline, self.asked_variant)

    @property
    def arms(self) -> tuple[ArmSummary, ArmSummary]:
        """Baseline and variant."""
        return (
            ArmSummary(
                self.n_baseline, self.mean_baseline, self.sd_baseline, self.reached_baseline, self.median_baseline
            ),
            ArmSummary(self.n_variant, self.mean_variant, self.sd_variant, self.reached_variant, self.median_variant),
        )

    @property
    def bad_runs(self) -> tuple[BadRuns, ...]:
        """The bad runs by kind."""
        return (
            BadRuns("failed", self.failed_baseline, self.failed_variant),
            BadRuns("diverged", self.diverged_baseline, self.diverged_variant),
            BadRuns("stuck", self.stuck_baseline, self.stuck_variant),
        )
