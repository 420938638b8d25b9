"""Errors of our own functions: their text comes back inside the engine's, with a SQLSTATE in brackets before it."""

from __future__ import annotations

import re

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_STATED = re.compile(r"""Error\((['"])\[([0-9A-Z]{5})\] (.*?)\1\)""")


def stated_error(text: str) -> SqlError | None:
    """Return the error that one of `functions` raised, out of the engine's text; None where it was none of them."""
    found = _STATED.search(text)
    return SqlError(SqlState(found[2]), found[3]) if found else None
