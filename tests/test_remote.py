"""Results in an object store: the program against a real S3-compatible server, over HTTP."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import numpy as np
import pandas as pd
import psutil
import pytest

from orchestrator import engine
from orchestrator.errors import StoreError
from orchestrator.nouns.outcome import Outcome
from orchestrator.nouns.plan import Job, Shard, asked, seeded
from orchestrator.planning import precedent
from orchestrator.store import Block, Store
from orchestrator.store.files import side_by_side
from orchestrator.workers import worker
from tests import s3
from tests.conftest import ROOT, TINY

engine.load()

KEY, SECRET = "AKIAIOSFODNN7DUMMY", "not/so+secret=after/all"
SEEDS = ["--seeds", "8"]


@pytest.fixture(scope="module")
def bucket():
    """A bucket, and in the environment what opens it."""
    with pytest.MonkeyPatch.context() as patch, s3.bucket(KEY, SECRET) as made:
        for name, value in {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="module")
def said():
    """All that the program has printed in this module."""
    return []


@pytest.fixture
def tell(here, said):
    """The command line in this process; what it prints is kept."""

    def run(*words):
        done = here(*words)
        said.append(done.stdout + done.stderr)
        return done

    return run


@pytest.fixture(scope="module")
def ran(bucket, here, said, tmp_path_factory):
    """The tiny lesson with Ray, into the bucket, a worker being killed in the middle of an upload; and on a disk, without Ray.

    The credentials are in the URI this time, and nowhere in the environment.
    """
    folder = tmp_path_factory.mktemp("ran")
    lesson = folder / "tiny.py"
    lesson.write_text(TINY)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as logs:  # a short path, for Ray's sockets
        words = [
            "run",
            lesson,
            *SEEDS,
            "--workers",
            "2",
            "--out",
            bucket.uri("ran", f"{KEY}:{quote(SECRET, safe='')}@"),
        ]
        bucket.gate.harms.append("hold")
        with (folder / "said").open("w+") as log:
            job = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", *map(str, words)],
                env={**environment, "RAY_TMPDIR": logs},
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            assert bucket.gate.held.wait(120)
            shown = Path(f"/proc/{job.pid}/cmdline").read_text()
            cut, port = bucket.gate.harmed[-1]
            sender(port).kill()
            before = bucket.names("ran")
            alone = here("run", lesson, *SEEDS, "--serial", "--no-report", "--out", folder / "out")
            code = job.wait(120)
        text = (folder / "said").read_text()
        said += [shown, text, *(path.read_text(errors="replace") for path in Path(logs).rglob("*.*") if path.is_file())]
    assert (code, alone.returncode) == (0, 0), text + alone.stderr
    return {
        "lesson": lesson,
        "local": folder / "out",
        "cut": cut.removeprefix("/bucket/ran/"),
        "before": before,
        "text": text,
    }


def sender(port):
    """The process whose connection comes from this port."""
    pids = [c.pid for c in psutil.net_connections("tcp") if c.laddr.port == port and c.pid != os.getpid()]
    return psutil.Process(pids[0])


def table(bucket, prefix, name):
    """A Parquet object."""
    return pd.read_parquet(io.BytesIO(bucket.read(prefix, name)))


def block(seeds, epochs=5):
    """A block of runs that went well."""
    history = {"loss": np.linspace(1, 0.1, epochs, dtype=np.float32)}
    return Block(
        tuple(Outcome(seed, "ok", history, {"fresh_accuracy": 0.5}, 0.1, "compiled") for seed in seeds), "here"
    )


def test_a_run_leaves_in_a_bucket_what_it_leaves_on_a_disk(ran, bucket):
    """Histories are the same bytes, and tables, pages, provenance, ledger and blocks are all there."""
    assert bucket.read("ran", "histories.parquet") == (ran["local"] / "histories.parquet").read_bytes()
    names = bucket.names("ran")
    assert {"runs.parquet", "effects.parquet", "report.html", "explore.html", "run.json"} < set(names)
    assert sum(name.startswith("store/") and name.endswith(".parquet") for name in names) == 4
    assert b"</html>" in bucket.read("ran", "report.html")
    assert "report: s3://bucket/ran/report.html?region=us-east-1" in ran["text"]


def test_the_page_in_a_bucket_knows_the_tables_beside_it(ran, bucket):
    """The page names the two tables with the hash of the bytes that lie there."""
    import hashlib

    page = bucket.read("ran", "report.html").decode()
    for name in ("runs.parquet", "histories.parquet"):
        assert hashlib.sha256(bucket.read("ran", name)).hexdigest() in page


def test_a_worker_that_dies_while_it_uploads_leaves_no_half_block(ran, bucket):
    """The block whose upload was cut by its worker's death was not there then, and was trained again."""
    assert ran["cut"] not in ran["before"]
    assert ran["cut"] in bucket.names("ran")
    attempts = table(bucket, "ran", "runs.parquet").groupby(["key", "seed"]).attempts.first()
    assert sorted(set(attempts)) == [1, 2]
    assert "lost" in ran["text"]
    assert '"lost"' in "".join(bucket.read("ran", name).decode() for name in bucket.names("ran") if "events/" in name)


