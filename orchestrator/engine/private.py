"""The parts of Keras that have no public name and that the contract stands on: named here, and nowhere else.

Importing this checks that they are there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from orchestrator.errors import VersionError

try:
    from keras.src.backend import config
    from keras.src.backend.common import global_state
    from keras.src.backend.common.variables import Variable as KerasVariable
    from keras.src.models.functional import Functional
    from keras.src.random import seed_generator
    from keras.src.trainers.compile_utils import CompileLoss, CompileMetrics
    from keras.src.trainers.trainer import Trainer
    from keras.src.utils import module_utils
except ImportError as error:
    raise VersionError(
        f"Keras {keras.__version__} lacks what this program stands on ({error}); install the versions of requirements.lock"
    ) from None

__all__ = ["CompileMetrics", "Functional", "KerasVariable", "config", "global_state", "module_utils", "seed_generator"]

NEEDED: Mapping[type, tuple[str, ...]] = {
    keras.Model: ("_flatten_layers", "_symbolic_build"),
    Trainer: ("_compile_loss", "_compile_metrics", "_loss_tracker"),
    keras.Layer: ("_call_has_training_arg",),
    CompileLoss: ("_flat_losses",),
    CompileMetrics: ("_user_weighted_metrics",),
    keras.metrics.MeanMetricWrapper: ("_fn", "_fn_kwargs"),
    keras.losses.MeanSquaredError: ("_fn_kwargs",),
    keras.optimizers.Optimizer: ("_learning_rate", "_trainable_variables"),
    keras.callbacks.EarlyStopping: ("_set_monitor_op",),
}


def missing(needed: Mapping[type, Sequence[str]] = NEEDED) -> list[str]:
    """Which of the parts the installed Keras has not: neither a class has them, nor does what makes an instance set them."""
    return [f"{kind.__name__}.{name}" for kind, names in needed.items() for name in names if not _has(kind, name)]


def _has(kind: type, name: str) -> bool:
    made = (
        inspect.unwrap(vars(base)["__init__"])
        for base in kind.__mro__
        if inspect.isfunction(vars(base).get("__init__"))
    )
    return hasattr(kind, name) or any(name in function.__code__.co_names for function in made)


if lost := missing():
    raise VersionError(
        f"Keras {keras.__version__} lacks {', '.join(lost)}, which this program stands on; install the versions of requirements.lock"
    )


def layers_in(model: keras.Model) -> list[keras.Layer]:
    """The model, and every layer in it, however deep."""
    return list(model._flatten_layers())


def build(model: keras.Model, batch: Any) -> None:
    """Make all variables, as `fit` does before its first step."""
    model._symbolic_build(data_batch=batch)


def inference(model: keras.Model) -> dict[str, bool]:
    """The arguments that call a model as in inference; none where its `call` does not tell training from it."""
    return {"training": False} if model._call_has_training_arg else {}


def loss_of(model: keras.Model) -> Any:
    """What a model was compiled with as its loss, called with labels and predictions; None without one."""
    return model._compile_loss


def losses_in(model: keras.Model) -> list[Any]:
    """The single losses that the built one is made of."""
    return [each.loss for each in model._compile_loss._flat_losses] if model._compile_loss else []


def loss_tracker(model: keras.Model) -> keras.metrics.Metric:
    """The mean that `fit` reports as the loss."""
    return model._loss_tracker


def compiled_metrics(model: keras.Model) -> Any:
    """What a model was compiled with as its metrics; None without any."""
    return model._compile_metrics


def metrics_of(model: keras.Model) -> list[keras.metrics.Metric]:
    """The metrics a model was compiled with, once they are built."""
    return list(model._compile_metrics.metrics) if model._compile_metrics else []


def metric_names(model: keras.Model) -> list[str]:
    """Their names, as Keras reports them; of one that gives several numbers, the names of those, too."""
    results = [(metric.name, metric.result()) for metric in metrics_of(model)]
    return [name for own, result in results for name in (own, *(result if isinstance(result, dict) else ()))]


def has_weighted_metrics(model: keras.Model) -> bool:
    """Whether some of them are weighted."""
    return bool(model._compile_metrics and model._compile_metrics._user_weighted_metrics)


def function_of(wrapper: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function that a metric or a loss is a mean of, and the arguments it is called with."""
    return wrapper._fn, wrapper._fn_kwargs


def arguments_of(wrapper: Any) -> dict[str, Any]:
    """The arguments that a metric's or a loss's function is called with; none where it wraps no function."""
    return dict(getattr(wrapper, "_fn_kwargs", {}))


def optimizers_of(model: keras.Model) -> list[Any]:
    """The model's optimiser, and inside one that scales losses that which moves the weights, which stands last."""
    found = [model.optimizer]
    while inner := getattr(found[-1], "inner_optimizer", None):
        found.append(inner)
    return found


def learning_rate(optimizer: keras.optimizers.Optimizer) -> Any:
    """The optimiser's learning rate as it keeps it: a variable, or a schedule."""
    return optimizer._learning_rate


def moving_averages(optimizer: keras.optimizers.Optimizer) -> list[tuple[Any, Any]]:
    """Pairs of a trained variable and its moving average, where there are any."""
    averages = getattr(optimizer, "_model_variables_moving_average", [])
    return list(zip(optimizer._trainable_variables, averages, strict=False))


def set_monitor(callback: Any) -> None:
    """Have a callback decide which way its monitored number is to go."""
    callback._set_monitor_op()


def never_seed_tensorflow(unless: bool) -> None:
    """Have Keras's `set_random_seed` leave TensorFlow alone, which it would import for that, `unless` it is in use."""
    module_utils.tensorflow._available = unless
