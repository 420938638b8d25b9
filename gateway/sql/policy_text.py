"""The texts of policies, as trees with names: PostgreSQL's deparsed expressions, read as parts of a query would be."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp
from sqlglot.errors import SqlglotError

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState
from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.resolve import Names, references, resolve
from optimizer.stages import Resolved
from policies.policy_reader import KeptRelations, PolicyReader


def policy_reader(names: Names, kept: KeptRelations) -> PolicyReader:
    """Return how policies are read for a statement: with the names that its principal may see, and no search path."""
    qualified = replace(names, search_path=())

    def resolve_relation(select: exp.Select) -> Resolved:
        base = select.args["from_"].this
        own = TableName(base.db, base.name)  # a policy may look at all columns of its own table
        seen = replace(qualified, columns=lambda name: None if name == own else names.columns(name))
        found = references(select, seen)
        if found.system:
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f'a policy cannot read "{found.system[0].name}"')
        return resolve(select, found, seen)

    return PolicyReader(parse_expression, resolve_relation, names.catalog.version, kept)


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
