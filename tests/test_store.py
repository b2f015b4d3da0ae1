"""A results folder gives back what was put into it, and says what is damaged or missing."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from orchestrator.errors import BlockDamagedError, StoreError, StoreLockedError
from orchestrator.nouns.identity import Sketch
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, Span, asked, seeded
from orchestrator.planning import precedent
from orchestrator.store import Block, BrokenShardError, Store, block, histories
from tests.forge import forge

SCORES = {f"{part}_{name}": 0.5 for part in ("train", "test", "fresh") for name in ("accuracy", "bce")}


def outcome(seed, epochs=5, **changes):
    """A run that went well."""
    names = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    history = {name: np.arange(epochs, dtype=np.float32) + seed for name in names}
    return Outcome(
        seed, **{"status": "ok", "history": history, "scores": SCORES, "seconds": 0.1, "engine": "compiled", **changes}
    )


def job(lesson="a", key="k1"):
    """A job of blocks of two seeds."""
    return Job(lesson, "with", "fixed", key, "p", "compiled", 2, 1.0)


def states(store, jobs):
    """What the blocks of these jobs count as, for a plan."""
    return precedent.states_of(store.blocks.held(asked(jobs)))


@pytest.fixture
def store(tmp_path):
    """A store with two blocks of two seeds; seed 3 failed."""
    made = Store(tmp_path / "out")
    made.prepare()
    made.blocks.write("k1", Block((outcome(0), outcome(1, epochs=3)), "here"))
    made.blocks.write(
        "k1",
        Block(
            (outcome(2), outcome(3, status="failed", history={}, scores={}, error="no luck", traceback="Traceback\n")),
            "there",
            2,
        ),
    )
    return made


def test_a_block_is_read_as_it_was_written(store):
    """Histories come back to the bit, with scores, status, node and attempts."""
    block = store.blocks.read("k1", (2, 3))
    assert (block.node, block.attempts, block.outcomes[1].status, block.outcomes[1].error) == (
        "there",
        2,
        "failed",
        "no luck",
    )
    assert np.array_equal(block.outcomes[0].history["loss"], outcome(2).history["loss"])
    assert dict(block.outcomes[0].scores) == SCORES
    assert store.blocks.traceback_path("k1", 3).read_text() == "Traceback\n"


def test_tables_hold_the_seeds_asked_for_and_every_reader_opens_them(store):
    """pandas, DuckDB and polars read both tables and agree; a shared key appears under each of its lessons."""
    written = store.write_tables(seeded([job("a"), job("b")], [0, 1, 3]), [{"id": "a"}])
    assert [row["seed"] for row in written if row["status"] == "failed"] == [3, 3]
    frames = [
        pd.read_parquet(store.runs)[["lesson", "seed", "status", "epochs"]].astype(str),
        duckdb.sql(f"select lesson, seed, status, epochs from '{store.runs}'").df().astype(str),
        pl.read_parquet(store.runs).select("lesson", "seed", "status", "epochs").to_pandas().astype(str),
    ]
    rows = [
        (lesson, seed, status, epochs)
        for lesson in "ab"
        for seed, status, epochs in (("0", "ok", "5"), ("1", "ok", "3"), ("3", "failed", "0"))
    ]
    assert all([tuple(row) for row in frame.to_numpy()] == rows for frame in frames)
    counts = [
        len(pd.read_parquet(store.histories)),
        duckdb.sql(f"select count(*) from '{store.histories}'").fetchall()[0][0],
        len(pl.read_parquet(store.histories)),
    ]
    assert counts == [16, 16, 16]
    assert list(pd.read_parquet(store.histories).columns) == [
        "lesson",
        "variant",
        "data",
        "seed",
        "epoch",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
    ]


def test_tables_are_the_same_bytes_whatever_the_order_of_writing(store, tmp_path):
    """Blocks written in another order give byte-identical tables."""
    other = Store(tmp_path / "other")
    other.prepare()
    for seeds in ((2, 3), (0, 1)):
        other.blocks.write("k1", store.blocks.read("k1", seeds))
    for one in (store, other):
        one.write_tables(seeded([job()], range(4)), [])
    assert store.histories.read_bytes() == other.histories.read_bytes()
    assert store.runs.read_bytes() == other.runs.read_bytes()


def test_a_metric_of_the_users_own_gets_a_column(store):
    """Histories and scores with further names widen the tables; other runs are empty there."""
    history = {**outcome(0).history, "mae": np.ones(5, np.float32)}
    store.blocks.write("k2", Block((outcome(0, history=history, scores={"fresh_mae": 2.0}), outcome(1))))
    store.write_tables(seeded([job(), job("b", "k2")], [0]), [])
    assert pd.read_parquet(store.histories).mae.isna().tolist() == [True] * 5 + [False] * 5
    assert pd.read_parquet(store.runs).fresh_mae.tolist()[1] == 2.0


def test_damage_is_found_before_it_is_believed(store):
    """A cut file, and a flipped bit anywhere, is called broken or reads as exactly what was written."""
    path, whole, truth = (
        store.blocks.path("k1", (0, 1)),
        store.blocks.path("k1", (0, 1)).read_bytes(),
        store.blocks.read("k1", (0, 1)),
    )
    generator = np.random.default_rng(0)
    for cut in generator.integers(0, len(whole), 20):
        path.write_bytes(whole[:cut])
        with pytest.raises(BrokenShardError):
            store.blocks.read("k1", (0, 1))
    for place, bit in zip(generator.integers(0, len(whole), 400), generator.integers(0, 8, 400), strict=True):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        path.write_bytes(bytes(flipped))
        try:
            read = store.blocks.read("k1", (0, 1))
        except BrokenShardError:
            continue
        assert [o.status for o in read.outcomes] == [o.status for o in truth.outcomes]
        for ours, theirs in zip(read.outcomes, truth.outcomes, strict=True):
            assert {k: v.tobytes() for k, v in ours.history.items()} == {
                k: v.tobytes() for k, v in theirs.history.items()
            }


def test_state_says_what_is_stored_failed_and_broken(store):
    """A whole block is stored, one with a failed run failed, a damaged one broken, and a missing one absent."""
    store.blocks.path("k1", (0, 1)).write_bytes(b"PAR1")
    assert states(store, seeded([job()], range(6))) == {Span("k1", 0, 1): "broken", Span("k1", 2, 3): "failed"}
    aside = store.blocks.set_aside("k1", (0, 1))
    assert aside.exists()
    assert Span("k1", 0, 1) not in states(store, seeded([job()], range(6)))


def test_damage_that_a_footer_does_not_tell_is_found_in_full(store):
    """A bit flipped among the values leaves a block stored as far as its footer says; read in full it is damaged, and no table is made of it."""
    path = store.blocks.path("k1", (0, 1))
    data = bytearray(path.read_bytes())
    data[100] ^= 4
    path.write_bytes(data)
    jobs = seeded([job()], range(4))
    assert states(store, jobs)["k1", 0, 1] == "stored"
    assert store.blocks.damaged(jobs) == [("k1", 0, 1)]
    with pytest.raises(BlockDamagedError, match="seeds-0000-0001"):
        store.write_tables(jobs, [])


def test_what_a_machine_lost_is_no_answer(store):
    """A block whose failure was the machine's is no answer: the next run trains it."""
    store.blocks.write(
        "k3", Block((outcome(0, status="failed", history={}, error="node died"), outcome(1)), final=False)
    )
    assert states(store, seeded([job(key="k3")], [0])) == {Span("k3", 0, 1): "lost"}


