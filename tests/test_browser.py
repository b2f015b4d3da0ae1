"""The pages in a real browser, from a file and with the network off, as their readers open them."""

import copy
import re
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from orchestrator import reports
from orchestrator.telling import statuspage
from tests.simulate import LESSONS, store

CHROMIUM = "/usr/bin/chromium"
BAD = '<img src=x onerror="document.title=1"><b>bold</b>'
WATCH = "window.refused = []; addEventListener('securitypolicyviolation', (e) => refused.push(e.violatedDirective))"
SLOW = """; const unpacked = Response.prototype.arrayBuffer;
Response.prototype.arrayBuffer = async function () { await new Promise((go) => setTimeout(go, 700)); return unpacked.call(this); };"""
UNFOLD = "document.querySelectorAll('details').forEach((part) => { part.open = true; })"
OVERLAPS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg.chart')) {
    const boxes = [...svg.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]);
    for (const [i, [first, a]] of boxes.entries()) {
      for (const [second, b] of boxes.slice(i + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (a.width && b.width && wide > 2 && high > 3) found.push(`${first} / ${second}`);
      }
    }
  }
  return found;
}"""


CHOSEN = ("batch-size", "learning-rate-schedule", "batch-normalization", "early-stopping")


def shown():
    """The results behind the pages most tests look at."""
    return store(7, scale=0.1, lessons={name: LESSONS[name] for name in CHOSEN})


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, without a window."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing; install the package chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where report.html and explore.html are, of lessons that have every kind of chart between them."""
    path = tmp_path_factory.mktemp("report")
    simulated = shown()
    reports.build(simulated.runs, simulated.histories, simulated.lessons, {"host": "here"}, path)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The same for one lesson and few seeds: axe looks long at every element."""
    path = tmp_path_factory.mktemp("small")
    lessons = {name: LESSONS[name] for name in ("early-stopping",)}
    simulated = store(3, scale=0.05, lessons=lessons, flaws={("early-stopping", "with", "redrawn", 1): "failed"})
    reports.build(simulated.runs, simulated.histories, simulated.lessons, {"host": "here"}, path)
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The same for a lesson whose every name is markup."""
    path = tmp_path_factory.mktemp("hostile")
    simulated = store(
        4, scale=0.02, lessons={"noise": LESSONS["noise"]}, flaws={("noise", "with", "fixed", 1): "failed"}
    )
    lessons = copy.deepcopy(simulated.lessons)
    lessons[0] |= {"title": BAD, "question": BAD, "explanation": BAD}
    lessons[0]["variants"][1] |= {"name": BAD, "note": BAD}
    runs, histories = simulated.runs.copy(), simulated.histories.copy()
    for frame in (runs, histories):
        frame["variant"] = frame["variant"].cat.rename_categories({"with": BAD})
    runs["error"] = runs["error"].where(runs["error"].isna(), BAD)
    reports.build(runs, histories, lessons, {"host": BAD}, path)
    return path


@pytest.fixture
def visit(browser):
    """Open a file of a folder; gives the page, and lists what it asked for and what it complained about."""
    contexts = []

    def go(path, *, width=1280, scheme="light", scripts=True, script=""):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.requests, page.complaints = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        if scripts:
            page.add_init_script(WATCH + script)
        page.goto(path.as_uri())
        return page

    yield go
    for context in contexts:
        context.close()


def until(page, true):
    """Wait until an expression is true; Playwright's own waiting evaluates text, which the pages' policy forbids."""
    for _ in range(100):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{true} never came true")


@pytest.mark.parametrize("name", ["report.html", "explore.html"])
def test_nothing_leaves_and_nothing_is_refused(visit, folder, name):
    """Opening a page asks for that one file, writes nothing to the console and does nothing its policy forbids."""
    page = visit(folder / name)
    page.wait_for_timeout(300)
    assert page.requests == [(folder / name).as_uri()]
    assert page.complaints == []
    assert page.evaluate("refused") == []


def test_the_policy_is_in_force(visit, folder):
    """A script or a style that is put into the page afterwards is refused, so the policy does bite."""
    page = visit(folder / "report.html")
    page.evaluate(
        "() => { for (const tag of ['script', 'style']) { const e = document.createElement(tag);"
        " e.textContent = tag === 'script' ? 'window.broken = 1' : 'body { display: none }';"
        " document.body.append(e); } }"
    )
    until(page, "refused.length === 2")
    assert page.evaluate("window.broken") is None
    assert page.locator("h1").is_visible()


