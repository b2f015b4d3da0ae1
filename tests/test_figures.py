"""Figures: what is drawn is what was measured, and the SVG may stand inline on a strict page."""

import base64
import gzip
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from orchestrator.reports.figures import charts, colours, dots, forest, traces
from orchestrator.reports.figures.figure import drawing, inline, label, panel, thin, thinned, ticks
from orchestrator.reports.page import explore
from orchestrator.reports.statistics.bands import Band
from orchestrator.reports.wording import words

SVG_TEXT = re.compile(r"<text[^>]*>([^<]*)</text>")


def _svg(identifier="a", text="accuracy", title="A title", description="A description"):
    with drawing() as figure:
        axes = panel(figure)
        axes.plot([0, 1, 2], [0.2, 0.4, 0.3], color=colours.LIGHT["series1"], marker="o")
        axes.fill_between([0, 1, 2], 0.1, 0.2, color=colours.LIGHT["series0"], alpha=0.2, linewidth=0)
        label(axes, text)
        return inline(figure, identifier, title, description)


def _luminance(colour):
    """Relative luminance after WCAG 2.1."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first, second):
    """Contrast ratio after WCAG 2.1, between 1 and 21."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


TEXT_ROLES = ("ink", "muted", "bayes", "chance", "good", "bad", "small", "same", "open", "void", "link")


