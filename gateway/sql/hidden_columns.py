"""Columns that a principal may not know of: as if absent by name, and refused where whole rows are asked for."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState

_UNKNOWN = re.compile(r"Column '\"?(?P<name>.+?)\"?' could not be resolved|Unknown column: (?P<other>\S+)")


def refuse_whole_rows(tree: exp.Expr, hiding: Collection[TableName]) -> None:
    """Raise 42501 for ``*`` and NATURAL JOIN over a table that hides columns, as PostgreSQL does. Names are full."""
    if not hiding:
        return
    for select in tree.find_all(exp.Select):
        hidden = _sources(select, hiding)
        if hidden and (_stars(select) & {"", *hidden} or _is_natural(select)):
            raise SqlError(
                SqlState.INSUFFICIENT_PRIVILEGE,
                f"permission denied for table {next(iter(hidden.values()))}",
                hint="Name the columns: some of the table's may not be read.",
            )


def unknown_column(tree: exp.Expr, failure: str) -> SqlError | None:
    """Return 42703 for what sqlglot says of a column that it does not find; None where it says something else."""
    found = _UNKNOWN.search(failure)
    if found is None:
        return None
    name = found["name"] or found["other"]
    starts = [one.meta.get("start") for one in tree.find_all(exp.Identifier) if one.name == name]
    position = next((start + 1 for start in starts if isinstance(start, int)), None)
    return SqlError(SqlState.UNDEFINED_COLUMN, f'column "{name}" does not exist', position=position)


def _sources(select: exp.Select, hiding: Collection[TableName]) -> dict[str, str]:
    """The sources of a SELECT that hide columns: names by alias."""
    source = select.args.get("from_")
    nodes = [source.this, *(join.this for join in select.args.get("joins") or ())] if source is not None else []
    tables = [node for node in nodes if isinstance(node, exp.Table) and node.db]
    return {node.alias_or_name: node.name for node in tables if TableName(node.db, node.name) in hiding}


def _stars(select: exp.Select) -> set[str]:
    """The qualifiers of the stars in a SELECT's list, "" for one without."""
    found = set()
    for one in select.expressions:
        if isinstance(one, exp.Star):
            found.add("")
        elif isinstance(one, exp.Column) and isinstance(one.this, exp.Star):
            found.add(one.table)
    return found


def _is_natural(select: exp.Select) -> bool:
    return any(join.method == "NATURAL" for join in select.args.get("joins") or ())
