"""``current_user`` and its kin in a user's own query: constants of the session, as PostgreSQL takes them.

They are put in before names are resolved. Neither the engine nor a source could say who asks: their sessions are the
gateway's. Plans are kept by who asks.
"""

from __future__ import annotations

from sqlglot import exp

from catalog.principals import Principal

_WORDS = frozenset({"user", "current_role"})  # reserved in PostgreSQL, and columns to the parser


def bind_session(tree: exp.Query, principal: Principal, database: str) -> None:
    """Put constants in the place of who asks, and in which database; ``tree`` is changed."""
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
    """``pg_catalog.current_database()``."""
    if not isinstance(node, exp.Dot) or not isinstance(node.expression, exp.Anonymous):
        return None
    is_it = node.expression.name.lower() == "current_database" and not node.expression.expressions
    return (
        "current_database"
        if is_it and isinstance(node.this, exp.Identifier) and node.this.name == "pg_catalog"
        else None
    )
