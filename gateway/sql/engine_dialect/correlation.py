"""Correlation: which columns of the queries around it a subquery speaks of, and whether the engine can plan that.

Names are qualified here: each column has its table's alias, but for output names in ORDER BY.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.engine_dialect.build import E
from gateway.sql.engine_dialect.kinds import T, type_of
from optimizer.census import LEAVES, holds, with_subclasses

_QUERIES = with_subclasses((exp.Query,))
_SOURCES = (exp.Table, exp.Subquery, exp.Lateral, exp.Unnest, exp.Values)


def items(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield what stands in FROM, also inside of parentheses of joins."""
    source = select.args.get("from_")
    stack = [] if source is None else [source.this]
    stack += [join.this for join in select.args.get("joins") or ()]
    stack += select.args.get("laterals") or ()
    while stack:
        node = stack.pop()
        yield node
        stack += [join.this for join in node.args.get("joins") or ()]
        if isinstance(node, exp.Subquery | exp.Paren) and isinstance(node.this, _SOURCES):
            stack.append(node.this)


def chooses_columns(select: exp.Select) -> bool:
    """Whether a SELECT in FROM puts out different columns of one table and no more, as those of governed relations do,
    which are most of all.
    """
    holder, source = select.parent, select.args.get("from_")
    if holder.__class__ is not exp.Subquery or not isinstance(holder.parent, exp.From | exp.Join) or source is None:
        return False
    table = source.this
    if table.__class__ is not exp.Table or table.this.__class__ is not exp.Identifier:
        return False
    if any(value for key, value in (*select.args.items(), *table.args.items()) if key not in _CHOOSING):
        return False
    names: set[str] = set()
    for one in select.expressions:
        if one.__class__ is not exp.Alias or one.args["this"].__class__ is not exp.Column:
            return False
        names.add(one.alias)
    return len(names) == len(select.expressions) and "" not in names


_CHOOSING = frozenset({"expressions", "from_", "where", "this", "db", "catalog", "alias"})


def is_of_from(node: exp.Expr, name: str, select: exp.Select) -> bool:
    """Whether a name means an item of a query's FROM, and not one of a query between, in which the node stands."""
    inner = node.find_ancestor(exp.Select)
    while inner is not None and inner is not select:
        if any(item.alias_or_name == name for item in items(inner)):
            return False
        inner = inner.find_ancestor(exp.Select)
    return inner is select


def free_columns(node: exp.Expr, bound: frozenset[str] = frozenset()) -> list[exp.Column]:
    """Return the columns below a node that belong to no FROM below it."""
    found: list[exp.Column] = []
    _add_free(node, bound, found)
    return found


def _add_free(node: exp.Expr, bound: frozenset[str], found: list[exp.Column]) -> None:
    if isinstance(node, exp.Select):
        bound = bound | {item.alias_or_name for item in items(node)}
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, exp.Column):
            if one.table and one.table not in bound:
                found.append(one)
        elif one is not node and isinstance(one, exp.Select):
            _add_free(one, bound, found)
        elif one.__class__ not in LEAVES:
            stack.extend(one.iter_expressions(reverse=True))


def conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    """Return the conditions joined by AND."""
    if condition is None:
        return []
    bare = condition.unnest()
    if isinstance(bare, exp.And):
        return [*conjuncts(bare.left), *conjuncts(bare.right)]
    return [condition]


def where_of(select: exp.Expr) -> list[exp.Expr]:
    """Return the conditions of a SELECT's WHERE."""
    where = select.args.get("where")
    return conjuncts(where.this if where is not None else None)


def own_nodes(select: exp.Select, *kinds: type[E]) -> list[E]:
    """Return the nodes of some kinds in a SELECT's own clauses: not those of queries in FROM or in expressions, whose
    own node counts.
    """
    found: list[E] = []
    keys = ("expressions", "where", "group", "having", "order", "qualify", "distinct", "windows", "limit", "offset")
    stack: list[exp.Expr] = []
    for key in keys:
        value = select.args.get(key)
        stack += value if isinstance(value, list) else [value] if isinstance(value, exp.Expr) else []
    stack += [join.args["on"] for join in select.args.get("joins") or () if isinstance(join.args.get("on"), exp.Expr)]
    wanted = with_subclasses(kinds)
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind in wanted:
            found.append(node)  # type: ignore[arg-type]
        if kind in LEAVES or kind is exp.Column:
            continue
        if kind not in _QUERIES or (isinstance(node, exp.Subquery) and isinstance(node.this, exp.Tuple)):
            stack.extend(node.iter_expressions())
    return found


