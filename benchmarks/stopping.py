"""Do runs that take seeds as they are needed keep their promises? Simulated experiments, where the truth is known.

    python benchmarks/stopping.py [--experiments 300] [--seed 0]

Every experiment passes through `reports/verdicts/effects.py` at each look, and `orchestrator/planning/until.py` says whether it
goes on, and to how many seeds. A claim is any verdict that there is an effect, at the look at which it ended; shares are told as
in `benchmarks/calibration.py`.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import pandas as pd
from calibration import ENDPOINTS, Floats, results, share

from orchestrator.planning.until import Until
from orchestrator.reports.nouns.effect import Effect
from orchestrator.reports.verdicts.effects import frame

CLAIMS = ("improves", "harms", "real but small")
SD = 0.02
TRUTHS = {"no effect": (0.0, 1.0), "dz .3": (0.3, 1.0), "dz .5": (0.5, 1.0), "dz .8": (0.8, 1.0)}
SPREADS = {"no difference of spreads": (0.0, 1.0), "spread ratio 2": (0.0, 2.0)}
WIDTH = 0.5
"""Of the intervals waited for, in standard deviations of a pair's difference."""


def course(arms: Floats, until: Until, statistic: str = "mean") -> pd.DataFrame:
    """The deciding rows of (2, experiments, seeds) scores, each at the number of seeds at which it ended, by experiment."""
    ended, waiting = {}, {until.first: list(range(arms.shape[1]))}
    while waiting:
        seeds = min(waiting)
        going = waiting.pop(seeds)
        for at, row in _rows(arms[:, going, :seeds], until, statistic, seeds):
            following = until.following(row, seeds)
            if following == seeds:
                ended[going[at]] = row
            else:
                waiting.setdefault(following, []).append(going[at])
    return frame([ended[at] for at in sorted(ended)])


def _rows(arms: Floats, until: Until, statistic: str, seeds: int) -> list[tuple[int, Effect]]:
    made = [n for n in until.looks if n <= seeds] or [seeds]
    declared = {"declared": list(until.looks)} if until.looks else {}
    looks = [
        {"variant": "with", "data": f"{i:05d}", "seeds": list(range(n)), **declared}
        for i in range(arms.shape[1])
        for n in made
    ]
    measure = "score" if statistic == "spread" else "epochs"
    found = results(arms[0][:, None], arms[1][:, None], measure=measure, statistic=statistic, further={"looks": looks})
    return [(int(each.data), each) for each in found.deciding]


def drawn(rng: np.random.Generator, count: int, most: int, dz: float, wide: float) -> Floats:
    """(2, count, most) normal scores, `dz` standard deviations of a difference apart, the second `wide` times as wide."""
    arms = rng.normal(size=(2, count, most)) * SD
    arms[1] = arms[1] * wide + dz * SD * math.sqrt(2)
    return arms


def decided(rng: np.random.Generator, count: int) -> None:
    """What is claimed under each truth, and by how many seeds."""
    print("until decided".ljust(44), "claimed".rjust(12), "mean seeds")
    for most in (100, 200, 300):
        for statistic, truths in (("mean", TRUTHS), ("spread", SPREADS)):
            for name, truth in truths.items():
                found = course(drawn(rng, count, most, *truth), Until(most), statistic)
                claimed = share(found["verdict"].isin(CLAIMS))
                print(
                    f"{name}, {most} seeds at the most".ljust(44),
                    str(claimed).rjust(12),
                    f"{found['n_seeds'].mean():.0f}",
                    flush=True,
                )


def precise(rng: np.random.Generator, count: int) -> None:
    """How often an interval that was waited for holds the truth."""
    print("until precise".ljust(44), "interval".rjust(12), "mean seeds")
    for name, draw in ENDPOINTS.items():
        arms = draw(rng, (2, count, 200))
        width = WIDTH * float((arms[1] - arms[0]).std())
        found = course(arms, Until(200, width))
        held = share((found["low"] <= 0) & (found["high"] >= 0))
        print(name.ljust(44), str(held).rjust(12), f"{found['n_seeds'].mean():.0f}", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Do runs that take seeds as they are needed keep their promises?")
    parser.add_argument("--experiments", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for part, study in enumerate((decided, precise)):
        started = time.perf_counter()
        study(np.random.default_rng([options.seed, part]), options.experiments)
        print(f"({options.experiments} experiments a line, {time.perf_counter() - started:.0f} s)\n")


if __name__ == "__main__":
    main()