def test_a_second_driver_is_refused_and_told_who_the_first_is(store):
    """The lock names the process that holds it, and is free again afterwards."""
    with (
        store.locked("first command"),
        pytest.raises(StoreLockedError, match="first command"),
        Store(store.root).locked("second"),
    ):
        pass
    with Store(store.root).locked("third"):
        assert store.holder()["command"] == "third"
    assert store.holder() is None


def test_a_folder_in_which_another_user_was_at_work_is_refused_in_one_line():
    """Where the group may write into the folder, but not the files that another user made, the second user is told so."""
    if os.geteuid():
        pytest.skip("becoming another user needs root")
    with tempfile.TemporaryDirectory() as place:  # one that others may enter
        Path(place).chmod(0o777)
        with Store(place).locked("first"):
            pass
        os.seteuid(12345)
        try:
            with (
                pytest.raises(StoreError, match=r"\.lock can't be locked: Permission denied; .*group.*--out"),
                Store(place).locked("second"),
            ):
                pass
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("make", ["file", "parent"])
def test_a_folder_that_cannot_be_used_is_refused(tmp_path, make):
    """A file in the way is said so."""
    place = tmp_path / "out"
    place.write_text("")
    with pytest.raises(StoreError, match="--out"):
        Store(place if make == "file" else place / "below").prepare()