@pytest.mark.parametrize("theme", [colours.LIGHT, colours.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("role", TEXT_ROLES)
def test_text_can_be_read(theme, role):
    """Every colour that text has stands out from both backgrounds by 4.5 to 1."""
    assert min(_contrast(theme[role], theme[ground]) for ground in ("paper", "panel")) >= 4.5


@pytest.mark.parametrize("theme", [colours.LIGHT, colours.DARK], ids=["light", "dark"])
def test_lines_can_be_seen(theme):
    """Every line stands out from the paper by 3 to 1, which is what WCAG asks of graphics."""
    assert min(_contrast(theme[role], theme["paper"]) for role in colours.SERIES) >= 3


def test_each_role_has_a_light_value_of_its_own():
    """No two roles share a light value, for that value is how a drawing's colours find their class."""
    assert len(set(colours.LIGHT.values())) == len(colours.LIGHT)
    assert set(colours.LIGHT) == set(colours.DARK)


def test_the_baseline_is_grey_and_colours_come_round():
    """The first variant has the first colour; beyond the sixth the others repeat, never the baseline's."""
    assert [colours.series(i) for i in (0, 1, 5, 6)] == ["series0", "series1", "series5", "series1"]


def test_a_drawing_carries_no_style():
    """A strict page refuses style attributes and elements, so there are none; colours are classes."""
    svg = _svg()
    assert "style" not in svg
    assert "#24" not in svg
    assert 's-series1"' in svg


def test_a_drawing_says_what_it_is():
    """The root is an image with a title and a description, in this order, named by its attributes."""
    root = ET.fromstring(_svg("c", title="Curves <1>", description="up & down"))
    assert root.get("role") == "img"
    assert [(child.tag, child.get("id"), child.text) for child in root[:2]] == [
        ("title", root.get("aria-labelledby"), "Curves <1>"),
        ("desc", root.get("aria-describedby"), "up & down"),
    ]


def test_equal_drawings_share_no_id():
    """Two inlined copies of one drawing have ids of their own, and each refers to its own only."""
    for name, other in (("a", "b"), ("b", "a")):
        svg = _svg(name)
        ids = set(re.findall(r' id="([^"]+)"', svg))
        assert all(found.startswith(f"{name}-") for found in ids)
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) <= ids
        assert not ids & set(re.findall(r' id="([^"]+)"', _svg(other)))


def test_names_are_text():
    """Markup and dollar signs in a label are drawn as they are, whatever script they are in."""
    text = '<b onload="x">$x_1$</b> & 学習'
    assert text in [element.text for element in ET.fromstring(_svg(text=text)).iter("text")]


def test_the_same_drawing_twice_is_the_same_bytes():
    """Nothing in an SVG depends on when or how often it is drawn."""
    assert _svg() == _svg()


@pytest.mark.parametrize(
    ("limits", "suffix", "sign", "expected"),
    [
        ((0.5, 1.0), "", False, ["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]),
        ((40, 100), " %", False, ["40 %", "60 %", "80 %", "100 %"]),
        ((-2, 2), "", True, ["−2", "−1", "0", "+1", "+2"]),
        ((0, 4000), "", False, ["0", "1,000", "2,000", "3,000", "4,000"]),
    ],
)
def test_ticks_have_the_decimals_they_need(limits, suffix, sign, expected):
    """Axis numbers have as many decimals as their steps, real minus signs and thousands apart."""
    with drawing() as figure:
        axes = panel(figure)
        axes.set(xticks=[], ylim=limits)
        ticks(axes.yaxis, suffix, sign=sign)
        svg = inline(figure, "t", "", "")
    shown = SVG_TEXT.findall(svg)
    assert shown == expected


def test_the_names_of_axes_are_not_cut_off():
    """What stands below the plot is not clipped to it: the axis' name and its numbers."""
    root = ET.fromstring(_learning(_line([10, 20, 30])).svg)
    clipped = [text.text for group in root.iter() if group.get("clip-path") for text in group.iter("text")]
    assert "epoch" in [text.text for text in root.iter("text")]
    assert clipped == []


def test_thinning_keeps_every_peak():
    """Of 4,000 values at most 500 positions stay, and with them each stretch's lowest and highest."""
    rng = np.random.default_rng(1)
    curve = rng.normal(size=4000).cumsum()
    kept = thin(curve, curve)
    assert len(kept) <= 500
    assert (kept[0], kept[-1]) == (0, 3999)
    assert {curve.argmin(), curve.argmax()} <= set(kept)
    spike = np.zeros(4000)
    spike[1234] = -1
    assert 1234 in thin(spike, np.zeros(4000))


def test_thinning_leaves_short_curves_alone():
    """A curve of 500 epochs is drawn as it is, and the caption is silent about it."""
    curve = np.zeros(500)
    assert list(thin(curve, curve)) == list(range(500))
    assert thinned(500) == ""
    assert "500 of 4,000 epochs" in thinned(4000)


def test_thinning_passes_over_what_is_no_number():
    """NaN is never taken for an extreme: the real peak beside it stays."""
    curve = np.zeros(2000)
    curve[900:1000] = np.nan
    curve[899] = 5
    assert 899 in thin(curve, curve)


def _line(mean, **changes):
    mean = np.asarray(mean, dtype=float)
    given = {"sd": np.full(len(mean), 0.5), "train": None, "training": np.full(len(mean), 3), "n": 3} | changes
    return charts.LearningCurve("with", "series1", mean, **given)


def _learning(*lines):
    return charts.learning("l", "here", charts.Learning(lines, "accuracy", " %", [], (0, 100)))


def test_learning_curves_are_described_by_their_numbers():
    """The description gives both ends and the peak; the table the epochs it shows."""
    figure = _learning(_line([10, 90, 80]))
    assert "goes from 10.0 at epoch 1 to 80.0 at epoch 3, highest 90.0 at epoch 2" in figure.svg
    assert figure.table.rows[1] == ("2", "90.0", "0.500")


def test_a_strip_counts_the_runs_still_training():
    """A variant whose runs stop early gets a strip, a column of its table and a sentence; others don't."""
    figure = _learning(_line([10, 20, 20], training=np.array([3, 2, 1])))
    assert "still training (of 3)" in figure.svg
    assert [row[-1] for row in figure.table.rows] == ["3", "2", "1"]
    assert "carried forward" in figure.caption
    assert "still training" not in _learning(_line([10, 20, 20])).svg


def test_one_seed_has_no_band():
    """A standard deviation of a single run is not shown."""
    figure = _learning(_line([10, 20, 30], n=1))
    assert "fill-opacity" not in figure.svg
    assert figure.table.rows[0] == ("1", "10.0", "–")


def _difference(low, high, better="higher"):
    mean = np.array([0.0, 1.0, 2.0, 3.0])
    band = Band(mean, np.array(low, dtype=float), np.array(high, dtype=float), 7, 2.5, 0)
    drawn = charts.Difference(np.arange(1, 5), band, ("without", "with"), better, "percentage points", 4, 2)
    return charts.difference("d", "here", drawn)


def test_a_difference_says_where_it_is_sure():
    """The description tells at what share of the epochs the band leaves zero out, the caption which pairs are left out."""
    figure = _difference([-1, 0.5, 1, 2], [1, 2, 3, 4])
    assert "leaves zero out at 75 % of the epochs" in figure.svg
    assert figure.caption == "2 pairs with a value that is not a number left out."
    assert figure.table.rows[-1] == ("4", "+3.00", "+2.00", "+4.00")


@pytest.mark.parametrize(
    ("better", "above", "below"),
    [
        ("higher", "with better", "without better"),
        ("lower", "without better", "with better"),
        ("", "with higher", "without higher"),
    ],
)
def test_a_difference_says_which_side_is_better(better, above, below):
    """Of a loss the lower one is ahead; of a metric that nobody knows only which one is higher is said."""
    svg = _difference([-1, 0.5, 1, 2], [1, 2, 3, 4], better).svg
    heights = {text: float(y) for y, text in re.findall(r' y="([\d.]+)"[^>]*>([^<]+)</text>', svg)}
    assert heights[above] < heights[below]


def test_a_difference_without_a_band_says_so():
    """Too few pairs for a band is said in words, not drawn as certainty."""
    nothing = [np.nan] * 4
    figure = _difference(nothing, nothing)
    assert "No band: it takes 6 pairs" in figure.caption
    assert "fill-opacity" not in figure.svg


def _pairs(before, after, *, ratio=False, **effect):
    axis = dots.Axis("accuracy", "difference", lambda v: f"{v:.0f}", lambda v: f"{v:+.1f}", ratio=ratio)
    interval = dots.Interval(**({"estimate": 1.0, "low": 0.5, "high": 1.5} | effect))
    return dots.Pairs(range(len(before.values)), before, after, interval, (-1.0, 1.0), axis)


def test_pairs_are_counted():
    """The description counts pairs that rise and pairs that tie; the table has a row a seed."""
    before = dots.Dots("without", "series0", np.array([1.0, 2.0, 3.0]))
    after = dots.Dots("with", "series1", np.array([2.0, 2.0, 5.0]))
    figure = dots.paired("p", "here", _pairs(before, after))
    assert "3 pairs of runs. without: mean 2; with: mean 3. with is higher in 2, equal in 1." in figure.svg
    assert figure.table.rows == (("0", "1", "2"), ("1", "2", "2"), ("2", "3", "5"))


def test_pairs_that_are_left_out_are_told():
    """Two pairs without a number, because a run got stuck, are not passed over in silence."""
    arm = dots.Dots("without", "series0", np.array([1.0, 2.0]))
    figure = dots.paired("p", "here", replace(_pairs(arm, arm), left_out=2, fate="stuck"))
    assert figure.caption == "Left out: 2 pairs with a stuck run."


def test_the_forest_keeps_the_variant_of_a_long_name():
    """Two variants of one technique must not be cut to the same words."""
    bar = forest.Bar("Width of a house-price net: wide, held back", "fixed", 1.0, 0.5, 1.5, "0.02 lower", "small")
    assert "…: wide, held back</text>" in forest.forest("f", [bar])


def test_bounds_are_hollow():
    """A run that never reached its threshold is a hollow dot, and in the table a bound."""
    before = dots.Dots("without", "series0", np.array([300.0, 20.0]), np.array([True, False]))
    after = dots.Dots("with", "series1", np.array([10.0, 12.0]))
    figure = dots.paired("p", "here", _pairs(before, after))
    assert re.search(r'fill="none"[^>]* class="s-series0"', figure.svg)
    assert figure.table.rows[0][1] == "not within 300"


def test_a_ratio_of_spreads_has_no_differences():
    """Where spreads are compared, the table has no difference a seed; an unbounded interval is drawn without its bar."""
    arm = dots.Dots("without", "series0", np.array([1.0, 2.0]))
    figure = dots.paired("p", "here", _pairs(arm, arm, ratio=True, high=np.inf))
    assert figure.table.head == ("seed", "without", "without")
    assert "interval" not in figure.svg


def test_stops_are_summed_up():
    """The description of the stop epochs gives the first, the median and the last, out of how many."""
    figure = dots.stops("s", "here", [dots.Dots("with", "series1", np.array([200.0, 300.0, 700.0]))], 4000)
    assert "3 of 3 runs stopped early, the first at epoch 200, half of them by epoch 300, the last at 700" in figure.svg


def test_the_learning_rate_axis_ends_where_nothing_moves():
    """Rates far below the first one are left out of the axis, and the caption says where it ends."""
    values = np.array([[1e-2, 1e-3, 1e-12, 0.0]])
    figure = traces.rates("r", "here", [("with", "series1", values)])
    assert "Below 10⁻⁸ the axis ends" in figure.caption
    assert "1e-1" not in figure.svg


def test_waiting_times_count_those_who_never_arrive():
    """Half of the runs is half of all runs, those that never reach the threshold among them."""
    times = np.array([10.0, 20.0, np.inf, np.inf, np.inf])
    figure = traces.reached("t", "here", [("with", "series1", times, 50)], "80 %")
    assert figure.table.rows == (("with", "5", "not by half of them", "3"),)


BAR = {"name": "Noise", "scope": "fixed", "text": "+2.0 points", "role": "good"}


def test_the_forest_cuts_off_what_is_far_away():
    """An interval beyond the axis ends in an arrow, and an effect that is none draws nothing but its words."""
    far = forest.Bar(estimate=40, low=30, high=50, **BAR)
    none = forest.Bar(estimate=np.nan, low=np.nan, high=np.nan, **(BAR | {"text": "not testable", "role": "void"}))
    near = forest.Bar(estimate=2, low=1, high=3, **BAR)
    marks = [len(re.findall("<use ", forest.forest("f", [bar]))) for bar in (none, near, far)]
    assert marks[0] < marks[1]
    assert "12×" in forest.forest("f", [far])
    assert "8×" not in forest.forest("f", [near])
    assert "Noise, this data set: not testable" in forest.describe([none])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0.00"),
        (0.1234, "0.123"),
        (12.345, "12.3"),
        (-1234.5, "−1,234"),
        (np.nan, "–"),
        (-np.inf, "−∞"),
        (2e-7, "2 × 10⁻⁷"),
    ],
)
def test_numbers_are_short(value, expected):
    """A number has about three digits, a real minus sign, and a dash or infinity where it is none."""
    assert words.significant(value) == expected


def test_ids_of_different_names_differ():
    """Names that only differ in what an id can't hold still get different ids."""
    assert len({words.ident("a b"), words.ident("a-b"), words.ident("a", "b"), words.ident("a_20b")}) == 4


def test_hyphens_before_numbers_become_minus_signs():
    """Minus signs are set before numbers only: words, ranges and names keep their hyphens."""
    assert words.typeset("-0.3 [-1.2, 4] of seeds-0-7 in x-1") == "−0.3 [−1.2, 4] of seeds-0-7 in x-1"


def test_packed_curves_come_back():
    """What the explorer unpacks differs from what was packed by no more than the range over 131,068; gaps stay gaps."""
    values = np.array([[0.1, 0.9, np.nan, 0.5], [3.0, 3.0, 3.0, 3.0], [np.nan] * 4])
    packed = explore.pack(values)
    halves = np.frombuffer(gzip.decompress(base64.b64decode(packed["codes"])), dtype=np.uint8).reshape(2, -1)
    codes = ((halves[0] + 256 * halves[1].astype(int)).cumsum() % 65536).reshape(values.shape)
    low, width = (np.array(packed[key])[:, None] for key in ("low", "width"))
    unpacked = np.where(codes == explore.GAP, np.nan, low + codes / (explore.GAP - 1) * width)
    assert np.array_equal(np.isnan(unpacked), np.isnan(values))
    assert np.nanmax(np.abs(unpacked - values)) <= 0.8 / 131_068 + 1e-7
