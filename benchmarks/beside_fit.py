"""Whether any kind of model trains slower here than in `fit`: processor time of one, eight and thirty seeds, both in one run.

    python -m benchmarks.beside_fit [kind ...]

Each figure is processor time over that of `fit` for as many seeds, from building the first model to the last score, compilation
included, in a process of its own that begins with an empty compile cache. `fit` trains three seeds, one after the other; the
time of further ones is reckoned from the last two.
Kinds that the plan sends through `fit` anyway are named, and not measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from orchestrator import engine
from orchestrator.lesson import Data, Split, Variant

SEEDS, FITTED = (1, 8, 30), 3
ROWS, EPOCHS, BATCH = 1024, 50, 32


def mlp(keras: Any) -> Any:
    """784-512-512-10."""
    layers = keras.layers
    return _compiled(
        keras, [keras.Input((784,)), *(layers.Dense(512, "relu") for _ in range(2)), layers.Dense(10, "softmax")]
    )


def small(keras: Any) -> Any:
    """2-50-1, as the lessons have it."""
    return _compiled(
        keras, [keras.Input((2,)), keras.layers.Dense(50, "relu"), keras.layers.Dense(2, "softmax")], "sgd"
    )


def deep(keras: Any) -> Any:
    """Twelve layers of 64 with batch normalization."""
    layers = keras.layers
    body = [layer for _ in range(12) for layer in (layers.Dense(64, "relu"), layers.BatchNormalization())]
    return _compiled(keras, [keras.Input((32,)), *body, layers.Dense(10, "softmax")])


def wide(keras: Any) -> Any:
    """A wide table, with dropout."""
    layers = keras.layers
    return _compiled(
        keras, [keras.Input((2000,)), layers.Dense(128, "relu"), layers.Dropout(0.5), layers.Dense(10, "softmax")]
    )


def cnn(keras: Any) -> Any:
    """Two convolutions on 28 x 28 pictures."""
    layers = keras.layers
    body = [
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Flatten(),
    ]
    return _compiled(keras, [keras.Input((28, 28, 1)), *body, layers.Dense(10, "softmax")])


def gru(keras: Any) -> Any:
    """A GRU of 32 over 30 steps."""
    return _compiled(keras, [keras.Input((30, 8)), keras.layers.GRU(32), keras.layers.Dense(10, "softmax")])


def lstm(keras: Any) -> Any:
    """An LSTM of 32 over 30 steps."""
    return _compiled(keras, [keras.Input((30, 8)), keras.layers.LSTM(32), keras.layers.Dense(10, "softmax")])


def transformer(keras: Any) -> Any:
    """A transformer block over 30 steps of 32."""
    layers = keras.layers
    x = inputs = keras.Input((30, 32))
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 8)(x, x))
    x = layers.LayerNormalization()(x + layers.Dense(32)(layers.Dense(64, "relu")(x)))
    outputs = layers.Dense(10, "softmax")(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def embedding(keras: Any) -> Any:
    """An embedding of 5,000 words, averaged over 40."""
    layers = keras.layers
    body = [layers.Embedding(5000, 32), layers.GlobalAveragePooling1D(), layers.Dense(32, "relu")]
    return _compiled(keras, [keras.Input((40,)), *body, layers.Dense(10, "softmax")])


def autoencoder(keras: Any) -> Any:
    """784-128-32-128-10 with Gaussian noise."""
    layers = keras.layers
    body = [layers.GaussianNoise(0.1), layers.Dense(128, "relu"), layers.Dense(32, "relu"), layers.Dense(128, "relu")]
    return _compiled(keras, [keras.Input((784,)), *body, layers.Dense(10, "softmax")])


def _compiled(keras: Any, layers: list[Any], optimizer: str = "adam") -> Any:
    model = keras.Sequential(layers)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


KINDS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "small": (small, (2,)),
    "mlp": (mlp, (784,)),
    "deep": (deep, (32,)),
    "wide": (wide, (2000,)),
    "cnn": (cnn, (28, 28, 1)),
    "gru": (gru, (30, 8)),
    "lstm": (lstm, (30, 8)),
    "transformer": (transformer, (30, 32)),
    "embedding": (embedding, (40,)),
    "autoencoder": (autoencoder, (784,)),
}


def rows(kind: str) -> Split:
    """Made-up rows of ten classes."""
    generator = np.random.default_rng(0)
    shape = KINDS[kind][1]
    x = [
        generator.integers(0, 5000, (n, *shape)) if kind == "embedding" else generator.normal(size=(n, *shape))
        for n in (ROWS, ROWS // 2)
    ]
    y = [generator.integers(0, 2 if kind == "small" else 10, (len(part), 1)) for part in x]
    dtype = np.int32 if kind == "embedding" else np.float32
    return Split(x[0].astype(dtype), y[0], x[1].astype(dtype), y[1])


def measured(kind: str, way: str) -> dict[str, Any]:
    """Processor seconds in this process, of `fit` or so many seeds compiled; or why the plan sends the kind through `fit`."""
    engine.load()
    import keras  # noqa: PLC0415

    from orchestrator.engine import fit  # noqa: PLC0415
    from orchestrator.engine.compiled import WIDTH, Program  # noqa: PLC0415
    from orchestrator.engine.recipe import recipe  # noqa: PLC0415

    data = Data(fixed=lambda: rows(kind))
    variant = Variant(kind, lambda: KINDS[kind][0](keras), epochs=EPOCHS, batch_size=BATCH)
    if way == "plan":
        return {"reason": recipe(variant, data, "fixed", "compiled", lambda: "", nullcontext).reason}
    begun = time.process_time()
    if way == "fit":
        ends = []
        for seed in range(FITTED):
            fit.train_one(variant, seed, data, "fixed", "fit-jax", None)
            ends.append(time.process_time() - begun)
        return {"first": ends[0], "further": (ends[-1] - ends[0]) / (FITTED - 1)}
    program, seeds = Program(variant, rows(kind)), int(way)
    for first in range(0, seeds, WIDTH):
        program.train(range(first, min(first + WIDTH, seeds)), data, "fixed")
    return {"took": time.process_time() - begun}


def aside(kind: str, way: str) -> dict[str, Any]:
    """The same, in a process and with a compile cache of its own."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.beside_fit", "--here", kind, way],
            env={**os.environ, "XDG_CACHE_HOME": cache},
            stdout=subprocess.PIPE,
            check=True,
        )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure each kind and print a row."""
    print(f"{'kind':14} {'fit, s':>8} {'further':>8} " + " ".join(f"{n:>8} seeds" for n in SEEDS))
    for kind in sys.argv[1:] or KINDS:
        reason = aside(kind, "plan")["reason"]
        if reason:
            print(f"{kind:14} through fit: {reason}", flush=True)
            continue
        fitted, ours = aside(kind, "fit"), [aside(kind, str(n))["took"] for n in SEEDS]
        theirs = [fitted["first"] + (n - 1) * fitted["further"] for n in SEEDS]
        ratios = " ".join(f"{each / fit:14.2f}" for each, fit in zip(ours, theirs, strict=True))
        print(f"{kind:14} {fitted['first']:8.2f} {fitted['further']:8.2f} {ratios}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        print(json.dumps(measured(*sys.argv[2:])))
    else:
        main()
