"""A dose is chosen by the even seeds, judged by the odd ones, and the choice stays."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import orchestrator as o
from orchestrator.errors import LessonError
from orchestrator.reports.page.sections import sections
from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.since_last_look import since
from orchestrator.sweep import CHOSEN, called, contrasts
from tests.simulate import FRESH, LARGE, Sketch, store

DOSES = (0, 0.001, 0.01, 0.1)
NAMES = [called("l2", dose) for dose in DOSES]
LEVELS = {"l2 0": 0.76, "l2 0.001": 0.78, "l2 0.01": 0.81, "l2 0.1": 0.7}


def tables(seeds=24, levels=LEVELS):
    """A store of four doses on one data set, with the contrasts of a sweep."""
    arms = {name: replace(LARGE, level=level) for name, level in levels.items()}
    made = store(seeds, lessons={"dose": Sketch(1, "Dose", "How much?", None, FRESH, arms)}, flaws={}, scale=0.01)
    made.lessons[0]["contrasts"] = [vars(each) for each in contrasts(NAMES)]
    return made


def judged(made, scope="fixed"):
    """The results, and the row that decides."""
    results = Results.of(made.runs, made.histories, made.lessons, {})
    return results, results.primary("dose", CHOSEN, scope)


def arm(made, name, parity, scope="fixed"):
    """Fresh accuracies of a dose's even or odd seeds, in their order."""
    runs = made.runs
    mine = runs[(runs.variant == name) & (runs.data == scope) & (runs.seed % 2 == parity)]
    return mine.sort_values("seed").fresh_accuracy.to_numpy(dtype=float)


def test_even_seeds_choose_and_odd_ones_judge():
    """The dose with the best mean over even seeds stands against the first, by scipy's interval of the odd seeds alone."""
    made = tables()
    best = max(NAMES[1:], key=lambda name: arm(made, name, 0, "redrawn").mean())
    results, row = judged(made)
    assert best == "l2 0.01"
    assert results.lessons[0].contrast(CHOSEN).pair == ("l2 0", best)
    expected = stats.ttest_1samp(arm(made, best, 1) - arm(made, "l2 0", 1), 0).confidence_interval(1 - row.alpha)
    assert (row.n_pairs, row.verdict) == (12, "improves")
    assert (row.low, row.high) == pytest.approx((expected.low, expected.high), abs=2e-6)


def test_the_choice_stays_as_the_first_look_made_it():
    """A dose that later even seeds would prefer is not taken: the first look's seeds chose."""
    made = tables()
    runs = made.runs
    late = (runs.variant == "l2 0.001") & (runs.seed >= 8)
    runs.loc[late, "fresh_accuracy"] += 0.15
    assert judged(made)[0].lessons[0].contrast(CHOSEN).pair[1] == "l2 0.001"
    for scope in ("fixed", "redrawn"):
        look = {"variant": CHOSEN, "data": scope, "seeds": list(range(8)), "date": "2026-01-01"}
        made.lessons[0].setdefault("looks", []).append(look)
    assert judged(made)[0].lessons[0].contrast(CHOSEN).pair[1] == "l2 0.01"


def test_a_dose_whose_runs_fail_is_not_chosen():
    """The best of what is left of a dose is no reason to choose it: four in five of its runs must have the score."""
    made = tables()
    lost = (made.runs.variant == "l2 0.01") & (made.runs.seed % 4 == 0)
    made.runs.loc[lost, "status"] = "failed"
    made.runs.loc[lost, "fresh_accuracy"] = np.nan
    assert judged(made)[0].lessons[0].contrast(CHOSEN).pair[1] == "l2 0.001"


def test_choosing_the_best_of_nothing_finds_nothing():
    """Where all doses do the same, the chosen one improves in no more experiments than the level allows: judges have not seen the choice."""
    found = 0
    for repeat in range(20):
        made = tables(20)
        draw = np.random.default_rng(repeat)
        made.runs["fresh_accuracy"] = 0.8 + 0.02 * draw.normal(size=len(made.runs))
        found += judged(made)[1].verdict in ("improves", "real but small")
    assert found <= 3  # of 20 at 2 % each; four or more have a chance of 6e-4


