"""Train every variant of a lesson over many seeds, and say what the technique really does.

`run`, `compare`, `plan`, `load`, `diagnose` and `judge` do what the command line does; the nouns are what lessons are made of.
Importing this loads neither Ray nor a training library: what needs them loads them when it is called.
"""

from typing import TYPE_CHECKING, Any

from orchestrator.errors import (
    ClusterError,
    ClusterLostError,
    LessonError,
    NoResultsError,
    OrchestratorError,
    OtherProgramError,
    StoreError,
    StoreLockedError,
    StoreLostError,
    UsageError,
    VersionError,
)
from orchestrator.lesson import SECONDARY, Data, Lesson, Split, Variant
from orchestrator.reports.nouns.claim import Claim
from orchestrator.reports.nouns.contrast import Contrast
from orchestrator.reports.nouns.endpoint import Endpoint
from orchestrator.stack import stack
from orchestrator.surroundings import undisturbed
from orchestrator.sweep import sweep
from orchestrator.table import table

if TYPE_CHECKING:
    from orchestrator.api import Planned, compare, diagnose, judge, load, plan, run
    from orchestrator.found import Found

__all__ = [
    "SECONDARY",
    "Claim",
    "ClusterError",
    "ClusterLostError",
    "Contrast",
    "Data",
    "Endpoint",
    "Found",
    "Lesson",
    "LessonError",
    "NoResultsError",
    "OrchestratorError",
    "OtherProgramError",
    "Planned",
    "Split",
    "StoreError",
    "StoreLockedError",
    "StoreLostError",
    "UsageError",
    "Variant",
    "VersionError",
    "compare",
    "diagnose",
    "judge",
    "load",
    "plan",
    "run",
    "stack",
    "sweep",
    "table",
]
__version__ = "0.1.0"
FRONT = ("Found", "Planned", "compare", "diagnose", "judge", "load", "plan", "run")


def __getattr__(name: str) -> Any:
    """What is loaded when it is asked for."""
    if name not in FRONT:
        raise AttributeError(f"module 'orchestrator' has no attribute {name!r}")
    with undisturbed():
        from orchestrator import api  # noqa: PLC0415

    return getattr(api, name)
