"""Contrasts of several variants, and a stack of techniques taken apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import orchestrator as o
from orchestrator import engine
from orchestrator.command import places
from orchestrator.errors import LessonError
from orchestrator.lessons import catalog, keys
from orchestrator.lessons.sandbox import here
from orchestrator.planning import session
from orchestrator.reports.verdicts.effects import table
from orchestrator.stack import contrasts, subsets
from orchestrator.store import Store
from orchestrator.store.rows import squares
from tests.simulate import FRESH, LARGE, Sketch, store

engine.load()
import keras

NAMES = ("noise", "l2", "stopping")


def rows():
    """Two classes on a line."""
    x = np.linspace(-1, 1, 24, dtype=np.float32)[:, None]
    y = (x > 0).astype(np.float32)
    return o.Split(x[::2], y[::2], x[1::2], y[1::2])


def model(noise=0.0, l2=0.0):
    """A small net, with noise and a penalty where asked for."""
    layers = [keras.Input((1,)), *([keras.layers.GaussianNoise(noise)] if noise else [])]
    penalty = keras.regularizers.L2(l2) if l2 else None
    last = keras.layers.Dense(1, "sigmoid", kernel_initializer="ones", kernel_regularizer=penalty)
    made = keras.Sequential([*layers, last])
    made.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return made


def stack(techniques, **more):
    """A stack of these techniques."""
    parts = {
        "data": o.Data(fixed=rows),
        "epochs": 3,
        "batch_size": 8,
        "endpoint": o.Endpoint("test_accuracy", sesoi=0.1),
    }
    return o.stack(model, techniques, **{**parts, **more})


def of_four(weights, seeds=20, **contrast):
    """A store of four variants, compared by one contrast of these weights, and its effects."""
    levels = {"none": 0.76, "a": 0.78, "b": 0.77, "both": 0.81}
    sketch = Sketch(1, "Four", "Why?", None, FRESH, {n: replace(LARGE, level=v) for n, v in levels.items()})
    made = store(seeds, lessons={"four": sketch}, flaws={}, scale=0.01)
    made.lessons[0]["contrasts"] = [{"name": "together", "weights": weights, **contrast}]
    return made, table(made.runs, made.histories, made.lessons)


def values(made, variant, data="fixed"):
    """A variant's accuracies on fresh points, in the order of the seeds."""
    runs = made.runs[(made.runs["variant"] == variant) & (made.runs["data"] == data)]
    return runs.sort_values("seed")["fresh_accuracy"].to_numpy(float)


def test_what_two_do_together_is_a_t_interval_of_the_sum_seed_by_seed():
    """An interaction's effect, interval and p are scipy's, of all - a - b + none of each seed, at the lesson's level."""
    made, found = of_four({"both": 1, "a": -1, "b": -1, "none": 1})
    row = found[found["primary"] & (found["data"] == "fixed")].iloc[0]
    d = values(made, "both") - values(made, "a") - values(made, "b") + values(made, "none")
    expected = stats.ttest_1samp(d, 0).confidence_interval(1 - row["alpha"])
    assert [row["effect"], row["low"], row["high"]] == pytest.approx([d.mean(), *expected], rel=1e-6)
    assert row["p_interval"] == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-6)
    assert (row["alpha"], row["family"], row["baseline"]) == (0.02, 2, "a + b")
    assert set(found["statistic"]) == {"mean"}


def test_a_plain_contrast_is_the_comparison_that_it_is():
    """A contrast of two variants gives the row that the lesson would have by itself, whichever is called the baseline."""
    made, found = of_four({"both": 1, "a": -1})
    made.lessons[0] |= {
        "contrasts": [],
        "variants": [v for v in made.lessons[0]["variants"] if v["name"] in ("a", "both")],
    }
    plain = table(made.runs[made.runs["variant"].isin(["a", "both"])], made.histories, made.lessons)
    columns = [name for name in found.columns if name not in ("variant", "baseline")]
    pd.testing.assert_frame_equal(found[columns].astype(object), plain[columns].astype(object), check_exact=True)


