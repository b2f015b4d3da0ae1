"""Reports: from the tables a run leaves to pages people read.

`build` writes `report.html`, which says what each technique did and how sure we are, and `explore.html`, to look
closer.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.reports.verdicts.results import Results


def build(
    runs: pd.DataFrame,
    histories: pd.DataFrame,
    lessons: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Any],
    out: Path,
) -> None:
    """Write `explore.html` and `report.html` of these tables into the folder `out`; the same input gives the same bytes."""
    # matplotlib and statsmodels take seconds to import: only those who build pay for them.
    from orchestrator.reports.verdicts.results import Results  # noqa: PLC0415

    write(Results.of(runs, histories, lessons, provenance), out)


def write(results: Results, out: Path) -> None:
    """Write both pages; each is there whole or as it was before, whatever happens to this process or the disk."""
    from orchestrator.reports.page import explore, report  # noqa: PLC0415

    page, closer = report.render(results, out), explore.render(results)
    commit(out / "explore.html", closer)
    commit(out / "report.html", page)


def _is_news(record: logging.LogRecord) -> bool:
    return "temporary cache directory" not in str(record.msg) and "mkdir -p failed" not in str(record.msg)


# Where the user's home can't be written, matplotlib says at length that it keeps its cache elsewhere.
logging.getLogger("matplotlib").addFilter(_is_news)


def commit(path: Path, text: str) -> None:
    """Write beside the place, then rename into it: the file is there whole, or as it was before."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with aside.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


__all__ = ["build", "commit", "write"]
