"""The only place that imports keras, jax and tensorflow.

`load` comes first: it sets what those libraries read once, when they are imported.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from orchestrator.errors import UsageError, VersionError

KERAS = "3.15"  # the contract was checked on this major.minor
# XLA makes one function of a loop whose body is smaller than this and calls no library, in place of a dispatch for every
# operation: the same bits, in half the time where batches are small. The option is in no documentation of XLA's.
SMALL_LOOPS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=67108864"
ENGINES = ("compiled", "fit-jax", "fit-tensorflow")


def backend_of(engine: str) -> str:
    """The Keras backend an engine runs on."""
    return "tensorflow" if engine == "fit-tensorflow" else "jax"


def check_version() -> None:
    """Refuse a Keras that the contract was not checked on.

    Raises:
        VersionError: naming both versions.
    """
    installed = version("keras")
    if installed.rsplit(".", 1)[0] != KERAS:
        raise VersionError(
            f"Keras {installed} is installed, but results are checked against Keras {KERAS} only; install the versions of requirements.lock"
        )


def load(engine: str = "compiled", gpu: bool = False) -> None:
    """Import Keras on the engine's backend, on one thread, with JAX's persistent compile cache.

    Without `gpu` the libraries are told to leave GPUs alone. The environment is not: a driver's own Ray reads it, and would find none.

    Raises:
        VersionError: Keras is not of the version the contract was checked on.
        UsageError: Keras is loaded already, on another backend.
    """
    check_version()
    backend = backend_of(engine)
    if "keras" in sys.modules:
        _check_backend(backend)
        return
    os.environ.update(_environment(backend))
    if backend == "jax":
        _load_jax(gpu)
    else:
        _load_tensorflow(gpu)
    import keras  # noqa: F401, PLC0415  the point of this function


def _check_backend(backend: str) -> None:
    import keras  # noqa: PLC0415

    if keras.backend.backend() != backend:
        raise UsageError(
            f"Keras already runs on {keras.backend.backend()} in this process; start another one for {backend}"
        )


def _environment(backend: str) -> Mapping[str, str]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": backend}
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**quiet, **threads, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "XLA_FLAGS": _flags()}


def _flags() -> str:
    """The user's flags for XLA, and ours, unless the user's set the same option."""
    theirs = users_flags()
    return theirs if "xla_backend_extra_options" in theirs else f"{theirs} {SMALL_LOOPS}".strip()


def users_flags() -> str:
    """What the user tells XLA; ours, which a process hands on to those it starts, change no bits."""
    return " ".join(flag for flag in os.environ.get("XLA_FLAGS", "").split() if flag != SMALL_LOOPS)


def has_gpu() -> bool:
    """Whether JAX, once loaded, runs on anything but processors."""
    import jax  # noqa: PLC0415

    return bool(jax.default_backend() != "cpu")


def compiling() -> float:
    """Seconds that XLA has spent compiling in this process; 0 where JAX is not loaded."""
    if "jax" not in sys.modules:
        return 0.0
    from orchestrator.engine.stopwatch import stopwatch  # noqa: PLC0415

    return stopwatch().seconds


def _load_jax(gpu: bool) -> None:
    import jax  # noqa: PLC0415

    if not gpu:
        jax.config.update("jax_platforms", "cpu")

    warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)  # JAX minds every subprocess; ours call exec at once
    for option, value in {
        "jax_compilation_cache_dir": str(compile_cache()),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }.items():
        jax.config.update(option, value)
    _change_jax()
    _on_one_thread(jax.devices)
    compiling()  # starts the stopwatch


def _change_jax() -> None:
    """Keep compiled programs safely, and draw random numbers without a loop."""
    from orchestrator.engine import kept, unrolled  # noqa: PLC0415  they import JAX

    kept.heal()
    unrolled.unroll()


def _load_tensorflow(gpu: bool) -> None:
    with _hushed():
        import tensorflow as tf  # noqa: PLC0415

    if not gpu:
        tf.config.set_visible_devices([], "GPU")


@contextmanager
def _hushed() -> Iterator[None]:
    """Standard error leads nowhere: TensorFlow says there what it was built with, whatever its log level."""
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _on_one_thread(start: object) -> None:
    """XLA sizes its thread pool by the processors it may use at the start, and heeds no setting; so it starts while it may use one."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        start()  # type: ignore[operator]
    finally:
        for thread in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.sched_setaffinity(int(thread.name), allowed)


def compile_cache() -> Path:
    """Where compiled programs are kept: a folder per kind of processor, since one's code may be illegal on another."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "orchestrator" / "xla" / hashlib.sha256(_processor().encode()).hexdigest()[:12]


def processor() -> str:
    """The kind of processor, as people name it, and the widest arithmetic it has: runs round alike on one kind only.

    Family and model belong to it: hosted machines call processors of several generations by one name. Where this process
    trains on a graphics card, it is the card's name.
    """
    if "jax" in sys.modules and has_gpu():
        return _card()
    facts = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in _processor().splitlines())
    }
    flags = facts.get("flags", "").split()
    widest = next((level.upper() for level in ("avx512f", "avx2", "avx", "sse4_2") if level in flags), "")
    numbers = [f"{name.removeprefix('cpu ')} {facts[name]}" for name in ("cpu family", "model") if name in facts]
    return ", ".join(filter(None, (facts.get("model name", platform.machine()), *numbers, widest)))


def _card() -> str:
    import jax  # noqa: PLC0415

    return str(jax.devices()[0].device_kind)


@lru_cache(maxsize=1)
def _processor() -> str:
    facts = [platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    facts += sorted({line for line in lines if line.startswith(("cpu family", "model", "flags", "Features"))})
    return "\n".join(facts)
