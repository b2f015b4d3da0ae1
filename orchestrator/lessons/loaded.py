"""A lesson that was loaded, with what is its own in this process: the modules beside its file, Keras's settings, its environment.

Lessons do not see each other. Two folders may each have a `common.py`, and a file may set a precision policy for its own
models, or a variable of the environment: whoever is at work finds its own. The texts of a lesson's modules travel with it, so that a worker anywhere runs
what was planned, whatever lies on its disk by then.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestrator.engine import globals as settings
from orchestrator.errors import LessonError
from orchestrator.lesson import Lesson
from orchestrator.lessons import catalog, environment, patches
from orchestrator.lessons.catalog import Module, Source
from orchestrator.lessons.environment import Before, Changes
from orchestrator.nouns.identity import digest

OURS = "orchestrator"
STORE = f"{OURS}.store"
PYTHON = (".py", ".pyc")


class Loaded:
    """A lesson at hand; `enter` makes it the one at work in this process."""

    at_work: Loaded | None = None
    opened: set[Path]

    def __init__(self, source: Source, arguments: Mapping[str, Any]) -> None:
        """Run the lesson's file, as if in a new process.

        Raises:
            LessonError: the file does not parse, raises, or defines no LESSON.
        """
        self.source, self._arguments = source, arguments
        _refuse_our_name(Path(source.path).parent)
        self._finder = _Finder(source.modules)
        self.opened = set()
        _watch()
        self._modules: dict[str, ModuleType] = {}
        self._changes = Changes()
        self._settings = _fresh(_first_settings())
        self._patches: patches.Patches = {}
        self.enter()
        if source.value:
            settings.adopt(dict(source.value.settings))
        _seed()  # what a file draws for itself, outside its functions, is to be the same in every process
        before = Before()
        try:
            self.lesson: Lesson = catalog.load(source).with_fit(arguments)
        finally:
            self._changes, self._undo = before.apart()
            self._patches = patches.found()
        self._settings = settings.now()
        settings.keep(self._settings)

    def enter(self) -> Lesson:
        """Make this the lesson at work: its modules are found, its settings hold."""
        if Loaded.at_work is not self:
            if Loaded.at_work:
                Loaded.at_work.leave()
            Loaded.at_work = self
            self._before, self._undo = frozenset(sys.modules), self._changes.opposite()
            sys.modules.update(self._modules)
            sys.meta_path.insert(0, self._finder)
            sys.path.insert(0, self._folder)
        patches.put(self._patches)
        settings.keep(self._settings)
        settings.put_back()
        self._changes.make()
        return getattr(self, "lesson", None)  # type: ignore[return-value]

    @contextmanager
    def afresh(self) -> Iterator[Lesson]:
        """The same lesson, loaded once more, and at work while this is open: nothing that this one did has touched it."""
        try:
            yield Loaded(self.source, self._arguments).lesson
        finally:
            self.enter()

    def leave(self) -> None:
        """Let another lesson be the one at work: what this one imported and set is out of sight."""
        self._undo.make()
        self._modules = self._own()
        for name in self._modules:
            del sys.modules[name]
        sys.meta_path.remove(self._finder)
        if self._folder in sys.path:  # unless the lesson took it out
            sys.path.remove(self._folder)

    @property
    def _folder(self) -> str:
        return str(Path(self.source.path).parent)

    def _own(self) -> dict[str, ModuleType]:
        """The modules that came since this lesson is at work and are not installed."""
        return {
            name: module for name, module in list(sys.modules.items()) if name not in self._before and is_own(module)
        }

    def modules(self) -> tuple[Module, ...]:
        """What is to travel with it, in the order of names: imported modules that are not installed, and what lies beside it that its texts ever import."""
        itself = catalog.module_name(self.source)
        found = {name: _module(name, module) for name, module in self._own().items() if name != itself}
        texts = [self.source.text, *(module.text for module in found.values() if module.travels)]
        while texts:
            for name in _imports(texts.pop()) - found.keys():
                if module := _beside(Path(self._folder), name):
                    found[name] = module
                    texts.append(module.text)
        return tuple(found[name] for name in sorted(found))

    def files(self, variant: str) -> str:
        """Digest of what a variant is written in, of the lesson's modules, of the files beside it that it has read so far, and of variables that are named."""
        modules = self.modules()
        imported = [(module.name, module.text) for module in modules]
        read = [(str(Path(path).relative_to(self._folder)), holds) for path, holds in self.reads()]
        variables = self.variables(modules)
        return digest(self.source.code(variant), imported, read, *([variables] if variables else []))

    def variables(self, modules: Sequence[Module]) -> tuple[tuple[str, str], ...]:
        """The variables of the environment that the lesson and these modules of its own may read, each with a digest of its value."""
        brought = [self.source.value.data.decode("latin-1")] if self.source.value else []
        return environment.named([self.source.text, *brought, *(module.text for module in modules)])

    def reads(self) -> tuple[tuple[str, str], ...]:
        """The files beside the lesson that it has read so far, each with a digest of what it holds."""
        beside = sorted(path for path in self.opened if path.is_relative_to(self._folder))
        return tuple((str(path), content(path)) for path in beside)


