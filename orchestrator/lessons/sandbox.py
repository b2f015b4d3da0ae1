"""Questions to a lesson's code, asked in a process of its own.

To know what there is to train, a lesson must be loaded and its models built. That runs what the user wrote, and it may
end its process or never return: it shall not be ours.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self, TypeVar

from orchestrator.errors import OrchestratorError

Answer = TypeVar("Answer")
SERVE = "from orchestrator.lessons import sandbox; sandbox.serve()"


class NoAnswerError(Exception):
    """The lesson's code raised, ended the process, or took too long."""


class KilledError(NoAnswerError):
    """Somebody killed the process."""


def here(question: Callable[..., Answer], *arguments: Any) -> Answer:
    """Ask in this very process: for debuggers.

    Raises:
        OrchestratorError: the question raised it.
        NoAnswerError: the lesson's code raised.
    """
    answer, error = _answer(question, arguments)
    if error is not None:
        raise error
    return answer  # type: ignore[no-any-return]


class Sandbox:
    """A process that answers one question after another, and is replaced when one was its last.

    It begins with `warm`, which may take its time; `timeout` is a question's, in seconds.
    """

    def __init__(self, warm: Callable[[], Any], timeout: float | None = None) -> None:
        self.warm, self.timeout = warm, timeout
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; a further question starts another."""
        self._end()

    def ask(self, question: Callable[..., Answer], *arguments: Any) -> Answer:
        """What the function answers there.

        Raises:
            OrchestratorError: the function raised it.
            NoAnswerError: the lesson's code raised, ended the process, or took too long.
        """
        try:
            return self._ask(question, arguments)  # type: ignore[no-any-return]
        except KilledError:  # hardly the lesson's doing: once more
            return self._ask(question, arguments)  # type: ignore[no-any-return]

    def _ask(self, question: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        if not self._process:
            self._start()
            self._exchange(self.warm, (), None)
        return self._exchange(question, arguments, self.timeout)

    def _exchange(self, question: Callable[..., Any], arguments: tuple[Any, ...], timeout: float | None) -> Any:
        try:
            self._pipe.send((question, arguments))
            if not self._pipe.poll(timeout):
                self._end()
                raise NoAnswerError(f"still at it after {timeout:g} s, the --timeout")
            answer, error = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise self._farewell() from None
        if error is not None:
            raise error
        return answer

    def _start(self) -> None:
        self._pipe, theirs = Pipe()
        home = str(Path(__file__).parent.parent.parent)
        self._process = subprocess.Popen(  # in a session of its own: Ctrl-C is for us
            [sys.executable, "-c", SERVE, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))},
            start_new_session=True,
        )
        theirs.close()

    def _farewell(self) -> NoAnswerError:
        assert self._process
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            code = 0
        self._end()
        if code >= 0:
            return NoAnswerError(f"the process ended with exit code {code}")
        error = KilledError if -code == signal.SIGKILL else NoAnswerError
        return error(f"the process died of {signal.Signals(-code).name}")

    def _end(self) -> None:
        if self._process:
            self._pipe.close()
            self._process.kill()
            self._process.wait()
            self._process = None


def serve() -> None:
    """Answer until the other end is closed."""
    if sys.platform == "linux":
        _die_with_parent()
    pipe = Connection(int(sys.argv[1]))
    while True:
        try:
            question, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(_answer(question, arguments))


def _die_with_parent() -> None:
    import ctypes  # noqa: PLC0415

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG


def _answer(question: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        answer = question(*arguments)
        pickle.dumps(answer)
    except OrchestratorError as error:
        return None, error
    except (Exception, SystemExit) as error:  # the lesson's own code
        return None, NoAnswerError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
    return answer, None
