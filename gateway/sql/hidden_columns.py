"""Columns that a principal may not know of: as if absent by name, and refused where whole rows are asked for."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlglot import exp

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.sqlstate import SqlState
from catalog.tables import Table
from gateway.sql.engine_dialect.build import SAMPLED

_UNKNOWN = re.compile(r"Column '\"?(?P<name>.+?)\"?' could not be resolved|Unknown column: (?P<other>\S+)")


class HiddenColumns(SqlError):
    """A query over a table that hides columns cannot be resolved. The mirror knows these columns, so of what it finds
    wrong the client may be told no more than errors of syntax.
    """


def refuse_whole_rows(tree: exp.Expr, hiding: Collection[TableName]) -> None:
    """Raise 42501 for ``*``, NATURAL JOIN and rows as values (``p``, ``(p).*``, ``f(p)``) over a table that hides
    columns, as PostgreSQL does. Names are full. Before and after names are qualified: then rows as values are known.

    The engine has no such values, but the mirror does, and would describe their columns.
    """
    if not hiding:
        return
    for select in tree.find_all(exp.Select):
        if select.parent is not None and select.parent.meta.get(SAMPLED):
            continue  # its star is nobody's: of the columns that may be read
        hidden = _sources(select, hiding)
        if hidden and (_stars(select) & {"", *hidden} or _is_natural(select) or _rows(select) & hidden.keys()):
            raise SqlError(
                SqlState.INSUFFICIENT_PRIVILEGE,
                f"permission denied for table {next(iter(hidden.values()))}",
                hint="Name the columns: some of the table's may not be read.",
            )


def keep_visible_names(node: exp.Table, table: Table, visible: Table) -> None:
    """Take the names of columns that may not be read out of a list of aliases, which counts all columns of the table:
    the names of the others would be those of their neighbours. A list that is too long is PostgreSQL's to refuse.
    """
    alias = node.args.get("alias")
    if isinstance(alias, exp.TableAlias) and len(alias.columns) <= len(table.columns):
        seen = {column.name for column in visible.columns}
        pairs = zip(alias.columns, table.columns, strict=False)
        alias.set("columns", [name for name, column in pairs if column.name in seen])


def unknown_column(tree: exp.Expr, failure: str) -> SqlError | None:
    """Return 42703 for what sqlglot says of a column that it does not find; None where it says something else."""
    name = _unknown(failure)
    if name is None:
        return None
    return SqlError(SqlState.UNDEFINED_COLUMN, f'column "{name}" does not exist', position=_position(tree, name))


def system_column(failure: str) -> tuple[str, str] | None:
    """Return a message and a hint for what sqlglot says of a column that PostgreSQL's own tables have beside their
    columns; None where it says something else.
    """
    name = _unknown(failure)
    if name not in _SYSTEM_COLUMNS:
        return None
    hint = "Rows of files have no place or transaction of their own; use a key of the table."
    if name == "tableoid":
        hint = "Write 'schema.table'::regclass where the table is asked for."
    return f"the system column {name} is not available on lake tables", hint


_SYSTEM_COLUMNS = frozenset({"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"})


def _unknown(failure: str) -> str | None:
    """Return the name of the column that sqlglot does not find."""
    found = _UNKNOWN.search(failure)
    return None if found is None else found["name"] or found["other"]


def _position(tree: exp.Expr, name: str) -> int | None:
    starts = [one.meta.get("start") for one in tree.find_all(exp.Identifier) if one.name == name]
    return next((start + 1 for start in starts if isinstance(start, int)), None)


def _sources(select: exp.Select, hiding: Collection[TableName]) -> dict[str, str]:
    """The sources of a SELECT that hide columns: names by alias."""
    source = select.args.get("from_")
    nodes = [source.this, *(join.this for join in select.args.get("joins") or ())] if source is not None else []
    named = [(node, node.this.args["from_"].this if node.meta.get(SAMPLED) else node) for node in nodes]
    tables = [(node, table) for node, table in named if isinstance(table, exp.Table) and table.db]
    return {node.alias_or_name: table.name for node, table in tables if TableName(table.db, table.name) in hiding}


def _stars(select: exp.Select) -> set[str]:
    """The qualifiers of the stars of a SELECT, wherever they stand (``row(p.*)``), "" for those without."""
    found = set()
    for star in select.find_all(exp.Star):
        if isinstance(star.parent, exp.Count) or star.find_ancestor(exp.Select) is not select:
            continue
        found.add(star.parent.table if isinstance(star.parent, exp.Column) else "")
    return found


def _rows(select: exp.Select) -> set[str]:
    """The sources that are values, and the names that may be sources: ``f(p)`` where ``p`` is no column."""
    return {node.name for node in select.find_all(exp.TableColumn)}


def _is_natural(select: exp.Select) -> bool:
    return any(join.method == "NATURAL" for join in select.args.get("joins") or ())
