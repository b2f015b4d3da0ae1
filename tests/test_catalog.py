"""Tests of `orchestrator/lessons/catalog.py`."""

import pytest

from orchestrator.errors import LessonError, UsageError
from orchestrator.lessons import catalog


def test_all_is_the_seven_lessons_in_course_order():
    """`all` gives the seven, numbered from 1."""
    assert [(s.number, s.id) for s in catalog.find(["all"])] == [
        (1, "framework"),
        (2, "batch-size"),
        (3, "learning-rate-schedule"),
        (4, "batch-normalization"),
        (5, "weight-regularization"),
        (6, "noise"),
        (7, "early-stopping"),
    ]


def test_ids_numbers_and_paths_name_lessons_once_each(tiny):
    """Words may mix ids, numbers and paths; a lesson named twice comes once."""
    assert [s.id for s in catalog.find(["noise", "6", "2", str(tiny)])] == ["noise", "batch-size", "tiny"]


def test_an_unknown_lesson_is_answered_with_the_nearest_names():
    """A typing error is met with the name that was probably meant."""
    with pytest.raises(UsageError, match="did you mean noise"):
        catalog.find(["nois"])
    with pytest.raises(UsageError, match="1-7"):
        catalog.find(["8"])


def test_two_files_of_one_name_are_refused(tmp_path, tiny):
    """Results are told apart by lesson name, so two lessons may not share one."""
    other = tmp_path / "other" / "tiny.py"
    other.parent.mkdir()
    other.write_text(tiny.read_text())
    with pytest.raises(UsageError, match="rename one"):
        catalog.find([str(tiny), str(other)])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("def f(:\n", "line 1: not Python"),
        ("x = 1\n", "defines no lesson"),
        ("LESSON = 3\n", "defines no lesson"),
        ("\n\n1 / 0\n", "line 3: ZeroDivisionError"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError"),
        ("from orchestrator import Variant\n\nVariant('a', len, epochs=0)\n", "line 3: variant 'a'"),
        ("raise SystemExit(3)\n", "SystemExit"),
    ],
)
def test_a_file_that_is_no_lesson_is_refused_with_its_line(tmp_path, text, part):
    """What a file does wrong is said on one line, with the place."""
    path = tmp_path / "wrong.py"
    path.write_text(text)
    with pytest.raises(LessonError, match=part) as caught:
        catalog.load(catalog.find([str(path)])[0])
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    """A missing file, a folder and bytes that are no text are each said in one line."""
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.py").mkdir()
    for name in ("missing.py", "binary.py", "folder.py"):
        with pytest.raises(LessonError, match="can't be read"):
            catalog.find([str(tmp_path / name)])


def test_every_lesson_has_a_question_in_its_docstring():
    """A lesson file's docstring begins with a question, which can be read without running the file."""
    assert all(source.question.endswith("?") for source in catalog.built_in())


def test_the_atlas_is_a_word_of_its_own():
    """`atlas` means its eleven lessons, each found by its name as well; `all` stays the seven, and names in run.json need no path."""
    atlas = catalog.find(["atlas"])
    assert len(atlas) == 11
    assert [source.id for source in catalog.find([source.id for source in atlas])] == [source.id for source in atlas]
    assert [source.name for source in atlas] == [source.id for source in atlas]
    assert not {source.id for source in atlas} & {source.id for source in catalog.find(["all"])}


@pytest.mark.parametrize("source", catalog.find(["atlas", "stack"]), ids=lambda source: source.id)
def test_every_further_lesson_is_compiled(source):
    """Each lesson that comes with the program trains in a compiled program, so that the whole atlas is a matter of minutes."""
    from orchestrator.lessons import keys
    from orchestrator.lessons.sandbox import here

    jobs = keys.survey(here, source, (), ("fixed",), "compiled")[0]
    assert {job.engine for job in jobs} == {"compiled"}
