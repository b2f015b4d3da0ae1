"""What is installed: one package, whole, that no folder of a user's stands in the way of."""

import os
import subprocess
import sys
import zipfile

import pytest
from setuptools import build_meta

import orchestrator
from tests.conftest import ROOT

ROOMS = ("orchestrator", "jobs", "reports")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built as `pip install .` builds it, from a copy of what git knows."""
    copy = tmp_path_factory.mktemp("copy")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    subprocess.run(
        ["cp", "--parents", "-P", "--target-directory", copy, *filter(None, names.split("\0"))], cwd=ROOT, check=True
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        return copy / build_meta.build_wheel(str(copy))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that holds the wheel's files, as site-packages does."""
    folder = tmp_path_factory.mktemp("site-packages")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_holds_every_module_once_below_one_name(wheel):
    """Nothing but orchestrator/ lies beside what says what the wheel is; all code, templates and the type marker are in it."""
    names = zipfile.ZipFile(wheel).namelist()
    version = orchestrator.__version__
    assert {name.split("/")[0] for name in names} == {"orchestrator", f"orchestrator-{version}.dist-info"}
    ours = sorted(name for name in names if name.startswith("orchestrator/"))
    kept = {
        path
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in (".py", ".j2", ".css", ".js", ".typed")
    }
    expected = {
        f"orchestrator/{path.relative_to(ROOT)}".replace("orchestrator/orchestrator/", "orchestrator/") for path in kept
    }
    assert ours == sorted(expected)


def run(code, installed, folder):
    """What Python prints that finds this program in `installed`, started in `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_folders_of_a_users_that_are_called_reports_and_jobs_are_no_matter(installed, tmp_path):
    """Where reports/ and jobs/ lie in the current folder, the lessons are listed and the page loads all the same."""
    for name in ("reports", "jobs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not mine')\n")
    code = "import orchestrator.reports.page, runpy, sys; sys.argv[1:] = ['list']; runpy.run_module('orchestrator', run_name='__main__')"
    assert "early-stopping" in run(code, installed, tmp_path)


def test_a_commit_is_told_only_of_a_checkout_of_its_own(installed):
    """Installed in an environment that lies in a repository of the user's, the program does not take that one's commit for its own."""
    git = ["git", "-C", installed.parent, "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "theirs"], check=True)
    code = "from orchestrator.command import provenance; print(provenance.__file__, provenance.git())"
    assert run(code, installed, installed).split() == [
        str(installed / "orchestrator" / "command" / "provenance.py"),
        "None",
    ]


@pytest.mark.parametrize("room", ["jobs", "reports"])
def test_no_module_is_loaded_under_two_names(room):
    """No code imports `jobs` or `reports` as if they were packages of their own, so that none of their modules exists twice."""
    found = subprocess.run(
        [
            "git",
            "grep",
            "-nE",
            rf"^\s*(from {room}[. ]|import {room}\b)|['\"; ]import {room}\b",
            "--",
            "*.py",
            "*.ipynb",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in found.stdout.splitlines() if f"from orchestrator import {room}" not in line] == []
