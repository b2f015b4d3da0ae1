"""A lesson that compares a setting with itself."""

import pandas as pd

from tests.conftest import TINY

SAME = TINY.replace("import keras\n", "import random\n\nimport keras\n", 1).replace(
    'Variant("two", lambda: model(2), epochs=3, batch_size=8)',
    'Variant("again", lambda: (random.random(), model())[1], epochs=3, batch_size=8)',
)


def test_a_setting_against_itself_claims_nothing(here, tmp_path):
    """Both variants are one model, the second begun from other random numbers: runs differ, and no verdict calls it better or worse."""
    path = tmp_path / "same.py"
    path.write_text(SAME)
    done = here("run", path, "--seeds", "16", "--out", tmp_path / "out", "--serial")
    assert done.returncode == 0, done.stderr
    runs = pd.read_parquet(tmp_path / "out" / "runs.parquet")
    assert runs.key.nunique() == 4
    arms = runs.pivot_table(index=["data", "seed"], columns="variant", values="train_bce", observed=True)
    assert (arms["one"] != arms["again"]).mean() > 0.9
    effects = pd.read_parquet(tmp_path / "out" / "effects.parquet")
    assert not set(effects[effects.primary].verdict) & {"improves", "harms"}
    assert (tmp_path / "out" / "report.html").exists()
