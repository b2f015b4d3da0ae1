"""cluster.yaml: what Ray makes of it, and what it tells its reader."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata

import pytest
import yaml
from packaging.requirements import Requirement

from tests.cluster import bringup
from tests.conftest import ROOT

TEXT = (ROOT / "cluster.yaml").read_text()
CONFIG = yaml.safe_load(TEXT)
STARTS = ("head_start_ray_commands", "worker_start_ray_commands")

# What depends on whose account it is, which cloud, and what they will pay.
YOURS = ("cluster_name", "type", "region", "ssh_user", "InstanceType", "ImageId", "InstanceMarketOptions")


@pytest.fixture(scope="module")
def prepared():
    """The file as Ray takes it, its defaults filled in."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    made = prepare_config(yaml.safe_load(TEXT))
    validate_config(made)
    return made


def test_ray_takes_it(prepared):
    """It is valid under Ray's own schema, and its head's type is one of its types."""
    assert prepared["head_node_type"] in prepared["available_node_types"]


def test_ray_would_not_take_another():
    """A misspelt word is refused by the same schema, so that its silence means something."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    with pytest.raises(Exception, match="idle_timeout_minuets"):
        validate_config(prepare_config(yaml.safe_load(TEXT.replace("idle_timeout_minutes", "idle_timeout_minuets"))))


def test_nothing_is_paid_for_that_nothing_needs(prepared):
    """No worker is there before there is work, and the head takes no shard."""
    types = prepared["available_node_types"]
    assert {name: kind["min_workers"] for name, kind in types.items()} == dict.fromkeys(types, 0)
    assert types["head"]["resources"] == {"CPU": 0}
    assert "--num-cpus=0 " in CONFIG[STARTS[0]][-1]


def test_there_are_workers_with_and_without_gpus(prepared):
    """One type of worker has processors only, another a GPU."""
    has = {
        name: "GPU" in kind["resources"] for name, kind in prepared["available_node_types"].items() if name != "head"
    }
    assert has == {"cpu": False, "gpu": True}


def test_every_machine_starts_with_the_token(prepared):
    """The secret goes to all machines, readable by its owner only, and none of them starts Ray without asking for it."""
    assert prepared["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    for kind in ("head", "worker"):
        assert "chmod 600 ~/.ray/auth_token" in prepared[f"{kind}_setup_commands"]
        starts = [line for line in prepared[f"{kind}_start_ray_commands"] if "ray start" in line]
        assert [("RAY_AUTH_MODE=token ray start" in line) for line in starts] == [True]


def test_the_dashboard_is_not_for_everybody(prepared):
    """It stays on the head's loopback, where `ray dashboard` finds it."""
    assert "dashboard-host" not in " ".join(prepared["head_start_ray_commands"])


def test_every_machine_gets_the_locked_environment(prepared):
    """Head and workers install requirements.lock, a file that exists."""
    source = prepared["file_mounts"]["~/requirements.lock"]
    assert (ROOT / source).exists()
    for kind in ("head", "worker"):
        assert any("--requirements ~/requirements.lock" in line for line in prepared[f"{kind}_setup_commands"])


def test_what_a_machine_installs_first_is_checked_against_a_hash(prepared):
    """No script of the network's is run: uv is of requirements-uv.lock, before anything asks for it."""
    assert (ROOT / prepared["file_mounts"]["~/requirements-uv.lock"]).exists()
    for kind in ("head", "worker"):
        lines = prepared[f"{kind}_setup_commands"]
        assert [line for line in lines if re.search(r"curl|wget|\| *(ba)?sh\b", line)] == []
        installs = [
            at for at, line in enumerate(lines) if "--require-hashes --requirement ~/requirements-uv.lock" in line
        ]
        assert len(installs) == 1
        assert installs[0] < min(at for at, line in enumerate(lines) if "uv/bin/uv " in line)


def test_the_start_commands_are_those_of_the_cluster_test():
    """The hosts of the cluster test start Ray with the very lines of this file, less the `ray stop` before them."""
    tested = bringup.here(CONFIG, "10.0.0.1", ["10.0.0.2"], {"ssh_user": "root"})
    for start in STARTS:
        stop, *rest = CONFIG[start]
        assert stop.endswith("ray stop")
        assert tested[start] == rest


def test_every_line_to_edit_says_so():
    """A line that names an account's or a cloud's things, or limits the bill, says EDIT; the file says what that means."""
    assert "EDIT" in TEXT.split("\ncluster_name")[0]
    lines = [line for line in TEXT.splitlines() if not line.startswith("#")]
    yours = [line for line in lines if re.match(rf"\s*({'|'.join(YOURS)}):", line)]
    bill = [line for line in lines if re.match(r"\s*max_workers:|\s*resources: \{CPU: [1-9]", line)]
    assert {line.split(":")[0].strip() for line in yours} == set(YOURS)
    assert len(bill) == 5
    assert [line for line in (*yours, *bill) if "# EDIT" not in line] == []


def test_machines_with_a_gpu_get_jax_for_it():
    """They install what the `gpu` extra names: JAX with an extra that it has, of a version that the locked one is of."""
    (wanted,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["gpu"]
    needed = Requirement(wanted)
    (line,) = [line for line in CONFIG["setup_commands"] if "nvidia-smi" in line]
    assert f'"{wanted}"' in line
    assert needed.extras <= set(metadata("jax").get_all("Provides-Extra"))
    locked = re.search(r"^jax==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked
    assert needed.specifier.contains(locked[1])
