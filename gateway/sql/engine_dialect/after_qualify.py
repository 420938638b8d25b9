"""After names are qualified: what `qualify` reads in another way than PostgreSQL, and whole rows.

Each rule of ``RULES`` changes a query in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set

from sqlglot import exp
from sqlglot.optimizer.resolver import Resolver
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from gateway.sql.engine_dialect import correlation, grouped_columns, record_columns
from gateway.sql.engine_dialect.build import named
from gateway.sql.engine_dialect.from_functions import SCALAR
from gateway.sql.engine_dialect.grouped_columns import NO_KEYS, PrimaryKeys
from gateway.sql.engine_dialect.record_columns import FIELDS, MARK, ROW, may_be_missing
from gateway.sql.engine_dialect.row_json import replace_row
from optimizer.census import Census, take_census
from optimizer.copies import copied

USING = "using"  # in a join's meta: it was written with USING or NATURAL


def mark_joins(joins: Iterable[exp.Join]) -> None:
    """Note, before names are qualified, which joins have USING or are natural."""
    for join in joins:
        if join.args.get("using") or join.method == "NATURAL":
            join.meta[USING] = True


def complete(tree: exp.Query, census: Census, schema: MappingSchema, primary_keys: PrimaryKeys = NO_KEYS) -> exp.Query:
    """Apply the rules to a qualified query, in place; return it, or the query that is now around it."""
    if _needs_scopes(census):
        for scope in traverse_scope(tree):
            if isinstance(scope.expression, exp.Select):
                expand_rows(scope, schema)
                sort_by_inputs(scope, schema)
        tree = record_columns.take_apart(tree)
        census = take_census(tree)
    for select in census.find_all(exp.Select):
        merge_keys(select)
        spell_out_places(select)
        grouped_columns.settle(select, primary_keys)
    return tree


def _needs_scopes(census: Census) -> bool:
    """Whether there may be rows as values, or columns in ORDER BY that are not qualified."""
    if census.has(exp.TableColumn, exp.Dot, exp.Tuple):
        return True
    named = {one.alias_or_name for one in census.find_all(exp.Table, exp.TableAlias)}
    keys = [one.this for one in census.find_all(exp.Ordered)]
    if any(_is_open(key, named) for key in keys):
        return True
    return census.has(exp.Star) and any(one.is_star for one in census.find_all(exp.Column))


def _is_open(key: exp.Expr, named: Set[str]) -> bool:
    """Whether a key of ORDER BY has columns that are not qualified: alone, it is an output's name if it is no row's."""
    if isinstance(key, exp.Column):
        return not key.table and key.name in named
    return any(not one.table for one in key.find_all(exp.Column))


_PLAIN_TUPLES = (exp.Distinct, exp.Values, exp.Group, exp.GroupingSets, exp.Cube, exp.Rollup)


def is_row_by_name(node: exp.Expr) -> bool:
    """Whether a row is more than its text tells: the columns of a whole row have names, and ``(a)`` is a alone."""
    if not isinstance(node, exp.Tuple):
        return False
    return bool(node.meta.get(ROW)) or (len(node.expressions) < 2 and not _is_list(node))


def _is_list(node: exp.Tuple) -> bool:
    """Whether a tuple is a list of keys or values, and no row. Behind DISTINCT one is that of DISTINCT ON."""
    is_counted = isinstance(node.parent, exp.Distinct) and node.arg_key == "expressions"
    return isinstance(node.parent, _PLAIN_TUPLES) and not is_counted


def merge_keys(select: exp.Select) -> None:
    """A join with USING behind a FULL JOIN with USING of the same key compares with the merged key; `qualify` compares
    with the first table's.
    """
    merged: dict[str, list[exp.Column]] = {}
    for join in select.args.get("joins") or ():
        if not join.meta.get(USING) or join.args.get("on") is None:
            continue
        for condition in correlation.conjuncts(join.args["on"]):
            right = condition.args.get("expression")
            if not isinstance(condition, exp.EQ) or not isinstance(right, exp.Column):
                continue
            left = condition.this
            columns = list(left.find_all(exp.Column))
            known = merged.setdefault(right.name, columns[:1])
            if len(known) > 1:
                copies = [copied(one) for one in known]
                condition.set("this", exp.Coalesce(this=copies[0], expressions=copies[1:]))
            if join.side in ("FULL", "RIGHT"):
                known.append(right)


def sort_by_inputs(scope: Scope, schema: MappingSchema) -> None:
    """In an expression of ORDER BY or DISTINCT ON a name is a column of FROM; only a name alone is an output column
    first.
    """
    select = scope.expression
    order, distinct = select.args.get("order"), select.args.get("distinct")
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    keys = [ordered.this for ordered in order.expressions] if order is not None else []
    keys += on.expressions if on is not None else []
    resolver: Resolver | None = None
    for key in keys:
        if isinstance(key, exp.Column):
            continue
        for column in [one for one in key.find_all(exp.Column) if not one.table]:
            if column.find_ancestor(exp.Select) is not select:
                continue
            resolver = resolver or Resolver(scope, schema)
            table = resolver.get_table(column)
            if table is not None:
                column.set("table", exp.to_identifier(table.name, quoted=True))


def spell_out_places(select: exp.Select) -> None:
    """``GROUP BY 1`` is the first output; `qualify` leaves the number where rows are taken apart in that."""
    group = select.args.get("group")
    for place in [one for one in group.expressions if one.is_int] if group is not None else []:
        output = select.selects[int(place.name) - 1].unalias()
        if output.find(exp.Column) is not None:
            place.replace(copied(output))


def expand_rows(scope: Scope, schema: MappingSchema) -> None:
    """A whole row is the row of its columns; ``ROW(t.*)`` too, and ``(t).a`` is ``t.a``."""
    select = scope.expression
    assert isinstance(select, exp.Select)
    sources = {item.alias_or_name: item for item in correlation.items(select)}
    resolver = Resolver(scope, schema)

    def columns_of(name: str) -> list[exp.Column]:
        names = [one for one in resolver.get_source_columns(name) if one != MARK]
        return [exp.column(one, table=name, quoted=True) for one in names]

    for ordered in select.find_all(exp.Ordered):
        bare = ordered.this
        if isinstance(bare, exp.Column) and not bare.table and bare.name in sources and _is_row_name(bare, select):
            ordered.set("this", exp.TableColumn(this=bare.this))
    for node in list(select.find_all(exp.TableColumn)):
        if node.name not in sources or not correlation.is_of_from(node, node.name, select):
            continue
        parent = node.parent
        while isinstance(parent, exp.Paren):
            parent = parent.parent
        if isinstance(parent, exp.Dot) and isinstance(parent.expression, exp.Identifier):
            parent.replace(exp.column(parent.expression.name, table=node.name, quoted=True))
            continue
        columns = columns_of(node.name)
        if sources[node.name].meta.get(SCALAR) and len(columns) == 1:  # a function's rows are values
            node.replace(columns[0])
            continue
        mark = _marked(sources, node.name, select, columns_of)
        if replace_row(node, [(one.name, one) for one in columns], mark):
            continue
        made = exp.Tuple(expressions=columns)
        made.meta[ROW], made.meta[FIELDS] = node.name, tuple(one.name for one in columns)
        if mark is not None:
            made.meta[MARK] = True
            made.append("expressions", mark)
        node.replace(made)
    for made in list(select.find_all(exp.Tuple)):
        stars = [one for one in made.expressions if isinstance(one, exp.Column) and one.is_star]
        if stars:
            parts = [[one] if one not in stars else columns_of(one.table) for one in made.expressions]
            made.set("expressions", [one for part in parts for one in part])
        if not made.meta.get(ROW):
            replace_row(made, [(f"f{number}", one) for number, one in enumerate(made.expressions, 1)])


def _is_row_name(bare: exp.Column, select: exp.Select) -> bool:
    outputs: Mapping[str, exp.Expr] = {one.alias_or_name: one for one in select.selects}
    found = outputs.get(bare.name)
    return found is None or isinstance(found.unalias(), exp.TableColumn | exp.Tuple)


def _marked(
    sources: Mapping[str, exp.Expr], name: str, select: exp.Select, columns_of: Callable[[str], list[exp.Column]]
) -> exp.Expr | None:
    """Return the column that tells whether there is a row, where an outer join may have found none; it is added."""
    if not may_be_missing(select, name):
        return None
    item = sources[name]
    if not (isinstance(item, exp.Subquery) and item.meta.get(MARK)):
        columns = [named(one, one.name) for one in columns_of(name)]
        marked = exp.Select(expressions=[*columns, named(exp.true(), MARK)])
        alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
        outer = exp.Subquery(this=marked, alias=alias)
        outer.meta[MARK] = True
        joins = item.args.get("joins")
        item.replace(outer)
        item.set("joins", None)
        outer.set("joins", joins)
        marked.set("from_", exp.From(this=item))
    return exp.column(MARK, table=name, quoted=True)