def test_what_decides_nothing_takes_no_share_of_the_level():
    """Of two contrasts one is only looked into: the other is judged as if it were alone, and the first has an adjusted p and no verdict of its own."""
    made, _ = of_four({"both": 1, "a": -1})
    made.lessons[0]["contrasts"].append({"name": "alone", "weights": {"a": 1, "none": -1}, "decides": False})
    found = table(made.runs, made.histories, made.lessons)
    assert set(found[found["primary"]]["alpha"]) == {0.02}
    beside = found[found["variant"] == "alone"]
    assert (len(beside), beside["primary"].any(), set(beside["alpha"])) == (2, False, {0.05})


def test_a_seed_with_a_bad_run_in_any_arm_is_bad():
    """Of the sums of four arms, a seed counts as bad where one of its runs diverged, and is no pair."""
    made, _ = of_four({"both": 1, "a": -1, "b": -1, "none": 1})
    hit = (made.runs["variant"] == "b") & (made.runs["seed"] == 3) & (made.runs["data"] == "fixed")
    made.runs.loc[hit, "status"] = "diverged"
    row = table(made.runs, made.histories, made.lessons).query("primary and data == 'fixed'").iloc[0]
    assert (row["n_pairs"], row["diverged_baseline"], row["diverged_variant"]) == (19, 1, 0)


def test_rows_of_a_sum_scatter_as_their_two_way_layout_does():
    """The mean squares of weighted sums of rows are those of a two-way analysis of variance without replicates."""
    d = np.random.default_rng(0).integers(-2, 3, (6, 9)).astype(np.float32) / 2
    found = squares(d)
    left = d - d.mean(axis=1, keepdims=True) - d.mean(axis=0, keepdims=True) + d.mean()
    assert found["residual"] == pytest.approx((left**2).sum() / (5 * 8), rel=1e-5)
    assert found["between"] == pytest.approx(d.mean(axis=0).var(ddof=1), rel=1e-5)


@pytest.mark.parametrize(("n", "variants", "looked_into"), [(2, 4, 4), (3, 8, 7), (4, 10, 5)])
def test_a_stack_is_none_each_alone_all_but_one_and_all(n, variants, looked_into):
    """Every subset is there once: of two techniques all but one is the other alone. What each adds decides."""
    names = tuple("abcd"[:n])
    assert len(subsets(names)) == variants
    told = contrasts(names, o.Endpoint())
    assert [(each.name, each.weights["all"]) for each in told if each.decides] == [(name, 1) for name in names]
    assert sum(not each.decides for each in told) == looked_into
    if n == 3:
        assert told[0].weights == {"all": 1, "all but a": -1}
        assert told[-1].weights == {"all but a": 1, "b": -1, "c": -1, "none": 1}


def test_sums_are_left_out_where_no_mean_decides():
    """Where a spread decides, a stack has no contrast of more than two variants, which a spread says nothing of."""
    spread = o.Endpoint("fresh_accuracy", "lower", 0.8, "spread")
    assert all(each.pair for each in contrasts(NAMES, spread))


