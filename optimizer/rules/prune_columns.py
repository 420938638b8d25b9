"""Columns that nothing asks for are not read."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from optimizer.relations import Relation, relations


def prune_columns(tree: exp.Query) -> exp.Query:
    """Drop the columns of governed relations that no expression names.

    Why good: a source sends and decodes less; a Parquet file is read by columns.
    When illegal: a whole-row reference (``SELECT t FROM t``), a NATURAL join or a column list on the alias
    (``AS t (a, b)``) needs the columns by position or by a name that is not written. Such relations stay as they are.
    Before it: names are qualified; an alias used in several scopes keeps the columns of all of them.
    """
    needed, whole = _needed(tree)
    if any(join.args.get("method") == "NATURAL" or join.args.get("using") for join in tree.find_all(exp.Join)):
        return tree
    for relation in [*relations(tree)]:
        if relation.alias not in whole and not relation.renames_columns:
            _keep(relation, needed.get(relation.alias, set()))
    return tree


def _needed(tree: exp.Query) -> tuple[dict[str, set[str]], set[str]]:
    """Return the column names by qualifier, and the qualifiers whose whole row is asked for.

    Inside a relation columns are the base table's; they say nothing of what the query around it asks for.
    """
    needed: dict[str, set[str]] = {}
    whole: set[str] = set()
    inside = {id(column) for relation in relations(tree) for column in _own_columns(relation.select)}
    for column in tree.find_all(exp.Column):
        if id(column) in inside:
            continue
        if column.table:
            needed.setdefault(column.table, set()).add(column.name)
            if isinstance(column.this, exp.Star):
                whole.add(column.table)
        else:
            whole.add(column.name)
    whole.update(node.name for node in tree.find_all(exp.TableColumn))
    return needed, whole


def _own_columns(select: exp.Select) -> Iterator[exp.Column]:
    """Yield the columns in a query, without those in queries within it."""
    pending: list[exp.Expr] = [*select.iter_expressions()]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Column):
            yield node
        elif not isinstance(node, exp.Select):
            pending.extend(node.iter_expressions())


def _keep(relation: Relation, names: set[str]) -> None:
    kept = [column for column in relation.select.expressions if column.alias_or_name in names]
    # A relation of which only the rows count still needs one expression to be a table.
    relation.select.set("expressions", kept or [exp.alias_(exp.true(), "row", quoted=True)])