def test_blocks_of_another_format_are_refused(store, monkeypatch):
    """A whole block that says it is of another format is neither read nor called damaged."""
    monkeypatch.setattr(block, "FORMAT", 99)
    monkeypatch.setattr(block, "READS", (99,))
    store.blocks.write("k", Block((outcome(0), outcome(1))))
    monkeypatch.undo()
    for read in (lambda: store.blocks.read("k", (0, 1)), lambda: states(store, seeded([job(key="k")], [0]))):
        with pytest.raises(StoreError, match="format 99, this program reads format 2"):
            read()


def test_tables_that_cannot_be_read_are_refused_with_what_to_do(store):
    """No tables, and damaged ones, each give one line that says how to get them."""
    with pytest.raises(StoreError, match="holds no results yet"):
        store.load()
    store.write_tables(seeded([job()], [0]), [])
    store.runs.write_bytes(store.runs.read_bytes()[:100])
    with pytest.raises(StoreError, match="writes them anew"):
        store.load()


def test_a_block_under_another_key_is_not_believed(store):
    """A block says itself what it trained: under another name it is broken, and trained again."""
    path = store.blocks.path("other", (0, 1))
    path.parent.mkdir()
    path.write_bytes(store.blocks.path("k1", (0, 1)).read_bytes())
    assert states(store, seeded([job(key="other")], [0])) == {Span("other", 0, 1): "broken"}
    with pytest.raises(BrokenShardError, match="runs of k1"):
        store.blocks.read("other", (0, 1))


def test_a_run_that_was_tried_again_keeps_how_it_first_ended(store):
    """Failed, then lost by a machine, then finished: ok, and failed first. What only a machine lost, or never failed, has no first status."""

    def ends(*status, final=True):
        store.blocks.write(
            "k9", Block(tuple(outcome(seed, status=one) for seed, one in enumerate(status)), final=final)
        )

    ends("failed", "timeout", "failed", final=False)
    ends("failed", "timeout", "ok")
    ends("failed", "failed", "failed", final=False)
    ends("ok", "failed", "ok")
    store.write_tables(seeded([Job("a", "with", "fixed", "k9", "p", "compiled", 3, 1.0)], range(3)), [])
    runs = store.load()[0]
    assert runs["status"].tolist() == ["ok", "failed", "ok"]
    assert runs["first_status"].fillna("").tolist() == ["failed", "timeout", ""]


def test_gaps_and_what_was_right_come_back(store):
    """An epoch without validation is a gap, not a value that is no number; which rows were right comes back bit for bit."""
    history = {
        **outcome(0).history,
        "val_loss": np.ma.MaskedArray(np.array([1, np.nan, 3, 4, 5], np.float32), [0, 0, 1, 0, 1]),
    }
    right = {"fresh": np.arange(19) % 3 == 0}
    store.blocks.write(
        "k5",
        Block(
            (outcome(0, history=history, right=right, rows=Sketch("d", "e", (0.5, 2.0)), start=Sketch("f")),), code="c"
        ),
    )
    assert store.blocks.read("k5", (0,)).code == "c"
    found = store.blocks.read("k5", (0,)).outcomes[0]
    assert found.history["val_loss"].mask.tolist() == [False, False, True, False, True]
    assert np.array_equal(found.right["fresh"], right["fresh"])
    assert (found.rows, found.start) == (Sketch("d", "e", (0.5, 2.0)), Sketch("f"))
    store.write_tables(seeded([Job("a", "with", "fixed", "k5", "p", "compiled", 1, 1.0)], [0]), [])
    nulls = duckdb.sql(f"select val_loss is null from '{store.histories}' order by epoch").fetchall()
    assert [row[0] for row in nulls] == [False, False, True, False, True]


def test_accuracy_is_accuracy_whatever_keras_calls_it(store):
    """The tables' accuracy columns hold `acc` where that is what a model has, beside the column of Keras's name."""
    history = {
        "loss": np.ones(2, np.float32),
        "acc": np.full(2, 0.5, np.float32),
        "val_acc": np.full(2, 0.25, np.float32),
    }
    store.blocks.write("k6", Block((outcome(0, history=history, scores={"test_acc": 0.75}),)))
    store.write_tables(seeded([Job("a", "with", "fixed", "k6", "p", "compiled", 1, 1.0)], [0]), [])
    histories, runs = pd.read_parquet(store.histories), pd.read_parquet(store.runs)
    assert histories.accuracy.tolist() == histories.acc.tolist() == [0.5, 0.5]
    assert histories.val_accuracy.tolist() == [0.25, 0.25]
    assert runs.test_accuracy.tolist() == runs.test_acc.tolist() == [0.75]


