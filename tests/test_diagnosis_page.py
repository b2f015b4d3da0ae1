"""The page of one diagnosis, in a real browser, from a file and with the network off."""

from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from orchestrator.reports.diagnosis.diagnosis import diagnose
from orchestrator.reports.logs.logged_runs import LoggedRun
from orchestrator.reports.page import diagnosis_page
from tests.test_browser import BAD, OVERLAPS, UNFOLD, browser, visit  # noqa: F401  fixtures

E = np.arange(40)
OVERFIT = LoggedRun(loss=0.9**E, val_loss=0.5 + 0.01 * E, accuracy=1 - 0.4 * 0.9**E, val_accuracy=0.85 - 0.2 * 0.8**E)
CASES = {
    "overfit": [OVERFIT],
    "seeds": [LoggedRun(loss=OVERFIT.loss * f, val_loss=OVERFIT.val_loss * f) for f in (0.9, 1.0, 1.3)],
    "lost": [LoggedRun(loss=np.append(0.9**E, np.inf), epochs=np.arange(41.0))],
    "together": [LoggedRun(loss=0.9**E, val_loss=0.9**E, accuracy=np.full(40, 1.0), val_accuracy=np.full(40, 1.0))],
    "below zero": [LoggedRun(loss=1.0 - E, val_loss=1.1 - E)],
    "short": [LoggedRun(loss=np.array([0.5]))],
    "validation only": [LoggedRun(val_accuracy=OVERFIT.val_accuracy)],
    "named": [LoggedRun(loss=0.9**E, measure=BAD, run=BAD, notes=(BAD,))],
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """A page a case."""
    folder = tmp_path_factory.mktemp("pages")
    for name, records in CASES.items():
        (folder / f"{name}.html").write_text(
            diagnosis_page.render(diagnose(records, BAD if name == "named" else name), records)
        )
    return {name: folder / f"{name}.html" for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_log_has_a_page_that_fits_its_width(visit, pages, name):  # noqa: F811
    """Whatever the log holds, nothing is asked of the network, refused by the policy, or wider than the screen."""
    page = visit(pages[name])
    page.evaluate(UNFOLD)
    assert page.evaluate("refused") == []
    assert [url for url in page.requests if not url.startswith("file:")] == []
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OVERLAPS) == []
    assert page.complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", ["overfit", "lost"])
def test_axe_finds_nothing(visit, pages, name, width, scheme):  # noqa: F811
    """The accessibility checker axe finds nothing, wide and narrow, in the light and in the dark."""
    page = visit(pages[name], width=width, scheme=scheme)
    page.evaluate(UNFOLD)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []


def test_the_page_says_the_verdict_the_numbers_and_their_borders(visit, pages):  # noqa: F811
    """The heading is the verdict; each number stands beside its border; what to try follows, all with scripts off."""
    page = visit(pages["overfit"], scripts=False)
    assert page.locator("h1").inner_text() == "A problem with generalization"
    assert page.locator("svg.chart:visible").count() == 2
    text = page.locator("#generalization").inner_text()
    assert "Training minus validation accuracy" in text
    assert "a problem above 5 points" in text
    assert page.get_by_text("Stopping when validation loss turns").is_visible()


def test_markup_in_names_is_text(visit, pages):  # noqa: F811
    """A file's name and a column's title are shown, not run."""
    page = visit(pages["named"])
    assert page.locator("img, header b b").count() == 0
    assert BAD in page.locator(".eyebrow").inner_text()


def test_the_same_log_gives_the_same_bytes():
    """Nothing on the page depends on the time or the machine."""
    once, again = (diagnosis_page.render(diagnose([OVERFIT], "mine"), [OVERFIT]) for _ in range(2))
    assert once == again
