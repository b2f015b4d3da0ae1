"""The page's colours: one name a role, one value for light and one for dark.

Matplotlib draws with the light values; `reports.figures.figure` then swaps each for its class, so one drawing serves both
themes. That only works while no two roles share a light value, which the tests hold.
"""

from collections.abc import Mapping
from types import MappingProxyType

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "ink": "#1b1f27",
        "muted": "#586070",
        "axis": "#9aa1ad",
        "grid": "#e6e8ec",
        "paper": "#ffffff",
        "panel": "#f6f7f9",
        "zone": "#dde3ea",
        "bayes": "#7a5a00",
        "chance": "#6d6470",
        "series0": "#6b7482",
        "series1": "#2456c7",
        "series2": "#b8500f",
        "series3": "#7a3fa8",
        "series4": "#0b7569",
        "series5": "#b02a6b",
        "good": "#12713f",
        "bad": "#b4271d",
        "small": "#8a5a00",
        "same": "#44546a",
        "open": "#6a5f80",
        "void": "#6a6a66",
        "link": "#1d4fbf",
    }
)

DARK: Mapping[str, str] = MappingProxyType(
    {
        "ink": "#e7eaf0",
        "muted": "#a4adba",
        "axis": "#6b7482",
        "grid": "#2b313b",
        "paper": "#14171c",
        "panel": "#1c2027",
        "zone": "#2d3643",
        "bayes": "#e0b84a",
        "chance": "#b5aabb",
        "series0": "#9aa5b4",
        "series1": "#7ea8ff",
        "series2": "#f09a5b",
        "series3": "#c69af0",
        "series4": "#4fc4b4",
        "series5": "#f286b8",
        "good": "#5fd394",
        "bad": "#ff8a7d",
        "small": "#e6b450",
        "same": "#a9b8cc",
        "open": "#bfb3d6",
        "void": "#aeaea8",
        "link": "#8fb4ff",
    }
)

SERIES = tuple(role for role in LIGHT if role.startswith("series"))


def series(index: int) -> str:
    """The role of the variant at `index`; the baseline is grey, and after six the colours come round again."""
    return SERIES[0] if index == 0 else SERIES[1 + (index - 1) % (len(SERIES) - 1)]


def stylesheet() -> str:
    """The two themes as CSS variables, a fill and a stroke class a role; print is always light."""
    rules = [
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}",
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}",
        "@media print{:root{color-scheme:light}}",
    ]
    return "\n".join([*rules, *_classes()]) + "\n"


def within(name: str) -> str:
    """The same for a part of somebody else's page, of class `name`; light, since that page has a theme of its own."""
    paper = "background:var(--paper);color:var(--ink)"
    return "\n".join([f".{name}{{{_variables(LIGHT)};{paper}}}", *(f".{name} {rule}" for rule in _classes())])


def _classes() -> list[str]:
    marks = (("f", "fill"), ("s", "stroke"))
    return [f".{letter}-{role}{{{what}:var(--{role})}}" for role in LIGHT for letter, what in marks]


def _variables(theme: Mapping[str, str]) -> str:
    return ";".join(f"--{role}:{value}" for role, value in theme.items())
