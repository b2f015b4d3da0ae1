"""`explore.html`: the curves to zoom into, to hover over, and seed by seed. Drawn by Plotly's own script, put inline.

It is an extra that needs scripts; `report.html` says everything without it.
"""

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from orchestrator.reports.figures import colours
from orchestrator.reports.figures.panels import curve_metrics
from orchestrator.reports.nouns.lesson import Lesson
from orchestrator.reports.page.policy import policy
from orchestrator.reports.page.report import HERE, environment
from orchestrator.reports.statistics.histories import Curves
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import scale

SEEDS = 40
"""Single seeds that the page holds at most, for its size; means are always over all of them."""
GAP = 65_535
"""Stands for no number; 0 to 65,534 divide a seed's range evenly."""


def render(results: Results) -> str:
    """The whole of `explore.html`."""
    library = get_plotlyjs()
    script = f"\n{(HERE / 'explore.js').read_text('utf-8')}"
    return (
        environment()
        .get_template("explore.html.j2")
        .render(
            policy=policy(None, library, script, images="data: blob:"),
            style=f"\n{colours.stylesheet()}{(HERE / 'page.css').read_text('utf-8')}",
            library=library,
            script=script,
            # No text in the data may end the element that holds it.
            data=json.dumps(data(results), separators=(",", ":")).replace("<", "\\u003c"),
            seeds=SEEDS,
        )
    )


def data(results: Results) -> dict[str, Any]:
    """All that the page draws, as plain JSON; curves are packed by `pack`, arms that trained the same are held once."""
    metrics = [*curve_metrics(results), *_others(results)]
    arms: dict[str, int] = {}
    lessons = [
        {
            "title": lesson.title,
            "variants": [variant.name for variant in lesson.variants],
            "roles": [colours.series(at) for at in range(len(lesson.variants))],
            "scopes": [
                {"name": scope_heading(scope), "arms": _arms(results, lesson, scope, metrics, arms)}
                for scope in results.scopes(lesson.id)
            ],
        }
        for lesson in results.lessons
    ]
    return {
        "gap": GAP,
        "metrics": [_named(metric, metrics) for metric in metrics],
        "lessons": lessons,
        "arms": [json.loads(arm) for arm in arms],
    }


def _others(results: Results) -> list[str]:
    """The metrics beside those the report draws: the training rows' own, and the learning rate."""
    drawn = curve_metrics(results)
    return [name for name in results.histories.metrics if name not in drawn]


def _named(metric: str, metrics: Sequence[str]) -> dict[str, Any]:
    scaled = scale(metric)
    where = " on the training rows" if f"val_{metric}" in metrics else ""
    return {"name": scaled.name + where, "factor": scaled.factor, "suffix": scaled.suffix}


def _arms(results: Results, lesson: Lesson, scope: str, metrics: Sequence[str], arms: dict[str, int]) -> list[int]:
    """Where in `arms` the lesson's arms stand; those not there yet are added."""
    places = []
    for variant in lesson.variants:
        arm = json.dumps(_arm(results.curves(lesson.id, variant.name, scope), metrics))
        places.append(arms.setdefault(arm, len(arms)))
    return places


def _arm(curves: Curves, metrics: Sequence[str]) -> dict[str, Any]:
    return {
        "epochs": int(curves.stops.max(initial=0)),
        "seeds": curves.seeds[:SEEDS].tolist(),
        "curves": [_metric(curves, metric) for metric in metrics],
    }


def _metric(curves: Curves, metric: str) -> dict[str, Any]:
    longest = int(curves.stops.max(initial=0))
    if not longest:
        return {"mean": pack(np.empty((1, 0))), "each": pack(np.empty((0, 0)))}
    carried = curves.carried(metric, longest)
    finite = np.where(np.isfinite(carried), carried, np.nan)
    known = np.isfinite(finite).sum(axis=0)
    mean = np.where(known > 0, np.nansum(finite, axis=0) / np.maximum(known, 1), np.nan)
    trained = np.arange(1, longest + 1) <= curves.stops[:, None]
    return {"mean": pack(mean[None, :]), "each": pack(np.where(trained, finite, np.nan)[:SEEDS])}


def pack(values: NDArray[np.floating]) -> dict[str, Any]:
    """Rows of (n, epochs) as 16-bit whole numbers, each between its own lowest and highest value; gzip in base64.

    The error is at most 1/131,068 of a row's range. Each number is stored as its difference from the one before, modulo
    65,536, low bytes before high ones: curves then take half the room.
    """
    rows = np.nan_to_num(values, nan=np.inf)
    low = np.where(np.isfinite(rows).any(axis=1), rows.min(axis=1, initial=np.inf), 0.0)
    high = np.where(np.isfinite(values), values, -np.inf).max(axis=1, initial=-np.inf)
    high = np.where(np.isfinite(high), high, 0.0)
    width = np.where(high > low, high - low, 1.0)
    steps = np.round((values - low[:, None]) / width[:, None] * (GAP - 1))
    codes = np.where(np.isnan(values), GAP, steps).astype("<u2").ravel()
    moves = np.diff(codes, prepend=codes[:1] * 0).astype("<u2")
    halves = moves.view(np.uint8).reshape(-1, 2).T.tobytes()
    return {
        "low": [float(f"{v:.7g}") for v in low],
        "width": [float(f"{v:.7g}") for v in width],
        "codes": base64.b64encode(gzip.compress(halves, compresslevel=6, mtime=0)).decode(),
    }