def test_the_page_draws_every_dose_and_says_from_where_more_is_no_use():
    """A figure of all doses beside the first, all comparisons folded, and the first dose that is shown to be as good as the last."""
    levels = {**LEVELS, "l2 0.01": 0.81, "l2 0.1": 0.81}
    results, _ = judged(tables(40, levels))
    (section,) = sections(results)
    assert section.figure.kind == "doses"
    assert [row[0] for row in section.figure.figures[0].table.rows] == NAMES[1:]
    assert section.beside_title == "Every dose"
    assert len(section.beside) == 2 * 5
    assert "l2 0.01 makes no practical difference to l2 0.1" in section.plateau
    assert "(chosen by the even seeds) instead of l2 0 raises accuracy" in section.title


def test_what_is_swept_may_be_an_argument_the_epochs_or_the_rows():
    """The dose goes to the model function, to fit, or to the function that gives the data."""
    data = o.Data(fixed=lambda: None)
    by_argument = o.sweep(lambda units: units, "units", [1, 2, 3], data=data, epochs=4)
    assert [v.model() for v in by_argument.variants] == [1, 2, 3]
    by_epochs = o.sweep(lambda: None, "epochs", [1, 2, 3], data=data)
    assert [v.epochs for v in by_epochs.variants] == [1, 2, 3]
    drawn = {rows: o.Data(fixed=lambda: None, note=str(rows)) for rows in (10, 20, 30)}
    by_rows = o.sweep(lambda: None, "rows", [10, 20, 30], data=drawn.get, epochs=4)
    assert [v.data.note for v in by_rows.variants] == ["10", "20", "30"]
    assert [v.name for v in by_rows.variants] == ["rows 10", "rows 20", "rows 30"]


@pytest.mark.parametrize(
    ("doses", "more", "said"),
    [
        ([0, 1], {}, "3 to 20 different ones"),
        ([0, 1, 1], {}, "3 to 20 different ones"),
        (range(21), {}, "3 to 20 different ones"),
        ("012", {}, "takes a list of doses"),
        (0.1, {}, "takes a list of doses"),
        ([0, 1, 2], {"data": [1]}, "a function that gives one for a dose"),
        ([0, 1, 2], {"endpoint": o.Endpoint("wobble", "lower", 0.1)}, "the mean of a final score"),
        ([0, 1, 2], {"endpoint": o.Endpoint("bad", "lower", 0.1, "rate")}, "the mean of a final score"),
    ],
)
def test_a_sweep_that_cannot_be_judged_is_refused(doses, more, said):
    """Too few, too many or equal doses, and endpoints that no mean can choose by, are refused where they are declared."""
    with pytest.raises(LessonError, match=said):
        o.sweep(lambda l2: l2, "l2", doses, **{"data": o.Data(fixed=lambda: None), "epochs": 1, **more})


def test_an_argument_that_the_model_function_lacks_is_refused():
    """A misspelt argument is told where the lesson is made, and not by every run that fails."""
    data = o.Data(fixed=lambda: None)
    with pytest.raises(LessonError, match="doesn't take l3"):
        o.sweep(lambda l2: l2, "l3", [0, 1, 2], data=data, epochs=1)
    with pytest.raises(LessonError, match="doesn't take rat"):
        o.stack(lambda rate=0: rate, {"a": {"rat": 1}, "b": {"epochs": 2}}, data=data, epochs=1)
    with pytest.raises(LessonError, match="each with what it sets"):
        o.stack(lambda rate=0: rate, {"a": 1, "b": 2}, data=data, epochs=1)


def test_a_second_look_at_a_sweep_says_what_has_changed():
    """The verdict of the first look is made anew from its own judging seeds, and held against that of all."""
    made = tables(40)
    for scope in ("fixed", "redrawn"):
        for seeds, more in ((range(20), {}), (range(40), {"current": True})):
            look = {"variant": CHOSEN, "data": scope, "seeds": list(seeds), "date": "2026-01-01", **more}
            made.lessons[0].setdefault("looks", []).append(look | {"endpoint": made.lessons[0]["endpoint"]})
    runs = made.runs
    runs.loc[(runs.variant == "l2 0.01") & (runs.seed >= 20), "fresh_accuracy"] -= 0.2
    (said,) = since(judged(made)[0])
    assert "improves before" in said
