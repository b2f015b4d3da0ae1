"""XLA makes one function of a loop with a small body: an option that no documentation of XLA's knows, so that it may go unseen."""

import os
import subprocess
import sys

import pytest

from orchestrator.engine import SMALL_LOOPS

LOOP = """
import os
from orchestrator import engine
os.environ.update(engine._environment("jax"))
engine._load_jax(gpu=False)  # as `load` does, without Keras, which is not asked for here
import jax, jax.numpy as jnp
step = lambda w, row: (w - 0.01 * jnp.outer(row, jnp.tanh(row @ w)), None)
program = jax.jit(lambda w, x: jax.lax.scan(step, w, x)[0])
print("small_call" in program.lower(jnp.ones((2, 500)), jnp.ones((500, 2))).compile().as_text())
print(repr(engine.users_flags()))
"""
THEIRS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1"
LONGER = f"{SMALL_LOOPS},xla_cpu_optimize_for_size"


@pytest.mark.parametrize(
    ("flags", "small"), [("", "True"), ("--xla_cpu_max_isa=SSE4_2", "True"), (THEIRS, "False"), (LONGER, "True")]
)
def test_a_loop_with_a_small_body_becomes_one_function(flags, small):
    """It does beside a user's own flags, unless these set the option; and what the user set is told apart from what we did."""
    done = subprocess.run(
        [sys.executable, "-c", LOOP], env={**os.environ, "XLA_FLAGS": flags}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [small, repr(flags)]
