"""Statements that define views: which forms are served. What they do is PostgreSQL's affair, in the mirror."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_HINTS = {
    "MATERIALIZED": "CREATE VIEW makes a view whose query runs each time.",
    "RECURSIVE": "Write WITH RECURSIVE inside of the view's query.",
    "TEMPORARY": "Use WITH in the query, or CREATE VIEW.",
}
_UNWANTED = frozenset({"TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "RECURSIVE", "MATERIALIZED", "UNLOGGED"})


def is_view_statement(words: Sequence[str]) -> bool:
    """Say whether a statement, given as words in upper case, makes, changes or drops a view. Raises SqlError
    0A000 for such views as there are not.
    """
    head, rest = words[0], [*words[1:]]
    if head not in {"CREATE", "ALTER", "DROP"}:
        return False
    if head == "CREATE" and rest[:2] == ["OR", "REPLACE"]:
        rest = rest[2:]
    unwanted = []
    while rest and rest[0] in _UNWANTED:
        unwanted.append(rest.pop(0))
    if rest[:1] != ["VIEW"]:
        return False
    if unwanted:
        kind = next((one for one in unwanted if one in _HINTS), "TEMPORARY")
        hint = _HINTS[kind]
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"{head} {kind} VIEW is not supported", hint=hint)
    if head == "ALTER" and _changes_column(rest):
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, "defaults of views' columns are not supported")
    return True


def _changes_column(words: Sequence[str]) -> bool:
    """Whether it is ``ALTER VIEW name ALTER …``."""
    at = 3 if words[1:3] == ["IF", "EXISTS"] else 1
    at += 1
    while words[at : at + 1] == ["."]:
        at += 2
    return words[at : at + 1] == ["ALTER"]
