"""The README's commands and code do what they say."""

import ast
import inspect
import re
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer

import orchestrator
from orchestrator.cli.app import app
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
LINES = [line.split("#")[0].strip() for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
COMMANDS = sorted({line for line in LINES if "-m orchestrator" in line})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_the_program_takes(command):
    """Each command parses: its verb exists, and so do its options, with values of the right kind."""
    words = shlex.split(command)[3:]
    verb = typer.main.get_command(app).commands[words[0]]
    verb.make_context(words[0], words[1:])


def test_the_readme_shows_every_verb():
    """No verb is left unmentioned."""
    assert set(typer.main.get_command(app).commands) == {shlex.split(command)[3] for command in COMMANDS}


def test_make_targets_exist():
    """What the README tells make to do, the Makefile knows."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"^make ([\w-]+)|`make ([\w-]+)`", README, re.MULTILINE)
    assert named
    assert {either or other for either, other in named} <= targets


def test_the_lesson_in_the_readme_runs(here, tmp_path):
    """The user's lesson printed there trains as it stands, on arrays of the size that it speaks of."""
    lesson = next(text for kind, text in BLOCKS if kind == "python" and "LESSON" in text)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(900, 5)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", (x[:, 0] > 0).astype("float32"))
    path = tmp_path / "my_lesson.py"
    path.write_text(lesson.replace('"x.npy"', f'"{tmp_path}/x.npy"').replace('"y.npy"', f'"{tmp_path}/y.npy"'))
    done = here("run", path, "--seeds", "3", "--set", "epochs=2", "--out", tmp_path / "out", "--serial")
    assert done.returncode == 0, done.stderr
    runs = pd.read_parquet(tmp_path / "out" / "runs.parquet")
    assert set(runs.engine) == {"compiled"}
    assert (tmp_path / "out" / "report.html").exists()
    code = next(text for kind, text in BLOCKS if kind == "python" and "groupby" in text)
    subprocess.run([sys.executable, "-c", code.replace("results/", f"{tmp_path}/out/")], check=True)


def test_python_calls_are_ones_that_the_front_door_takes():
    """Each call of `o.` names something that exists, with arguments that it has."""
    trees = [ast.parse(text) for kind, text in BLOCKS if kind == "python"]
    calls = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("o.")
    ]
    assert {ast.unparse(call.func) for call in calls} == {
        "o.run",
        "o.compare",
        "o.plan",
        "o.load",
        "o.diagnose",
        "o.judge",
    }
    for call in calls:
        takes = inspect.signature(getattr(orchestrator, ast.unparse(call.func)[2:]))
        takes.bind(*call.args, **{keyword.arg: keyword.value for keyword in call.keywords})


def test_links_lead_somewhere():
    """Every file that the README links to exists."""
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)