def test_the_lessons_and_the_command_travel_in_the_runs_table(store):
    """What `write_tables` was told of lessons and command, `load` gives back, whatever command was begun since; run.json says the same until then."""
    store.write_tables(
        seeded([job()], [0]), [{"id": "a", "question": "Why?"}], lambda rows: {"command": f"of {len(rows)}"}
    )
    _, _, lessons, facts = store.load()
    assert (lessons, facts["command"]) == ([{"id": "a", "question": "Why?"}], "of 1")
    assert json.loads(store.provenance.read_text()) == facts
    store.write_provenance({"command": "begun since"})
    assert store.load()[3] == facts


def test_a_store_copied_into_another_is_as_good_as_trained_there(store, tmp_path):
    """Two folders' `store/`, copied into one, count as stored there, block by block, and give the tables that one folder would have given."""
    both, other = Store(tmp_path / "both"), Store(tmp_path / "other")
    other.prepare()
    for key, seeds in (("k1", (4, 5)), ("k2", (0, 1))):
        other.blocks.write(key, Block(tuple(outcome(seed) for seed in seeds), "elsewhere"))
    for one in (store, other):
        shutil.copytree(one.root / "store", both.root / "store", dirs_exist_ok=True)
    jobs = [job(), job("b", "k2")]
    merged = {("k1", 0, 1): "stored", ("k1", 2, 3): "failed", ("k1", 4, 5): "stored", ("k2", 0, 1): "stored"}
    assert states(both, seeded(jobs, range(6))) == merged
    both.prepare()
    assert [row["seed"] for row in both.write_tables(seeded(jobs, range(6)), [])] == [0, 1, 2, 3, 4, 5, 0, 1]
    shutil.copytree(other.root / "store", store.root / "store", dirs_exist_ok=True)
    store.write_tables(seeded(jobs, range(6)), [])
    assert [both.histories.read_bytes(), both.runs.read_bytes()] == [
        store.histories.read_bytes(),
        store.runs.read_bytes(),
    ]


def test_seeds_that_two_blocks_hold_count_once(store):
    """Where a folder holds a seed twice, as after copying one store into another, the tables have one row of it."""
    store.blocks.write("k1", Block((outcome(0),), "elsewhere"))
    rows = store.write_tables(seeded([job()], range(3)), [])
    assert [(row["seed"], row["node"]) for row in rows] == [(0, "elsewhere"), (1, "here"), (2, "there")]


def test_tables_are_in_the_order_of_seeds_whatever_their_digits(store):
    """Seed 10,000 comes after 9,998, though its file's name comes before."""
    for seed in (10_000, 9_998):
        store.blocks.write("k7", Block((outcome(seed), outcome(seed + 1))))
    rows = store.write_tables(seeded([job(key="k7")], range(9_998, 10_002)), [])
    assert [row["seed"] for row in rows] == [9_998, 9_999, 10_000, 10_001]


def test_what_is_stored_beyond_the_seeds_asked_for_is_known(store):
    """Where whole blocks were not asked for, all stored seeds are named; that a block's last seeds were not is no matter."""
    assert store.blocks.seeds_beyond(seeded([job()], [0, 1])) == (0, 1, 2, 3)
    assert store.blocks.seeds_beyond(seeded([job()], [0, 2])) == ()
    assert store.blocks.seeds_beyond(seeded([job(key="k2")], [0])) == ()


def test_histories_are_read_an_arm_at_a_time(store, monkeypatch):
    """Whatever the groups of rows in the file, and however little is kept, an arm's columns are what pandas reads of it."""
    store.blocks.write("k2", Block((outcome(0, epochs=4), outcome(1))))
    store.write_tables(seeded([job(), job("b", "k2")], range(4)), [])
    forge(store.root, "histories.parquet", lambda table: pa.concat_tables([table.slice(6), table.slice(0, 6)]))
    truth = pd.read_parquet(store.histories)
    monkeypatch.setattr(histories, "KEPT", 20)
    found = store.load()[1]
    for lesson in ("a", "b"):
        for name in ("seed", "val_loss", "epoch", "val_loss"):
            expected = truth[name][truth["lesson"] == lesson].to_numpy()
            assert found.column((lesson, "with", "fixed"), name).tolist() == expected.tolist()
    assert found.column(("c", "with", "fixed"), "loss").tolist() == []
    pd.testing.assert_frame_equal(found.frame(), truth)


def test_histories_damaged_while_they_are_read_are_one_line(store):
    """What is cut after the tables were opened is told, with what to do, and no number is made of it."""
    store.write_tables(seeded([job()], range(4)), [])
    found = store.load()[1]
    store.histories.write_bytes(b"")
    with pytest.raises(StoreError, match=r"histories.parquet can't be read .* anew"):
        found.column(("a", "with", "fixed"), "loss")
