"""Which seeds were asked for."""

from __future__ import annotations

import re
from collections import Counter

from orchestrator.errors import UsageError

DEFAULT = "30"
MOST = 100_000  # runs of one variant; beyond, something was mistyped
LONGEST = 4000  # characters; Python reads no number of more digits
LARGEST = 2**31 - 1  # fits every generator that is seeded with it, and the tables' int32

RULE = "give a count (30 means seeds 0 to 29), a range (100-103), or a list of both (0-9,12)"


def parse(text: str) -> tuple[int, ...]:
    """The seeds that `30`, `100-103` or `0-9,12` means, in ascending order.

    Raises:
        UsageError: anything else, none, one twice, or too many.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise UsageError(f"--seeds {text[:20]}...: {len(text):,} characters; {RULE}")
    if re.fullmatch(r"\d+", text):
        return _count(int(text))
    seeds = [seed for part in text.split(",") for seed in _range(part.strip(), text)]
    twice = [seed for seed, count in Counter(seeds).items() if count > 1]
    if twice:
        raise UsageError(f"--seeds {text}: seed {min(twice)} is asked for twice")
    if len(seeds) > MOST:
        raise UsageError(f"--seeds {text}: {len(seeds):,} seeds; there may be {MOST:,}")
    return tuple(sorted(seeds))


def _count(count: int) -> tuple[int, ...]:
    if not 1 <= count <= MOST:
        raise UsageError(f"--seeds {count}: a count is at least 1 and at most {MOST:,}")
    return tuple(range(count))


def _range(part: str, text: str) -> range:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
    if not match:
        raise UsageError(f"--seeds {text}: {part!r} is no seed; {RULE}")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise UsageError(f"--seeds {text}: the range {part} runs backwards; {RULE}")
    if last > LARGEST or last - first >= MOST:
        raise UsageError(f"--seeds {text}: {part} is too much; seeds go up to {LARGEST}, {MOST:,} of them at most")
    return range(first, last + 1)


def show(seeds: tuple[int, ...]) -> str:
    """The seeds as a user would type them."""
    parts, first = [], None
    for seed, following in zip(seeds, (*seeds[1:], None), strict=True):
        first = seed if first is None else first
        if following != seed + 1:
            parts.append(str(first) if first == seed else f"{first}-{seed}")
            first = None
    return ",".join(parts)
