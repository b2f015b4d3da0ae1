"""The page: right for any results, whole without scripts, the same bytes for the same tables."""

import base64
import copy
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestrator import reports
from orchestrator.reports.page import tables
from orchestrator.reports.verdicts.effects import table
from tests.simulate import LESSONS, endpoint, store

NOISE = LESSONS["noise"].title
ROOT = Path(__file__).parent.parent
VOID = {"meta", "br", "img", "link", "input", "hr"}
BAD = '<img src=x onerror="alert(1)">&\'$x_1$'


class Reader(HTMLParser):
    """A page as a reader's program sees it: elements with attributes, texts, and where each text stands."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self._open[-1], " ".join(data.split())))

    def all(self, tag):
        """The attributes of every element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, *tags):
        """All that is written in elements of these names, or anywhere."""
        return " ".join(text for tag, text in self.texts if not tags or tag in tags)


def build(folder, simulated, provenance=None):
    """The text of the page built from simulated results."""
    folder.mkdir(exist_ok=True)
    reports.build(simulated.runs, simulated.histories, simulated.lessons, provenance or {}, folder)
    return (folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def seven():
    """Seven lessons in short, eight seeds, with a failed, a diverged and a late run."""
    return store(8, scale=0.05)


@pytest.fixture(scope="module")
def text(seven, tmp_path_factory):
    """The page of the seven lessons."""
    told = {"command": "python -m orchestrator run all", "wall_seconds": 75.0, "seeds": [0, 1, 2, 4], "own": {"a": 1}}
    return build(tmp_path_factory.mktemp("seven"), seven, told)


@pytest.fixture(scope="module")
def page(text):
    """The same, read."""
    return Reader(text)


def one(**more):
    """A store of one lesson, four seeds."""
    return store(4, scale=0.02, lessons={"noise": LESSONS["noise"]}, **({"flaws": {}} | more))


def test_verdicts_come_first(page):
    """The first table is the verdict table, a row a comparison, before any lesson's section."""
    order = [tag if tag == "table" else a["id"] for tag, a in page.elements if tag in {"table", "section"}]
    assert order[:2] == ["verdicts", "table"]
    links = [text for tag, text in page.texts if tag == "a"]
    first = links[links.index("Batch size: minibatch") - 1 :][:8]
    assert first[:3] == [LESSONS["framework"].title, "Batch size: minibatch", "Batch size: stochastic"]
    assert first[-1] == "Early stopping"


def test_every_lesson_has_a_section_and_every_section_is_laid_out_alike(page):
    """Each lesson has curves, pairs and a difference, and the same four folds; how to read them is said once."""
    headings = [text for tag, text in page.texts if tag == "h3"]
    folds = [text for tag, text in page.texts if tag == "summary"]
    assert headings.count("Accuracy along training") == len(LESSONS)
    for beginning in ("Seed by seed", "Along training: "):
        assert sum(heading.startswith(beginning) for heading in headings) == len(LESSONS) + 1
    for fold in ("How sure", "More figures", "Other measures", "What was trained"):
        assert folds.count(fold) == len(LESSONS)
    assert folds.count("How to read the figures and tables") == 1
    assert {f"lesson.{name}" for name in LESSONS} <= {a.get("id") for a in page.all("section")}


def test_lessons_show_what_is_theirs(page):
    """The plateau lesson has its learning rates, the speed lesson its waiting times, early stopping its stops; no other has."""
    found = {a["id"] for a in page.all("figure") if a["id"].rpartition(".")[2] in ("rates", "reached", "stops")}
    assert found == {"learning-rate-schedule.rates", "batch-normalization.reached", "early-stopping.stops"}


def test_numbers_are_the_tables_numbers(seven, page):
    """The effect printed for early stopping is the mean paired difference of the runs table, in points."""
    runs = seven.runs[(seven.runs["lesson"] == "early-stopping") & (seven.runs["data"] == "fixed")]
    wide = runs.pivot_table(index="seed", columns="variant", values="fresh_accuracy", observed=True)
    points = 100 * (wide["with"] - wide["without"]).mean()
    assert f"{points:.1f} points more accuracy" in page.said("b")


def test_a_curve_is_the_histories_mean(seven, text):
    """A curve's table holds the mean over all seeds, stopped runs carried forward with their last value."""
    mine = seven.histories[
        (seven.histories["lesson"] == "early-stopping")
        & (seven.histories["variant"] == "with")
        & (seven.histories["data"] == "fixed")
    ]
    carried = mine.pivot_table(index="epoch", columns="seed", values="val_accuracy").reindex(range(1, 201)).ffill()
    figure = text[text.index('id="early-stopping.val_5faccuracy"') :]
    row = re.search(r'<th scope="row">200</th>((?:<td class="n">[^<]*</td>)+)', figure)
    cells = re.findall(r">([^<]+)</td>", row[1])
    assert f"{100 * carried.loc[200].mean():.1f}" in cells
    assert str(int((mine.groupby("seed")["epoch"].max() >= 200).sum())) in cells


def test_references_are_named(page):
    """The best possible accuracy is drawn and named with its value in every chart of accuracies."""
    labels = " ".join(text for tag, text in page.texts if tag == "text")
    charts = sum(a["id"].endswith("val_5faccuracy") for a in page.all("figure")) * 2
    assert labels.count("best possible 84 %") == charts
    assert "guessing 50 %" in labels


def test_every_chart_has_words_and_numbers(page):
    """Each SVG that is an image has its title and description; each figure a table of its numbers."""
    ids = {attributes.get("id") for _, attributes in page.elements}
    images = [a for a in page.all("svg") if a.get("role") == "img"]
    assert len(images) > 50
    assert all(a["aria-labelledby"] in ids and a["aria-describedby"] in ids for a in images)
    folds = [text for tag, text in page.texts if tag == "summary"]
    assert folds.count("Numbers") == len(page.all("figure"))


def test_nothing_is_unexplained(page):
    """Every column of the fuller table, every chip and every scope is explained in words on the page."""
    terms = [text for tag, text in page.texts if tag == "dt"]
    for column in tables.COLUMNS:
        assert f"{column[:1].upper()}{column[1:]}" in terms
    assert {"The interval", "“Too small to matter”", "Two scopes", "Wobble", "Gap"} <= set(terms)


def test_the_first_words_explain_what_the_rows_say(page):
    """Points, fresh points and redrawn data are explained before the first row that speaks of them."""
    told = page.said().partition("Batch size: minibatch")[0]
    for part in (
        "80 % to 83 % is 3 points",
        "rows that no training saw",
        "each seed draws its own, same source",
        "nothing is shown for other data or models",
    ):
        assert part in told


def test_stuck_runs_are_told_with_their_scores(tmp_path):
    """Where a median run has 80 %, two thirds of the way from guessing are 70 %: 65 % is stuck, and no guess."""
    simulated = store(12, scale=0.02, lessons={"noise": LESSONS["noise"]}, flaws={})
    simulated.runs["fresh_accuracy"] = 0.8
    simulated.runs.loc[(simulated.runs["variant"] == "with") & (simulated.runs["seed"] == 3), "fresh_accuracy"] = 0.65
    said = Reader(build(tmp_path, simulated)).said("p", "b", "span")
    assert "2 more got stuck" in said
    assert "Stuck: less than two thirds of the way from a guess to the median run" in said
    assert "seeds 3, at 65.0 % accuracy on fresh points (70.0 % needed)" in said
    assert "learned nothing" not in said


def test_the_data_are_named_and_so_is_the_command_that_settles(tmp_path):
    """The first screen says on which data all of it was found; an open comparison ends with the seeds to ask for."""
    simulated = store(12, scale=0.05, lessons={"early-stopping": LESSONS["early-stopping"]}, flaws={})
    simulated.lessons[0]["data"]["note"] = "Two noisy rings, 30 rows"
    page = Reader(build(tmp_path, simulated, {"command": "python -m orchestrator run all --seeds 12"}))
    assert "on two noisy rings: nothing is shown for other data or models" in page.said("p")
    needed = [text for tag, text in page.texts if tag == "code" and text.startswith("python -m orchestrator run")]
    assert all(re.fullmatch(r"python -m orchestrator run early-stopping --seeds \d+", text) for text in needed)


def test_a_lesson_without_accuracy_speaks_of_none(tmp_path):
    """A regression has no steps of an accuracy, no border for one, no guard on one."""
    simulated = one()
    simulated.lessons[0] |= {"endpoint": endpoint("fresh_bce", "lower", 0.02), "secondary": [], "guard": None}
    runs = simulated.runs[[name for name in simulated.runs if not name.endswith("accuracy")]]
    histories = simulated.histories.drop(columns=["accuracy", "val_accuracy"])
    page = Reader(build(tmp_path, replace(simulated, runs=runs, histories=histories)))
    assert "Granularity" not in page.said("dt")
    assert "raining accuracy" not in page.said("dt", "dd")
    assert "steps of 1/" not in page.said("dd")


def test_a_broken_guard_is_said_in_the_chip(tmp_path):
    """The wobble falls and accuracy on fresh points with it: the chip says "Improves, but", the guard's column by how much."""
    simulated = store(12, scale=0.05, lessons={"learning-rate-schedule": LESSONS["learning-rate-schedule"]}, flaws={})
    lost = (simulated.runs["variant"] == "with") & (simulated.runs["data"] == "fixed")
    simulated.runs.loc[lost, "fresh_accuracy"] -= 0.06
    page = Reader(build(tmp_path, simulated))
    assert "Improves, but" in page.said("span")
    assert re.search(r"here: broken, −\d\.\d", page.said("span"))
    assert "redrawn: holds" in page.said("span")
    assert "its guard is broken" in page.said("li")
    assert "improves what it promises (one at a price)" in page.said("h1")


@pytest.mark.parametrize("measure", ["bad", "stuck"])
def test_a_rate_may_decide_a_lesson(tmp_path, measure):
    """A lesson decided by its share of bad runs has a page: nine of twelve diverge, and that is what the verdict is of."""
    flaws = {("noise", "with", d, s): "diverged" for d in ("fixed", "redrawn") for s in range(9)}
    simulated = store(12, scale=0.02, lessons={"noise": LESSONS["noise"]}, flaws=flaws)
    simulated.lessons[0]["endpoint"] = endpoint(measure, "lower", 0.1, "rate")
    page = Reader(build(tmp_path, simulated))
    if measure == "bad":
        assert "75.0 points more runs go bad" in page.said("b")
        assert "[29.6, 92.6]" in page.said("span")
    else:
        assert "is not shown to change the share of stuck runs" in page.said("h2")
        assert "seeds would find a difference of 10 points" in page.said("td")
    assert not [a for a in page.all("figure") if a["id"].endswith("pairs")]


def test_runs_that_went_wrong_are_grouped_by_cause(page):
    """Failures are listed with their error, how many they are and which runs they were."""
    said = page.said("section", "th", "code", "span", "b", "p")
    assert "3 of 240 runs failed or diverged" in said
    assert "ValueError: a layer was asked for -1 units" in said
    assert f"{NOISE}, “with”, on redrawn data: seeds 3" in said


def test_the_page_says_where_it_comes_from(page):
    """Command, seeds and wall time are printed, keys nobody foresaw as well, and the command that rebuilds the page."""
    said = page.said("dd", "dt", "code")
    assert "python -m orchestrator report --out DIR" in said
    for part in ("python -m orchestrator run all", "0–2, 4 (4 seeds)", "1 min 15 s", "Own", "a 1"):
        assert part in said


def test_the_tables_are_hashed(tmp_path):
    """The page gives the SHA-256 of the tables that lie beside it, and links to them."""
    (tmp_path / "runs.parquet").write_bytes(b"PAR1 and so on")
    page = Reader(build(tmp_path, one(scopes=("fixed",))))
    assert hashlib.sha256(b"PAR1 and so on").hexdigest() in page.said("code")
    links = {a["href"] for a in page.all("a")}
    assert {"runs.parquet", "histories.parquet", "effects.parquet", "run.json", "explore.html"} <= links


def test_the_time_told_is_that_of_the_runs_shown(tmp_path):
    """Sixteen runs of 30 seconds each are eight minutes of training, however short the last command was that found them stored."""
    simulated = one()
    simulated.runs["seconds"] = 30.0
    assert len(simulated.runs) == 16
    page = Reader(build(tmp_path, simulated, {"wall_seconds": 4.6, "timings": {"train": 3.2}}))
    said = page.said("dt", "dd")
    assert "The command, start to end 4.6 s" in said
    assert "Training, by the clock, all workers at once 3.2 s" in said
    assert "Training, 16 runs added up, whenever they ran 8 min 0 s" in said


def test_structure(page):
    """One h1, a language, landmarks, a skip link to what it skips to, and no two equal ids."""
    assert len(page.all("h1")) == 1
    assert page.all("html")[0]["lang"] == "en"
    assert all(len(page.all(tag)) == 1 for tag in ("main", "nav", "header", "footer"))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert page.all("a")[0] == {"class": "skip", "href": "#verdicts"}


def test_links_lead_somewhere(page):
    """Every link is to a place on the page or to a file beside it."""
    ids = {a["id"] for _, a in page.elements if "id" in a}
    for href in (a["href"] for a in page.all("a")):
        assert href[1:] in ids if href.startswith("#") else re.fullmatch(r"[a-z]+\.(parquet|json|html)", href)


def test_the_page_loads_nothing(text, page):
    """No element fetches anything and no text holds an address on the network."""
    assert not {"img", "link", "iframe", "object", "embed", "audio", "video", "base"} & {
        tag for tag, _ in page.elements
    }
    assert not [a for _, a in page.elements if "src" in a]
    assert not re.search(r"https?://|@import|url\((?!#)", text)


def test_the_policy_fits_the_page(text, page):
    """The Content-Security-Policy names the hashes of this very style sheet and script, and there is no other styling."""
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    for tag in ("style", "script"):
        inline = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(inline) == 1
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert not [a for _, a in page.elements if "style" in a or any(name.startswith("on") for name in a)]


def test_the_same_tables_give_the_same_bytes(tmp_path):
    """Another process with another hash seed, and histories in another order, write the same two files byte for byte."""
    simulated = store(7, scale=0.05, lessons={name: LESSONS[name] for name in ("framework", "early-stopping")})
    code = (
        "import sys, pathlib; from orchestrator import reports; from tests.simulate import LESSONS, store;"
        "s = store(7, scale=0.05, lessons={name: LESSONS[name] for name in ('framework', 'early-stopping')});"
        "reports.build(s.runs, s.histories, s.lessons, {}, pathlib.Path(sys.argv[1]))"
    )
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    reports.build(simulated.runs, simulated.histories.sample(frac=1, random_state=0), simulated.lessons, {}, ours)
    subprocess.run([sys.executable, "-c", code, theirs], check=True, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "7"})
    for name in ("report.html", "explore.html"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()


def test_thirty_seeds_fit_in_six_megabytes(tmp_path):
    """The main job's page, curves of 4,000 epochs and all, stays below 6 MB, and no drawn line has over 500 points."""
    text = build(tmp_path, store(30))
    assert len(text.encode()) < 6_000_000
    paths = re.findall(r'<path d="M ([^"zC]+)"', text)
    assert 400 < max(len(path.split()) / 2 for path in paths) <= 500


def test_names_are_text(tmp_path):
    """Markup in lesson, variant, error and provenance comes out as text, in the report and in the explorer."""
    simulated = one(flaws={("noise", "with", "fixed", 1): "failed"})
    lessons = copy.deepcopy(simulated.lessons)
    lessons[0] |= {"title": BAD, "question": f"</style>{BAD}", "explanation": f"{BAD} `<i>`"}
    for variant, name in zip(lessons[0]["variants"], (f"</script>{BAD}", BAD), strict=True):
        variant |= {"name": name, "note": BAD, "engine_reason": BAD}
    runs, histories = simulated.runs.copy(), simulated.histories.copy()
    for frame in (runs, histories):
        frame["variant"] = frame["variant"].cat.rename_categories({"without": f"</script>{BAD}", "with": BAD})
    runs["error"] = runs["error"].where(runs["error"].isna(), f"<script>alert(2)</script>{BAD}")
    reports.build(runs, histories, lessons, {BAD: {BAD: [BAD]}}, tmp_path)
    for name in ("report.html", "explore.html"):
        text = (tmp_path / name).read_text("utf-8")
        assert "<img src" not in text
        assert "<script>alert" not in text
    page = Reader((tmp_path / "report.html").read_text("utf-8"))
    for tag in ("h2", "dt", "text", "title", "desc"):
        assert BAD[:9] in page.said(tag)
    assert "<i>" in page.said("code")


def own(simulated):
    """The same results as a user's lesson about a regression: another name, no number, other metrics, nothing known."""
    renamed = {"train_accuracy": "train_mae", "test_accuracy": "test_mae", "fresh_accuracy": "fresh_mae"}
    losses = {"train_bce": "train_mse", "test_bce": "test_mse", "fresh_bce": "fresh_mse"}
    runs = simulated.runs.rename(columns=renamed | losses)
    histories = simulated.histories.rename(columns={"accuracy": "mae", "val_accuracy": "val_mae"})
    lesson = copy.deepcopy(simulated.lessons[0])
    lesson |= {"number": None, "family": None, "endpoint": endpoint("fresh_mae", "lower", 0.01), "secondary": []}
    lesson["data"] = {"fixed": True, "redrawn": False}
    return runs, histories, [lesson]


def test_a_lesson_of_ones_own(tmp_path):
    """A lesson without number, accuracy, Bayes, chance or redrawn data has a page that speaks of its own metric."""
    runs, histories, lessons = own(one(scopes=("fixed",)))
    reports.build(runs, histories, lessons, {}, tmp_path)
    page = Reader((tmp_path / "report.html").read_text("utf-8"))
    said = page.said()
    assert "Absolute error along training" in page.said("h3")
    assert "absolute error on fresh points" in said
    assert re.search(r"absolute error 0\.\d+ (lower|higher)", page.said("b"))
    assert "Lesson None" not in said
    assert "redrawn" not in page.said("th", "h3", "h4", "p", "dt", "h1")
    assert "guessing" not in page.said("text")
    lesson = Reader(
        (tmp_path / "report.html").read_text("utf-8").partition('<section class="lesson" id="diagnosis"')[0]
    )
    assert "points" not in lesson.said().replace("fresh points", "")


def test_a_metric_of_which_nothing_was_declared_is_shown_and_not_judged(tmp_path):
    """Its mean difference is numpy's, with an interval; what change in it matters, and which way is better, nobody said."""
    runs, histories, lessons = own(one(scopes=("fixed",)))
    pairs = runs.pivot_table(index="seed", columns="variant", values="fresh_mae", observed=True)
    runs = runs.assign(fresh_within_ten=2 * runs["fresh_mae"])
    lessons = [dict(lessons[0], metrics=["fresh_mae", "fresh_within_ten"])]
    reports.build(runs, histories, lessons, {}, tmp_path)
    page = Reader((tmp_path / "report.html").read_text("utf-8"))
    effects = table(runs, histories, lessons).set_index("measure")
    row = effects.loc["fresh_within_ten"]
    assert row["effect"] == pytest.approx(2 * np.mean(pairs["with"] - pairs["without"]), rel=1e-4)
    assert row["low"] < row["effect"] < row["high"]
    assert (row["verdict"], row["better"]) == ("not judged", "")
    assert np.isnan([row["sesoi"], row["probability_better"]]).all()
    assert "within ten" in page.said("th")
    assert "Not judged" in page.said("span")
    assert effects.loc["fresh_mae", "verdict"].iloc[0] != "not judged"


@pytest.mark.parametrize("scope", ["fixed", "redrawn"])
def test_one_scope_is_enough(tmp_path, scope):
    """With runs of one scope only, the page has that scope's column and no other."""
    page = Reader(build(tmp_path, one(scopes=(scope,))))
    names = {"fixed": "On this data set", "redrawn": "On redrawn data"}
    assert names.pop(scope) in page.said("th")
    assert names.popitem()[1] not in page.said("th")


def test_one_seed_proves_nothing(tmp_path):
    """A single seed is shown, without bands and bars, and nothing is claimed from it."""
    page = Reader(build(tmp_path, store(1, scale=0.02, lessons={"noise": LESSONS["noise"]}, flaws={})))
    assert "Not testable" in page.said("span")
    assert "1 random start (seeds)" in page.said("p")
    assert "± 1 SD" not in page.said("li")


def test_one_variant_compares_nothing(tmp_path):
    """A lesson with a single variant shows its curves and says that there is nothing to compare."""
    simulated = one()
    lessons = copy.deepcopy(simulated.lessons)
    lessons[0]["variants"] = lessons[0]["variants"][:1]
    runs, histories = (frame[frame["variant"] == "without"] for frame in (simulated.runs, simulated.histories))
    reports.build(runs, histories, lessons, {}, tmp_path)
    page = Reader((tmp_path / "report.html").read_text("utf-8"))
    assert "Nothing was compared" in page.said("p")
    assert "Accuracy along training" in page.said("h3")
    assert "Verdict" not in page.said("th")


def test_everything_failed(tmp_path):
    """When every run failed there is no chart, but the verdicts say why and the failures are listed in full."""
    flaws = {("noise", v, d, s): "failed" for v in ("without", "with") for d in ("fixed", "redrawn") for s in range(4)}
    page = Reader(build(tmp_path, one(flaws=flaws)))
    assert "16 of 16 runs" in page.said("p")
    assert "so few can't show anything" in page.said()
    assert "No run left a history to judge by." in page.said("p")
    assert {a["id"] for a in page.all("figure")} == {"effects"}


def test_divergence_is_told(tmp_path):
    """Diverged runs stay in the page: counted in the verdict's row, named under the curves, listed by cause."""
    flaws = {("noise", "with", "fixed", s): "diverged" for s in (0, 2)}
    page = Reader(build(tmp_path, one(flaws=flaws)))
    assert "2 of 4 runs diverge (without it none)" in page.said("span")
    assert "2 runs of “Noise” diverged to values that are not numbers" in page.said("figcaption", "p")
    assert f"{NOISE}, “with”, on this data set: seeds 0, 2" in page.said("span")


def test_constant_results_are_no_proof(tmp_path):
    """When every run ends alike the page says so and claims neither a difference nor its absence."""
    simulated = store(8, scale=0.02, lessons={"noise": LESSONS["noise"]}, flaws={})
    runs = simulated.runs.assign(**{name: 1.0 for name in simulated.runs if name.endswith("accuracy")})
    histories = simulated.histories.assign(val_accuracy=np.float32(1))
    reports.build(runs, histories, simulated.lessons, {}, tmp_path)
    page = Reader((tmp_path / "report.html").read_text("utf-8"))
    chips = [text for tag, text in page.texts if tag == "span" and text in ("Improves", "Harms", "Not testable")]
    assert "Not testable" in chips
    assert "accuracy is 100.0 % in every run of both arms" in page.said()


def test_old_and_new_columns_are_welcome(tmp_path):
    """Columns the page does not know, and missing ones it can do without, change nothing but what is shown."""
    simulated = one(scopes=("fixed",))
    runs = simulated.runs.drop(columns=["error", "key", "node", "attempts"]).assign(new=pd.NA)
    reports.build(runs, simulated.histories.drop(columns="learning_rate"), simulated.lessons, {}, tmp_path)
    page = Reader((tmp_path / "report.html").read_text("utf-8"))
    assert NOISE in page.said("h2")
    assert "Seed by seed" in page.said("h3")
