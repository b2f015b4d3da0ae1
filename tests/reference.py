"""What R says of the same numbers: tests/r/statistics.R wrote it."""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent / "r"


def said_by_r(name):
    """The numbers of that name, as R printed them."""
    table = pd.read_csv(HERE / "statistics.csv")
    found = table[table["name"] == name].sort_values("index")["value"].to_numpy()
    assert len(found), f"statistics.R says nothing of {name}"
    return found


def pairs():
    """The thirty pairs of scores that R was given: without, with."""
    table = pd.read_csv(HERE / "pairs.csv")
    return np.array(table["without"]), np.array(table["with"])
