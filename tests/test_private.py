"""Keras's private parts: a Keras that lacks one is refused when the engine is loaded, by the part's name."""

import os
import subprocess
import sys

LACKS = """
import keras
for owner, name in ((keras.src.callbacks.monitor_callback.MonitorCallback, "_set_monitor_op"), (keras.src.trainers.compile_utils, "CompileMetrics")):
    part = getattr(owner, name)
    delattr(owner, name)
    try:
        from orchestrator.engine import private
    except Exception as error:
        print(type(error).__name__, error)
    setattr(owner, name, part)
from orchestrator.engine import private
"""


def test_a_keras_without_a_part_that_the_contract_stands_on_is_refused():
    """The line names the method that is lacking, or the name that can't be imported, and says what to install; with both, all is well."""
    done = subprocess.run(
        [sys.executable, "-c", LACKS],
        env={**os.environ, "KERAS_BACKEND": "jax"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    method, name = done.stdout.splitlines()
    assert method.startswith("VersionError ")
    assert method.endswith(
        "lacks EarlyStopping._set_monitor_op, which this program stands on; install the versions of requirements.lock"
    )
    assert name.startswith("VersionError ")
    assert "CompileMetrics" in name
