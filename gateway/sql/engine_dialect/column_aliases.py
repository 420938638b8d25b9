"""Lists of columns behind an alias, ``FROM c AS t (k, a)``, before names are qualified: where `qualify` knows no names
for the columns that a shorter list leaves, or looks for keys under their old names, a query of all columns takes them.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.engine_dialect.after_qualify import USING
from optimizer.census import Census, take_census
from optimizer.copies import copied


def derive(tree: exp.Expr, census: Census) -> Census:
    """Put ``(SELECT * FROM item) AS t (k, a)`` in the place of items of FROM that need it, in place. Names of tables
    must have their schema, so that others are those of WITH. Returns what the tree has then.
    """
    joins = [one for one in census.find_all(exp.Subquery) if one.alias and isinstance(one.this, exp.Table)]
    for join in joins:  # in parentheses
        _derive(join, join.this)
    census = take_census(tree) if joins else census
    items = [one for one in census.find_all(exp.Table) if _has_columns(one) and isinstance(one.this, exp.Identifier)]
    for item in items:
        if _merges_keys(item) or (not item.db and not _is_whole(item)):
            _derive(item, item)
    return take_census(tree) if items else census


def _has_columns(item: exp.Expr) -> bool:
    alias = item.args.get("alias")
    return isinstance(alias, exp.TableAlias) and bool(alias.columns)


def _derive(item: exp.Expr, rows: exp.Expr) -> None:
    first = copied(rows)
    joins = first.args.get("joins") or []
    first.set("joins", None)
    query = exp.Select(expressions=[exp.Star()], from_=exp.From(this=first))
    made = exp.Subquery(this=query, alias=copied(item.args["alias"]))
    if rows is item:
        first.set("alias", None)
        made.set("joins", joins)
    else:
        query.set("joins", joins)
        made.set("joins", [copied(one) for one in item.args.get("joins") or ()])
    item.replace(made)


def _merges_keys(item: exp.Table) -> bool:
    """Whether an item of FROM stands beside a join with USING or NATURAL."""
    select = item.parent_select
    if select is None:
        return False
    joins = select.args.get("joins") or ()
    return any(one.meta.get(USING) or one.args.get("using") or one.method for one in joins)


def _is_whole(item: exp.Table) -> bool:
    """Whether an alias names all columns of a common table expression."""
    named = len(item.args["alias"].columns)
    around: exp.Expr | None = item
    while around is not None:
        clause = around.args.get("with_")
        for one in clause.expressions if isinstance(clause, exp.With) else ():
            if one.alias == item.name:
                return _width(one) == named
        around = around.parent
    return True


def _width(expression: exp.CTE) -> int | None:
    query = expression.this
    return len(query.selects) if isinstance(query, exp.Query) and not query.is_star else None
