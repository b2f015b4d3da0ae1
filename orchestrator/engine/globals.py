"""What a lesson may set for the whole process, put back before every model.

A lesson's file may choose a precision policy for all its models, and a model function one for its own. Neither is to
reach the next model, nor another lesson: in `fit`'s words, each run is a new process that has loaded the lesson.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

NAMES = "object_name_uids"  # where Keras counts the layers of each kind, to name the next one
POLICY = "dtype_policy"  # its precision policy: nothing until the first layer asks, then `floatx`'s
CHOICES = ("floatx", "epsilon", "image_data_format")
_own: dict[str, Any] = {}  # what `put_back` restores: how the lesson at work left things when its file had run


def now() -> dict[str, Any]:
    """Keras's and JAX's global settings; empty where Keras is not loaded."""
    if "keras" not in sys.modules:
        return {}
    import keras  # noqa: PLC0415

    from orchestrator.engine import private  # noqa: PLC0415

    found = {
        "floatx": keras.config.floatx(),
        "epsilon": keras.config.epsilon(),
        "image_data_format": keras.config.image_data_format(),
        POLICY: private.global_state.get_global_attribute(POLICY),
        "max_epochs": private.config.max_epochs(),
        "max_steps_per_epoch": private.config.max_steps_per_epoch(),
        "names": dict(private.global_state.get_global_attribute(NAMES, {})),
    }
    if "jax" in sys.modules:
        import jax  # noqa: PLC0415

        found["jax"] = dict(jax.config.values)
    return found


def chosen() -> dict[str, Any]:
    """What a person may have set for all models, in words that travel; empty where Keras is not loaded."""
    found = now()
    if not found:
        return {}
    policy = found[POLICY]
    return {name: found[name] for name in CHOICES} | ({POLICY: policy.name} if policy else {})


def adopt(choices: Mapping[str, Any]) -> None:
    """Set what `chosen` gave in another process."""
    if not choices:
        return
    import keras  # noqa: PLC0415

    for name, value in choices.items():
        getattr(keras.config, f"set_{name}")(value)


def keep(settings: Mapping[str, Any]) -> None:
    """From now on `put_back` restores these."""
    _own.clear()
    _own.update(settings)


def put_back() -> None:
    """Restore what `keep` was told."""
    if not _own or "keras" not in sys.modules:
        return
    import keras  # noqa: PLC0415

    from orchestrator.engine import private  # noqa: PLC0415

    keras.config.set_floatx(_own["floatx"])
    keras.config.set_epsilon(_own["epsilon"])
    keras.config.set_image_data_format(_own["image_data_format"])
    private.global_state.set_global_attribute(POLICY, _own[POLICY])
    private.config.set_max_epochs(_own["max_epochs"])
    private.config.set_max_steps_per_epoch(_own["max_steps_per_epoch"])
    private.global_state.set_global_attribute(NAMES, defaultdict(int, _own["names"]))
    if "jax" in _own:
        import jax  # noqa: PLC0415

        for name, value in _own["jax"].items():
            if jax.config.values.get(name) != value:
                jax.config.update(name, value)
