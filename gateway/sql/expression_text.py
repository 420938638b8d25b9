"""One expression as PostgreSQL keeps it, read."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect.before_qualify import parse


def parse_expression(text: str) -> exp.Expr:
    """Parse one expression. Raises SqlError 42601 for what is none, or more than one."""
    try:
        tree = parse(f"SELECT {text}")
    except (SqlglotError, RecursionError) as error:
        raise SqlError(SqlState.SYNTAX_ERROR, f"an expression cannot be read: {text}") from error
    parts = [key for key, value in tree.args.items() if value] if isinstance(tree, exp.Select) else []
    if parts != ["expressions"] or len(tree.expressions) != 1 or isinstance(tree.expressions[0], exp.Alias | exp.Star):
        raise SqlError(SqlState.SYNTAX_ERROR, f"an expression is expected: {text}")
    expression = tree.expressions[0]
    assert isinstance(expression, exp.Expr)
    return expression.pop()