def test_the_same_command_trains_nothing_the_second_time(ran, bucket, tell):
    """Everything is found in the bucket, and the tables stay as they were."""
    before = bucket.read("ran", "histories.parquet")
    done = tell("run", ran["lesson"], *SEEDS, "--no-report", "--serial", "--out", bucket.uri("ran"))
    assert done.returncode == 0, done.stderr
    assert "32 stored" in done.stdout
    assert "nothing to train" in done.stdout
    assert bucket.read("ran", "histories.parquet") == before


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["plan", "LESSON", "--seeds", "20"], "further seeds"),
        (["status"], "driver: ended"),
        (["list", "--status", "ok"], "redrawn"),
        (["show", "tiny", "two", "--seed", "3"], "two, on redrawn data"),
        (["report", "--format", "csv"], "tiny,two,one,fixed"),
        (["retry", "LESSON"], "nothing to retry"),
    ],
)
def test_every_verb_reads_a_bucket(ran, bucket, tell, words, part):
    """What the verbs say of a folder, they say of a bucket."""
    words = [ran["lesson"] if word == "LESSON" else word for word in words]
    done = tell(*words, "--out", bucket.uri("ran"))
    assert done.returncode == 0, done.stderr
    assert part in done.stdout


def test_a_truncated_object_is_set_aside_and_trained_again(ran, bucket, tell):
    """A block that was cut behind the program's back is kept under another name, trains again, and the tables come out the same."""
    before = bucket.read("ran", "histories.parquet")
    name = next(name for name in bucket.names("ran") if name.endswith("0000-0007.parquet"))
    bucket.write("ran", name, bucket.read("ran", name)[:3000])
    done = tell("run", ran["lesson"], *SEEDS, "--no-report", "--serial", "--out", bucket.uri("ran"))
    assert done.returncode == 0, done.stderr
    assert "1 shards to train" in done.stdout
    assert "set aside as s3://bucket/ran/store/" in done.stdout
    assert [other for other in bucket.names("ran") if other.startswith(name.removesuffix("parquet") + "damaged-")]
    assert bucket.read("ran", "histories.parquet") == before


def test_a_failed_run_keeps_its_traceback_in_the_bucket(bucket, tell, tmp_path):
    """Where a lesson raises, the command says which object holds the traceback, and so does `show`."""
    path = tmp_path / "bad.py"
    path.write_text(
        TINY.replace(
            "def model(units=1):\n", "def model(units=1):\n    if units == 2:\n        raise KeyError('no luck')\n"
        )
    )
    words = ["--seeds", "1", "--data", "fixed", "--no-report", "--serial"]
    done = tell("run", path, *words, "--out", bucket.uri("bad"))
    assert done.returncode == 1
    name = next(name for name in bucket.names("bad") if name.startswith("failures/"))
    assert "KeyError: 'no luck'" in bucket.read("bad", name).decode()
    for text in (done.stdout, tell("show", "bad", "two", "--out", bucket.uri("bad")).stdout):
        assert f"s3://bucket/bad/{name}" in text


def test_a_second_driver_is_refused_and_status_sees_the_first(ran, bucket, tell):
    """While one driver holds the bucket, another gets one line that says who, and `status` says that one is at work."""
    with Store(bucket.uri("ran")).locked("the first command"):
        done = tell("run", ran["lesson"], *SEEDS, "--out", bucket.uri("ran"))
        assert done.returncode == 2
        assert "in use by another driver" in done.stderr
        assert "the first command" in done.stderr
        assert "driver: at work" in tell("status", "--out", bucket.uri("ran")).stdout
    assert not [name for name in bucket.names("ran") if name.startswith("drivers/")]


def test_a_cut_upload_is_no_block_and_comes_through_in_the_end(bucket):
    """While half a block is uploaded there is no object; two connections are cut in its middle, and the third brings it whole."""
    store = Store(bucket.uri("cut"))
    bucket.gate.held.clear()
    bucket.gate.harms += ["hold", "cut"]
    writer = threading.Thread(target=store.blocks.write, args=("k", block((0, 1), epochs=900)))
    writer.start()
    assert bucket.gate.held.wait(30)
    assert bucket.names("cut") == []
    bucket.gate.release.set()
    writer.join(60)
    assert bucket.gate.harms == []
    assert store.blocks.read("k", (0, 1)).outcomes[1].epochs == 900


