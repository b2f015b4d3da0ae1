"""Do the report's numbers keep their promises? The real statistics on simulated stores, where the truth is known.

    python benchmarks/calibration.py [--experiments 300] [--seed 0]

"claim" is the verdict improves or harms, "or small" adds real but small. Every figure is a share of simulated
experiments, with its Monte Carlo error (1.96 standard errors). An experiment is a scope of one store, so each passes
through `reports.verdicts.effects.table` like any other; the bands through `reports.statistics.bands.difference_band`.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.reports.statistics.bands import difference_band
from orchestrator.reports.statistics.endpoints import scores
from orchestrator.reports.statistics.histories import Curves
from orchestrator.reports.statistics.paired import detectable, mean_effect
from orchestrator.reports.statistics.scored_rows import Rows
from orchestrator.reports.statistics.single_pairs import single
from orchestrator.reports.statistics.survival import logrank
from orchestrator.reports.verdicts.results import Results
from orchestrator.store.rows import squares

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

SEEDS = (10, 30, 100)
LOOKS = {
    "30 seeds, once": (30,),
    "10, 30, 50 seeds": (10, 30, 50),
    "30, 50, 100 seeds": (30, 50, 100),
    "10, 20, ... 100 seeds": tuple(range(10, 101, 10)),
}
SESOI = 0.01
LEVEL = 0.05
EPOCHS = np.arange(120)


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Accuracies about 0.8, two points apart."""
    return 0.80 + 0.02 * rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Most runs do well, some a good deal worse: skewness -2."""
    return 0.84 - 0.02 * rng.exponential(size=shape)


def heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Student's t with 3 degrees of freedom."""
    return 0.80 + 0.015 * rng.standard_t(3, size=shape)