@lru_cache(maxsize=1)
def _watch() -> None:
    """From now on note what a lesson opens, but for Python's own; an audit hook can't be taken back."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not Loaded.at_work:
            return
        name = arguments[0]
        if isinstance(name, str) and not name.endswith(PYTHON) and not _is_the_stores():
            Loaded.at_work.opened.add(Path(name).absolute())

    sys.addaudithook(note)


def _is_the_stores() -> bool:
    """Whether it is the store that opens a file: where all is done in one process, its folder may lie beside the lesson."""
    frame = sys._getframe()  # noqa: SLF001  public in all but name
    while frame:
        if frame.f_globals.get("__name__", "").startswith(STORE):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def content(path: Path) -> str:
    """A digest of what a file holds; empty where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _imports(text: str) -> set[str]:
    """The modules that a text names in import statements, wherever they stand in it, with the packages above them."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return set()
    named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {".".join(parts[: i + 1]) for parts in (name.split(".") for name in named) for i in range(len(parts))}


def _beside(folder: Path, name: str) -> Module | None:
    """The module of that name in the folder; None where there is none."""
    if name.partition(".")[0] == OURS:
        return None
    place = folder.joinpath(*name.split("."))
    for path, package in ((place / "__init__.py", True), (place.with_suffix(".py"), False)):
        if path.is_file():
            return Module(name, str(path), path.read_text(errors="replace"), package)
    return None


def _first_settings() -> Mapping[str, Any]:
    """The settings of a process that has loaded no lesson yet."""
    return _first_settings_of(bool(settings.now()))


@lru_cache(maxsize=2)
def _first_settings_of(loaded: bool) -> Mapping[str, Any]:  # noqa: ARG001  asked anew once Keras is there
    return settings.now()


def _fresh(first: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**first, "names": {}} if first else first


def _seed() -> None:
    if "keras" in sys.modules:
        from orchestrator.engine.model import seeded  # noqa: PLC0415  imports Keras, which is there

        seeded(0)


def _refuse_our_name(folder: Path) -> None:
    """A module beside a lesson that is called as this program would be taken for it."""
    path = folder / f"{OURS}.py"
    if path.exists():
        raise LessonError(f"{path} has this program's name; call it otherwise, or move the lesson")


def is_own(module: ModuleType) -> bool:
    """Whether a module is neither installed nor a part of this program; what lessons of this program import is, like anybody's."""
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), None)
    ours = module.__name__.partition(".")[0] == OURS and not module.__name__.startswith(f"{OURS}.jobs.")
    if ours or not isinstance(place, str):
        return False
    return not any(Path(place).is_relative_to(home) for home in _installed())


@lru_cache(maxsize=1)
def _installed() -> tuple[Path, ...]:
    """Where installed modules lie."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    homes = {sysconfig.get_paths()[name] for name in names}
    return tuple(Path(home).resolve() for home in homes) + tuple(
        Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))
    )


def _module(name: str, module: ModuleType) -> Module:
    package = hasattr(module, "__path__")
    place = getattr(module, "__file__", None)
    if place is None:
        return Module(name, "", "", package)
    if not place.endswith(".py"):  # compiled: it can't travel as text, but counts by its bytes
        return Module(name, place, hashlib.sha256(Path(place).read_bytes()).hexdigest(), package, travels=False)
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    text = loader.text if isinstance(loader, _Loader) else Path(place).read_text()
    return Module(name, place, text, package)


class _Finder(MetaPathFinder):
    """Finds the modules that came with a lesson."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self._modules = {module.name: module for module in modules if module.travels}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002  Python's signature
        """The spec of one of them; None for all else."""
        module = self._modules.get(name)
        if module is None:
            return None
        return spec_from_loader(name, _Loader(module), origin=module.path or None, is_package=module.package)


class _Loader(InspectLoader):
    """Runs a module's text."""

    def __init__(self, module: Module) -> None:
        self.text, self._module = module.text, module

    def is_package(self, fullname: str) -> bool:  # noqa: ARG002  Python's signature
        """Whether it has modules below it."""
        return self._module.package

    def get_source(self, fullname: str) -> str:  # noqa: ARG002  Python's signature
        """The text."""
        return self.text

    def exec_module(self, module: ModuleType) -> None:
        """Run it, in the name of the file that it came from."""
        module.__file__ = self._module.path
        if self._module.package and self._module.path:
            module.__path__ = [str(Path(self._module.path).parent)]
        exec(compile(self.text, self._module.path or "<package>", "exec"), module.__dict__)  # noqa: S102  a lesson's own code
