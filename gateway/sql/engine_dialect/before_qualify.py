"""Before names are qualified: PostgreSQL's short forms that sqlglot's `qualify` does not complete."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.schema import MappingSchema


def prepare(tree: exp.Expr, schema: MappingSchema) -> exp.Query:
    """Return a copy of a query with its aliases spelt out; names of tables must be those in ``schema``.

    - ``VALUES …`` alone is a query with columns ``column1``, ``column2``, …; so are those of a derived ``VALUES``.
    - ``t AS x(a)`` renames the first columns only; the rest keep their names.
    - ``unnest(…) AS u`` and ``generate_series(…) AS g`` name their column like themselves.
    """
    tree = tree.copy()
    if isinstance(tree, exp.Values):
        tree = exp.select("*").from_(_named_values(tree))
    for values in list(tree.find_all(exp.Values)):
        _name_columns(values, [f"column{place}" for place in range(1, _width(values) + 1)])
    for table in list(tree.find_all(exp.Table)):
        if _has_columns(table) and isinstance(table.this, exp.Identifier):
            _name_columns(table, schema.column_names(table))
    for source in list(tree.find_all(exp.Subquery)):
        query = source.this
        if _has_columns(source) and isinstance(query, exp.Query) and not query.is_star:
            _name_columns(source, [column.alias_or_name for column in query.selects])
    for unnest in list(tree.find_all(exp.Unnest)):
        if unnest.alias and not unnest.args["alias"].columns:
            unnest.args["alias"].set("columns", [exp.to_identifier(unnest.alias, quoted=True)])
    assert isinstance(tree, exp.Query)
    return tree


def _named_values(values: exp.Values) -> exp.Values:
    named = values.copy()
    named.set("alias", exp.TableAlias(this=exp.to_identifier("*VALUES*", quoted=True)))
    return named


def _width(values: exp.Values) -> int:
    return len(values.expressions[0].expressions)


def _has_columns(node: exp.Expr) -> bool:
    alias = node.args.get("alias")
    return isinstance(alias, exp.TableAlias) and bool(alias.columns)


def _name_columns(node: exp.Expr, names: list[str]) -> None:
    """Complete the alias's list of columns from the names they have without it."""
    alias = node.args.get("alias")
    if alias is None:
        alias = exp.TableAlias(this=exp.to_identifier("values", quoted=True))
        node.set("alias", alias)
    given = list(alias.columns)
    alias.set("columns", given + [exp.to_identifier(name, quoted=True) for name in names[len(given) :]])