def tied(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """A test set of 70 rows knows 71 accuracies."""
    return np.round((0.78 + 0.02 * rng.normal(size=shape)) * 70) / 70


def hairs(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """The same in float32 by sums of another order: equal accuracies lie a hair apart."""
    return tied(rng, shape).astype(np.float32).astype(float) + rng.choice([-3e-8, 0.0, 3e-8], shape)


def capped(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Partly constant: six runs in ten end at 1.000."""
    return np.minimum(1.0, 1.005 + 0.02 * rng.normal(size=shape))


ENDPOINTS: Mapping[str, Draw] = {
    "normal": normal,
    "skewed": skewed,
    "heavy-tailed": heavy,
    "tied, 1/70": tied,
    "tied in float32": hairs,
    "partly constant": capped,
}


@dataclass(frozen=True)
class Share:
    """k of n experiments did it."""

    k: int
    n: int

    def __str__(self) -> str:
        if not self.n:
            return "-"
        drawn = (self.k + 2) / (self.n + 4)  # Agresti and Coull: none of 300 is no proof of never
        return f"{100 * self.k / self.n:5.1f} ±{196 * math.sqrt(drawn * (1 - drawn) / (self.n + 4)):3.1f}"


def share(true: npt.ArrayLike) -> Share:
    """How many of them are true."""
    values = np.asarray(true, dtype=bool)
    return Share(int(values.sum()), len(values))


def experiments(baseline: Floats, variant: Floats, **how: Any) -> pd.DataFrame:
    """The effects table of `results`."""
    return results(baseline, variant, **how).table


def results(
    baseline: Floats,
    variant: Floats,
    lessons: int = 1,
    diverging: npt.NDArray[np.bool_] | None = None,
    measure: str = "epochs",
    look: int = 1,
    statistic: str = "mean",
    status: str = "diverged",
    further: Mapping[str, object] = MappingProxyType({}),
) -> Results:
    """The results of (experiments, lessons, seeds) scores; `diverging` is (2, experiments, lessons, seeds).

    `status` is how those end that `diverging` names, `further` what else a lesson's description says.

    `look` says how often these experiments have been looked at, this look included. Of a measure named "epochs" the table
    compares the means only; of any other, the spreads as well.
    """
    where = [axis.ravel() for axis in np.indices(baseline.shape)]
    names = [np.array([f"lesson {i}" for i in range(lessons)]), np.array([f"{i:05d}" for i in range(len(baseline))])]
    rows = []
    for arm, (name, given) in enumerate((("without", baseline), ("with", variant))):
        gone = np.zeros(given.shape, dtype=bool) if diverging is None else diverging[arm]
        rows.append(pd.DataFrame({
            "lesson": names[0][where[1]], "variant": name, "data": names[1][where[0]], "seed": where[2],
            "status": np.where(gone.ravel(), status, "ok"), measure: given.ravel(),
        }))  # fmt: skip
    sesoi = SESOI if statistic == "mean" else 0.8
    endpoint = {"measure": measure, "statistic": statistic, "better": "higher", "sesoi": sesoi, "threshold": None}
    variants = [{"name": name, "epochs": 1} for name in ("without", "with")]
    looks = [{"variant": "with", "data": str(scope)} for scope in names[1]] * look
    documents = [
        {"id": f"lesson {i}", "title": f"Lesson {i}", "endpoint": endpoint, "variants": variants, "looks": looks}
        | dict(further)
        for i in range(lessons)
    ]
    empty = pd.DataFrame({name: [] for name in ("lesson", "variant", "data", "seed", "epoch")})
    return Results.of(pd.concat(rows, ignore_index=True), empty, documents, {})


def claims(rows: pd.DataFrame, *, small: bool = False) -> Share:
    """Verdicts that say there is an effect; with `small`, also the one that says it is real but small."""
    return share(rows["verdict"].isin(["improves", "harms", *(["real but small"] if small else [])]))


def covers(rows: pd.DataFrame, truth: float) -> Share:
    """Intervals that hold the truth, of those there are."""
    had = rows[rows["low"].notna()]
    return share((had["low"] <= truth) & (truth <= had["high"]))


def no_effect(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """Both arms drawn alike: every claim is false, every interval should hold nought, and one for a spread."""
    yield [
        "no true effect",
        "seeds",
        *("claim", "or small", "p < .05", "interval"),
        *("spread: claim", "p < .05", "interval"),
    ]
    for name, draw in ENDPOINTS.items():
        for n in SEEDS:
            effects = experiments(draw(rng, (count, 1, n)), draw(rng, (count, 1, n)), measure="score")
            mean, spread = (effects[effects["statistic"] == statistic] for statistic in ("mean", "spread"))
            of_mean = claims(mean), claims(mean, small=True), share(mean["p"] < LEVEL), covers(mean, 0.0)
            of_spread = claims(spread), share(spread["p"] < LEVEL), covers(spread, 1.0)
            yield [name, str(n), *map(str, of_mean + of_spread)]


def true_effect(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """The variant shifted by the minimal detectable effect and spread twice as wide, or shifted by the sesoi."""
    yield ["true effect", "seeds", "power at mde", "interval", "equivalence at sesoi", "spread interval, ratio 2"]
    for name, draw in ENDPOINTS.items():
        many = draw(rng, (10**6,))
        for n in SEEDS:
            arms = draw(rng, (2, count, 1, n))
            shift = detectable(n) * math.sqrt(2) * float(many.std())
            found = experiments(arms[0], arms[1] + shift)
            wide = experiments(arms[0], 2 * (arms[1] - many.mean()) + many.mean(), measure="score")
            equal = experiments(arms[0], arms[1] + SESOI)
            same = share(equal["p_equivalence"] < LEVEL)
            ratios = covers(wide[wide["statistic"] == "spread"], 2.0)
            yield [name, str(n), *map(str, (share(found["p"] < LEVEL), covers(found, shift), same, ratios))]


def special(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """What the tables above leave out: several lessons, and differences that lean to one side."""
    yield ["special cases".ljust(56), "seeds", "share"]
    for n in SEEDS:
        few = max(1, count // 4)
        eight = experiments(normal(rng, (few, 8, n)), normal(rng, (few, 8, n)), lessons=8)
        yield ["eight lessons without effect: claimed of each", str(n), str(claims(eight, small=True))]
        yield ["both as fast, one gives up on hopeless runs: log-rank", str(n), str(share(_races(rng, count, n)))]
        lopsided = experiments(np.full((count, 1, n), 0.8), skewed(rng, (count, 1, n)))
        yield ["skewed arm against a constant one: interval", str(n), str(covers(lopsided, 0.02))]


def _races(rng: np.random.Generator, count: int, n: int) -> list[bool]:
    """Whether log-rank tells two arms apart that get there as often and as fast, where one gives up on runs that won't."""
    goal, told = Endpoint("epochs_to_threshold", threshold=0.8), []
    for _ in range(count):
        arms = []
        for gives_up in (False, True):
            reached = np.ceil(rng.exponential(60, n)).astype(int)
            ends = np.where(reached <= 100, reached, 12 if gives_up else 100)
            curve = [
                np.append(np.full(end - 1, 0.5), 0.9 if end == there else 0.5)
                for end, there in zip(ends, reached, strict=True)
            ]
            curves_ = Curves(np.arange(n), ends, {"val_accuracy": np.concatenate(curve)})
            found = scores(goal, pd.DataFrame({"seed": np.arange(n)}), curves_, 100)
            arms.append((found.values, found.reached))  # noqa: PD011  an array
        told.append(logrank(*arms) < LEVEL)
    return told


def ending(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """Runs that end badly. Without any effect every claim is false, whoever's runs they are and however they are chosen."""
    yield ["bad runs, no effect on the others".ljust(56), "seeds", "improves or small", "harms", "no difference"]
    for n in SEEDS:
        for (name, choose), status in [*zip(BAD.items(), ("diverged",) * len(BAD), strict=True), *ENDED_OTHERWISE]:
            arms = normal(rng, (2, count, 1, n))
            found = experiments(arms[0], arms[1], diverging=choose(rng, arms), status=status)
            good = found["verdict"].isin(["improves"]) | (
                (found["verdict"] == "real but small") & (found["effect"] > 0)
            )
            harm = (found["verdict"] == "harms") | ((found["verdict"] == "real but small") & ~good)
            same = found["verdict"] == "no practical difference"
            yield [name, str(n), *map(str, map(share, (good, harm, same)))]


def _worst(arms: Floats, arm: int) -> npt.NDArray[np.bool_]:
    """The worst fifth of one arm's runs: those that a time limit would cut off, say."""
    gone = np.zeros(arms.shape, dtype=bool)
    gone[arm] = arms[arm] < np.quantile(arms[arm], 0.2, axis=-1, keepdims=True)
    return gone


BAD: Mapping[str, Callable[[np.random.Generator, Floats], npt.NDArray[np.bool_]]] = {
    "one run in ten, in both arms": lambda rng, arms: rng.random(arms.shape) < 0.1,
    "one run in ten with the technique": lambda rng, arms: (rng.random(arms.shape) < 0.1) & _of(arms, 1),
    "the worst fifth with the technique": lambda _, arms: _worst(arms, 1),
    "the worst fifth of both arms": lambda _, arms: _worst(arms, 0) | _worst(arms, 1),
    "the worst fifth of the baseline": lambda _, arms: _worst(arms, 0),
}


ENDED_OTHERWISE = [
    (("the worst fifth with it run out of time", lambda _, arms: _worst(arms, 1)), "timeout"),
    (("one in ten of both arms crashes", lambda rng, arms: rng.random(arms.shape) < 0.1), "failed"),
    (("every run with it is lost", lambda _, arms: _of(arms, 1)), "failed"),
]


def _of(arms: Floats, arm: int) -> npt.NDArray[np.bool_]:
    return np.asarray(np.arange(2)[:, None, None, None] == arm) & np.ones(arms.shape, dtype=bool)


def further(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """What is said beside the verdict: where the next run lies, and on how many data sets it helps."""
    yield ["beside the verdict".ljust(44), "seeds", "next run", "of at least", "share"]
    for n in (20, 30, 100):
        drawn = rng.exponential(size=(count, n + 1)) - 0.5
        found = [single(each[:n], float((each[:n] > 0).mean())) for each in drawn]
        held = share([one.low <= new <= one.high for one, new in zip(found, drawn[:, n], strict=True)])
        true = math.exp(-0.5)
        shares = share([one.better_low <= true <= one.better_high for one in found])
        yield ["skewed differences", str(n), str(held), f"{100 * found[0].coverage:.1f}", str(shares)]


def rows(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """Seeds and rows both drawn: the technique helps on some rows and harms on others, and on average does nothing.

    Of the 95 % intervals alone: the table would take most of its time for the spreads of so many accuracies.
    """
    yield ["rows that differ, no effect on average".ljust(44), "seeds", "interval", "taken as given"]
    for size, hard in ((70, 0.7), (500, 0.7), (10_000, 0.3), (70, 0.0)):
        for n in (8, 30, 100):
            held = [_held(*_masks(rng, n, size, hard)) for _ in range(count)]
            yield [
                f"{size:,} rows, gain of SD {hard:g}",
                str(n),
                *(str(share(each)) for each in zip(*held, strict=True)),
            ]


def _masks(rng: np.random.Generator, n: int, size: int, hard: float) -> tuple[npt.NDArray[np.int8], ...]:
    """Which of `size` rows n runs have right in either arm: with luck of the seed's own, the row's, and that of both."""
    ease, gain = rng.normal(1, 1, size), hard * rng.normal(size=size)
    luck = rng.normal(0, 0.1, (2, n, 1))
    return tuple(
        (rng.normal(size=(n, size)) < ease + sign * gain / 2 + luck[arm]).astype(np.int8)
        for arm, sign in enumerate((-1, 1))
    )


def _held(first: npt.NDArray[np.int8], second: npt.NDArray[np.int8]) -> tuple[bool, bool]:
    """Whether the interval over seeds and rows holds no effect, and whether that over seeds alone does."""
    arms = first.mean(axis=1), second.mean(axis=1)
    both = (mean_effect(*arms, "higher", SESOI, rows=known) for known in (Rows(**squares(second - first)), None))
    counted, given = ((found.low <= 0 <= found.high) for found in both)
    return counted, given


def resplit(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """One file of 300 rows split anew for each seed, told from as many data sets of its own: the mean of rows learnt, no effect."""
    yield [
        "re-splits of one file, no effect".ljust(44),
        "seeds",
        "interval",
        "claimed",
        "as if apart: interval",
        "claimed",
    ]
    for n in (10, 30, 100):
        arms = np.stack([_splits(rng, n) for _ in range(count)], axis=1)[:, :, None]
        data = {"redrawn": True, "rows_train": 200, "rows_test": 100}
        cells = []
        for known in ({"resplit": True}, {}):
            effects = experiments(*arms, further={"data": data | known})
            cells += [covers(effects, 0.0), claims(effects, small=True)]
        yield ["two learners that are as good", str(n), *map(str, cells)]


def _splits(rng: np.random.Generator, n: int) -> Floats:
    """(2, n) squared errors of two estimates of a mean, each from half the numbers of a row, on a third of the file."""
    file = rng.normal(size=(300, 2))
    scores = []
    for _ in range(n):
        mixed = rng.permutation(file)
        learnt = mixed[:200].mean(axis=0)
        scores.append(0.8 + 0.1 * ((mixed[200:] - learnt) ** 2).mean(axis=0))
    return np.array(scores).T


def broken(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """Spreads where runs diverge, as often in both arms, and the others scatter alike."""
    yield ["spread, some runs diverge".ljust(44), "seeds", "claimed", "interval"]
    for n in SEEDS:
        arms = normal(rng, (2, count, 1, n))
        effects = experiments(*arms, diverging=rng.random(arms.shape) < 0.05, measure="score", statistic="spread")
        deciding = effects[effects["primary"]]
        yield ["one run in twenty, in both arms", str(n), str(claims(deciding, small=True)), str(covers(deciding, 1.0))]


def looking(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """The same experiment looked at again and again as its seeds grow: what is claimed at any look, or by the last one."""
    yield ["looks at growing numbers of seeds".ljust(44), "no effect", "dz .5", "dz .8", "spread ratio 2"]
    for name, looks in LOOKS.items():
        claimed = []
        for dz, wide in ((0.0, 1.0), (0.5, 1.0), (0.8, 1.0), (0.0, 2.0)):
            arms = rng.normal(size=(2, count, 1, looks[-1])) * 0.02
            arms[1] = arms[1] * wide + dz * 0.02 * math.sqrt(2)
            claimed.append(share(_ever(arms, looks, "spread" if wide > 1 else "mean")))
        yield [name, *map(str, claimed)]


def _ever(arms: Floats, looks: tuple[int, ...], statistic: str) -> npt.NDArray[np.bool_]:
    """(experiments,) whether the primary endpoint claims anything at any look."""
    ever = np.zeros(arms.shape[1], dtype=bool)
    for look, n in enumerate(looks, 1):
        measure = "score" if statistic == "spread" else "epochs"
        found = experiments(arms[0, ..., :n], arms[1, ..., :n], measure=measure, look=look, statistic=statistic)
        primary = found[found["primary"]].sort_values("data")
        ever |= primary["verdict"].isin(["improves", "harms", "real but small"]).to_numpy()
    return ever


def curves(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Smooth noise with unit SD, (n, epochs): each epoch remembers nine tenths of the last."""
    steps = rng.normal(size=(*shape, len(EPOCHS)))
    values = np.empty_like(steps)
    values[..., 0] = steps[..., 0]
    for epoch in EPOCHS[1:]:
        values[..., epoch] = 0.9 * values[..., epoch - 1] + math.sqrt(1 - 0.81) * steps[..., epoch]
    return values


def smooth(rng: np.random.Generator, shape: tuple[int, int], shift: float) -> Floats:
    """A loss that settles: noisy first, quiet later, with a difference that comes and goes."""
    return curves(rng, shape) * (0.3 + np.exp(-EPOCHS / 20)) + shift * 0.5 * np.sin(EPOCHS / 20)


def jumpy(rng: np.random.Generator, shape: tuple[int, int], shift: float) -> Floats:
    """Every epoch by itself, Student's t with 3 degrees of freedom for the seed."""
    return rng.normal(size=(*shape, len(EPOCHS))) * np.abs(rng.standard_t(3, (*shape, 1))) + shift


def stepped(rng: np.random.Generator, shape: tuple[int, int], shift: float) -> Floats:
    """An accuracy in steps of 1/70 that rises and then mostly sticks at 1.000; the variant rises sooner."""
    level = 0.5 + 0.52 * (1 - np.exp(-EPOCHS / (25 - 7 * shift))) + 0.01 * curves(rng, shape)
    return np.minimum(1.0, np.round(level * 70) / 70)


BANDS = {"smooth": smooth, "jumpy, heavy-tailed": jumpy, "stepped, capped": stepped}


def bands(rng: np.random.Generator, count: int) -> Iterator[list[str]]:
    """Bands that hold the whole true difference curve, without and with a true difference."""
    yield ["difference band holds the whole curve", "seeds", "no difference", "true difference"]
    for name, draw in BANDS.items():
        truth = [0 * EPOCHS, (draw(rng, (1, 20_000), 1.0) - draw(rng, (1, 20_000), 0.0)).mean(axis=(0, 1))]
        for n in SEEDS:
            held = []
            for shift in (0, 1):
                arms = draw(rng, (count, n), 0.0), draw(rng, (count, n), float(shift))
                found = [difference_band(a, b, np.random.default_rng([n, shift])) for a, b in zip(*arms, strict=True)]
                held.append(
                    share([np.all((f.low <= truth[shift] + 1e-9) & (truth[shift] <= f.high + 1e-9)) for f in found])
                )
            yield [name, str(n), *map(str, held)]


STUDIES = (no_effect, true_effect, special, ending, broken, rows, resplit, further, looking, bands)


def main() -> None:
    """Run every study and print its table."""
    parser = argparse.ArgumentParser(
        description="Do the report's numbers keep their promises? Simulated stores, known truth."
    )
    parser.add_argument("--experiments", type=int, default=300, help="simulated experiments a line (300)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        "Shares in percent of experiments, ± Monte Carlo error. Wanted: claims and p < .05 at most 5, "
        "intervals (96 % those of means, 95 % those of spreads) and bands no less than they say, power 80, equivalence at the sesoi at most 5."
    )
    for part, study in enumerate(STUDIES):
        started = time.perf_counter()
        rows = study(np.random.default_rng([options.seed, part]), options.experiments)
        head = next(rows)
        widths = [max(28 if i == 0 else 6, len(title)) for i, title in enumerate(head)]
        print("\n" + _line(head, widths))
        for row in rows:
            print(_line(row, widths), flush=True)
        print(f"({options.experiments} experiments a line, {time.perf_counter() - started:.0f} s)")


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))


if __name__ == "__main__":
    main()
