"""``SET lakegate.…``: PostgreSQL takes any setting with a dot in its name, and any text for it; the gateway knows which
of its own there are, and what may be given for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.tokens import Token
from gateway.tuning import SETTINGS, boolean

_PREFIX = "lakegate"


def check_own_setting(part: Sequence[Token]) -> None:
    """Check a statement that sets a setting of the gateway's own. Raises SqlError 42602 for one that there is not, as
    PostgreSQL does for a prefix that an extension has reserved, 22023 for what is no boolean.
    """
    words = [token.text.upper() for token in part[:3]]
    if words[0] != "SET":
        return
    at = 2 if words[1:2] in (["SESSION"], ["LOCAL"]) else 1
    if [_name(token) for token in part[at : at + 2]] != [_PREFIX, "."]:
        return
    name = "".join(map(_name, part[at : at + 3]))
    value = part[at + 4 :]
    if [token.text.upper() for token in part[at + 3 : at + 4]] not in (["TO"], ["="]) or len(value) != 1:
        return  # names of three parts mean nothing; all else is PostgreSQL's to refuse
    if name not in SETTINGS:
        message = f'invalid configuration parameter name "{name}"'
        detail, hint = f'"{_PREFIX}" is a reserved prefix.', f"There are {', '.join(SETTINGS)}."
        raise SqlError(SqlState.INVALID_NAME, message, detail=detail, hint=hint)
    token = value[0]
    if token.kind == "string" and token.text.startswith("'"):
        boolean(name, token.text[1:-1])
    elif token.kind in {"word", "number"} and token.text.upper() != "DEFAULT":
        boolean(name, token.text)


def _name(token: Token) -> str:
    """Return what a word or a quoted name says, in the case in which PostgreSQL compares names of settings."""
    return (token.text[1:-1] if token.kind == "quoted" else token.text).lower()
