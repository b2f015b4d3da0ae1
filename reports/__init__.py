"""Reports: from the tables a run leaves to pages people read.

`build` writes `report.html`, which says what each technique did and how sure we are, and `explore.html`, to look
closer.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd


def build(
    runs: pd.DataFrame,
    histories: pd.DataFrame,
    lessons: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Any],
    out: Path,
    effects: pd.DataFrame | None = None,
) -> None:
    """Write `report.html` and `explore.html` into the folder `out`; the same input gives the same bytes.

    `effects` is what `reports.effects.table` gives for these tables, for those who have it already.
    """
    # matplotlib and statsmodels take seconds to import: only those who build pay for them.
    from reports import explore, page  # noqa: PLC0415
    from reports.results import Results  # noqa: PLC0415

    results = Results(runs, histories, lessons, provenance, effects)
    (out / "report.html").write_text(page.render(results, out), "utf-8", newline="\n")
    (out / "explore.html").write_text(explore.render(results), "utf-8", newline="\n")


__all__ = ["build"]
