"""Queries that hand on a table as it is read."""

from __future__ import annotations

from sqlglot import exp

_PARTS = {"expressions", "from_"}
_NAMES = {"this", "db", "catalog", "alias"}
_OF_MANY_ROWS = (exp.AggFunc, exp.Window, exp.Query, exp.UDTF, exp.GenerateSeries)


def is_plain_scan(tree: exp.Query) -> bool:
    """Whether every row of one table becomes a row of the result, with nothing that filters, joins, sorts or counts.

    Such a query is as fast as its rows are taken, however few threads read it.
    """
    if not isinstance(tree, exp.Select):
        return False
    if any(value for name, value in tree.args.items() if name not in _PARTS):
        return False
    source = tree.args.get("from_")
    if source is None or any(one.find(*_OF_MANY_ROWS) for one in tree.expressions):
        return False
    relation = source.this
    if isinstance(relation, exp.Subquery):
        inner = relation.this
        return isinstance(inner, exp.Query) and not relation.args.get("joins") and is_plain_scan(inner)
    return isinstance(relation, exp.Table) and isinstance(relation.this, exp.Identifier) and not _is_altered(relation)


def _is_altered(table: exp.Table) -> bool:
    return any(value for name, value in table.args.items() if name not in _NAMES)
