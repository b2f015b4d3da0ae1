"""Stores that were never trained: runs, histories and lessons of the right shape, with effects we chose ourselves.

A statistic can only be judged where the truth is known, and a page is quicker to draw than a network is to train.
`store()` makes the seven lessons with plausible curves; the shared baselines share their key and their numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.reports.verdicts.results import Results

Floats = npt.NDArray[np.float64]
Where = tuple[str, str, str, int]
"""lesson, variant, data, seed"""

SCOPES = ("fixed", "redrawn")
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
SCORES = ("train_accuracy", "test_accuracy", "fresh_accuracy", "train_bce", "test_bce", "fresh_bce")


@dataclass(frozen=True)
class Recipe:
    """What a variant trains, as far as its curves are concerned. Levels are accuracies, speed is in epochs."""

    epochs: int
    batch: int = 32
    rows: tuple[int, int] = (500, 500)
    level: float = 0.83
    train: float = 0.85
    speed: float = 12.0
    jitter: float = 0.006
    spread: float = 0.004
    redrawn: float = 0.0
    """added to `level` on redrawn data"""
    overfit: float = 0.0
    """how far validation loss climbs again, per 1000 epochs"""
    patience: int | None = None
    """early stopping on validation loss"""
    plateau: bool = False
    """learning rate drops, and the jitter with it"""


LARGE = Recipe(epochs=1000)
SMALL = Recipe(epochs=4000, rows=(30, 70), level=0.76, train=1.0, speed=60, jitter=0.004, spread=0.008, overfit=0.3)
SHORT = replace(LARGE, epochs=300)
STOCHASTIC = replace(LARGE, batch=1, level=0.817, speed=2, jitter=0.02, spread=0.0134)


@dataclass(frozen=True)
class Sketch:
    """A lesson in brief: enough to fill the dictionary the store keeps."""

    number: int
    title: str
    question: str
    family: str | None
    endpoint: dict[str, Any]
    variants: Mapping[str, Recipe]
    callbacks: Mapping[str, Sequence[str]] = field(default_factory=dict)


def endpoint(
    measure: str, better: str, sesoi: float, statistic: str = "mean", threshold: float | None = None
) -> dict[str, Any]:
    """An endpoint as a lesson declares it."""
    return {"measure": measure, "statistic": statistic, "better": better, "sesoi": sesoi, "threshold": threshold}


FRESH = endpoint("fresh_accuracy", "higher", 0.01)
SPREAD = endpoint("fresh_accuracy", "lower", 0.8, "spread")
WOBBLE = endpoint("wobble", "lower", 0.002)
SPEED = endpoint("epochs_to_threshold", "lower", 5, threshold=0.8)
ALL = (FRESH, endpoint("test_accuracy", "higher", 0.01), endpoint("fresh_bce", "lower", 0.02), WOBBLE, SPEED, SPREAD)

LESSONS: Mapping[str, Sketch] = {
    "framework": Sketch(
        1, "Weight averaging", "What kind of problem does a model have, and what treats it?", "predictions", SPREAD,
        {"without": STOCHASTIC, "with": replace(STOCHASTIC, level=0.836, jitter=0.003, spread=0.0018)},
        {"with": ["SwapEMAWeights"]},
    ),
    "batch-size": Sketch(
        2, "Batch size", "How does the number of rows behind each update change learning?", "learning", FRESH,
        {
            "batch": replace(LARGE, batch=500, level=0.822, speed=90, jitter=0.001),
            "minibatch": LARGE,
            "stochastic": STOCHASTIC,
        },
    ),
    "learning-rate-schedule": Sketch(
        3, "Learning-rate schedule", "Does dropping the learning rate on a plateau help?", "learning", WOBBLE,
        {"without": SHORT, "with": replace(SHORT, plateau=True)}, {"with": ["ReduceLROnPlateau"]},
    ),
    "batch-normalization": Sketch(
        4, "Batch normalization", "Does batch normalization speed learning up?", "learning", SPEED,
        {"without": SHORT, "with": replace(SHORT, speed=5, jitter=0.012, level=0.824)},
    ),
    "weight-regularization": Sketch(
        5, "Weight regularization", "Does an L2 penalty reduce overfitting?", "generalization", FRESH,
        {"without": SMALL, "with": replace(SMALL, level=0.80, train=0.93, overfit=0.0, redrawn=-0.02)},
    ),
    "noise": Sketch(
        6, "Noise", "Does Gaussian noise reduce overfitting?", "generalization", FRESH,
        {"without": SMALL, "with": replace(SMALL, level=0.764, overfit=0.2, jitter=0.008)},
    ),
    "early-stopping": Sketch(
        7, "Early stopping", "Does stopping when validation loss turns reduce overfitting?", "generalization", FRESH,
        {"without": SMALL, "with": replace(SMALL, patience=200, level=0.797, redrawn=-0.095)},
        {"with": ["EarlyStopping"]},
    ),
}  # fmt: skip

FLAWS: Mapping[Where, str] = {
    ("noise", "with", "redrawn", 3): "failed",
    ("batch-size", "stochastic", "fixed", 2): "diverged",
    ("batch-size", "stochastic", "redrawn", 1): "timeout",
}


@dataclass(frozen=True)
class Store:
    """What a run leaves, as the report reads it."""

    runs: pd.DataFrame
    histories: pd.DataFrame
    lessons: list[dict[str, Any]]

    @property
    def results(self) -> Results:
        """What a report is made of."""
        return Results.of(self.runs, self.histories, self.lessons, {})


def store(
    seeds: int = 30,
    *,
    seed: int = 0,
    scale: float = 1.0,
    lessons: Mapping[str, Sketch] = LESSONS,
    flaws: Mapping[Where, str] = FLAWS,
    scopes: Sequence[str] = SCOPES,
) -> Store:
    """A store of `seeds` seeds; `scale` shortens training (0.05 for a quick page), `flaws` says which runs fail."""
    runs, histories = [], []
    for name, sketch in lessons.items():
        for variant, recipe in sketch.variants.items():
            scaled = replace(recipe, epochs=max(4, round(recipe.epochs * scale)), speed=recipe.speed * scale)
            for data in scopes:
                arm = _arm(scaled, data, seeds, seed, scale)
                bad = {s: flaws[name, variant, data, s] for s in range(seeds) if (name, variant, data, s) in flaws}
                _damage(arm, bad)
                label = {"lesson": name, "variant": variant, "data": data}
                runs.append(_run_rows(arm, scaled, data, bad).assign(**label))
                histories.append(_history_rows(arm).assign(**label))
    names = {
        "lesson": list(lessons),
        "variant": list(dict.fromkeys(v for s in lessons.values() for v in s.variants)),
        "data": list(scopes),
    }
    documents = [_document(name, sketch, scale) for name, sketch in lessons.items()]
    return Store(_tidy(runs, names), _tidy(histories, names), documents)


@dataclass
class _Arm:
    """The curves, metric -> (seeds, epochs), NaN after the stop; scores, column -> (seeds,); stops, (seeds,)."""

    curves: dict[str, Floats]
    scores: dict[str, Floats]
    stops: npt.NDArray[np.int64]


def duel(
    without: Sequence[float | None],
    with_: Sequence[float | None],
    declared: Mapping[str, Any] = FRESH,
    *,
    status: Mapping[tuple[str, int], str] = MappingProxyType({}),
    data: str = "fixed",
    lesson: str = "duel",
) -> Store:
    """One lesson, one comparison, no histories: its endpoint's values as given, None for a run without one.

    `status` names the runs, by variant and seed, that are not ok.
    """
    rows = [
        {"seed": seed, "status": status.get((variant, seed), "ok"), declared["measure"]: value}
        | {"lesson": lesson, "variant": variant, "data": data}
        for variant, values in (("without", without), ("with", with_))
        for seed, value in enumerate(values)
    ]
    runs = pd.DataFrame(rows).astype({declared["measure"]: float, "lesson": "category", "data": "category"})
    histories = pd.DataFrame({name: [] for name in ("lesson", "variant", "data", "seed", "epoch")})
    variants = [{"name": name, "epochs": 10} for name in ("without", "with")]
    document = {"id": lesson, "title": lesson.capitalize(), "endpoint": dict(declared), "variants": variants}
    return Store(runs, histories, [document])


def _generator(*parts: object) -> np.random.Generator:
    """A generator that depends on what is trained, so that equal recipes give equal runs."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _arm(recipe: Recipe, data: str, seeds: int, seed: int, scale: float) -> _Arm:
    """Every seed's curves. The stopped and the plateau variant draw what their baseline draws, until they part."""
    base = _base(recipe)
    rng = _generator(base, data, seed)
    own = _generator(recipe, data, seed)
    epochs = np.arange(1, recipe.epochs + 1)
    site = rng.normal(0, 0.015 if data == "redrawn" else 0, seeds)
    luck = site + rng.normal(0, base.spread, seeds)
    level = base.level + luck
    speed = base.speed * np.exp(rng.normal(0, 0.15, seeds))
    rise = 1 - np.exp(-epochs / speed[:, None])
    shape = (seeds, recipe.epochs)
    quiet = 0.1 ** _drops(recipe, seeds, own)
    noise = rng.normal(0, base.jitter, shape) * quiet
    late = base.overfit * epochs / scale / 1000
    curves = {
        "loss": 0.69 - (0.69 - 1.6 * (1 - base.train) - 0.02) * rise + np.abs(noise) / 2,
        "accuracy": _steps(0.5 + (base.train - 0.5) * rise + noise / 2, recipe.rows[0]),
        "val_loss": 0.69 - 0.30 * rise * (level / 0.83)[:, None] + late + noise,
        "val_accuracy": _steps(
            0.5 + (level[:, None] - 0.5 - 0.02 * np.minimum(late, 1)) * rise + noise, recipe.rows[1]
        ),
        "learning_rate": np.full(shape, 0.01) * quiet,
    }
    stops = _stops(curves["val_loss"], recipe, scale, own)
    for values in curves.values():
        values[epochs > stops[:, None]] = np.nan
    final = (
        recipe.level + (recipe.redrawn if data == "redrawn" else 0.0) + luck + own.normal(0, recipe.spread / 3, seeds)
    )
    return _Arm(curves, _scores(curves, stops, final, recipe, own), stops)


