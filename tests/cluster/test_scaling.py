"""An autoscaler that starts machines for what waits: Ray's own, with processes for machines, on one host."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.cluster import hosts
from tests.cluster.bringup import TOKEN
from tests.cluster.hosts import Host

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

HEAD, HEAD_ID = "ray.head.default", f"{'f' * 51}00000"  # what Ray's stand-in for a cloud calls it
FAKE = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
EMPTY = (
    *("cluster_synced_files", "rsync_exclude", "rsync_filter", "initialization_commands", "setup_commands"),
    *("head_setup_commands", "worker_setup_commands", "head_start_ray_commands", "worker_start_ray_commands"),
)


def kind(most: int, **resources: int) -> dict:
    """A type of machine, none of which is there to begin with."""
    return {"resources": resources, "node_config": {}, "min_workers": 0, "max_workers": most}


CONFIG = {
    **{name: [] for name in EMPTY},
    "cluster_name": "scaling",
    "max_workers": 2,
    "idle_timeout_minutes": 5,
    "upscaling_speed": 1.0,
    "provider": {"type": "external", "module": FAKE, "launch_multiple": True, "head_node_id": HEAD_ID},
    "auth": {},
    "file_mounts": {},
    "file_mounts_sync_continuously": False,
    "head_node_type": HEAD,
    "available_node_types": {
        HEAD: {**kind(0, CPU=0), "max_workers": 0},
        "cpu": kind(1, CPU=2, object_store_memory=10**8),
        "gpu": kind(1, CPU=2, GPU=1, object_store_memory=10**8),
    },
}
STARTED = {  # what `ray up` sets where it starts a head, and what the stand-in asks for
    "RAY_enable_autoscaler_v2": "1",
    "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
    "RAY_NODE_TYPE_NAME": HEAD,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
    "RAY_FAKE_CLUSTER": "1",
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
}


def begin(folder: Path, host: Host) -> None:
    """A head without processors, and its autoscaler."""
    (folder / "scaling.yaml").write_text(json.dumps(CONFIG))
    start = ("ray", "start", "--head", "--num-cpus=0", "--port=6379", f"--autoscaling-config={folder / 'scaling.yaml'}")
    for words in (("ray", "get-auth-token", "--generate"), start):
        done = host.run(*words, **TOKEN, **STARTED)
        assert done.returncode == 0, done.stdout + done.stderr


def run(folder: Path, host: Host) -> subprocess.CompletedProcess[str]:
    """A few shards, each of which asks for a quarter of a GPU."""
    words = ("noise", "--seeds", "8", "--set", "epochs=2", "--no-report", "--gpus-per-shard", "0.25")
    where = ("--address", f"{host.address}:6379", "--out", str(folder / "out"))
    return host.run("python", "-m", "orchestrator", "run", *words, *where, timeout=200, **TOKEN)


def test_shards_that_wait_bring_the_machine_that_they_need(tmp_path):
    """With no worker at all a run says what it waits for; the autoscaler then starts a machine with a GPU, and none without."""
    if reason := hosts.missing():
        pytest.skip(reason)
    with hosts.hosts(tmp_path, ("scaling",)) as (host,):
        begin(tmp_path, host)
        done = run(tmp_path, host)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "waiting for a machine: a shard asks for 1 CPU and 0.25 GPU, and no node has that" in done.stdout
    runs = pd.read_parquet(tmp_path / "out" / "runs.parquet")
    assert (len(runs), set(runs.status)) == (32, {"ok"})
    cluster = json.loads((tmp_path / "out" / "run.json").read_text())["cluster"]
    assert (cluster["CPU"], cluster["GPU"]) == (2, 1)
