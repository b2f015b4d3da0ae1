"""Seeds and rows, both of them drawn."""

import math

import numpy as np
import pytest

from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, seeded
from orchestrator.reports.statistics.more_seeds import settle
from orchestrator.reports.statistics.paired import mean_effect
from orchestrator.reports.statistics.scored_rows import Rows
from orchestrator.reports.verdicts.effects import table
from orchestrator.store import Block, Store
from orchestrator.store.rows import squares
from tests.reference import said_by_r
from tests.simulate import FRESH, duel

WITHOUT = """10110101 11010101 00110111 10100101 10011100 10110001"""
WITH = """11110111 11110101 10111111 11100110 10111111 11110101"""


def mask(text):
    """One row a run, one character a row of the test set."""
    return np.array([[int(sign) for sign in run] for run in text.split()], dtype=np.int8)


def rows_of(first, second):
    """What the tables would say of these masks."""
    return Rows(**squares(second.astype(np.int8) - first.astype(np.int8)))


def effect(first, second, **more):
    """The mean effect of two masks, one row a run."""
    return mean_effect(first.mean(axis=1), second.mean(axis=1), "higher", 0.01, rows=rows_of(first, second), **more)


def test_the_interval_is_that_of_an_analysis_of_variance():
    """R's aov of six pairs of runs on eight rows: (MS seeds + MS rows - MS residual) / (n R), Satterthwaite's interval."""
    found = effect(mask(WITHOUT), mask(WITH))
    assert (found.low, found.high) == pytest.approx(said_by_r("crossed.interval"), rel=1e-9)
    assert found.p_interval == pytest.approx(said_by_r("crossed.p")[0], rel=1e-9)
    assert found.p_equivalence == pytest.approx(said_by_r("crossed.tost.0.01")[0], rel=1e-9)


def simulated(rng, n, rows, hard):
    """Masks of n pairs of runs whose technique helps on some rows and harms on others, by `hard`, and on average neither."""
    ease, gain = rng.normal(1, 1, rows), hard * rng.normal(size=rows)
    return tuple(rng.normal(size=(n, rows)) < ease + sign * gain / 2 for sign in (-1, 1))


def test_the_interval_holds_what_new_seeds_and_new_rows_would_show():
    """Of 400 experiments of 20 seeds and 70 rows 95 % hold no effect; of intervals over seeds alone not half do."""
    rng = np.random.default_rng(0)
    held, alone = [], []
    for _ in range(400):
        first, second = simulated(rng, 20, 70, 1.0)
        counted, given = effect(first, second), mean_effect(first.mean(axis=1), second.mean(axis=1), "higher", 0.01)
        held.append(counted.low <= 0 <= counted.high)
        alone.append(given.low <= 0 <= given.high)
    assert np.mean(held) > 0.92
    assert np.mean(alone) < 0.6


def test_where_rows_abound_the_interval_is_that_of_seeds():
    """On 5,000 rows on which the technique does the same everywhere, rows add nothing worth mentioning."""
    rng = np.random.default_rng(1)
    luck = rng.normal(0, 0.3, (8, 1))
    first = rng.normal(size=(8, 5000)) < 1
    second = rng.normal(size=(8, 5000)) < 1 + luck
    found, given = effect(first, second), mean_effect(first.mean(axis=1), second.mean(axis=1), "higher", 0.01)
    assert found.high - found.low == pytest.approx(given.high - given.low, rel=0.05)


def test_rows_never_make_the_interval_narrower():
    """Where rows or seeds scatter less than chance would have it, the error is that of the other alone."""
    calm, error = Rows(rows=50, pairs=10, between=0.001, residual=0.02), 0.001
    assert calm.variance == 0
    assert calm.joined(error, 10)[0] == pytest.approx(math.sqrt(error))
    wild = Rows(rows=50, pairs=10, between=0.1, residual=0.9)
    assert wild.joined(error, 10)[0] == pytest.approx(math.sqrt(0.1 / 50))
    assert wild.joined(error, 10)[1] == pytest.approx(4 / (1 / 9 + 4 / 49 + 1 / 441))


def test_equal_differences_are_uncertain_where_rows_differ():
    """Every seed gains the same two rows of eight: no scatter between seeds, and an interval from the rows alone."""
    first = np.tile([1, 1, 1, 0, 0, 0, 1, 0], (9, 1))
    second = np.tile([1, 1, 1, 1, 1, 0, 1, 0], (9, 1))
    found = effect(first, second)
    assert found.effect == 0.25
    assert (found.low < 0.25 < found.high, math.isnan(found.dz)) == (True, True)
    assert (found.high - found.effect) == pytest.approx(
        2.3646 * np.std([0, 0, 0, 1, 1, 0, 0, 0], ddof=1) / math.sqrt(8), rel=1e-4
    )


def test_so_many_pairs_do_settle_it_beside_rows():
    """Two points where one matters, SD 4, rows that leave an error of 0.2: of experiments with the pairs told, four in five show it."""
    _, pairs = settle(0.02, 0.04, 0.01, 0.02, 0.002**2)
    rng = np.random.default_rng(0)
    n = int(pairs)
    d = rng.normal(0.02, 0.04, (2000, n)) + rng.normal(0, 0.002, (2000, 1))
    error = np.sqrt(d.var(axis=1, ddof=1) / n + 0.002**2)
    assert n > settle(0.02, 0.04, 0.01, 0.02)[1]
    assert (d.mean(axis=1) - 2.3263 * error > 0.01).mean() == pytest.approx(0.8, abs=0.03)  # qnorm(.99)


