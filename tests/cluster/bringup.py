"""A Ray cluster of such hosts, brought up by `ray up` from cluster.yaml, and an S3-compatible server beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.hosts import ROOT, Host, wait_until

TOKEN = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
LOGIN = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7DUMMY", "AWS_SECRET_ACCESS_KEY": "not-so-secret-after-all"}
API = "http://127.0.0.1:8265"  # where `ray dashboard` lets the laptop reach the head's


@dataclass(frozen=True)
class Cluster:
    """A laptop, and the hosts that it has made a Ray cluster of."""

    folder: Path
    laptop: Host
    head: Host
    workers: list[Host]

    def submit(self, *words: str) -> list[str]:
        """The laptop's command that submits a job."""
        return ["ray", "job", "submit", "--address", API, "--working-dir", str(ROOT), "--", *words]

    def living(self) -> list[dict[str, Any]]:
        """The living nodes and their processors, as the head sees them."""
        code = """
import json, ray
ray.init("auto", log_to_driver=False, logging_level="ERROR")
free = ray._private.state.available_resources_per_node()
found = [(n["NodeManagerHostname"], n["NodeID"], n["Resources"]) for n in ray.nodes() if n["Alive"]]
print(json.dumps([{"host": h, "has": r.get("CPU", 0), "free": free.get(i, {}).get("CPU", 0)} for h, i, r in found]))
"""
        done = self.head.run(sys.executable, "-c", code, **TOKEN)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return found


@contextmanager
def up(folder: Path, laptop: Host, head: Host, workers: list[Host]) -> Iterator[Cluster]:
    """The hosts as a cluster, the head's autoscaler starting the workers, while the block runs."""
    file = folder / "cluster.yaml"
    described = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    addresses = head.address, [worker.address for worker in workers]
    file.write_text(
        yaml.safe_dump(here(described, *addresses, {"ssh_user": "root", "ssh_private_key": str(laptop.key)}))
    )
    made = laptop.run("ray", "get-auth-token", "--generate", **TOKEN)
    assert made.returncode == 0, made.stderr
    # Ray 2.60's newer autoscaler loses sight of the head under this provider, and starts one worker too few
    old = {"RAY_UP_enable_autoscaler_v2": "0"}
    done = laptop.run("ray", "up", "--yes", "--no-config-cache", str(file), timeout=240, **TOKEN, **old)
    assert done.returncode == 0, done.stdout + done.stderr
    with running(laptop, folder / "dashboard.log", "ray", "dashboard", "--no-config-cache", str(file), **TOKEN):
        wait_until(lambda: listens(laptop, 8265), "the head's dashboard on the laptop", 60)
        yield Cluster(folder, laptop, head, workers)


def here(config: dict[str, Any], head: str, workers: Sequence[str], login: dict[str, str]) -> dict[str, Any]:
    """cluster.yaml with what makes machines replaced: addresses for clouds, and this Python environment for a new one.

    `ray stop`, which starting begins with, is left out: nothing runs on these hosts yet.
    """
    made = {name: value for name, value in config.items() if name not in ("available_node_types", "head_node_type")}
    starts = {
        name: [line for line in made[name] if not line.endswith("ray stop")]
        for name in ("head_start_ray_commands", "worker_start_ray_commands")
    }
    kept = [line for line in made["setup_commands"] if "uv" not in line]
    return {
        **made,
        **starts,
        "provider": {"type": "local", "head_ip": head, "worker_ips": list(workers)},
        "auth": login,
        "max_workers": len(workers),
        "setup_commands": [f"ln -s {sys.prefix} ~/orchestrator-env", *kept],
        "head_setup_commands": [],
    }


@contextmanager
def running(host: Host, log: Path, *words: str, **environment: str) -> Iterator[None]:
    """A command in the background of a host while the block runs."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            host.command(*words, **environment), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def listens(host: Host, port: int, address: str = "127.0.0.1") -> bool:
    """Whether something takes connections there, as seen from the host."""
    return host.run("bash", "-c", f"exec 3<> /dev/tcp/{address}/{port}").returncode == 0


@contextmanager
def bucket(cluster: Cluster) -> Iterator[str]:
    """A bucket on a server on the laptop, while the block runs; gives its URI.

    Every host has the login where Amazon's tools look for it, in a file in its home.
    """
    address = cluster.laptop.address
    for host in (cluster.laptop, cluster.head, *cluster.workers):
        (host.home / ".aws").mkdir()
        lines = "".join(f"{name.lower()} = {value}\n" for name, value in LOGIN.items())
        (host.home / ".aws" / "credentials").write_text(f"[default]\n{lines}")
    server = (sys.executable, "-m", "moto.server", "-H", address, "-p", "5000")
    with running(cluster.laptop, cluster.folder / "s3.log", *server):
        wait_until(lambda: listens(cluster.laptop, 5000, address), "the S3 server", 60)
        where = f"?region=us-east-1&endpoint_override=http://{address}:5000"
        code = "import sys; from pyarrow import fs; fs.FileSystem.from_uri(sys.argv[1])[0].create_dir('bucket')"
        uri = f"s3://bucket/{where}&allow_bucket_creation=true"
        made = cluster.laptop.run(sys.executable, "-c", code, uri)
        assert made.returncode == 0, made.stderr
        yield f"s3://bucket/results{where}"


def download(cluster: Cluster, uri: str, folder: Path) -> None:
    """Copy what lies below a URI into a folder that all hosts see."""
    folder.mkdir()
    code = "import sys; from pyarrow import fs; fs.copy_files(sys.argv[1], sys.argv[2])"
    done = cluster.laptop.run(sys.executable, "-c", code, uri, str(folder))
    assert done.returncode == 0, done.stderr
