"""Errors of our own functions: their text comes back inside the engine's, with a SQLSTATE in brackets before it."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from base64 import b64decode

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_STATED = re.compile(r"""Error\(((['"])\[([0-9A-Z]{5})\] (?:\\.|(?!\2).)*\2)\)""")  # as Python writes an error's text

_CARRIED = re.compile(r"\[([0-9A-Z]{5})\] postgres:([0-9A-Za-z+/=]+)")  # with detail and hint, see `gateway.evaluation`


def stated_error(text: str) -> SqlError | None:
    """Return the error that one of `functions` raised, out of the engine's text; None where it was none of them."""
    carried = _CARRIED.search(text)
    if carried:
        message, detail, hint = json.loads(b64decode(carried[2]))
        return SqlError(SqlState(carried[1]), message, detail=detail, hint=hint)
    found = _STATED.search(text)
    return SqlError(SqlState(found[3]), _unescaped(found[1])[len("[22000] ") :]) if found else None


def _unescaped(literal: str) -> str:
    """Return the text of Python's literal; of what only looks like one, what stands between its quotes."""
    try:
        return str(literal_eval(literal))
    except (SyntaxError, ValueError):
        return literal[1:-1]
