"""A figure: a matplotlib drawing as an SVG that a page can hold inline, with its words and its numbers.

The drawing carries no `style` attribute (the page's Content-Security-Policy would refuse it), no id but its own, no
date; colours become classes, so the page's theme paints it.
"""

import io
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Transform
from numpy.typing import NDArray

from orchestrator.reports.figures.colours import LIGHT
from orchestrator.reports.wording.words import MINUS

POSITIONS = 500
WIDTH, HEIGHT = 400, 236
TEXT = 11.5
"""Size of all words in a drawing: a drawing stands at least 1.15 times as wide as it was made, so 13 px on a screen."""
LINE = 17
"""The height of a line of a name, in pixels."""

NAME = 15
"""Letters of a line's name that stand side by side; a longer one goes on below."""

TICK, PAD = 4, 3.5
"""The length of a tick, and how far from it its number stands, in pixels."""
NAME_BELOW = 24
"""How far below an axis with numbers its name stands, in pixels."""

_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "reports",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
    "text.color": LIGHT["ink"],
    "axes.facecolor": "none",
    "axes.edgecolor": LIGHT["axis"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelcolor": LIGHT["muted"],
    "axes.labelsize": TEXT,
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 1,
    "xtick.color": LIGHT["axis"],
    "ytick.color": LIGHT["axis"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "xtick.major.size": 4,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "path.simplify": True,
    "lines.solid_capstyle": "round",
}
_ROLE_OF = {value: role for role, value in LIGHT.items()}
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([A-Za-z][\w-]*)")


@dataclass(frozen=True)
class Table:
    """Numbers as text, ready to print: a head and rows of equal length."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A drawing and what stands around it.

    `heading` names the panel, `caption` says what is drawn, from how many seeds, and what a band means; `table` holds
    the numbers behind it.
    """

    id: str
    heading: str
    svg: str
    caption: str
    table: Table


@contextmanager
def drawing(width: int = WIDTH, height: int = HEIGHT) -> Iterator[Drawing]:
    """An empty drawing of `width` by `height` CSS pixels, under the page's style."""
    with mpl.rc_context(_RC):
        figure = Drawing(figsize=(width / 72, height / 72), dpi=72, facecolor="none")
        FigureCanvasSVG(figure)
        yield figure


def panel(figure: Drawing, left: int = 46, right: int = 12, top: int = 26, bottom: int = 36) -> Axes:
    """Axes with these margins in pixels (matplotlib's own layout engines cost more than the drawing does)."""
    width, height = figure.get_size_inches() * 72
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    axes = figure.add_axes(box)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    return axes


def _ruled(axes: Axes) -> None:
    """Draws both axes' grids, ticks, numbers and names; matplotlib makes five artists of a tick, which take longer than all the rest."""
    across, up = axes.xaxis, axes.yaxis
    columns, rows = _places(across), _places(up)
    if _has_grid(across):
        _lines(axes, [((x, 0), (x, 1)) for x in columns], axes.get_xaxis_transform(), "grid", 1)
    if _has_grid(up):
        _lines(axes, [((0, y), (1, y)) for y in rows], axes.get_yaxis_transform(), "grid", 1)
    foot = -TICK / axes.bbox.height
    _lines(axes, [((x, 0), (x, foot)) for x in columns], axes.get_xaxis_transform(), "axis", 0.8, clip_on=False)
    _numbers(across, columns, [(x, 0) for x in columns], axes.get_xaxis_text1_transform(TICK + PAD))
    _numbers(up, rows, [(0, y) for y in rows], axes.get_yaxis_text1_transform(PAD))
    across.label.set_y(axes.bbox.y0 - (NAME_BELOW if columns else across.labelpad))
    axes.add_artist(across.label).set_clip_on(False)
    across.set_visible(False)
    up.set_visible(False)


def _places(axis: XAxis | YAxis) -> list[float]:
    """Where an axis has its ticks; the minor ones, too, where fewer than two others can be seen."""
    low, high = sorted(axis.get_view_interval())
    hair = 1e-9 * (high - low)

    def seen(places: Iterable[float]) -> list[float]:
        return [place for place in places if low - hair <= place <= high + hair]

    found = seen(axis.get_majorticklocs())
    return found if len(found) > 1 else sorted([*found, *seen(axis.get_minorticklocs())])


def _has_grid(axis: XAxis | YAxis) -> bool:
    return bool(axis.get_tick_params()["gridOn"])


def _lines(axes: Axes, lines: Sequence[Any], transform: Transform, role: str, width: float, **style: Any) -> None:
    drawn = LineCollection(lines, colors=LIGHT[role], linewidths=width, transform=transform, zorder=0.5, **style)
    axes.add_collection(drawn, autolim=False)


def _numbers(
    axis: XAxis | YAxis, places: list[float], at: Sequence[tuple[float, float]], where: tuple[Transform, Any, Any]
) -> None:
    """The axis' numbers, or names, which may have several lines."""
    shown = axis.get_major_formatter().format_ticks(places)
    size = axis.get_tick_params().get("labelsize", TEXT)
    spacing = 1.25 if any("\n" in each for each in shown) else "normal"
    transform, va, ha = where
    for (x, y), text in zip(at, shown, strict=True):
        axis.axes.text(
            x, y, text, transform=transform, va=va, ha=ha, size=size, color=LIGHT["muted"], linespacing=spacing
        )


def label(axes: Axes, y: str, x: str = "epoch") -> None:
    """Names both axes; the vertical one above the plot, lying down, where it can be read."""
    # A title given its height is not laid out again, which would take as long as all the rest.
    axes.set_title(y, loc="left", fontsize=TEXT, color=LIGHT["muted"], y=1.0, pad=9)
    axes.set_xlabel(x, labelpad=3)


def ticks(axis: XAxis | YAxis, suffix: str = "", sign: bool = False) -> None:
    """Prints an axis' numbers with the decimals its steps need, and no more; the axis' range must be final."""
    places = axis.get_majorticklocs()
    step = float(np.diff(places).min()) if len(places) > 1 else 1.0
    decimals = next((d for d in range(9) if abs(round(step, d) - step) < 1e-6 * step), 9)

    def shown(value: float, _: int) -> str:
        text = f"{value:{'+' if sign and abs(value) > step / 2 else ''},.{decimals}f}"
        return (text if float(text.replace(",", "")) else "0").replace("-", MINUS) + suffix

    axis.set_major_formatter(FuncFormatter(shown))


def room(names: Sequence[str]) -> int:
    """The margin that `ends` needs for these names, in pixels."""
    return 12 + round(6.6 * max((len(line) for name in names for line in wrapped(name).split("\n")), default=0))


def tall_enough(height: int, names: Sequence[str]) -> int:
    """This height of a drawing, or more where `ends` would run out of room for so many names."""
    return max(height, 68 + LINE * sum(len(wrapped(name).split("\n")) for name in names))


def wrapped(name: str) -> str:
    """A name in lines of about NAME letters, three at most."""
    return "\n".join(textwrap.wrap(name, NAME, max_lines=3, placeholder="…"))


def ends(axes: Axes, named: Sequence[tuple[float, str, str]]) -> None:
    """Each line's name at its end, in its colour, moved apart where two would lie on each other: (height, name, role)."""
    tall = axes.bbox.height
    known = sorted((each for each in named if np.isfinite(each[0])), key=lambda each: each[0])
    halves = [LINE / 2 * len(wrapped(name).split("\n")) / tall for _, name, _ in known]
    places = [_height(axes, value) for value, _, _ in known]
    for i in range(len(places)):
        places[i] = max(places[i], halves[i])
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + halves[i] + halves[i - 1])
    for i in range(len(places) - 1, -1, -1):
        above = places[i + 1] - halves[i + 1] if i + 1 < len(places) else 1.06
        places[i] = min(places[i], above - halves[i])
    for place, (_, name, role) in zip(places, known, strict=True):
        axes.annotate(
            wrapped(name), (1, place), (7, 0), xycoords="axes fraction", textcoords="offset points", va="center",
            color=LIGHT[role], annotation_clip=False, linespacing=1.3,
        )  # fmt: skip


