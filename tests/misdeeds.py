"""Lessons whose runs misbehave, made from the tiny one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.conftest import TINY

KINDS = {
    "raises": 'raise ValueError("a [bad] [/day]")',
    "exits": "sys.exit(3)",
    "exits_hard": "time.sleep(1); os._exit(3)",  # a process that dies before the driver knows that it began is tried anew
    "crashes": "time.sleep(1); ctypes.string_at(0)",
    "hangs": "time.sleep(10**6)",
    "hangs_in_c": "ctypes.PyDLL(None).sleep(10**6)",  # with the interpreter's lock held
    "devours": "eaten = [np.ones(2**24) for _ in iter(int, 1)]",
    "goes_nan": "y[:16] = 3e38",
}
SAYS = {
    "raises": "ValueError: a [bad] [/day]",
    "exits": "SystemExit: 3",
    "exits_hard": "its process died: killed, or ended from within",
    "crashes": "its process crashed: Segmentation fault",
    "hangs": "still training after",
    "hangs_in_c": "still training after",
    "devours": "Unable to allocate",
}
IMPORTS = "import ctypes\nimport os\nimport sys\nimport time\n\nimport keras\n"
TIMING = ["seconds", "attempts", "node", "first_status"]  # the columns of runs.parquet that tell how it came about


def lesson(kind: str, seed: int | None = 3) -> str:
    """A lesson of one variant, its model like no other kind's, whose redrawn data misbehave at one seed; never, when it is None."""
    deed = "" if seed is None else f"    if seed == {seed} + 1:\n        {KINDS[kind]}\n"
    text = TINY.replace("import keras\n", IMPORTS, 1)
    text = text.replace("    return Split", f"{deed}    return Split")
    text = text.replace(', Variant("two", lambda: model(2), epochs=3, batch_size=8)', "")
    return text.replace("units=1", f"units={2 + list(KINDS).index(kind)}")


def same_tables(one, other) -> None:
    """Assert that two results folders hold the same histories to the byte, and the same runs but for how they came about."""
    assert (one / "histories.parquet").read_bytes() == (other / "histories.parquet").read_bytes()
    ours, theirs = (pd.read_parquet(folder / "runs.parquet").drop(columns=TIMING) for folder in (one, other))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    assert not ours.duplicated(["lesson", "variant", "data", "seed"]).any()


def same_bytes(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Whether two tables of histories hold the same numbers to the bit."""
    return all(
        np.array_equal(ours[name].to_numpy(), theirs[name].to_numpy(), equal_nan=True) for name in ours.columns[4:]
    )