def test_techniques_are_put_together():
    """Arguments go to the model, callbacks and arguments of fit add up, and what a variant has of its own replaces the lesson's."""
    stop = keras.callbacks.EarlyStopping()
    lesson = stack(
        {"noise": {"noise": 0.1, "fit": {"shuffle": False}}, "stopping": {"callbacks": stop, "epochs": 9}},
        fit={"validation_freq": 1},
    )
    found = {variant.name: variant for variant in lesson.variants}
    assert list(found) == ["none", "noise", "stopping", "all"]
    assert [found[name].epochs for name in found] == [3, 3, 9, 9]
    assert (found["all"].fit, found["all"].callbacks) == ({"validation_freq": 1, "shuffle": False}, (stop,))
    assert len(found["all"].model().layers) == len(found["none"].model().layers) + 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: stack({"one": {}}), "it takes 2 to 8"),
        (lambda: stack({str(n): {} for n in range(9)}), "it takes 2 to 8"),
        (lambda: stack({"a": {"l2": 1.0}, "b": {"l2": 2.0}}), "'a' and 'b' both set l2"),
        (lambda: stack({"a": {"fit": {"shuffle": True}}, "b": {"fit": {"shuffle": False}}}), "both set shuffle"),
        (lambda: stack({"a": {"epochs": 0}, "b": {}}), "epochs is 0"),
        (lambda: stack({"none": {}, "b": {}}), "a technique is named 'none'"),
        (lambda: compared({"with": 1}), "add up to 1"),
        (lambda: compared({"with": 1, "wihtout": -1}), "no variant .'wihtout'"),
        (lambda: compared({"with": 1, "without": -0.5}), "add up to 0.5"),
        (lambda: compared({"with": float("nan"), "without": 1}), "weight of 'with' is nan"),
        (lambda: compared({"with": 0, "without": 0}), "weight of 'with' is 0"),
        (lambda: compared({"with": True, "without": -1}), "weight of 'with' is True"),
        (lambda: compared({"with": 1, "without": -1}, name=" "), "a contrast's name is ' '"),
        (lambda: compared({"with": 1, "without": -1}, decides=False), "none of the lesson's contrasts decides"),
        (lambda: compared({"with": 2, "without": -2}, endpoint=o.Endpoint("bad", "lower", 0.1, "rate")), "a mean"),
        (lambda: compared({"with": 1, "without": -1}, twice=True), "two contrasts are named 'c'"),
        (lambda: compared(None), "made with Contrast"),
    ],
)
def test_what_cannot_be_compared_is_refused(make, says):
    """Stacks of too few techniques, techniques at odds, and contrasts that are none are refused in a line."""
    with pytest.raises(LessonError, match=says):
        make()


def compared(weights, name="c", decides=True, twice=False, **more):
    """A lesson of two variants with a contrast of these weights."""
    made = weights if weights is None else o.Contrast(name, weights, decides=decides)
    variants = [o.Variant(each, model, 2) for each in ("without", "with")]
    return o.Lesson("A", "Why?", o.Data(fixed=rows), variants, contrasts=[made] * (1 + twice), **more)


@pytest.fixture(scope="module")
def ran(planner, tmp_path_factory):
    """A stack of two techniques that do nothing much, trained over ten seeds, in this process."""
    lesson = stack({"noise": {"noise": 1e-6}, "l2": {"l2": 1e-9}}, title="Remedies", about="Which of two is needed?")
    out = tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "Sandbox", planner)
        patch.setattr(places, "aside", lambda _: places.here())
        return o.run(lesson, 10, out, serial=True), out


def test_a_stack_says_what_to_drop(ran):
    """The page has an answer a technique, what each adds to the rest, with advice; each alone and both together are below, exploratory."""
    found, out = ran
    assert [(row.variant, row.baseline) for row in found.effects[found.effects["primary"]].itertuples()] == [
        ("noise", "l2"),
        ("l2", "noise"),
    ]
    page = (out / "report.html").read_text()
    assert page.count("it pays nothing: drop it.") == 2
    assert "noise and l2, beyond the sum of both" in page
    assert "“all” against “l2”" in page


def test_looks_at_a_stack_are_counted(ran):
    """A report of what each adds is a look at it; what is only looked into has none."""
    _, out = ran
    lesson = Store(out).load()[2][0]
    assert sorted({each["variant"] for each in lesson["looks"]}) == ["l2", "noise"]


def test_the_remedies_stack_shares_its_runs_with_the_lessons_of_each():
    """None of the remedies and each alone are the very programs of the lessons of these names, on the same rows; the stack is not one of the seven."""
    (shipped,) = catalog.find(["stack"])
    one = {job.variant: job.identity for job in keys.survey(here, shipped, (), ("fixed",), "compiled")[0]}
    alone = {"L2 penalty": "weight-regularization", "noise": "noise", "early stopping": "early-stopping"}
    for technique, lesson in alone.items():
        jobs = keys.survey(here, catalog.find([lesson])[0], (), ("fixed",), "compiled")[0]
        assert {job.variant: job.identity for job in jobs} == {"without": one["none"], "with": one[technique]}
    assert shipped.name == "stack"
    assert shipped not in catalog.find(["all"])