def test_the_page_is_complete_without_scripts(visit, folder):
    """With scripts off every verdict, chart and section is there to be seen, and folded numbers unfold by a click."""
    page = visit(folder / "report.html", scripts=False)
    assert page.locator(".summary tbody tr").count() == len(CHOSEN) + 1
    assert page.locator(".summary tbody tr").first.is_visible()
    assert page.locator("section.lesson h2").count() == len(CHOSEN) + 4
    charts = page.locator("figure > .panels svg.chart:visible")
    assert charts.count() >= 8
    assert charts.first.bounding_box()["height"] > 150
    details = page.locator("figure details").first
    assert not details.locator("table").is_visible()
    details.locator("summary").click()
    assert details.locator("table").is_visible()


def test_the_explorer_says_when_it_needs_scripts(visit, folder):
    """With scripts off the explorer points back to the report instead of staying blank."""
    page = visit(folder / "explore.html", scripts=False)
    assert page.get_by_text("This page draws with scripts, and they are off.").is_visible()
    assert not page.locator("#choices").is_visible()
    assert not visit(folder / "explore.html").get_by_text("they are off").count()


@pytest.mark.parametrize(("width", "scheme"), [(1400, "dark"), (390, "light")])
def test_axe_finds_nothing_serious(visit, small, width, scheme):
    """The accessibility checker axe finds no serious or critical issue, wide and narrow, in the light and in the dark."""
    page = visit(small / "report.html", width=width, scheme=scheme)
    page.evaluate(UNFOLD)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_explorer(visit, small, scheme):
    """The explorer's own controls pass the accessibility checker as well."""
    found = Axe().run(visit(small / "explore.html", scheme=scheme)).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []


