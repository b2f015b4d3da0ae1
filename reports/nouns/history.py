"""What a row of the histories is known by; all its other columns are curves."""

from __future__ import annotations

Arm = tuple[str, str, str]
"""lesson, variant, data"""

LABELS = ("lesson", "variant", "data")
BESIDE = (*LABELS, "seed", "epoch")
"""The columns that hold no metric."""
