"""Columns that nothing asks for are not read."""

from __future__ import annotations

from sqlglot import exp

from optimizer.asked_columns import asked_columns
from optimizer.relations import Relation


def prune_columns(tree: exp.Query) -> bool:
    """Drop the columns of governed relations that no expression names, and those that only EXISTS does, which asks for
    rows. Returns whether there were any.

    Why good: a source sends and decodes less; a Parquet file is read by columns.
    When illegal: a whole-row reference (``SELECT t FROM t``), a NATURAL join or a column list on the alias
    (``AS t (a, b)``) needs the columns by position or by a name that is not written. Such relations stay as they are.
    Before it: names are qualified; an alias used in several scopes keeps the columns of all of them.
    """
    asked = asked_columns(tree)
    changed = False
    if asked.existences:
        changed = sum(map(_ask_for_rows, (one.this for one in asked.existences))) > 0
        asked = asked_columns(tree)
    if asked.by_name:
        return changed
    for relation in asked.relations:
        if relation.alias not in asked.whole and not relation.renames_columns:
            changed |= _keep(relation, asked.columns.get(relation.alias, set()))
    return changed


def _ask_for_rows(query: exp.Expr) -> bool:
    """Have a subquery of EXISTS read none of the columns it selects. Computed ones stay: they may fail, and aggregates
    decide how many rows there are; and so do columns that an order or groups may name by number.
    """
    if not isinstance(query, exp.Select) or any(query.args.get(name) for name in ("distinct", "group", "order")):
        return False
    chosen = query.expressions
    if len(chosen) < 2 or not all(map(_is_plain, chosen)):
        return False
    query.set("expressions", [exp.alias_(exp.true(), "row", quoted=True)])
    return True


def _is_plain(one: exp.Expr) -> bool:
    column = one.unalias()
    return isinstance(column, exp.Column) and not isinstance(column.this, exp.Star)


def _keep(relation: Relation, names: set[str]) -> bool:
    columns = relation.select.expressions
    # A relation of which only the rows count still needs one expression to be a table.
    kept = [one for one in columns if one.alias_or_name in names] or [exp.alias_(exp.true(), "row", quoted=True)]
    if len(kept) == len(columns) and kept == columns:
        return False
    relation.select.set("expressions", kept)
    return True