def test_the_page_fits_its_width(visit, folder):
    """No screen scrolls sideways, even with all unfolded; wide tables scroll within themselves."""
    page = visit(folder / "report.html")
    page.evaluate(UNFOLD)
    for width in (320, 390, 768, 1024, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_words_in_charts_do_not_collide(visit, folder):
    """No two texts of a chart lie on each other, in the reader's font, narrow or wide."""
    page = visit(folder / "report.html")
    page.evaluate(UNFOLD)
    for width in (390, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERLAPS) == []


def test_themes(visit, folder):
    """The page follows the reader's theme, charts included, and prints light whatever that is."""
    page = visit(folder / "report.html", scheme="dark")
    look = "() => [document.body, document.querySelector('svg.chart text')].map((e) => getComputedStyle(e))"
    colours = f"() => {{ const [body, text] = ({look})(); return [body.backgroundColor, text.fill]; }}"
    assert page.evaluate(colours) == ["rgb(20, 23, 28)", "rgb(164, 173, 186)"]
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(88, 96, 112)"]
    page.emulate_media(media="screen", color_scheme="light")
    assert page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(88, 96, 112)"]


@pytest.mark.parametrize("scripts", [True, False])
def test_print_has_the_words_and_leaves_the_tables_of_numbers(visit, folder, scripts):
    """Folded words are printed, by the style sheet alone; folded figures and tables of numbers are not."""
    page = visit(folder / "report.html", scripts=scripts)
    page.emulate_media(media="print")
    assert page.locator(".doubts li").first.is_visible()
    assert page.locator("#statistics dd").first.is_visible()
    assert not page.locator("figure details table").first.is_visible()
    assert not page.locator("table.numbers").first.is_visible()


def test_the_keyboard_reaches_what_matters(visit, folder):
    """The first tab stop skips to the verdicts; summaries open by Enter; wide tables can be scrolled by keys."""
    page = visit(folder / "report.html", width=390)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#verdicts")
    page.locator("figure summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("figure details").first.get_attribute("open") is not None
    assert page.locator(".wide:not([tabindex])").count() == 1  # the verdicts: on a narrow screen they are cards


def test_a_permalink_opens_what_it_leads_to(visit, folder):
    """A link to a folded chart unfolds it and scrolls there; the contents mark the section in view."""
    page = visit(folder / "report.html")
    page.evaluate("location.hash = '#early-stopping.val_5floss'")
    until(page, "Math.abs(document.getElementById('early-stopping.val_5floss').getBoundingClientRect().top) < 400")
    assert page.locator("[id='early-stopping.val_5floss'] svg.chart").first.is_visible()
    until(page, "document.querySelector('.contents [aria-current]')?.hash === '#lesson.early-stopping'")


@pytest.mark.parametrize("name", ["report.html", "explore.html"])
def test_markup_in_names_is_text(visit, hostile, name):
    """Markup in names is read, not run: no element is made of it, and the page keeps its title."""
    page = visit(hostile / name)
    page.wait_for_timeout(300)
    assert page.locator("img, #plot b").count() == 0
    assert page.title() != "1"
    assert page.complaints == []
    assert any(BAD in text for text in page.locator("h2, option").all_text_contents())


def test_the_explorer_shows_single_seeds(visit, folder):
    """Choosing a lesson and a seed draws each variant's mean and that seed's run, and says so."""
    page = visit(folder / "explore.html")
    page.select_option("#lesson", label=LESSONS["early-stopping"].title)
    page.select_option("#scope", label="On redrawn data")
    page.select_option("#seed", "3")
    until(page, "document.getElementById('plot').data?.length === 4")
    names = page.evaluate("document.getElementById('plot').data.map((trace) => trace.name)")
    assert names == ["without, seed 3", "without", "with, seed 3", "with"]
    assert f"{LESSONS['early-stopping'].title}, on redrawn data" in page.locator("#said").inner_text()
    assert page.complaints == []


def test_the_explorer_shows_what_was_stored(visit, folder):
    """The values drawn are those of the histories: the first epoch of a run, in percent."""
    histories = shown().histories
    page = visit(folder / "explore.html")
    page.select_option("#lesson", label=LESSONS["early-stopping"].title)
    page.select_option("#seed", "5")
    until(page, "document.getElementById('plot').data?.[0]?.name === 'without, seed 5'")
    drawn = page.evaluate("document.getElementById('plot').data[0]")
    mine = histories[
        (histories["lesson"] == "early-stopping")
        & (histories["variant"] == "without")
        & (histories["data"] == "fixed")
        & (histories["seed"] == 5)
    ].set_index("epoch")["val_accuracy"]
    assert len(drawn["x"]) == 400  # every epoch of the run
    assert drawn["y"] == pytest.approx([100 * mine[epoch] for epoch in drawn["x"]], abs=0.001)


def test_the_explorer_hears_what_is_chosen_before_it_has_drawn(visit, folder):
    """A seed that is chosen while the first curves are still being unpacked is shown; nothing is lost on a slow machine."""
    page = visit(folder / "explore.html", script=SLOW)
    page.select_option("#seed", "5")
    until(page, "document.getElementById('plot').data?.[0]?.name.endsWith('seed 5')")
    assert page.complaints == []


@pytest.mark.parametrize(
    ("age", "said"), [(3, r"Written \d+ s ago"), (600, "This page is 10 min old: the command was killed")]
)
def test_the_page_of_a_command_tells_its_age(browser, tmp_path, age, said):
    """Of one written a moment ago it says when; where nobody has renewed it for long, that nobody is at work, and how to go on."""
    path = tmp_path / "status.html"
    path.write_text(statuspage.page(statuspage.View("python -m orchestrator run all", BAD, now=time.time() - age)))
    page = browser.new_page()
    page.goto(path.as_uri())
    assert re.match(said, page.inner_text("#age"))
    assert page.title() == BAD
    page.close()


def test_the_explorer_keeps_its_view_in_the_address(visit, folder):
    """Zooming shows every epoch in view; the address, opened elsewhere, shows the same lesson, seed and stretch."""
    page = visit(folder / "explore.html")
    page.select_option("#lesson", label=LESSONS["early-stopping"].title)
    page.select_option("#seed", "3")
    until(page, "location.hash.includes('seed=3')")
    page.evaluate("Plotly.relayout('plot', { 'xaxis.range[0]': 50, 'xaxis.range[1]': 60 })")
    until(page, "location.hash.includes('x=50')")
    until(
        page,
        "document.getElementById('plot').data.filter((trace) => trace.x.length).every((trace) => trace.x[0] >= 48 && trace.x.at(-1) <= 62)",
    )
    other = visit(folder / "explore.html")
    other.goto(page.url)
    other.reload()
    until(other, "document.getElementById('plot').layout?.xaxis.range[0] === 50")
    until(other, "document.getElementById('said').textContent !== ''")
    assert other.locator("#said").inner_text() == page.locator("#said").inner_text()
    assert other.input_value("#seed") == "3"
    assert other.complaints == []


@pytest.fixture(scope="module")
def seven(tmp_path_factory):
    """The page of all seven lessons, eight seeds."""
    path = tmp_path_factory.mktemp("seven")
    simulated = store(8, scale=0.05)
    lessons = [lesson | {"explanation": f"The {lesson['id']} lesson trains nothing."} for lesson in simulated.lessons]
    reports.build(simulated.runs, simulated.histories, lessons, {"host": "here"}, path)
    return path / "report.html"


def test_the_first_screen_holds_every_answer(visit, seven):
    """At 1366 by 768 all eight rows are in view, each with a verdict in both scopes; on a phone the sentence and the first row."""
    page = visit(seven, width=1366)
    page.set_viewport_size({"width": 1366, "height": 768})
    rows = page.locator(".summary tbody tr")
    assert rows.count() == 8
    assert max(box["y"] + box["height"] for box in (row.bounding_box() for row in rows.all())) <= 768
    assert all(row.locator(".chip").count() == 2 for row in rows.all())
    page.set_viewport_size({"width": 380, "height": 800})
    first = rows.first.bounding_box()
    assert first["y"] + first["height"] <= 800


WORDS = "() => { document.querySelectorAll('.tools').forEach((e) => e.remove()); return document.body.innerText; }"
SAID = """() => [...document.querySelectorAll('p, li, dd, dt, figcaption, caption, h2, h3, h4, summary')]
  .filter((e) => !e.querySelector('p, li, dd')).map((e) => e.innerText).join('\\n')"""


def repeated(text):
    """The share of words in sentences of five words or more that were said before."""
    seen, again = set(), 0
    for sentence in re.split(r"(?<=[.!?:;])\s+|\n", text):
        words = sentence.split()
        if len(words) >= 5:
            again += len(words) * (sentence in seen)
            seen.add(sentence)
    return again / len(text.split())


def test_the_page_is_short(visit, seven):
    """Fifteen screens, 5,000 words and 20 printed pages; 14,000 words with all unfolded, and next to nothing said twice."""
    page = visit(seven, width=1366)
    page.set_viewport_size({"width": 1366, "height": 768})
    assert len(page.evaluate(WORDS).split()) <= 5_000
    assert page.evaluate("document.documentElement.scrollHeight") <= 15.5 * 768
    assert len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(format="A4", prefer_css_page_size=True))) <= 20
    page.evaluate(UNFOLD)
    assert len(page.evaluate(WORDS).split()) <= 14_000
    assert repeated(page.evaluate(SAID)) < 0.05


