"""What a session's settings and statements mean for the next one: where names are looked up, and as whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.sql.statements import Kind, Statement
from gateway.sql.tokens import Token, tokens

_CHANGE = ("set_config", "setseed")  # functions that change a session, though they stand in a query
_TRANSACTIONS = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"})


def search_path(setting: str, user: str) -> tuple[str, ...]:
    """Return the schemas of a ``search_path`` setting, ``$user`` replaced; quoted names keep their case."""
    parts = [part.strip() for part in setting.split(",")] if setting else ["$user", "public"]
    names = (part[1:-1].replace('""', '"') if part.startswith('"') else part.lower() for part in parts)
    return tuple(user if name == "$user" else name for name in names if name)


def changes_search_path(statement: Statement) -> bool:
    """Say whether a statement may change ``search_path``, or end what changed it for a time."""
    words = {"SET", "RESET", "DISCARD", "COMMIT", "END", "ROLLBACK", "ABORT", "EXECUTE", "FETCH", "MOVE"}
    return statement.head in words or not changes_nothing(statement.text)


@lru_cache(maxsize=512)
def changes_nothing(query: str) -> bool:
    """Say whether a query leaves the session's state as it is for sure."""
    lowered = query.lower()
    return not any(name in lowered for name in (*_CHANGE, "u&"))  # in a name with escapes there may be any


def changes_session(statement: Statement) -> bool:
    """Say whether a statement may change as whom the next one runs, or where it finds tables."""
    kinds = {Kind.SESSION, Kind.EXECUTE, Kind.FETCH}
    return statement.kind is Kind.AUTHORIZATION or (statement.kind in kinds and changes_search_path(statement))


def needs_block(statements: Sequence[Statement]) -> bool:
    """Say whether statements of one text must share the transaction that PostgreSQL puts around such a text: a cursor
    ends with its transaction.
    """
    heads = {statement.head for statement in statements}
    return len(statements) > 1 and "DECLARE" in heads and not heads & _TRANSACTIONS


@dataclass(frozen=True, slots=True)
class Authorization:
    """What SET SESSION AUTHORIZATION names; ``is_local``: until the transaction ends."""

    name: str
    is_local: bool


def authorization_to_set(statement: Statement) -> Authorization | None:
    """Return the role that SET SESSION AUTHORIZATION names; None where that cannot be said, and PostgreSQL is to."""
    words = tokens(statement.text)
    names = [token.text.upper() for token in words]
    is_local = names[1:2] == ["LOCAL"]
    written = [name.strip('"') for name in names[1:-1] if name not in {"TO", "="}]
    if written[:1] in (["SESSION"], ["LOCAL"]) and written != ["SESSION", "AUTHORIZATION"]:
        written = written[1:]
    if written not in (["SESSION", "AUTHORIZATION"], ["SESSION_AUTHORIZATION"]):
        return None
    name = _role_name(words[-1])
    return None if name is None else Authorization(name, is_local)


def _role_name(token: Token) -> str | None:
    """Return the name in a word, a quoted name or a plain string; None for other tokens."""
    if token.kind == "quoted" and token.text.startswith('"'):
        return token.text[1:-1].replace('""', '"')
    if token.kind == "string" and token.text.startswith("'"):
        return token.text[1:-1].replace("''", "'")
    return token.text.lower() if token.kind == "word" and token.text.upper() != "DEFAULT" else None


def role_to_set(statement: Statement) -> str | None:
    """Return the role that SET ROLE names, None where the statement is another one or names none."""
    if statement.head != "SET":
        return None
    words = tokens(statement.text)
    names = [token.text.upper() for token in words]
    at = 2 if names[1:2] in (["SESSION"], ["LOCAL"]) else 1
    if names[at : at + 1] not in (["ROLE"], ['"ROLE"']):
        return None
    at += 2 if names[at + 1 : at + 2] in (["TO"], ["="]) else 1
    if at >= len(words) or names[at] in {"NONE", "DEFAULT"}:
        return None
    text, kind = words[at].text, words[at].kind
    if kind == "quoted":
        return text[1:-1].replace('""', '"')
    return text[1:-1].replace("''", "'") if kind == "string" else text.lower()
