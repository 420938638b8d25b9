"""Names are qualified: sqlglot's `qualify`, without the steps that a statement of the gateway's has behind it."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.qualify_columns import qualify_columns, validate_qualify_columns
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.schema import MappingSchema

from optimizer.census import LEAVES, Census


def qualify_names(tree: exp.Query, schema: MappingSchema) -> tuple[exp.Query, Census]:
    """Qualify and quote the names of a query, in place; return it, and what it has then. Names that are not quoted have
    been folded before. Raises sqlglot's OptimizeError for columns that are unknown or ambiguous.

    sqlglot's own folds them once more, and notes on each column how it was written before: for keys of documents
    behind dots, which PostgreSQL does not have.
    """
    qualified = qualify_columns(qualify_tables(tree, dialect="postgres"), schema)
    assert isinstance(qualified, exp.Query)
    census = _quote(qualified)
    validate_qualify_columns(qualified)
    return qualified, census


def _quote(tree: exp.Query) -> Census:
    """Mark all names as quoted, in place, in a walk that also counts."""
    nodes: list[exp.Expr] = [tree]
    extend = nodes.extend
    for node in nodes:
        kind = node.__class__
        if kind is exp.Column and node.args["this"].__class__ is exp.Identifier:
            names = [one for one in node.args.values() if isinstance(one, exp.Identifier)]
        elif isinstance(node, exp.Identifier):
            names = [node]
        else:
            if kind not in LEAVES:
                extend(node.iter_expressions())
            continue
        for name in names:
            if not name.args.get("quoted"):
                name.set("quoted", True)
    return Census(nodes, frozenset(map(type, nodes)))
