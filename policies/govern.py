"""Govern: a query over tables becomes the same query over governed relations.

A governed relation is ``SELECT <allowed columns> FROM base``, built from the policy and put in the place of the table;
it stands for the table everywhere in the query. After this stage no other reference to a base table exists, and that is
checked on the tree that is handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.tables import Column, Table
from optimizer.stages import Governed, Resolved

MayRead = Callable[[Principal, TableName], bool]
_REFUSED_PARTS = ("pivots", "sample", "version", "when", "only", "partition", "changes", "rows_from", "hints")
_CARRIED_PARTS = ("joins", "laterals")


def govern(resolved: Resolved, principal: Principal, may_read: MayRead) -> Governed:
    """Put governed relations in the place of tables, or raise 42501 for a table the principal may not read."""
    tree = resolved.tree.copy()
    for node in [*tree.find_all(exp.Table)]:
        if not node.db:  # a WITH name or a function: it has no rows of its own
            continue
        name = TableName(node.db, node.name)
        table = resolved.tables.get(name)
        if table is None or not may_read(principal, name):
            raise SqlError(SqlState.INSUFFICIENT_PRIVILEGE, f"permission denied for table {name.name}")
        _replace(node, table)
    _check(tree)
    return Governed(tree, resolved.tables)


def _replace(node: exp.Table, table: Table) -> None:
    for part in _REFUSED_PARTS:
        if node.args.get(part):
            raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"{part.upper()} on table {table.name} is not supported")
    relation = exp.Subquery(this=_relation(table), alias=node.args["alias"])
    for part in _CARRIED_PARTS:
        if node.args.get(part):
            relation.set(part, node.args[part])
    node.replace(relation)


def _relation(table: Table) -> exp.Select:
    base = exp.Table(
        this=exp.to_identifier(table.name.name, quoted=True), db=exp.to_identifier(table.name.schema, quoted=True)
    )
    columns = [exp.alias_(_base_column(table, column), column.name, quoted=True) for column in table.columns]
    return exp.Select(expressions=columns, from_=exp.From(this=base))


def _base_column(table: Table, column: Column) -> exp.Column:
    """A column with its type, as resolve leaves those that were written."""
    node = exp.column(column.name, table.name.name, quoted=True)
    node.type = _data_type(column.sql_type).copy()
    return node


@lru_cache(maxsize=4096)
def _data_type(sql_type: str) -> exp.DataType:
    return exp.DataType.build(sql_type, dialect="postgres", udt=True)


def _check(tree: exp.Query) -> None:
    """Every base table stands alone in a governed relation; anything else is a fault of ours and ends the statement."""
    for node in tree.find_all(exp.Table):
        select = node.parent_select
        alone = select is not None and isinstance(select.parent, exp.Subquery) and not select.args.get("joins")
        if node.db and not (alone and isinstance(node.parent, exp.From)):
            raise SqlError(SqlState.INTERNAL_ERROR, f"table {node.name} was reached outside its policy")
