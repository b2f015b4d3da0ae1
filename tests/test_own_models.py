"""Each model that the documentation offers to copy trains as it stands, and decides what it says."""

import re

import pandas as pd
import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "own_models.md").read_text()
PARTS = dict(re.findall(r"^## (.+?)$.*?```python\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE))
FIT = {"Small convolutional network", "Two inputs"}


def test_there_are_six():
    """The page has a model of each sort."""
    assert [*PARTS] == ["Tabular", "Regression", "Small convolutional network", "Recurrent", "Two inputs", "Subclassed"]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras's are no errors to its users
@pytest.mark.parametrize("kind", PARTS)
def test_it_trains_as_it_stands(kind, here, tmp_path):
    """Copied into a file, it is planned, trained and judged; what the page says goes through `fit` does."""
    path = tmp_path / "my_lesson.py"
    path.write_text(PARTS[kind])
    scope = ("--data", "fixed", "--set", "epochs=2", "--out", tmp_path / "out", "--serial", "--no-report")
    done = here("run", path, "--seeds", "2", *scope)
    assert done.returncode == 0, done.stderr
    runs = pd.read_parquet(tmp_path / "out" / "runs.parquet")
    assert set(runs.status) == {"ok"}
    assert set(runs.engine) == ({"fit-jax"} if kind in FIT else {"compiled"})
