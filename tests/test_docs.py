"""The site that `make docs` makes: whole, and complete in itself."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urlparse

import pytest

import orchestrator
from tests.conftest import ROOT

COMMAND = re.search(r"\$\(BIN\)/sphinx-build (.*) -d \S+ \. site$", (ROOT / "Makefile").read_text(), re.MULTILINE)[
    1
].split()
FETCHED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """What a page links to, what it loads by itself, and what it can be entered by."""

    def __init__(self, file):
        super().__init__()
        self.links, self.loads, self.anchors, self.told = [], [], set(), []
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "form":
            self.links.append(found["action"])
        if found.get(FETCHED.get(tag)):
            self.loads.append(found[FETCHED[tag]])
        if found.get("id"):
            self.anchors.add(found["id"])
        if found.get("http-equiv") == "refresh":
            self.links.append(found["content"].partition("url=")[2])

    def handle_data(self, data):
        self.told.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site as `make docs` makes it, where any warning is an error."""
    folder = tmp_path_factory.mktemp("docs")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *COMMAND, "-d", folder / "doctrees", ".", folder / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site):
    """Every page of the site, by its file."""
    return {file: Page(file) for file in site.rglob("*.html") if file.parent.name != "_static"}


def test_every_public_name_is_on_the_page_of_python(site, pages):
    """What `orchestrator.__all__` promises can be looked up, and has an anchor to link to."""
    anchors = pages[site / "docs" / "api.html"].anchors
    assert not {name for name in orchestrator.__all__ if f"orchestrator.{name}" not in anchors}


def test_every_page_is_reached_from_the_first(site, pages):
    """Whoever opens index.html comes to every page by links alone."""
    seen, waiting = set(), [site / "index.html"]
    while waiting:
        file = waiting.pop()
        if file in pages and file not in seen:
            seen.add(file)
            waiting += [
                (file.parent / unquote(urlparse(link).path)).resolve()
                for link in pages[file].links
                if not urlparse(link).scheme
            ]
    assert seen == set(pages)


def test_no_link_within_the_site_is_dead(pages):
    """Every relative link leads to a file, and every fragment to a place in it."""
    dead = []
    for file, page in pages.items():
        for link in page.links:
            path, fragment = urldefrag(link)
            target = (file.parent / unquote(path)).resolve() if path else file
            if urlparse(link).scheme or (target in pages and (not fragment or fragment in pages[target].anchors)):
                continue
            if fragment or not target.exists():
                dead.append((file.name, link))
    assert not dead


def test_no_page_loads_anything_from_elsewhere(site, pages):
    """The site works without a network, and tells nobody who reads it: no style, script, font or picture of another host."""
    loads = {load for page in pages.values() for load in page.loads}
    assert loads
    assert not {load for load in loads if urlparse(load).netloc}
    styles = "".join(file.read_text() for file in site.rglob("*.css"))
    assert not re.findall(r"(?:url\(|@import)\s*['\"]?\s*(?:https?:)?//[^)]*", styles)


def test_the_words_of_the_page_are_explained(pages, site):
    """Each verdict that the page can give stands among the words."""
    from orchestrator.reports.verdicts.verdict import CATEGORIES

    told = "".join(pages[site / "docs" / "words.html"].told)
    assert not [verdict for verdict in CATEGORIES if verdict not in told]
