"""Random numbers without a loop: the same numbers, and the texts that runs are known by stay JAX's own."""

import os
import subprocess
import sys

DRAWN = """
import os
from orchestrator import engine
os.environ.update(engine._environment("jax"))
engine._load_jax(gpu=False)  # as `load` does, without Keras, which is not asked for here
import jax
from orchestrator.engine.unrolled import as_jax_has_it
draw = lambda key: jax.random.normal(key, (1001,))
key = jax.random.key(7)
without = jax.jit(draw).lower(key)
with as_jax_has_it():
    loop = jax.jit(lambda key: draw(key)).lower(key)
again = jax.jit(lambda key: draw(key)).lower(key)
print(*("stablehlo.while" in each.as_text() for each in (without, loop, again)))
print(without.compile()(key).tobytes() == loop.compile()(key).tobytes())
"""


def test_random_numbers_take_no_loop_and_are_the_same():
    """Once the engine is loaded programs hash without a loop, but where JAX's own text is asked for; the numbers have the same bits."""
    done = subprocess.run([sys.executable, "-c", DRAWN], env=os.environ, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False True False", "True"]