def test_a_block_that_comes_back_different_is_uploaded_again(bucket):
    """A bit that flips on the way is found by reading the block back, and what stays is what was meant."""
    store = Store(bucket.uri("flip"))
    meant = block((0, 1), epochs=900)
    bucket.gate.harms.append("flip")
    before = len(bucket.gate.harmed)
    store.blocks.write("k", meant)
    assert len(bucket.gate.harmed) == before + 1
    loss = store.blocks.read("k", (0, 1)).outcomes[0].history["loss"]
    assert loss.tobytes() == meant.outcomes[0].history["loss"].tobytes()


def test_what_a_worker_cannot_commit_goes_home_with_the_reason(bucket):
    """A block for a bucket that the worker can't write to comes back whole, as one that the driver is to write."""
    job = Job("a", "with", "fixed", "k", "p", "compiled", 2, 1.0)
    order = worker.Order(Shard(job, (0, 1), "new"), None, (), out=bucket.uri("x").replace("bucket", "no-such-bucket"))
    kept = worker._committed(order, order.out, block((0, 1)))
    assert (kept.stored, kept.outcomes[0].epochs) == (False, 5)
    assert "NO_SUCH_BUCKET" in kept.trouble
    sent = worker._committed(order, bucket.uri("x"), block((0, 1)))
    assert (sent.stored, sent.outcomes[0].epochs, sent.outcomes[1].status) == (True, 0, "ok")


@pytest.mark.parametrize(
    ("out", "part"),
    [
        ("s3://", "names no bucket"),
        ("s3://no-such-bucket/x", "NO_SUCH_BUCKET"),
        ("nothing-such://place", "no place to write to"),
        ("local:///tmp/some/where", "give its path"),
        ("s3://bucket/x?colour=red", "colour"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_in_one_line(bucket, tell, out, part):
    """A wrong URI ends the command before anything trains, with what is wrong with it."""
    if out.startswith("s3://no"):
        out += "?" + bucket.uri("x").partition("?")[2]
    done = tell("run", "noise", "--serial", "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert part in done.stderr


def test_a_bucket_out_of_reach_is_not_a_damaged_one(bucket):
    """When the server does not answer, reading says that; it does not call blocks broken or missing."""
    store = Store(bucket.uri("away"))
    store.blocks.write("k", block((0, 1)))
    away = Store(bucket.uri("away").replace(str(bucket.gate.port), "1"))
    with pytest.raises(StoreError, match="can't be read"):
        away.blocks.read("k", (0, 1))


def test_a_server_that_does_not_answer_is_named(bucket, tell):
    """Where nobody listens the command ends in one line that names host and port."""
    out = bucket.uri("x").replace(f":{bucket.gate.port}", ":1")
    done = tell("run", "noise", "--serial", "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "nobody answers at 127.0.0.1:1" in done.stderr


def test_other_schemes_go_through_fsspec():
    """A URI that Arrow doesn't know is opened by fsspec: blocks, tables and names work there as everywhere."""
    store = Store("memory://some/where")
    store.prepare()
    store.blocks.write("k", block((0, 1)))
    job = Job("a", "with", "fixed", "k", "p", "compiled", 2, 1.0)
    assert precedent.states_of(store.blocks.held(asked(seeded([job], [0, 1, 2])))) == {("k", 0, 1): "stored"}
    assert len(store.write_tables(seeded([job], [0, 1]), [])) == 2
    assert len(Store("memory://some/where").load()[1].frame()) == 10
    assert store.blocks.set_aside("k", (0, 1)).startswith("memory://some/where/store/k/seeds-0000-0001.damaged-")


def test_no_credential_is_anywhere(ran, bucket, said):
    """Neither half of the login is in any object, any printed line, the process list, or Ray's logs."""
    names = [one["Key"] for one in bucket.client.list_objects_v2(Bucket="bucket")["Contents"]]
    objects = [bucket.client.get_object(Bucket="bucket", Key=name)["Body"].read() for name in names]
    packed = [data for name, data in zip(names, objects, strict=True) if name.endswith(".parquet")]
    tables = [pd.read_parquet(io.BytesIO(data)).to_csv().encode() for data in packed]
    texts = [*objects, *tables, *(text.encode() for text in said)]
    assert len(texts) > 40
    for word in (KEY, SECRET, quote(SECRET, safe="")):
        assert not [text[:80] for text in texts if word.encode() in text]


def test_whoever_needs_one_far_file_does_not_wait_for_all():
    """Of a thousand files the first is there after a few dozen were read, and all come in their order."""
    read = []
    found = side_by_side(SimpleNamespace(at_once=4), lambda at: read.append(at) or at, range(1000))
    assert next(found) == 0
    assert len(read) < 50
    assert list(found) == list(range(1, 1000))
