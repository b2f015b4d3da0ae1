"""The notebook of the seven lessons, executed as a teacher would, with few seeds and epochs."""

import nbformat
import pytest
from nbclient import NotebookClient

from orchestrator.jobs import LESSONS
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
]  # it trains all seven lessons, which takes minutes on a busy machine
NOTEBOOK = ROOT / "docs" / "lessons.ipynb"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The notebook after all its cells ran, in a folder of its own; a cell that raises fails here."""
    book = nbformat.read(NOTEBOOK, as_version=4)
    first = next(cell for cell in book.cells if cell.cell_type == "code")
    assert "SEEDS = 30" in first.source
    first.source = "SEEDS = 5\nEPOCHS = 3"
    folder = tmp_path_factory.mktemp("notebook")
    where = {"metadata": {"path": str(folder)}}
    return NotebookClient(book, timeout=600, startup_timeout=300, kernel_name="python3", resources=where).execute()


def shown(book, source):
    """What the cells whose source holds this text show, by type."""
    cells = [cell for cell in book.cells if cell.cell_type == "code" and source in cell.source]
    return [output.data for cell in cells for output in cell.outputs if "data" in output]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_its_question_its_verdicts_and_a_figure(book, lesson):
    """The question and the code of the variants come from the lesson's file, the verdicts name both kinds of data."""
    (question,) = shown(book, f'question("{lesson}")')
    assert "?" in question["text/markdown"]
    assert question["text/markdown"].count("Variant(") >= 2
    (verdicts,) = shown(book, f'verdicts("{lesson}")')
    assert "fixed" in verdicts["text/html"]
    assert "redrawn" in verdicts["text/html"]
    (figure,) = shown(book, f'curves("{lesson}"')
    assert len(figure["image/png"]) > 1000


def test_the_bar_reached_its_end(book):
    """The cell that trained shows how far it came: to the end."""
    (bar,) = (data["text/html"] for data in shown(book, "found = o.run"))
    done, most = (bar.partition(f"{name}='")[2].partition("'")[0] for name in ("value", "max"))
    assert done == most != "1"
    assert "shards done" in bar


def test_nothing_is_printed_beside_what_the_cells_show(book):
    """No library's log lines stand between a question and its answer."""
    printed = [
        output
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream"
    ]
    assert not printed


def test_a_comparison_of_ones_own_and_a_diagnosis_are_shown(book):
    """Both kinds of `Found` show a table and the main figure; the diagnosis is read as lines."""
    results = [*shown(book, "found")[1:2], shown(book, "o.compare(")[-1]]
    assert all("<table" in data["text/html"] and "<svg" in data["text/html"] for data in results)
    (diagnosis,) = shown(book, "o.diagnose(")
    assert "\n" in diagnosis["text/plain"]


def test_it_is_stored_without_outputs():
    """What a reader sees was made by their own run; a diff shows what was written."""
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]
