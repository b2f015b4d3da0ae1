"""Tests of `orchestrator/lessons/loaded.py`: lessons do not see each other."""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from orchestrator import engine
from orchestrator.lessons import catalog
from orchestrator.lessons.loaded import Loaded
from orchestrator.store import Store
from tests.conftest import TINY

engine.load()  # before anything else imports Keras

import jax
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


def test_a_precision_of_a_lessons_file_holds_for_its_models(tmp_path):
    """Layers have the floatx set at the top of a lesson's file, as in any process where nothing was built before."""
    source = lesson(tmp_path / "l13", "import keras\nkeras.config.set_floatx('bfloat16')\nEPOCHS = 1\n")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as new:
        assert new.submit(_dtypes, source).result() == {"bfloat16"}


def _dtypes(source):
    from orchestrator.engine.model import begin

    found = Loaded(source, {}).enter()
    return {layer.compute_dtype for layer in begin(found.variants[0], found.data.draw("fixed", 0), 0).model.layers}


def test_what_a_lesson_sets_in_the_environment_is_its_own(tmp_path, monkeypatch):
    """Variables and current folder that a lesson's file sets hold while it is at work, for no other lesson, and not from load to load."""
    monkeypatch.delenv("RATE", raising=False)
    monkeypatch.setenv("GIVEN", "yes")
    monkeypatch.chdir(tmp_path)
    text = "import os\nos.environ['RATE'] = os.environ.get('RATE', '') + '7'\ndel os.environ['GIVEN']\nos.chdir('/')\nEPOCHS = 1\n"
    own, other = Loaded(lesson(tmp_path / "l11", text), {}), Loaded(lesson(tmp_path / "l12", "EPOCHS = 1\n"), {})
    for _ in range(2):
        own.enter()
        assert (os.environ.get("RATE"), os.environ.get("GIVEN"), Path.cwd()) == ("7", None, Path("/"))
        with own.afresh():
            assert os.environ["RATE"] == "7"
        other.enter()
        assert (os.environ.get("RATE"), os.environ.get("GIVEN"), Path.cwd()) == (None, "yes", tmp_path)


def test_what_a_lesson_reads_in_the_environment_is_part_of_it(tmp_path, monkeypatch):
    """The digest of a lesson's files covers the variables that they name, in modules too; neither others nor where something lies."""
    beside = "import os\nEPOCHS = int(os.environ.get('RATE', 1))\nPLACE = os.environ.get('PLACE')\n"
    source = lesson(tmp_path / "l13", "from beside import EPOCHS\n", beside=beside)
    deaf = lesson(tmp_path / "l14", "RATE = EPOCHS = 1\n")

    def files(source):
        here = Loaded(source, {})
        found = here.files("one")
        here.leave()
        Loaded.at_work = None
        return found

    def digests(rate=None, **more):
        for name, value in {"RATE": rate, **more}.items():
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
        return [files(each) for each in (source, deaf)]

    bare, one, two, moved = digests(), digests("1"), digests("2"), digests("2", PLACE="/mnt", OTHER="x")
    assert len({found[0] for found in (bare, one, two)}) == 3
    assert {found[1] for found in (bare, one, two, moved)} == {bare[1]}
    assert moved == two


def test_what_the_store_does_meanwhile_is_no_doing_of_the_lessons(tmp_path):
    """In one process, with the results beside the lesson: files that the store writes and reads while it is at work are none that the lesson reads."""
    source = lesson(tmp_path / "l15", "EPOCHS = len(open(__file__[:-6] + 'conf').read())\n")
    (tmp_path / "l15" / "conf").write_text("123")
    here, store = Loaded(source, {}), Store(tmp_path / "l15" / "results")
    before = here.files("one")
    store.prepare()
    store.write_provenance({})
    store.write_page("status.html", "")
    store.is_held()
    assert here.files("one") == before
    assert [path for path, _ in here.reads()] == [str(tmp_path / "l15" / "conf")]


def test_what_a_lesson_puts_in_keras_is_its_own(tmp_path):
    """One gives Dense another __init__ and a new method, and two modules another function: they stand while it is at work, and no other lesson finds them."""
    patch = """
import keras
EPOCHS = 3
_init = keras.layers.Dense.__init__
def init(self, *args, **more):
    _init(self, *args, **{"kernel_initializer": "zeros", **more})
keras.layers.Dense.__init__ = init
keras.layers.Dense.twice = lambda self: 2
keras.ops.relu = abs
import jax
jax.nn.softplus = abs
"""
    before, relu, softplus = keras.layers.Dense.__init__, keras.ops.relu, jax.nn.softplus
    patched = Loaded(lesson(tmp_path / "l8", patch), {})
    plain = Loaded(lesson(tmp_path / "l9", "EPOCHS = 3\n"), {})

    def stands():
        own = (
            keras.layers.Dense.__init__ is not before,
            hasattr(keras.layers.Dense, "twice"),
            keras.ops.relu is not relu,
            jax.nn.softplus is not softplus,
        )
        assert len(set(own)) == 1
        return own[0]

    assert not stands()
    patched.enter()
    assert stands()
    assert not np.any(patched.lesson.variants[0].model().get_weights()[0])
    plain.enter()
    assert not stands()
    assert np.any(plain.lesson.variants[0].model().get_weights()[0])
