"""What a session's settings and statements mean for the next one: where names are looked up, and as whom."""

from __future__ import annotations

from gateway.sql.statements import Kind, Statement
from gateway.sql.tokens import tokens


def search_path(setting: str, user: str) -> tuple[str, ...]:
    """Return the schemas of a ``search_path`` setting, ``$user`` replaced; quoted names keep their case."""
    parts = [part.strip() for part in setting.split(",")] if setting else ["$user", "public"]
    names = (part[1:-1].replace('""', '"') if part.startswith('"') else part.lower() for part in parts)
    return tuple(user if name == "$user" else name for name in names if name)


def changes_search_path(statement: Statement) -> bool:
    """Say whether a statement may change ``search_path``, or end what changed it for a time."""
    words = {"SET", "RESET", "DISCARD", "COMMIT", "END", "ROLLBACK", "ABORT"}
    return statement.head in words or "set_config" in statement.text.lower()


def changes_session(statement: Statement) -> bool:
    """Say whether a statement may change as whom the next one runs, or where it finds tables."""
    return statement.kind is Kind.SESSION and changes_search_path(statement)


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
