"""What a verb prints with: one terminal for what was asked for, one for what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from shutil import get_terminal_size
from typing import Any

from orchestrator.store import Store, older
from orchestrator.telling.terminal import Terminal

COLUMNS = (
    None if sys.stdout and sys.stdout.isatty() else get_terminal_size((200, 24)).columns
)  # a pipe has no width to fit into

console = Terminal(highlight=False, soft_wrap=True, width=COLUMNS)
complaints = Terminal(stderr=True, highlight=False, soft_wrap=True, width=COLUMNS)


def say(*lines: str) -> None:
    """Print text that may hold brackets of the user's own."""
    for line in lines:
        console.print(line, markup=False)


def caution(store: Store, facts: Mapping[str, Any]) -> None:
    """Say, beside what a command prints, where another one was begun since the one that `facts` are of, which wrote the tables."""
    for line in older(store, facts):
        complaints.print(line, markup=False)
