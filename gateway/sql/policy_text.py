"""The texts of policies, as trees with names: PostgreSQL's deparsed expressions, read as parts of a query would be."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState
from gateway.sql.expression_text import parse_expression
from gateway.sql.mask_expressions import mask_expression
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

    return PolicyReader(parse_expression, mask_expression, resolve_relation, names.catalog.version, kept)