def _height(axes: Axes, value: float) -> float:
    """Where a value stands on the vertical axis, 0 at its foot and 1 at its top."""
    return float(np.clip(axes.transAxes.inverted().transform(axes.transData.transform((1, value)))[1], 0, 1))


def inline(figure: Drawing, identifier: str, title: str, description: str) -> str:
    """The drawing as an `<svg role="img">` with a title and a description, and ids that begin with `identifier`."""
    for axes in figure.axes:
        _ruled(axes)
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Text stays text: the reader's browser finds the glyphs matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 -- drawn a moment ago, by us
    _clean(root, identifier)
    return _wrap(root, identifier, title, description)


def thin(low: NDArray[np.floating], high: NDArray[np.floating], limit: int = POSITIONS) -> NDArray[np.intp]:
    """At most `limit` positions of two curves of shape (n,), keeping every stretch's lowest `low` and highest `high`.

    A line gives itself twice, a band its two edges. The first and the last position always stay. NaN is never an
    extreme.
    """
    count = len(low)
    if count <= limit:
        return np.arange(count)
    stretches = (limit - 2) // 2
    length = -(-count // stretches)
    whole = np.arange(-(-count // length)) * length
    ends = [_stretched(sign * curve, length).argmin(axis=1) + whole for sign, curve in ((1, low), (-1, high))]
    return np.unique(np.concatenate([[0, count - 1], *ends]))


def _stretched(values: NDArray[np.floating], length: int) -> NDArray[np.floating]:
    """`values` cut into rows of `length`, infinity filling the last one and standing for NaN."""
    rows = -(-len(values) // length)
    padded = np.full(rows * length, np.inf)
    padded[: len(values)] = np.where(np.isnan(values), np.inf, values)
    return padded.reshape(rows, length)


def thinned(count: int, limit: int = POSITIONS) -> str:
    """The sentence a caption owes its reader when a curve of `count` epochs is drawn at fewer positions."""
    if count <= limit:
        return ""
    return f"Drawn at {limit} of {count:,} epochs."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A `Table` from any sequences."""
    return Table(tuple(head), tuple(tuple(row) for row in rows))


def _clean(root: ET.Element, prefix: str) -> None:
    used = _referenced(root)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _paint(element)
        attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
        element.attrib.clear()
        for name, value in attributes.items():
            if name != "id":
                element.set(name, _attribute(name, value, prefix))
            elif value in used:
                element.set("id", f"{prefix}-{value}")
        element.tail = None
        if element.tag != "text":
            element.text = None
    _prune(root)


def _attribute(name: str, value: str, prefix: str) -> str:
    if name == "d":
        return _path(value)
    return _REFERENCE.sub(rf"#{prefix}-\1", value) if "#" in value else _short(value)


def _referenced(root: ET.Element) -> set[str]:
    return {
        match
        for element in root.iter()
        for name, value in element.attrib.items()
        if name != "style"
        for match in _REFERENCE.findall(value)
    }


def _paint(element: ET.Element) -> None:
    """Turns the `style` attribute into presentation attributes, and each colour into the class of its role."""
    classes = []
    for declaration in filter(None, (part.strip() for part in element.attrib.pop("style", "").split(";"))):
        name, _, value = declaration.partition(": ")
        if name in ("fill", "stroke") and value != "none":
            classes.append(f"{name[0]}-{_ROLE_OF[value]}")
        elif name not in ("font-family", "font", "stroke-linejoin"):
            element.set(name, value.removesuffix("px"))
    if element.tag == "text" and element.get("transform", "").startswith("rotate(-0"):
        del element.attrib["transform"]
    if classes:
        element.set("class", " ".join(classes))


def _short(text: str) -> str:
    """Coordinates to a tenth of a pixel: finer than any screen shows, and half the bytes."""
    return " ".join(_NUMBER.sub(lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), text).split())


def _path(text: str) -> str:
    """A path without the letters that SVG takes for granted: what follows a move is lines."""
    short = _short(text)
    return short if "C" in short or "Q" in short else short.replace(" L ", " ")


def _prune(root: ET.Element) -> None:
    """Drops what paints nothing: the style sheet, metadata and groups left empty."""
    for parent in reversed(list(root.iter())):
        for child in list(parent):
            empty = child.tag in ("g", "defs") and len(child) == 0
            if empty or child.tag in ("style", "metadata"):
                parent.remove(child)


def _wrap(root: ET.Element, identifier: str, title: str, description: str) -> str:
    names = {"title": title, "desc": description}
    head = []
    for tag, text in names.items():
        element = ET.Element(tag, {"id": f"{identifier}-{tag}"})
        element.text = text
        head.append(element)
    root[:0] = head
    view = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update(
        {
            "role": "img",
            "viewBox": view,
            "class": "chart",
            "aria-labelledby": f"{identifier}-title",
            "aria-describedby": f"{identifier}-desc",
        }
    )
    return ET.tostring(root, encoding="unicode")
