"""What the scopes are called: `fixed` is the lesson's own data set, of `redrawn` data each seed draws its own."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from orchestrator.reports.nouns.scope import SCOPES

_NAMES = {"fixed": "this data set", "redrawn": "redrawn data"}
_BRIEF = {"fixed": "here"}


def in_order(scopes: AbstractSet[str]) -> list[str]:
    """The lesson's own data set first; scopes of another name last."""
    return [scope for scope in SCOPES if scope in scopes] + sorted(scopes - set(SCOPES))


def scope_name(scope: str) -> str:
    """`this data set`, `redrawn data`; a scope of another name keeps it."""
    return _NAMES.get(scope, scope)


def scope_brief(scope: str) -> str:
    """`here`, `redrawn`: in a cell that has room for a word."""
    return _BRIEF.get(scope, scope)


def on_scope(scope: str) -> str:
    """`on this data set`, `on redrawn data`, as it stands in a sentence."""
    return f"on {_NAMES.get(scope, f'{scope} data')}"


def scope_heading(scope: str) -> str:
    """`On this data set`, `On redrawn data`; a scope of another name keeps it."""
    return f"On {_NAMES[scope]}" if scope in _NAMES else scope