def test_the_answers_can_be_sorted(visit, seven):
    """A click on a column's head sorts by verdict, a second turns it round, a third gives the lessons' order back."""
    page = visit(seven)
    names = "[...document.querySelectorAll('.summary tbody tr a')].map((e) => e.textContent)"
    orders = "[...document.querySelectorAll('.summary tbody tr')].map((row) => Number(row.cells[2].dataset.order))"
    before = page.evaluate(names)
    button = page.locator(".summary .sort").nth(2)
    button.click()
    assert page.evaluate(orders) == sorted(page.evaluate(orders))
    button.click()
    assert page.evaluate(orders) == sorted(page.evaluate(orders), reverse=True)
    button.click()
    assert page.evaluate(names) == before


@pytest.mark.parametrize(
    ("name", "head"), [("CSV", "Technique and what decides,On"), ("Markdown", "| Technique and what decides | On")]
)
def test_tables_can_be_copied(visit, folder, name, head):
    """A table is copied as CSV and as Markdown, a line a row."""
    page = visit(folder / "report.html")
    page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    page.get_by_role("button", name=f"Copy {name}: the answers").click()
    lines = page.evaluate("window.copied").split("\n")
    assert lines[0].startswith(head)
    assert len(lines) == len(CHOSEN) + 2 + (name == "Markdown")


def test_words_in_charts_can_be_read(visit, seven):
    """At 1366 and 1024 wide and on a phone no text of a visible chart is smaller than 13 px."""
    page = visit(seven, width=1366)
    sizes = """() => [...document.querySelectorAll('svg.chart')].filter((svg) => svg.checkVisibility()).flatMap((svg) => {
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      return [...svg.querySelectorAll('text')].map((text) => scale * parseFloat(getComputedStyle(text).fontSize)); })"""
    for width in (1366, 1024, 390):
        page.set_viewport_size({"width": width, "height": 768})
        assert min(page.evaluate(sizes)) >= 13, width