def aggregates_of(select: exp.Select) -> list[exp.Expr]:
    """Return the aggregates of a SELECT, each with its FILTER and WITHIN GROUP, that are no window functions."""
    found = []
    for node in own_nodes(select, exp.AggFunc, exp.Anonymous):
        if isinstance(node, exp.Anonymous) and node.name.lower() != "every":
            continue
        whole: exp.Expr = node
        while isinstance(whole.parent, exp.Filter | exp.WithinGroup) and whole.arg_key == "this":
            whole = whole.parent
        if not isinstance(whole.parent, exp.Window) or whole.arg_key != "this":
            found.append(whole)
    return found


def windows_of(select: exp.Select) -> list[exp.Window]:
    """Return the window functions of a SELECT, and its named windows."""
    return own_nodes(select, exp.Window)


def is_planned_as_filter(query: exp.Expr) -> bool:
    """Whether the engine plans a query below EXISTS or IN: what it asks of outer rows stands in its own WHERE."""
    return isinstance(query, exp.Select) and not _is_shaped(query, grouped=True) and _only_in_where(query)


def is_planned_as_value(query: exp.Expr) -> bool:
    """Whether the engine plans a query as value: its rows are tied to outer rows by equality."""
    if not isinstance(query, exp.Select) or query.args.get("group") or not _only_in_where(query):
        return False
    if query.args.get("distinct") or query.args.get("offset") or windows_of(query) or query.args.get("having"):
        return False
    return all(not free_within(one, query) or _is_plain_tie(one, query) for one in where_of(query))


def is_tied(query: exp.Select) -> bool:
    """Whether all that a query's WHERE asks of outer rows is equality with a value of theirs."""
    return all(not free_within(one, query) or _is_tie(one, query) for one in where_of(query))


def _is_shaped(query: exp.Select, *, grouped: bool) -> bool:
    clauses = ("limit", "offset", "having", "qualify") + (("group", "distinct") if grouped else ())
    return any(query.args.get(key) for key in clauses) or bool(windows_of(query)) or bool(aggregates_of(query))


def only_in_where(query: exp.Select) -> bool:
    """Whether outer columns stand in the conditions of the query's own WHERE alone, and in no query in them."""
    return _only_in_where(query)


def _only_in_where(query: exp.Select) -> bool:
    if query.args.get("from_") is None:
        return False
    direct = [column for one in where_of(query) if not holds(one, _QUERIES) for column in free_within(one, query)]
    return len(direct) == len(free_columns(query))


def free_within(node: exp.Expr, query: exp.Select) -> list[exp.Column]:
    """Return the columns below a node of a query that are of queries around it."""
    return free_columns(node, frozenset(item.alias_or_name for item in items(query)))


def _is_tie(condition: exp.Expr, query: exp.Select) -> bool:
    bare = condition.unnest()
    if not isinstance(bare, exp.EQ):
        return False
    sides = [bare.left, bare.right]
    free = [len(free_within(side, query)) for side in sides]
    total = [sum(1 for column in side.find_all(exp.Column) if column.table) for side in sides]
    return (free[0] == 0 and free[1] == total[1] > 0) or (free[1] == 0 and free[0] == total[0] > 0)


def _is_plain_tie(condition: exp.Expr, query: exp.Select) -> bool:
    """Whether a tie is none of times of day: they are cast for the engine, which takes the cast for the column then."""
    return _is_tie(condition, query) and not any(
        type_of(column).this is T.TIME for column in condition.find_all(exp.Column)
    )


def is_aggregate(query: exp.Expr) -> bool:
    """Whether a query has one row, whatever it reads."""
    plain = isinstance(query, exp.Select) and not any(query.args.get(key) for key in ("group", "having"))
    return plain and isinstance(query, exp.Select) and bool(aggregates_of(query))
