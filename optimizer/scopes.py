"""Which source of a query a column's qualifier means: inner aliases hide outer ones."""

from __future__ import annotations

from sqlglot import exp


def source_names(select: exp.Select) -> set[str]:
    """Return the names by which a SELECT knows what it reads."""
    source = select.args.get("from_")
    joined = [source, *(select.args.get("joins") or ())] if source is not None else []
    return {node.this.alias_or_name for node in joined}


def source_select(column: exp.Column, within: exp.Expr) -> exp.Select | None:
    """Return the SELECT whose source a column names, or None where it is none within that node.

    A derived table does not see those beside it, and LATERAL ones are held to be like the others.
    """
    node: exp.Expr = column
    beside = False
    while node is not within and node.parent is not None:
        beside = beside or (isinstance(node.parent, exp.From | exp.Join) and node.arg_key == "this")
        beside = beside or isinstance(node.parent, exp.CTE)
        node = node.parent
        if isinstance(node, exp.Select):
            if not beside and column.table in source_names(node):
                return node
            beside = False
    return None
