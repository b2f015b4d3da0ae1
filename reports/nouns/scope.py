"""The scopes of a run: what its seed changes."""

from typing import Literal

Scope = Literal["fixed", "redrawn"]
SCOPES: tuple[Scope, ...] = ("fixed", "redrawn")
"""The lesson's own data set, then data that each seed draws anew."""
