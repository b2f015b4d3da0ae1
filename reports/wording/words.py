"""What axes, cells and captions say; sentences about effects are in `reports.wording.phrases`."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from orchestrator.reports.wording.phrases import measure, spelled

MINUS, NONE, TIMES = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
ROWS = {"fresh": "fresh points", "test": "the test set", "train": "the training rows", "val": "validation rows"}

_HYPHEN = re.compile(r"(?<![\w.,])-(?=[\d.∞])")
_CODE = re.compile(r"`([^`]+)`")
READABLE = 1e-4
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Scale:
    """How a measure is drawn: its axis' name, the unit of a difference, the factor to it, and what follows a value."""

    name: str
    unit: str
    factor: float
    suffix: str

    def value(self, value: float) -> str:
        """A value, already scaled, as a table prints it: `82.1 %`."""
        return significant(value) + self.suffix


def scale(name: str, threshold: float | None = None) -> Scale:
    """The scale of a column of runs or histories, or of a computed measure. Accuracies are drawn in percent."""
    part, _, metric = name.partition("_") if name.partition("_")[0] in ROWS else ("", "", name)
    words = measure(name, threshold)
    where = f" on {ROWS[part]}" if part else ""
    if metric.endswith("accuracy"):
        return Scale(f"{spelled(metric)}{where}", "percentage points", 100, " %")
    if part:
        return Scale(f"{spelled(metric)}{where}", "", 1, "")
    return Scale(
        words.noun.removeprefix("the "), "percentage points" if words.unit == "points" else words.unit, words.scale, ""
    )


def direction(metric: str) -> str:
    """Which way a metric of histories is better, `higher` or `lower`; empty for one of the user's own."""
    said = spelled(metric.removeprefix("val_"))
    return (
        "higher" if said.endswith("accuracy") else "lower" if said.endswith(("loss", "error", "cross-entropy")) else ""
    )


def significant(value: float, digits: int = 3) -> str:
    """Three significant digits or so; a dash for what is not a number."""
    if not math.isfinite(value):
        return NONE if math.isnan(value) else f"{MINUS if value < 0 else ''}∞"
    if value != 0 and abs(value) < 10 ** (-digits - 1):
        mantissa, _, exponent = f"{value:.0e}".partition("e")
        return f"{mantissa} {TIMES} 10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", MINUS)
    size = 0 if value == 0 else math.floor(math.log10(abs(value)))
    places = max(0, digits - 1 - size) if size >= 0 else digits
    return f"{value:,.{places}f}".replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """As `significant`, with a plus sign before what is above zero."""
    text = significant(value, digits)
    return f"+{text}" if value > 0 and text != NONE else text


def power(value: float) -> str:
    """A power of ten: `0.001` while that is easy to read, `10⁻⁷` beyond."""
    if value >= READABLE:
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return f"10{str(round(math.log10(value))).translate(_SUPERSCRIPT)}" if value > 0 else significant(value)


def factor(value: float) -> str:
    """`0.5` and `2.0` with a multiplication sign."""
    return NONE if math.isnan(value) else f"{significant(value, 2)}{TIMES}"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """`1 seed`, `30 seeds`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def shorten(text: str, size: int) -> str:
    """`text` in at most `size` characters, an ellipsis standing for the rest."""
    return text if len(text) <= size else text[: size - 1].rstrip() + "…"


def ident(*parts: str) -> str:
    """An id of the page. What is no letter, digit or hyphen becomes its code point: different names stay different."""
    return ".".join(
        "".join(c if c.isascii() and (c.isalnum() or c == "-") else f"_{ord(c):x}" for c in part) for part in parts
    )


def typeset(text: str) -> str:
    """Real minus signs before numbers."""
    return _HYPHEN.sub(MINUS, text)


def prose(text: str) -> Markup:
    """Escaped text in which `backticks` mark code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped a moment ago
