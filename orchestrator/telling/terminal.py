"""The one way by which text reaches a terminal: what a stranger wrote may say what it likes, and can do nothing.

A terminal obeys control characters, and a sign that turns text round makes it read otherwise than it is. Lessons, tables
and results folders may hold such signs, so each is shown by its escape, in Python's spelling.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

JOINERS = "\u200c\u200d"  # which scripts and emoji are written with
SAFE = re.compile(r"[\n\t -~]*")


def clean(text: str) -> str:
    """The text with every sign that is an order to whoever shows it written out; line ends and tabs stay."""
    return text if SAFE.fullmatch(text) else "".join(map(_shown, text))


def _shown(sign: str) -> str:
    orders = unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") and sign not in f"\n\t{JOINERS}"
    return sign.encode("unicode_escape").decode() if orders else sign


class Terminal(Console):
    """A console that prints whatever it is given, and obeys only us."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of a renderable: their texts cleaned, while what Rich itself orders passes."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(clean(part.text), part.style)
