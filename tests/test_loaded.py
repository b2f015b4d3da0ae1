"""Tests of `orchestrator/lessons/loaded.py`: lessons do not see each other."""

import sys
from dataclasses import replace

from orchestrator import engine
from orchestrator.lessons import catalog
from orchestrator.lessons.loaded import Loaded
from tests.conftest import TINY

engine.load()  # before anything else imports Keras

import keras


def lesson(folder, before, **files):
    """A lesson with this text before it, beside these files."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    text = before + TINY.replace("epochs=3", "epochs=EPOCHS").replace("about=__doc__", "about='Why?'")
    (folder / f"{folder.name}.py").write_text(text)
    return catalog.find([str(folder / f"{folder.name}.py")])[0]


def test_each_folder_has_helpers_of_its_own(tmp_path):
    """Two folders with a module of one name: each lesson finds its own, whichever was at work before, and leaves none behind."""
    sources = [lesson(tmp_path / f"l{n}", "from beside import EPOCHS\n", beside=f"EPOCHS = {n}\n") for n in (4, 5)]
    loaded = [Loaded(source, {}) for source in sources]
    for at in (0, 1, 0):
        assert loaded[at].enter().variants[0].epochs == 4 + at
        assert 4 + at == sys.modules["beside"].EPOCHS


def test_a_lesson_travels_with_its_modules(tmp_path):
    """What was loaded here runs elsewhere as it was, though the files have changed or gone; packages too."""
    package = tmp_path / "l6" / "parts"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from parts.deep import EPOCHS\n")
    (package / "deep.py").write_text("EPOCHS = 6\n")
    source = lesson(tmp_path / "l6", "from parts import EPOCHS\n")
    travelling = replace(source, modules=Loaded(source, {}).modules())
    assert [module.name for module in travelling.modules] == ["parts", "parts.deep"]
    (package / "deep.py").write_text("EPOCHS = 60\n")
    assert Loaded(travelling, {}).enter().variants[0].epochs == 6
    assert Loaded(source, {}).enter().variants[0].epochs == 60


def test_what_a_lesson_sets_globally_is_its_own(tmp_path):
    """A precision policy set in a lesson's file holds for that lesson, each time it is at work, and for no other."""
    mixed = lesson(tmp_path / "l7", "import keras\nkeras.config.set_dtype_policy('mixed_bfloat16')\nEPOCHS = 1\n")
    plain = lesson(tmp_path / "l8", "EPOCHS = 1\n")
    one, other = Loaded(mixed, {}), Loaded(plain, {})
    for _ in range(2):
        one.enter()
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        other.enter()
        assert keras.config.dtype_policy().name == "float32"


def test_an_edit_of_a_helper_is_another_digest_of_files(tmp_path):
    """The digest of a lesson's files covers those that it imports, and nothing that is installed."""
    source = lesson(tmp_path / "l9", "from beside import EPOCHS\n", beside="EPOCHS = 2\n")
    before = Loaded(source, {}).files("one")
    assert Loaded(source, {}).files("one") == before
    (tmp_path / "l9" / "beside.py").write_text("EPOCHS = 2  # two\n")
    assert Loaded(source, {}).files("one") != before


def test_a_policy_of_a_lessons_file_holds_for_its_models(tmp_path):
    """A precision policy set at the top of a lesson's file is that of each model it makes, seed after seed."""
    from orchestrator.engine.model import begin

    made = Loaded(
        lesson(tmp_path / "l10", "import keras\nkeras.config.set_dtype_policy('mixed_bfloat16')\nEPOCHS = 1\n"), {}
    )
    found = made.enter()
    for seed in (0, 1):
        model = begin(found.variants[0], found.data.draw("fixed", 0), seed).model
        assert {layer.compute_dtype for layer in model.layers} == {"bfloat16"}
