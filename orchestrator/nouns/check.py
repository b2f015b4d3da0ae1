"""What a self-check said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SelfCheck:
    """Whether the compiled engine gave `fit`'s numbers for a training.

    Attributes:
        why: what spoke against it; empty when nothing did. gap: the largest difference of a loss. seconds: what it took.
    """

    why: str = ""
    gap: float = 0.0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether it may be compiled."""
        return not self.why
