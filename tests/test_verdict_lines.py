"""The verdicts on a terminal: the page's words, in the width there is."""

import io
import re

import pytest

from orchestrator.reports.verdicts.results import Results
from orchestrator.reports.verdicts.summary import headline, lines
from orchestrator.reports.wording.scopes import scope_heading
from orchestrator.telling import verdicts
from orchestrator.telling.terminal import Terminal
from tests.simulate import duel, store


@pytest.fixture(scope="module")
def seven():
    """Seven lessons in short, eight seeds, with a failed, a diverged and a late run."""
    simulated = store(8, scale=0.05)
    return simulated.results


def printed(results, width, full=False, **more):
    """What is printed on a console of so many columns."""
    said = io.StringIO()
    Terminal(file=said, width=width, highlight=False, soft_wrap=True, **more).print(
        verdicts.lines(results, width, full)
    )
    return said.getvalue()


def test_every_verdict_has_its_line_with_the_words_of_the_page(seven):
    """The page's headline, then each comparison's two scopes in its words: chip, and effect with interval in its units."""
    said = printed(seven, 200)
    assert " ".join(said.split()).startswith(headline(seven))
    cells = [(scope_heading(scope), cell) for line in lines(seven) for scope, cell, _ in line.cells]
    told = [line for line in said.splitlines() if line.startswith("  On ") and ": " not in line]
    assert len(told) == len(cells) == 2 * sum(len(lesson.deciding) for lesson in seven.lessons)
    for text, (heading, cell) in zip(told, cells, strict=True):
        assert heading in text
        assert cell.chip.words in text
        assert text.endswith(f"{cell.effect} {cell.interval}".strip() or cell.chip.words)


@pytest.mark.parametrize("width", [60, 80])
def test_nothing_is_wider_than_the_terminal(seven, width):
    """With and without what decides, guards and failures, no line is longer than 80 columns, or 60 where there are no more."""
    for full in (False, True):
        assert max(map(len, printed(seven, width, full).splitlines())) <= width


def test_numbers_are_in_units_that_people_use(seven):
    """Accuracies differ by points, waits by epochs; no bare fraction of the tables is shown."""
    said = printed(seven, 80, full=True)
    assert re.search(r"\d points (more|less) accuracy", said)
    assert re.search(r"\d epochs (sooner|later)", said)
    assert "fresh_accuracy" not in said


def test_verdicts_have_their_colours_on_a_terminal_alone(monkeypatch):
    """What improves is green; in a pipe, or where NO_COLOR is set, there is no colour, and a pipe gets no control sign at all."""
    better = duel([0.5, 0.52, 0.51, 0.53, 0.5, 0.51, 0.52, 0.53], [0.9, 0.91, 0.93, 0.9, 0.92, 0.93, 0.9, 0.9])
    results = Results.of(better.runs, better.histories, [{**better.lessons[0], "question": "Is it better?"}], {})
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m▲ Improves" in printed(results, 80, force_terminal=True)
    assert "\x1b" not in printed(results, 80)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in printed(results, 80, force_terminal=True)


def test_the_path_of_the_report_is_a_link_on_a_terminal(tmp_path, monkeypatch):
    """A terminal gets an OSC 8 link to the file; a pipe, and an address that is no file, get the words alone."""
    monkeypatch.setenv("TERM", "xterm-256color")
    place = tmp_path / "a report.html"

    def said(where, **more):
        text = io.StringIO()
        Terminal(file=text, width=20, soft_wrap=True, **more).print(verdicts.where("report", where))
        return text.getvalue()

    assert re.search(r"\x1b\]8;[^;]*;file://.*/a%20report\.html\x1b\\", said(place, force_terminal=True))
    assert said(place) == f"report: {place}\n"
    assert "\x1b]8" not in said("s3://bucket/report.html", force_terminal=True)


def test_markdown_has_a_row_a_verdict_and_cells_that_break_nothing(seven):
    """Every row has as many cells as the heads, and a bar or a tag in a title stays text."""
    simulated = store(8, scale=0.05)
    simulated.lessons[0]["technique"] = "one | two <b>"
    text = verdicts.markdown(simulated.results)
    rows = text.splitlines()
    assert len(rows) == 2 + 2 * len(lines(seven))
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {len(verdicts.HEADS) + 1}
    assert "one \\| two &lt;b>" in text


def test_nothing_to_compare_is_said():
    """A lesson of one variant has no verdict, and the line says why."""
    alone = duel([0.5], [0.6])
    document = {**alone.lessons[0], "variants": alone.lessons[0]["variants"][:1]}
    runs = alone.runs[alone.runs["variant"] == "without"]
    assert printed(Results.of(runs, alone.histories, [document], {}), 200) == f"{verdicts.NOTHING}\n"
