"""How the command line ends: with an exit code, and one line where something is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from orchestrator.cli.printing import complaints
from orchestrator.command import provenance
from orchestrator.telling.progress import STOPPED

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


def refuse(text: str, code: int) -> NoReturn:
    """End with one line on what is wrong."""
    complaints.print(f"error: {text}", markup=False)
    sys.exit(code)


def end_with(work: Callable[[], int]) -> NoReturn:
    """Exit with the code that the work gives."""
    try:
        sys.exit(work())
    except KeyboardInterrupt:
        complaints.print(f"{STOPPED}: {provenance.command_line()}", markup=False)
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # at once: threads of a half-made cluster connection would hold a normal exit up
