"""Compiled programs on the disk: whatever lies there, the next process finds it, or writes it anew."""

import os
import subprocess
import sys

from tests.conftest import ROOT

COMPILE = """
from orchestrator import engine
engine._load_jax(gpu=False)  # as `load` does, without Keras, which compiles nothing here
import jax, jax.numpy as jnp
found = []
jax.monitoring.register_event_listener(lambda event, **_: found.append(event) if "cache_hits" in event else None)
print(jax.jit(lambda x: jnp.sin(x) @ jnp.cos(x).T + 1)(jnp.ones((7, 7)))[0, 0], len(found))
"""


def compiled(home):
    """Compile a program in a new process; gives the number that it computes, how many were found, and what was complained of."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=True)
    number, hits = done.stdout.split()
    return number, int(hits), done.stderr


def test_a_program_cut_short_is_compiled_once_more_and_kept(tmp_path):
    """Files that a killed writer cut short, or that hold something else, are passed over in silence, and whole again afterwards."""
    number, *_ = compiled(tmp_path)
    files = sorted(tmp_path.rglob("*-cache"))
    assert compiled(tmp_path) == (number, len(files), "")
    for n, file in enumerate(files):
        file.write_bytes([file.read_bytes()[:40], b"", os.urandom(99)][n % 3])
    (files[0].parent / "orphan-atime").write_bytes(b"x")
    assert compiled(tmp_path) == (number, 0, "")
    assert compiled(tmp_path) == (number, len(files), "")
    assert not list(tmp_path.rglob(".[0-9a-f]*"))


def test_where_programs_cannot_be_kept_they_are_compiled(tmp_path):
    """With a file in the way of the cache's folder everything runs, and nothing is complained of."""
    (tmp_path / "orchestrator").write_text("")
    assert compiled(tmp_path)[1:] == (0, "")
