"""ARCHITECTURE.md's tree is the tree."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNNAMED = {"__init__.py", "__main__.py"}


def tree():
    """The files that ARCHITECTURE.md names, by the folder under whose line they stand."""
    block = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("```")[1]
    folders, named = [], {}
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        if folder := re.match(r" *([a-z_]+)/ ", f"{line} "):
            folders = [*folders[:depth], folder[1]]
        elif depth == 0:
            folders = []
        named.setdefault("/".join(folders), []).extend(re.findall(r"\b[a-z_]+\.py\b", line))
    return named


@pytest.mark.parametrize("top", ["orchestrator", "reports"])
def test_every_module_has_its_line(top):
    """Whoever looks for a module finds what it is for; what is gone is no longer named, and nothing is named twice."""
    named = {folder: files for folder, files in tree().items() if folder.split("/")[0] == top}
    there: dict[str, list[str]] = {}
    for path in (ROOT / top).rglob("*.py"):
        there.setdefault(path.parent.relative_to(ROOT).as_posix(), []).extend({path.name} - UNNAMED)
    assert {folder: sorted(files) for folder, files in named.items()} == {
        folder: sorted(files) for folder, files in there.items()
    }


def test_what_is_looked_up_is_there():
    """Every file to which the table of questions leads exists."""
    table = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("\n## ")[0]
    named = re.findall(r"`([a-z_/]+\.py)`", table)
    assert "reports/verdicts/verdict.py" in named
    assert [name for name in named if not (ROOT / name).is_file()] == []
