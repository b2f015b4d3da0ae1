"""The contract holds on every kind of processor; XLA can be told to use no more than an older one has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

LEVELS = {"SSE4_2": "sse4_2", "AVX": "avx", "AVX2": "avx2", "AVX512": "avx512f"}
FLAGS = set(
    next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), "").split()
)
PARITY = "whole_run or every_variant or callbacks_do"


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("level", [level for level, flag in LEVELS.items() if flag in FLAGS])
def test_parity_with_fit_holds_on_each_kind_of_processor(level):
    """Histories, scores, stops and drops are `fit`'s with each set of instructions that this machine has."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa={level}".strip()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_engine.py", "-k", PARITY]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "XLA_FLAGS": flags}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
