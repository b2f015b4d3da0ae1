"""What the fast path takes: a short list of Keras's own classes, each held against `fit` by a test.

Three ways lead to the same numbers. A model all of whose parts are *plain* has its metrics formed once an epoch, from
stacked predictions. One with other parts that are listed here, or with code of the user's own, takes Keras's train step
whole. A part of Keras's that is not listed sends the model through `fit`: until somebody has looked at it, slow is
better than wrong.

Membership is by class, not by `isinstance`: a subclass may do anything.
"""

from __future__ import annotations

from typing import Any

import keras

from orchestrator.engine import private

# A row's output depends on that row alone (or, in training, on its batch), nothing is drawn or kept in inference, no mask is made.
PLAIN = """
    Activation ActivityRegularization Add AlphaDropout Average AveragePooling1D AveragePooling2D
    AveragePooling3D BatchNormalization Concatenate Cropping1D Cropping2D Cropping3D Dense Dot Dropout ELU
    EinsumDense Embedding Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    Identity InputLayer LayerNormalization LeakyReLU MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum
    Multiply Normalization PReLU Permute RMSNormalization ReLU RepeatVector Rescaling Reshape Softmax
    SpatialDropout1D SpatialDropout2D SpatialDropout3D Subtract UnitNormalization UpSampling1D UpSampling2D
    UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
# Right in Keras's own step only: they keep state or draw numbers in validation too, make masks, or run a function of the user's.
WHOLE = """
    AdditiveAttention Attention Bidirectional GRU GRUCell GroupQueryAttention LSTM LSTMCell Lambda Masking
    MultiHeadAttention RNN SimpleRNN SimpleRNNCell SpectralNormalization StackedRNNCells TimeDistributed
"""
# Slower in a compiled loop than in `fit`: XLA's convolutions on CPUs (jax issue 12868).
CONVOLUTIONS = """
    Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D
    DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
"""
OPTIMIZERS = """
    Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon Nadam RMSprop SGD
"""
# Means over rows: formed from all rows at once they are what batches add up to.
METRICS = """
    Accuracy BinaryAccuracy BinaryCrossentropy CategoricalAccuracy CategoricalCrossentropy CategoricalHinge
    Hinge KLDivergence LogCoshError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
    MeanSquaredLogarithmicError Poisson SparseCategoricalAccuracy SparseCategoricalCrossentropy
    SparseTopKCategoricalAccuracy SquaredHinge TopKCategoricalAccuracy
"""
# Functions behind losses that are means over rows.
LOSSES = """
    binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy
    categorical_hinge hinge huber kl_divergence log_cosh mean_absolute_error mean_absolute_percentage_error
    mean_squared_error mean_squared_logarithmic_error poisson sparse_categorical_crossentropy squared_hinge
"""


def _classes(home: Any, names: str) -> frozenset[type]:
    return frozenset(getattr(home, name) for name in names.split())


_PLAIN = _classes(keras.layers, PLAIN) | {keras.Sequential, private.Functional}
_LISTED = _PLAIN | _classes(keras.layers, WHOLE)
_CONVOLUTIONS = _classes(keras.layers, CONVOLUTIONS)
_OPTIMIZERS = _classes(keras.optimizers, OPTIMIZERS)
_METRICS = _classes(keras.metrics, METRICS)


def why_not(model: keras.Model) -> str | None:
    """Why a part of Keras's own sends the model through `fit`; None where none does."""
    for layer in private.layers_in(model):
        if type(layer) in _CONVOLUTIONS:
            return f"convolutions ({type(layer).__name__}) take longer in a compiled loop than in fit"
        if _is_keras(layer) and type(layer) not in _LISTED:
            return f"the layer {type(layer).__name__} is not among those that were held against fit"
    for optimizer in private.optimizers_of(model):
        if _is_keras(optimizer) and type(optimizer) not in _OPTIMIZERS:
            return f"the optimiser {type(optimizer).__name__} is not among those that were held against fit"
    return None


def is_plain(model: keras.Model) -> bool:
    """Whether the built model's metrics and losses may be formed from the predictions of many batches at once."""
    parts_are = all(type(layer) in _PLAIN and _is_plain(layer) for layer in private.layers_in(model))
    operations, losses = getattr(model, "operations", []), private.losses_in(model)
    any_rows = all(tensor.shape[0] is None for tensor in getattr(model, "inputs", None) or ())
    return (
        parts_are
        and any_rows
        and all(isinstance(operation, keras.Layer) for operation in operations)
        and _have_plain_names(model)
        and all(_sums_rows(metric) for metric in private.metrics_of(model))
        and len(losses) == 1
        and _averages_rows(losses[0])
    )


def _is_keras(part: Any) -> bool:
    return type(part).__module__.partition(".")[0] == "keras"


def _is_plain(layer: keras.Layer) -> bool:
    """Whether a layer of a plain class is one: it makes no mask, its activation is Keras's, and it computes in full precision."""
    activation = getattr(layer, "activation", None)
    own = callable(activation) and (getattr(activation, "__module__", None) or "").partition(".")[0] != "keras"
    return not own and not getattr(layer, "mask_zero", False) and layer.compute_dtype == "float32"


def _have_plain_names(model: keras.Model) -> bool:
    """Whether each metric is reported by its own name: Keras renames weighted ones, and joins those of one name."""
    names = private.metric_names(model)
    return not private.has_weighted_metrics(model) and len(set(names)) == len(names)


def _sums_rows(metric: Any) -> bool:
    if type(metric) is keras.metrics.MeanMetricWrapper:
        function, arguments = private.function_of(metric)
        return _is_listed(function) and arguments.get("axis", -1) == -1
    return type(metric) in _METRICS and private.arguments_of(metric).get("axis", -1) == -1


def _averages_rows(loss: Any) -> bool:
    function = getattr(loss, "fn", None)
    usual = _is_keras(loss) and getattr(loss, "reduction", None) == "sum_over_batch_size"
    arguments = private.arguments_of(loss)
    whole = usual and arguments.get("ignore_class") is None  # else a mean over the rows of a batch that count
    return whole and _is_listed(function) and arguments.get("axis", -1) == -1


def _is_listed(function: Any) -> bool:
    return getattr(function, "__module__", None) == "keras.src.losses.losses" and function.__name__ in LOSSES.split()
