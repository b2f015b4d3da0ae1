"""Keras's private parts: a Keras that lacks one is refused when the engine is loaded, by the part's name."""

import os
import subprocess
import sys

LACKS = """
import keras
del {owner}.{name}
from orchestrator.engine import private
"""


def loaded(owner, name):
    """What is said where Keras lacks that part."""
    done = subprocess.run(
        [sys.executable, "-c", LACKS.format(owner=owner, name=name)],
        env={**os.environ, "KERAS_BACKEND": "jax"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_a_keras_without_a_method_that_the_contract_stands_on_is_refused():
    """The line names the method, and says what to install."""
    line = loaded("keras.src.callbacks.monitor_callback.MonitorCallback", "_set_monitor_op")
    assert "VersionError" in line
    assert (
        "lacks EarlyStopping._set_monitor_op, which this program stands on; install the versions of requirements.lock"
        in line
    )


def test_a_keras_without_a_module_that_the_contract_stands_on_is_refused():
    """So does the line for a name that can't be imported."""
    assert "CompileMetrics" in loaded("keras.src.trainers.compile_utils", "CompileMetrics")
