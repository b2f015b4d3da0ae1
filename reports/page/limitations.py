"""What these results can't tell, and what experiments of this size could have found."""

import math

from orchestrator.reports.verdicts.chips import detectable
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.technique_names import comparison, technique
from orchestrator.reports.wording.interval_warnings import FEW_PAIRS, interval_warnings
from orchestrator.reports.wording.phrases import percent
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.reports.wording.words import NONE, count, listed

MOST_NOTES = 3
"""The first screen has no room for more kinds of data by name."""


def limitations(results: Results) -> list[tuple[str, str]]:
    """Names of limits and what they mean here."""
    text = (
        "Nothing is shown for them, and whether one side was tuned more than the other is not known here."
        if results.elsewhere
        else "Nothing is shown for them: all runs are of what stands under “What was trained”, and no technique was tuned."
    )
    found = [("Other data, models, settings", text)]
    if any("fixed" in results.scopes(lesson.id) for lesson in results.lessons):
        text = "What holds on it may not hold on another, even one from the same source, and the rows it was scored on are taken as given."
        found.append(("One data set", text))
    found += [*_selection(results), *_granularity(results), *_few(results), *_skewed(results)]
    return found


def on_what(results: Results) -> str:
    """`, on two noisy rings: nothing is shown for other data or models`: the data by their lessons' own notes."""
    notes = dict.fromkeys(lesson.data.note.partition(",")[0].strip().rstrip(".") for lesson in results.lessons)
    known = [note[:1].lower() + note[1:] for note in notes if note]
    which = f", on {listed(known)}" if 0 < len(known) <= MOST_NOTES else ""
    return f"{which}: nothing is shown for other data or models"


def _selection(results: Results) -> list[tuple[str, str]]:
    watching = [technique(lesson) for lesson in results.lessons if any(variant.watching for variant in lesson.variants)]
    if not watching:
        return []
    text = (
        f"In {listed(watching)} the validation rows also steer the training, so scores on them are flattered. "
        "That is why fresh points decide."
    )
    return [("Selection", text)]


def _granularity(results: Results) -> list[tuple[str, str]]:
    rows = {lesson.data.rows_test for lesson in results.lessons if _accurate(results, lesson.id)}
    steps = [f"1/{int(n)} ({percent(1 / n, 1)})" for n in sorted(filter(None, rows))]
    if not steps:
        return []
    text = (
        f"Accuracy on the validation rows moves in steps of {listed(steps)}. Less can only show in a mean over seeds."
    )
    return [("Granularity", text)]


def _accurate(results: Results, lesson: str) -> bool:
    """Whether accuracy was measured in a lesson."""
    return any(row.measure.endswith("accuracy") and row.n_pairs for row in results.effects if row.lesson == lesson)


def _skewed(results: Results) -> list[tuple[str, str]]:
    """What simulations say of intervals like some of these, each warning once."""
    said = {warning.partition(". ")[2] for row in results.deciding for warning in interval_warnings(row)}
    return [("Some intervals", " ".join(sorted(said)))] if said else []


def _few(results: Results) -> list[tuple[str, str]]:
    fewest = min((row.n_pairs for row in results.deciding), default=0)
    if not 0 < fewest < FEW_PAIRS:
        return []
    what = f"{count(fewest, 'pair')} of runs" if results.paired else f"{count(fewest, 'run')} a side"
    text = (
        f"The smallest comparison has {what}. Below about twenty, intervals of skewed measures"
        " hold the truth less often than they say."
    )
    return [("Few seeds", text)]


def detectable_effects(results: Results) -> list[tuple[str, ...]]:
    """A row a comparison and scope: pairs, the detectable effect, the seeds it would take."""
    rows: list[tuple[str, ...]] = []
    for lesson in results.lessons:
        for contrast in lesson.deciding:
            for row in results.primaries(lesson.id, contrast.name):
                name = comparison(lesson, contrast.name)
                needed = f"{row.seeds_needed:,.0f}" if math.isfinite(row.seeds_needed) else NONE
                rows.append((name, scope_heading(row.data), str(row.n_pairs), detectable(row) or NONE, needed))
    return rows
