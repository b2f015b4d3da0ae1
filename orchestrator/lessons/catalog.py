"""Finding lessons by what the user typed, and loading them.

Finding reads text only, so that `list` and a mistyped name need no training library; loading runs the file, as code.
"""

from __future__ import annotations

import ast
import difflib
import pickle
import re
import sys
import traceback
import types
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from orchestrator import jobs
from orchestrator.errors import LessonError, UsageError
from orchestrator.jobs import atlas
from orchestrator.lesson import Lesson

FROM_PYTHON = " (made in Python)"
FOLDER = Path(str(files(jobs)))  # of the lessons that come with the program
ATLAS = FOLDER / "atlas"


@dataclass(frozen=True)
class Module:
    """A module that a lesson imports and that is not installed; one that does not travel is not text."""

    name: str
    path: str
    text: str
    package: bool = False
    travels: bool = True


@dataclass(frozen=True)
class Value:
    """A lesson that was made in Python, pickled with its functions and all that they use; told from others by `digest`.

    Attributes:
        codes: a digest of what each variant is written in, by name; moving it to another line or cell leaves it as it is.
        settings: what Keras was set to where the lesson was made; empty where Keras was not loaded.
    """

    data: bytes = field(repr=False, compare=False)
    digest: str
    codes: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Source:
    """A lesson that was found: what workers need to load it, wherever they run, its own modules included.

    `text` is its file's; `value` stands for it where the lesson comes from Python, and then `path` says only whose folder
    it may import from and read in.
    """

    id: str
    number: int | None
    path: str
    text: str
    modules: tuple[Module, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()  # files that it read while it was planned, with digests
    variables: tuple[tuple[str, str], ...] = ()  # of the environment, likewise, as they were then
    value: Value | None = None

    @property
    def name(self) -> str:
        """What run.json calls it: an id or a path, by which it is found again; what was made in Python is not."""
        if self.value:
            return f"{self.id}{FROM_PYTHON}"
        return self.id if self.is_shipped else self.path

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with this program."""
        return not self.value and Path(self.path).parent in (FOLDER, ATLAS)

    def code(self, variant: str) -> str:
        """What a variant is written in: the file's text, or a digest that stands for it."""
        return dict(self.value.codes)[variant] if self.value else self.text

    @property
    def question(self) -> str:
        """The first paragraph of the file's docstring, read without running it."""
        try:
            about = ast.get_docstring(ast.parse(self.text)) or ""
        except SyntaxError:
            return ""
        return " ".join(about.split("\n\n")[0].split())


def built_in() -> list[Source]:
    """The lessons that come with the program: the seven in course order, which have numbers, then others, then the atlas."""
    seven = [_shipped(FOLDER, name, number) for number, name in enumerate(jobs.LESSONS, 1)]
    further = [(FOLDER, name) for name in jobs.MORE] + [(ATLAS, name) for name in atlas.LESSONS]
    return [*seven, *(_shipped(folder, name) for folder, name in further)]


def _shipped(folder: Path, name: str, number: int | None = None) -> Source:
    path = folder / f"{name.replace('-', '_')}.py"
    return Source(name, number, str(path), path.read_text())


def find(words: Sequence[str]) -> list[Source]:
    """The lessons meant by `all`, `atlas`, ids, numbers and paths of lesson files, in the order of the words, each once.

    Raises:
        UsageError: a word names nothing, or two files have one name.
    """
    known = built_in()
    several = {"all": known[: len(jobs.LESSONS)], "atlas": known[-len(atlas.LESSONS) :]}
    found: dict[str, Source] = {}
    for word in words:
        for source in several.get(word) or [_find_one(word, known)]:
            other = found.setdefault(source.id, source)
            if other.path != source.path:
                raise UsageError(
                    f"two lessons are named {source.id!r}: {other.path} and {source.path}; rename one file"
                )
    return list(found.values())


def _find_one(word: str, known: Sequence[Source]) -> Source:
    for source in known:
        if word in (source.id, str(source.number or source.id)):
            return source
    if word.endswith(".py") or "/" in word:
        return _read(Path(word))
    names = [source.id for source in known]
    near = difflib.get_close_matches(word, names, n=2, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(
        f"unknown lesson {word!r}; {hint}There are all, atlas, {', '.join(names)}, numbers 1-{len(jobs.LESSONS)}, or a path to a lesson file (.py)"
    )


def _read(path: Path) -> Source:
    try:
        text = path.read_text()
    except (OSError, ValueError) as error:
        raise LessonError(f"lesson file {str(path)!r} can't be read: {error}") from None
    name = path.stem.replace("_", "-")
    if not re.fullmatch(r"\w[\w .+-]*", name):
        raise LessonError(f"lesson file {str(path)!r}: its name is the lesson's, and must begin with a letter or digit")
    return Source(name, None, str(path.resolve()), text)


def module_name(source: Source) -> str:
    """What Python calls a lesson's file when it is loaded."""
    return f"lesson_{source.id.replace('-', '_')}"


def load(source: Source) -> Lesson:
    """Run the lesson's file and return its LESSON; one that was made in Python is unpacked.

    Raises:
        LessonError: the file does not parse, raises, or defines no LESSON.
    """
    if source.value:
        return _unpacked(source, source.value)
    module = types.ModuleType(module_name(source))
    module.__file__ = source.path
    sys.modules[module.__name__] = module
    try:
        exec(compile(source.text, source.path, "exec"), module.__dict__)  # noqa: S102  a lesson file is code, and is run as such
    except SyntaxError as error:
        raise LessonError(f"{source.path}, line {error.lineno}: not Python: {error.msg}") from None
    except LessonError as error:
        raise LessonError(f"{source.path}, line {_line(error, source)}: {error}") from None
    except (Exception, SystemExit) as error:  # the user's own code
        raise LessonError(f"{source.path}, line {_line(error, source)}: {type(error).__name__}: {error}") from error
    lesson = getattr(module, "LESSON", None)
    if not isinstance(lesson, Lesson):
        raise LessonError(f"{source.path} defines no lesson: end it with LESSON = Lesson(...)")
    return replace(lesson, id=source.id, number=source.number, source=source.path)


def _unpacked(source: Source, value: Value) -> Lesson:
    try:
        lesson: Lesson = pickle.loads(value.data)  # noqa: S301  made by the driver, which is trusted with code
    except Exception as error:
        raise LessonError(f"lesson {source.id!r} can't be unpacked here: {type(error).__name__}: {error}") from None
    return replace(lesson, id=source.id, source=source.path)


def _line(error: BaseException, source: Source) -> int | str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == source.path]
    return lines[-1] or "?" if lines else "?"
