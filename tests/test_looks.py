"""Looks at a comparison: counted once, kept for good, and carried by the tables."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from orchestrator.command import results
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, seeded
from orchestrator.reports.verdicts.results import Results
from orchestrator.store import Block, Store, looks

ENDPOINT = {"measure": "fresh_accuracy", "statistic": "mean", "better": "higher", "sesoi": 0.01, "threshold": None}
VARIANTS = [{"name": name, "epochs": 1, "batch_size": 32} for name in ("without", "with")]
LESSON = {
    "id": "a", "title": "A", "question": "Does it help?", "endpoint": ENDPOINT, "variants": VARIANTS,
    "data": {"redrawn": False, "rows_fresh": 100},
}  # fmt: skip
NAMES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


def outcome(seed, level):
    """A run of one epoch whose accuracy is about `level`."""
    history = {name: np.full(1, 0.5, dtype=np.float32) for name in NAMES}
    scores = {"fresh_accuracy": level + 0.01 * (seed % 3)}
    return Outcome(seed, "ok", history, scores, engine="compiled")


def jobs(key="with"):
    """The baseline's job and the variant's, whose key may be another."""
    made = [("without", "without"), ("with", key)]
    return [Job("a", variant, "fixed", name, "p", "compiled", 2, 1.0) for variant, name in made]


def command(store, seeds, lesson=LESSON, key="with", report=True):
    """What `run` does once everything is trained: tables, then, with a report, the verdicts."""
    store.prepare()
    for name, level in (("without", 0.7), (key, 0.8)):
        for first in range(0, seeds, 2):
            store.blocks.write(name, Block((outcome(first, level), outcome(first + 1, level + 0.005))))
    store.write_tables(seeded(jobs(key), range(seeds)), [lesson])
    return looked(store) if report else None


def looked(store):
    """The verdict as `report --format json` gives it, without the page."""
    runs, histories, lessons, _ = store.load()
    effects = Results.of(runs, histories, lessons, {}).table
    store.record_looks(runs, lessons)
    store.write_effects(effects, store.load()[3]["generation"])
    return effects[effects["primary"]].iloc[0].to_dict()


def kept(store):
    """What lies in the store of looks."""
    return [json.loads(path.read_text()) for path in sorted((store.root / "store" / "looks").glob("*.json"))]


@pytest.fixture
def store(tmp_path):
    """An empty folder."""
    return Store(tmp_path / "out")


def test_more_seeds_are_a_further_look_and_the_same_ones_are_none(store):
    """Eight seeds, eight again, twelve, and eight once more: looks one, one, two, and one."""
    assert [command(store, n)["look"] for n in (8, 8, 12, 8)] == [1, 1, 2, 1]
    assert sorted(len(look["seeds"]) for look in kept(store)) == [8, 12]


def test_a_clock_put_back_makes_no_look_an_earlier_one(store, monkeypatch):
    """The second look stays the second, also when its command is given again, though the clock says that it came a day before the first."""
    assert command(store, 8)["look"] == 1
    yesterday = datetime.now(UTC) - timedelta(days=1)
    monkeypatch.setattr(
        looks, "datetime", SimpleNamespace(now=lambda _: yesterday, fromisoformat=datetime.fromisoformat)
    )
    assert [command(store, n)["look"] for n in (12, 12, 16)] == [2, 2, 3]


def test_tables_of_which_no_verdict_was_made_are_no_look(store):
    """Commands without a report leave no look; the next one with a report is the first."""
    for seeds in (6, 8, 10):
        command(store, seeds, report=False)
    assert not (store.root / "store" / "looks").exists()
    assert command(store, 12)["look"] == 1


def test_another_declaration_is_another_look(store):
    """Another smallest effect of interest, the same seeds: the second look, at a tenth of the first one's level and less."""
    assert command(store, 8)["alpha"] == pytest.approx(0.04)
    found = command(store, 8, dict(LESSON, endpoint=dict(ENDPOINT, sesoi=0.002)))
    assert (found["look"], found["alpha"]) == (2, pytest.approx(0.005))