def _base(recipe: Recipe) -> Recipe:
    """The recipe without its callbacks: what it trains until they first act."""
    plain = replace(recipe, plateau=False)
    return plain if recipe.patience is None else replace(plain, patience=None, redrawn=0.0, level=SMALL.level)


def _drops(recipe: Recipe, seeds: int, rng: np.random.Generator) -> Floats:
    """How often the learning rate has dropped, (seeds, epochs)."""
    if not recipe.plateau:
        return np.zeros((seeds, recipe.epochs))
    first = rng.integers(recipe.epochs // 6, recipe.epochs // 3, seeds)[:, None]
    return np.clip((np.arange(1, recipe.epochs + 1) - first) // max(1, recipe.epochs // 12) + 1, 0, 4).astype(float)


def _stops(val_loss: Floats, recipe: Recipe, scale: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The last epoch trained, per seed."""
    if recipe.patience is None:
        return np.full(len(val_loss), recipe.epochs)
    wait = max(1, round(recipe.patience * scale)) + rng.integers(0, 3, len(val_loss))
    return np.minimum(val_loss.argmin(axis=1) + 1 + wait, recipe.epochs)


def _steps(accuracy: Floats, rows: int) -> Floats:
    """Accuracies in steps of 1/rows: a test set can't be half right about a point."""
    return np.round(np.clip(accuracy, 0, 1) * rows) / rows


def _scores(
    curves: dict[str, Floats], stops: npt.NDArray[np.int64], final: Floats, recipe: Recipe, rng: np.random.Generator
) -> dict[str, Floats]:
    last = np.arange(len(stops)), stops - 1
    fresh = _steps(np.minimum(final, 0.84), 10_000)
    bce = 0.36 + 4 * (0.84 - fresh) + recipe.overfit * stops / recipe.epochs + rng.normal(0, 0.01, len(stops))
    return {
        "train_accuracy": curves["accuracy"][last],
        "test_accuracy": _steps(final + rng.normal(0, 0.01, len(stops)), recipe.rows[1]),
        "fresh_accuracy": fresh,
        "train_bce": curves["loss"][last],
        "test_bce": bce + rng.normal(0, 0.02, len(stops)),
        "fresh_bce": bce,
    }


def _damage(arm: _Arm, bad: Mapping[int, str]) -> None:
    """A diverged run keeps its rows, with NaN from half-way on; a failed one leaves none."""
    for seed, status in bad.items():
        half = arm.curves["loss"].shape[1] // 2
        for name in ("loss", "val_loss"):
            arm.curves[name][seed, half:] = np.nan
        if status == "diverged":
            for name in ("accuracy", "val_accuracy"):
                arm.curves[name][seed, half:] = 0.5
            for column, values in arm.scores.items():
                values[seed] = 0.5 if column.endswith("accuracy") else np.nan
        else:
            arm.stops[seed] = 0
            for values in arm.scores.values():
                values[seed] = np.nan


def _run_rows(arm: _Arm, recipe: Recipe, data: str, bad: Mapping[int, str]) -> pd.DataFrame:
    seeds = len(arm.stops)
    status = [bad.get(s, "ok") for s in range(seeds)]
    errors = {"failed": "ValueError: a layer was asked for -1 units", "timeout": "ended after 60 s"}
    return pd.DataFrame({
        "seed": np.arange(seeds, dtype=np.int32), "key": hashlib.sha256(repr((recipe, data)).encode()).hexdigest()[:16],
        "status": status, "epochs": arm.stops.astype(np.int32), **arm.scores, "seconds": 0.1 * recipe.epochs / 1000,
        "engine": "compiled", "attempts": 1, "node": "here", "error": [errors.get(s) for s in status],
    })  # fmt: skip


def _history_rows(arm: _Arm) -> pd.DataFrame:
    seeds, epochs = arm.curves["loss"].shape
    kept = (np.arange(1, epochs + 1) <= arm.stops[:, None]).ravel()
    return pd.DataFrame({
        "seed": np.repeat(np.arange(seeds, dtype=np.int32), epochs)[kept],
        "epoch": np.tile(np.arange(1, epochs + 1, dtype=np.int32), seeds)[kept],
        **{name: arm.curves[name].astype(np.float32).ravel()[kept] for name in METRICS},
    })  # fmt: skip


def _tidy(frames: list[pd.DataFrame], names: Mapping[str, list[str]]) -> pd.DataFrame:
    """One frame, the labels first and categorical, in declared order."""
    for frame in frames:
        for column, categories in names.items():
            frame[column] = pd.Categorical(frame[column], categories=categories)
    table = pd.concat(frames, ignore_index=True)
    return table[[*names, *(column for column in table.columns if column not in names)]]


def _document(name: str, sketch: Sketch, scale: float) -> dict[str, Any]:
    rows = next(iter(sketch.variants.values())).rows
    primary = sketch.endpoint
    return {
        "id": name, "number": sketch.number, "title": sketch.title, "question": sketch.question,
        "explanation": "Simulated: no network was trained for this.", "family": sketch.family, "endpoint": primary,
        "secondary": [e for e in ALL if (e["measure"], e["statistic"]) != (primary["measure"], primary["statistic"])],
        "variants": [
            {"name": variant, "note": f"batch size {recipe.batch}", "epochs": max(4, round(recipe.epochs * scale)),
             "batch_size": recipe.batch, "callbacks": list(sketch.callbacks.get(variant, [])), "engine_reason": None}
            for variant, recipe in sketch.variants.items()
        ],
        "data": {"fixed": True, "redrawn": True, "rows_train": rows[0], "rows_test": rows[1], "rows_fresh": 10_000,
                 "chance": 0.5, "bayes": 0.8406, "note": "two noisy rings"},
    }  # fmt: skip