def test_no_number_of_pairs_settles_what_rows_leave_open():
    """3.17 errors of the rows are needed: 0.4 points each can't tell two points from one, only from none; 1.1 from neither."""
    assert settle(0.02, 0.04, 0.01, 0.02, 0.003**2)[0] == "beyond"
    assert settle(0.02, 0.04, 0.01, 0.02, 0.004**2)[0] == "real"
    assert settle(0.011, 0.04, 0.01, 0.02, 0.004**2) == ("beyond", math.inf)


LESSON = {
    "id": "a", "title": "A", "question": "?", "secondary": [], "data": {"redrawn": True, "rows_test": 60, "rows_fresh": 400},
    "variants": [{"name": name, "epochs": 1, "batch_size": 32} for name in ("without", "with")],
    "endpoint": {"measure": "test_accuracy", "statistic": "mean", "better": "higher", "sesoi": 0.01, "threshold": None},
}  # fmt: skip


def run(seed, test, fresh, status="ok", off=0.0):
    """A run of one epoch that has these rows right."""
    history = {name: np.full(1, 0.5, np.float32) for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    scores = {"test_accuracy": float(np.float32(test.mean())) + off, "fresh_accuracy": float(np.float32(fresh.mean()))}
    return Outcome(seed, status, history, scores, engine="compiled", right={"test": test, "fresh": fresh})


@pytest.fixture
def trained(tmp_path):
    """Eight seeds in both scopes; the last run of the variant diverged."""
    store, jobs, rng = Store(tmp_path), [], np.random.default_rng(3)
    store.prepare()
    masks = {}
    for data in ("fixed", "redrawn"):
        test, fresh = simulated(rng, 8, 60, 0.5), simulated(rng, 8, 400, 0.5)
        for name, *rights in zip(("without", "with"), test, fresh, strict=True):
            ends = ["diverged" if (name, seed) == ("with", 7) else "ok" for seed in range(8)]
            store.blocks.write(
                f"{name}-{data}",
                Block(tuple(run(s, t, f, end) for s, (t, f, end) in enumerate(zip(*rights, ends, strict=True)))),
            )
            jobs.append(Job("a", name, data, f"{name}-{data}", "p", "compiled", 8, 1.0))
            masks[name, data, "test"], masks[name, data, "fresh"] = rights
    store.write_tables(seeded(jobs, range(8)), [LESSON])
    return store, masks


def test_the_tables_alone_carry_what_the_rows_add(trained):
    """Of seven finished pairs, test rows of `fixed` data and fresh points; the test rows of `redrawn` data are new for each seed."""
    store, masks = trained
    runs, histories, lessons, _ = store.load()
    effects = table(runs, histories, lessons)
    for data, part, rows in (("fixed", "test", 60), ("fixed", "fresh", 400), ("redrawn", "fresh", 400)):
        found = effects[
            (effects["data"] == data) & (effects["measure"] == f"{part}_accuracy") & (effects["statistic"] == "mean")
        ].iloc[0]
        first, second = (masks[name, data, part][:7].astype(float) for name in ("without", "with"))
        d = second - first
        left = d - d.mean(axis=1, keepdims=True) - d.mean(axis=0) + d.mean()
        added = (d.mean(axis=0).var(ddof=1) - (left**2).sum() / (6 * (rows - 1)) / 7) / rows
        assert found["n_rows"] == rows
        assert found["se_rows"] == pytest.approx(math.sqrt(max(0.0, added)))
        assert found["p"] == found["p_interval"]
    redrawn = effects[
        (effects["data"] == "redrawn") & (effects["measure"] == "test_accuracy") & effects["primary"]
    ].iloc[0]
    assert math.isnan(redrawn["se_rows"])


def test_an_accuracy_that_weighs_its_rows_takes_them_as_given(tmp_path):
    """Where the rows that are right don't make up the accuracy, nothing is said of rows."""
    store, rng = Store(tmp_path), np.random.default_rng(4)
    store.prepare()
    for name, masks in zip(("without", "with"), simulated(rng, 8, 60, 0.5), strict=True):
        store.blocks.write(name, Block(tuple(run(seed, each, each, off=0.02) for seed, each in enumerate(masks))))
    jobs = [Job("a", name, "fixed", name, "p", "compiled", 8, 1.0) for name in ("without", "with")]
    store.write_tables(seeded(jobs, range(8)), [LESSON])
    (lesson,) = store.load()[2]
    assert [each["part"] for each in lesson["scored"]] == ["fresh"]


def test_more_rows_not_more_seeds():
    """Forty seeds on seventy rows that gain and lose by chance: no number of seeds would tell, and that is said."""
    first, second = simulated(np.random.default_rng(5), 40, 70, 1.0)
    found = judged(first, second)
    assert (found["verdict"], found["rows_dominate"]) == ("inconclusive", True)
    assert "more rows, not more seeds, would show" in found["reason"]
    again = judged(*simulated(np.random.default_rng(5), 8, 20_000, 0.1))
    assert not again["rows_dominate"]


def judged(first, second):
    """The deciding row of two masks on `fixed` data."""
    made = duel(first.mean(axis=1), second.mean(axis=1), dict(FRESH, measure="test_accuracy"))
    made.lessons[0]["scored"] = [
        {"variant": "with", "data": "fixed", "part": "test", **squares(second.astype(np.int8) - first.astype(np.int8))}
    ]
    effects = table(made.runs, made.histories, made.lessons)
    return effects[effects["primary"]].iloc[0].to_dict()
