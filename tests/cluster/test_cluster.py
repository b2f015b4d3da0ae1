"""The main job on a real cluster: three hosts brought up by `ray up` from cluster.yaml, one of which loses its power midway."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cluster import bringup, hosts
from tests.cluster.bringup import TOKEN, Cluster
from tests.cluster.hosts import Host, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

RUN = ("python", "-m", "orchestrator", "run")
HOW_MUCH = ("--seeds", "8", "--set", "epochs=5")
JOB = (*RUN, "all", *HOW_MUCH)
HOW = ["seconds", "node", "attempts"]  # columns that tell how a run came about, not what came of it
WRONG = {**TOKEN, "RAY_AUTH_TOKEN": "0" * 64}


@dataclass(frozen=True)
class Job:
    """What came of the main job while a host was lost, and of the same command on one host with one worker.

    Attributes:
        lost: the name of the host that was lost. code: the submitted job's exit code. log: what it printed.
    """

    out: Path
    alone: Path
    lost: str
    code: int
    log: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The ledger."""
        return [json.loads(line) for line in (self.out / "events.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """Three hosts made a cluster from a fourth, the laptop."""
    if reason := hosts.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("cluster")
    with (
        hosts.hosts(folder, ("laptop", "head", "one", "two")) as (laptop, head, *workers),
        bringup.up(folder, laptop, head, workers) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def job(cluster) -> Job:
    """The main job, submitted from the laptop; a worker host loses its power while it trains."""
    out, alone = cluster.folder / "results", cluster.folder / "alone"
    with (cluster.folder / "job.log").open("w+") as log:
        command = cluster.laptop.command(*cluster.submit(*JOB, "--out", str(out)), **TOKEN)
        submitted = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        victim = _victim(cluster, out / "events.jsonl", submitted)
        victim.unplug()
        one = cluster.laptop.run(*JOB, "--workers", "1", "--out", str(alone), timeout=300)
        assert one.returncode == 0, one.stdout + one.stderr
        code = submitted.wait(timeout=300)
        log.seek(0)
        return Job(out, alone, victim.name, code, log.read())


def _victim(cluster: Cluster, ledger: Path, submitted: subprocess.Popen[bytes]) -> Host:
    """The worker host that has just begun a shard, once both have trained and a few shards are done."""

    def lines() -> list[dict[str, Any]]:
        whole = ledger.read_text().rpartition("\n")[0] if ledger.exists() else ""
        return [json.loads(line) for line in whole.splitlines()]

    def ripe() -> bool:
        assert submitted.poll() is None, (cluster.folder / "job.log").read_text()
        seen = lines()
        nodes = {line.get("node") for line in seen} - {None}
        return len(nodes) == len(cluster.workers) and seen[-1]["event"] == "started" and len(seen) > 6

    wait_until(ripe, "both workers to train", 200)
    name = lines()[-1]["node"]
    return next(host for host in cluster.workers if host.name == name)


def test_without_the_token_no_job_is_taken(cluster):
    """A job submitted with a wrong token, or with none, is refused, and the error says that it is about the token."""
    for refused in (WRONG, {**TOKEN, "RAY_AUTH_TOKEN_PATH": "/dev/null"}):
        done = cluster.laptop.run(*cluster.submit("true"), **refused)
        assert done.returncode != 0
        assert "AuthenticationError" in done.stderr


def test_without_the_token_neither_driver_nor_host_gets_in(cluster):
    """A driver with a wrong token ends with one line that names the token's file, and a host with one joins nothing."""
    address = f"{cluster.head.address}:6379"
    drive = (*JOB, "--out", str(cluster.folder / "refused"), "--address", address)
    driver = subprocess.Popen(cluster.head.command(*drive, **WRONG), stderr=subprocess.PIPE, text=True)
    host = cluster.laptop.run("ray", "start", f"--address={address}", **WRONG)
    said = driver.communicate(timeout=120)[1]
    assert (driver.returncode, "~/.ray/auth_token" in said) == (2, True), said
    assert host.returncode != 0
    assert "laptop" not in {node["host"] for node in cluster.living()}


def test_a_relative_out_is_refused(cluster):
    """A submitted job that would write its results into its own folder, which Ray deletes, is refused with what to do."""
    done = cluster.laptop.run(*cluster.submit(*JOB, "--out", "results"), **TOKEN)
    assert done.returncode == 1
    assert "absolute path" in done.stdout


@pytest.fixture(scope="module")
def bucket(cluster) -> Path:
    """A folder with what a submitted job has left in a bucket."""
    with bringup.bucket(cluster) as uri:
        done = cluster.laptop.run(*cluster.submit(*RUN, "noise", *HOW_MUCH, "--out", uri), timeout=240, **TOKEN)
        assert done.returncode == 0, done.stdout + done.stderr
        bringup.download(cluster, uri, cluster.folder / "bucket")
    return cluster.folder / "bucket"


def test_workers_commit_to_an_object_store_themselves(bucket, cluster):
    """With an s3:// URI every block is uploaded once, by the host that trained it; the report is there, too."""
    log = (cluster.folder / "s3.log").read_text()
    sent = re.findall(r"([\d.]+) - - .*PUT /bucket/results/store/(\w+)/seeds", log)
    runs = pd.read_parquet(bucket / "runs.parquet").drop_duplicates("key")
    names = {worker.address: worker.name for worker in cluster.workers}
    assert sorted((key, names[address]) for address, key in sent) == sorted(zip(runs.key, runs.node, strict=True))
    assert "</html>" in (bucket / "report.html").read_text()


def test_a_lost_host_loses_no_work(job):
    """The job ends well although a host lost its power: its shards are told of as lost, and train elsewhere."""
    assert job.code == 0, job.log
    lost = {(e["key"], e["first"]) for e in job.events if e["event"] == "lost"}
    last = {(e["key"], e["first"]): e["node"] for e in job.events if e["event"] == "started"}
    assert {last[shard] for shard in lost} == {"one", "two"} - {job.lost}


def test_every_run_is_there_once(job):
    """The table of runs holds the same runs as on one host, each once, and no shard was stored twice."""
    told = ["lesson", "variant", "data", "seed"]
    runs, alone = (pd.read_parquet(out / "runs.parquet", columns=told) for out in (job.out, job.alone))
    assert not runs.duplicated().any()
    pd.testing.assert_frame_equal(runs, alone)
    finished = [(e["key"], e["first"]) for e in job.events if e["event"] == "finished"]
    assert len(finished) == len(set(finished))


def test_the_results_are_those_of_one_host(job):
    """Histories and the page of single runs are the same bytes as on one host, and so is what the tables of runs and effects say of results."""
    for name in ("histories.parquet", "explore.html"):
        assert (job.out / name).read_bytes() == (job.alone / name).read_bytes()
    effects = [pd.read_parquet(out / "effects.parquet") for out in (job.out, job.alone)]  # each file names its command
    pd.testing.assert_frame_equal(*effects, check_exact=True)
    runs, alone = (pd.read_parquet(out / "runs.parquet").drop(columns=HOW) for out in (job.out, job.alone))
    pd.testing.assert_frame_equal(runs, alone, check_exact=True)
    assert set(runs.status) == {"ok"}


def test_a_bucket_holds_what_a_folder_does(bucket, job):
    """The histories that workers uploaded are those of one host with a folder."""
    kinds = {"lesson": str, "variant": str, "data": str}
    stored, alone = (pd.read_parquet(out / "histories.parquet").astype(kinds) for out in (bucket, job.alone))
    alone = alone[alone.lesson == "noise"].reset_index(drop=True)
    pd.testing.assert_frame_equal(stored, alone, check_exact=True)


def test_the_report_is_there(job):
    """The submitted job leaves its report where --out says, with the figures of one host's."""
    figures, alone = (
        re.findall(r"<svg.*?</svg>", (out / "report.html").read_text(), re.DOTALL) for out in (job.out, job.alone)
    )
    assert len(figures) > 7
    assert figures == alone


def test_nothing_is_left_on_the_cluster(job, cluster):
    """After the job every processor of the living nodes is free, and no process of the job is left."""
    living = [node for node in cluster.living() if node["host"] != job.lost]
    assert all(node["free"] == node["has"] for node in living)
    for host in (cluster.head, *(w for w in cluster.workers if w.name != job.lost)):
        assert "ray::_" not in host.run("ps", "-e", "-o", "args").stdout