def test_copied_stores_merge_their_looks(store, tmp_path):
    """Two folders looked at eight and at ten seeds: in one that has both, twelve seeds are the third look."""
    other = Store(tmp_path / "other")
    command(store, 8)
    command(other, 10)
    shutil.copytree(other.root / "store", store.root / "store", dirs_exist_ok=True)
    assert command(store, 12)["look"] == 3


def test_the_report_goes_by_the_tables_alone(store, tmp_path):
    """Tables taken elsewhere give the verdict that they gave at home, and again the same bytes."""
    command(store, 8)
    command(store, 12)
    moved = Store(tmp_path / "moved")
    moved.prepare()
    for name in ("runs.parquet", "histories.parquet"):
        shutil.copy(store.root / name, moved.root / name)
    assert looked(moved)["look"] == 2
    first = (moved.root / "effects.parquet").read_bytes()
    looked(moved)
    assert (moved.root / "effects.parquet").read_bytes() == first


def test_a_folder_from_before_counts_as_look_one(store):
    """Its tables name no looks and effects were made of them: twelve seeds are the second look."""
    command(store, 8)
    table = pq.read_table(store.runs)
    pq.write_table(table.replace_schema_metadata({"lessons": json.dumps([LESSON])}), store.runs)
    shutil.rmtree(store.root / "store" / "looks")
    found = command(store, 12)
    assert found["look"] == 2
    assert {len(look["seeds"]): look["date"] for look in kept(store)}[8] == "before looks were counted"


def test_a_changed_variant_is_another_form(store):
    """Seven keys under one variant's name, the last one in the tables: the page can say the seventh form."""
    for form in range(7):
        command(store, 8, key=f"with{form}")
    lessons = store.load()[2]
    assert lessons[0]["forms"] == {"with": 7}
    assert [look.get("current") for look in lessons[0]["looks"]] == [True]


def test_a_place_that_cannot_be_written_still_gives_its_verdict(store):
    """A folder whose store is no folder any more can't note a look: the verdict is given, and the caller is told."""
    command(store, 8, report=False)
    (store.root / "store" / "looks").write_text("in the way")
    runs, histories, lessons, _ = store.load()
    assert store.record_looks(runs, lessons) is False
    assert Results.of(runs, histories, lessons, {}).effects


def test_damaged_looks_are_passed_over(store):
    """A file that was cut, or is none of ours, is no look and stops nothing."""
    command(store, 8)
    folder = store.root / "store" / "looks"
    (folder / "cut.json").write_text('{"lesson": "a"')
    (folder / "other.json").write_text("[]")
    assert command(store, 12)["look"] == 2


def test_the_page_dates_its_looks(store):
    """The report built from the tables says which look it is and lists the earlier ones."""
    command(store, 8)
    command(store, 12)
    results.report(store)
    page = store.report.read_text("utf-8")
    today = pd.Timestamp.now("UTC").date()
    assert f"looked at 2 times: {today} (8 seeds), {today} (12 seeds)" in page
    assert "this is the second look" in page


def test_a_run_that_a_machine_lost_is_told_from_one_that_failed(store):
    """The tables say which outcomes are final: a lost machine's run is missing in the comparison, not a bad one."""
    store.prepare()
    for name in ("without", "with"):
        for first in range(0, 8, 2):
            lost = name == "with" and first == 0
            runs = [
                replace(outcome(seed, 0.7), **({"status": "failed"} if lost else {})) for seed in (first, first + 1)
            ]
            store.blocks.write(name, Block(tuple(runs), final=not lost))
    store.write_tables(seeded(jobs(), range(8)), [LESSON])
    found = looked(store)
    assert (found["n_seeds"], found["bad_variant"]) == (6, 0)
