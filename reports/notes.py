"""What a technique does to the learning curves: speed, level, wobble, gap and spread, a short sentence each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.phrases import amount, measure, number, percent, threshold, times, value
from reports.verdicts import OPEN, SAME, VOID

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Note:
    """One aspect of a comparison: speed, level, wobble, gap or spread; `verdict` is one of verdicts.CATEGORIES."""

    aspect: str
    verdict: str
    text: str


def notes(effects: pd.DataFrame, lesson: str, variant: str, data: str) -> list[Note]:
    """The aspects that the effects table can speak to, for one comparison in one scope, in the order above."""
    chosen = effects[(effects["lesson"] == lesson) & (effects["variant"] == variant) & (effects["data"] == data)]
    rows = [{str(key): cell for key, cell in row.items()} for row in chosen.to_dict("records")]
    found = [(aspect, _find(rows, aspect)) for aspect in ("speed", "level", "wobble", "gap", "spread")]
    return [Note(aspect, str(row["verdict"]), _said(aspect, row)) for aspect, row in found if row is not None]


def _find(rows: Sequence[Row], aspect: str) -> Row | None:
    """The row an aspect is read from. A level that isn't accuracy is the lesson's own first mean of a score."""
    own = {"speed": "epochs_to_threshold", "wobble": "wobble", "gap": "gap"}
    if aspect in own:
        return next((row for row in rows if row["measure"] == own[aspect]), None)
    statistic = "mean" if aspect == "level" else "spread"
    scores = [row for row in rows if row["statistic"] == statistic and row["measure"] not in (*own.values(), "epochs")]
    return next((row for row in scores if row["measure"] == "fresh_accuracy"), scores[0] if scores else None)


WORDS = {
    "speed": ("Later", "Sooner"),
    "level": ("Higher", "Lower"),
    "wobble": ("More restless", "Calmer"),
    "gap": ("Wider", "Narrower"),
    "spread": ("Wider", "Narrower"),
}
"""What an effect above and below no effect is called."""


def _said(aspect: str, row: Row) -> str:
    if math.isnan(row["mean_variant"]):
        return f"Not known: {row['reason']}."
    return f"{_verdict(aspect, row)}: {_numbers(aspect, row)}."


def _verdict(aspect: str, row: Row) -> str:
    category = row["verdict"]
    if category == VOID:
        return "Exactly the same" if row["n_identical"] == row["n_pairs"] > 1 else "Not tested"
    if category == OPEN:
        return "Not settled"
    if category == SAME:
        return "Exactly the same" if row["n_identical"] == row["n_pairs"] else "The same"
    up = row["effect"] > (1 if row["statistic"] == "spread" else 0)
    return WORDS[aspect][0 if up else 1]


def _numbers(aspect: str, row: Row) -> str:
    if aspect == "speed":
        return _speed(row)
    words = measure(row["measure"], threshold(row))
    unit = f" {words.unit}" if words.unit else ""
    with_, without = (value(row, f"{'sd' if aspect == 'spread' else 'mean'}_{arm}") for arm in ("variant", "baseline"))
    if aspect == "spread":
        ends = f"; {times(row)}" if not math.isnan(row["low"]) else ""
        return f"from seed to seed {words.noun} differs by {with_}{unit} (SD) instead of {without}{ends}"
    difference = "" if math.isnan(row["low"]) else f": {amount(row)}"
    said = {
        "level": f"{words.noun} ends at {with_}{_percent(words.unit)} instead of {without}{_percent(words.unit)}",
        "wobble": f"late in training validation accuracy moves by {with_}{unit} an epoch instead of {without}",
        "gap": f"training accuracy lies {with_}{unit} above fresh accuracy instead of {without}",
    }
    return said[aspect] + difference


def _percent(unit: str) -> str:
    return " %" if unit == "points" else ""


def _speed(row: Row) -> str:
    goal = percent(row["threshold"])
    if not (row["reached_variant"] or row["reached_baseline"]):
        return f"no run reached {goal} validation accuracy"
    told = f"{_there(row, goal)}, in the baseline {_baseline_there(row)}"
    if math.isnan(row["low"]):
        return told
    late = any(row[f"reached_{arm}"] < row[f"n_{arm}"] for arm in ("variant", "baseline"))
    never = ", a run that never does counting as its full length" if late else ""
    return f"{told}; {amount(row)} on average{never}"


def _there(row: Row, goal: str) -> str:
    reached, n = int(row["reached_variant"]), row["n_variant"]
    if math.isinf(row["median_variant"]):
        return f"only {reached} of {n} runs reach {goal}" if reached else f"no run reaches {goal}"
    return f"half of the runs reach {goal} by epoch {number(row['median_variant'], 0)}{_few(reached, n)}"


def _baseline_there(row: Row) -> str:
    reached, n = int(row["reached_baseline"]), row["n_baseline"]
    if math.isinf(row["median_baseline"]):
        return f"only {reached} of {n} do" if reached else "none does"
    return f"by epoch {number(row['median_baseline'], 0)}{_few(reached, n)}"


def _few(reached: int, n: int) -> str:
    return "" if reached == n else f" ({reached} of {n} get there)"
