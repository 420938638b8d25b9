"""``current_user`` and its kin in a user's own query: constants of the session, as PostgreSQL takes them.

They are put in before names are resolved. Neither the engine nor a source could say who asks: their sessions are the
gateway's. Plans are kept by who asks.
"""

from __future__ import annotations

from sqlglot import exp

from catalog.errors import SqlError
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from policies.identity import SCHEMA

_OF_POLICIES = frozenset({"principal", "claim", "is_member"})
_WORDS = frozenset({"user", "current_role"})  # reserved in PostgreSQL, and columns to the parser


def bind_session(tree: exp.Query, principal: Principal, database: str) -> None:
    """Put constants in the place of who asks, and in which database; ``tree`` is changed. Raises SqlError 0A000 for
    functions that only policies call.
    """
    for node in [*tree.walk()]:
        found = _name(node)
        if found is None:
            continue
        values = {
            "session_user": principal.session_user or principal.name,
            "current_catalog": database,
            "current_database": database,
        }
        value = exp.cast(exp.Literal.string(values.get(found, principal.name)), "text")
        unnamed = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
        node.replace(exp.alias_(value, found, quoted=True) if unnamed else value)


def _name(node: exp.Expr) -> str | None:
    """Return the function's name, which PostgreSQL gives to its column too; None for all other nodes."""
    if isinstance(node, exp.CurrentUser):
        return "current_user"
    if isinstance(node, exp.SessionUser):
        return "session_user"
    if isinstance(node, exp.CurrentCatalog):
        return "current_catalog"
    if isinstance(node, exp.CurrentDatabase):
        return "current_database"
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        word = node.name.lower()
        return word if word in _WORDS and not node.this.quoted and not node.table else None
    return _qualified(node)


def _qualified(node: exp.Expr) -> str | None:
    """Judge functions that are named with their schema: ``pg_catalog.current_database()``, and those of policies."""
    call = node.expression if isinstance(node, exp.Dot) else None
    if not isinstance(call, exp.Anonymous) or not isinstance(node.this, exp.Identifier):
        return None
    name = call.name.lower()
    if node.this.name == SCHEMA and name in _OF_POLICIES:
        message, hint = (
            f"{SCHEMA}.{name}() is for policies only",
            "Row policies, masks and the queries of views call it.",
        )
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, hint=hint)
    is_database = (node.this.name, name) == ("pg_catalog", "current_database") and not call.expressions
    return name if is_database else None
