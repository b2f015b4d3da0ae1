"""What docs/ tells of clusters, as far as it can be checked without a cloud, Kubernetes and SLURM."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
import typer
import yaml

from orchestrator.cli.app import app
from tests.conftest import ROOT

JOB = yaml.safe_load((ROOT / "docs" / "rayjob.yaml").read_text())
CLUSTER = JOB["spec"]["rayClusterSpec"]
HEAD, *WORKERS = CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]
SLURM = ROOT / "docs" / "slurm.sh"
GUIDE = (ROOT / "docs" / "cluster.md").read_text()

# Names and types that KubeRay's resource definitions (1.5.1, 1.6.2, 1.7.0) give the fields, of those that bear on us.
KNOWN = {
    "job": {
        "entrypoint": str,
        "backoffLimit": int,
        "shutdownAfterJobFinishes": bool,
        "ttlSecondsAfterFinished": int,
        "activeDeadlineSeconds": int,
        "submissionMode": str,
        "runtimeEnvYAML": str,
        "rayClusterSpec": dict,
    },
    "cluster": {
        "rayVersion": str,
        "authOptions": dict,
        "enableInTreeAutoscaling": bool,
        "autoscalerOptions": dict,
        "headGroupSpec": dict,
        "workerGroupSpecs": list,
    },
    "authOptions": {"mode": str},
    "autoscalerOptions": {"version": str, "upscalingMode": str, "idleTimeoutSeconds": int, "resources": dict},
    "head": {"rayStartParams": dict, "serviceType": str, "template": dict},
    "worker": {
        "groupName": str,
        "replicas": int,
        "minReplicas": int,
        "maxReplicas": int,
        "rayStartParams": dict,
        "template": dict,
    },
}


def parses(command: str) -> None:
    """See that the program takes these words."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "orchestrator"]
    typer.main.get_command(app).commands[words[3]].make_context(words[3], words[4:])


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("job", JOB["spec"]),
        ("cluster", CLUSTER),
        ("authOptions", CLUSTER["authOptions"]),
        ("autoscalerOptions", CLUSTER["autoscalerOptions"]),
        ("head", HEAD),
        *(("worker", worker) for worker in WORKERS),
    ],
)
def test_every_field_is_one_that_kuberay_knows(kind, found):
    """A field's name is in KubeRay's definition, and its value is of the type given there."""
    assert {name: type(value) for name, value in found.items()}.items() <= KNOWN[kind].items()


def test_parameters_of_ray_start_are_texts():
    """KubeRay hands them on as they are, and refuses numbers."""
    values = [value for group in (HEAD, *WORKERS) for value in group["rayStartParams"].values()]
    assert all(isinstance(value, str) for value in values)


def test_it_is_a_cluster_as_cluster_yaml_makes_one():
    """A head without shards, no worker before there is work, one kind with a GPU, nobody let in without the token, nothing left."""
    assert HEAD["rayStartParams"]["num-cpus"] == "0"
    assert [(w["replicas"], w["minReplicas"]) for w in WORKERS] == [(0, 0)] * len(WORKERS)
    assert ["nvidia.com/gpu" in str(w["template"]) for w in WORKERS] == [False, True]
    assert (CLUSTER["authOptions"], CLUSTER["enableInTreeAutoscaling"]) == ({"mode": "token"}, True)
    assert JOB["spec"]["shutdownAfterJobFinishes"] is True


def test_its_ray_is_the_locked_one():
    """KubeRay is told the version of requirements.lock."""
    locked = re.search(r"^ray(?:\[\w+\])?==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked
    assert CLUSTER["rayVersion"] == locked[1]


def test_its_command_writes_to_a_volume():
    """The program takes the entrypoint, whose --out is a folder that outlives the pod."""
    parses(JOB["spec"]["entrypoint"])
    pod = HEAD["template"]["spec"]
    out = re.search(r"--out (\S+)", JOB["spec"]["entrypoint"])
    mounts = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    claims = {volume["name"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume}
    assert out
    assert mounts[out[1]] in claims


def test_the_slurm_script_is_a_shell_script_whose_commands_parse():
    """Bash reads it without complaint, Ray knows the options, the program takes the command, and a token is demanded."""
    text = SLURM.read_text().replace("\\\n", " ")
    assert subprocess.run(["bash", "-n", SLURM], check=False).returncode == 0
    run = re.search(r"srun ray symmetric-run (.*?) -- +(python.*)", text)
    assert run
    parses(run[2].replace('"$out"', "/out").replace('"$address"', "host:1"))
    assert set(re.findall(r"--[\w-]+", run[1])) <= taken_by_ray("symmetric-run") | taken_by_ray("start")
    assert "RAY_AUTH_MODE=token" in text


def taken_by_ray(*verb: str) -> set[str]:
    """The options that a verb of Ray's command line has."""
    from ray.scripts.scripts import cli

    command = cli
    for word in verb:
        command = command.commands[word]
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


def lines_of_the_guide() -> list[str]:
    """The shell commands that it shows, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    text = "\n".join(blocks).replace("\\\n", " ")
    return [line.split(" # ")[0].strip() for line in text.splitlines() if line.strip()]


def test_the_commands_of_the_guide_are_ones_that_programs_take():
    """Ours parse, wherever they stand, and Ray's have the options that they are given."""
    ours = [line[line.index("python -m") :] for line in lines_of_the_guide() if "python -m orchestrator" in line]
    assert len(ours) >= 3
    for command in ours:
        parses(command)
    rays = [re.sub(r"^(RAY_\w+=\S+ )+", "", line).partition(" -- ")[0] for line in lines_of_the_guide()]
    rays = [line for line in rays if line.startswith("ray ")]
    assert len(rays) >= 6
    for line in rays:
        words = line.split()[1:]
        verb = words[: 2 if words[0] == "job" else 1]
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= taken_by_ray(*verb), line


def test_the_links_of_the_guide_lead_somewhere():
    """Every file that it links to exists."""
    links = re.findall(r"\]\((?!http)([^)#]+)\)", GUIDE)
    assert len(links) >= 3
    assert all((ROOT / "docs" / link).exists() for link in links)
