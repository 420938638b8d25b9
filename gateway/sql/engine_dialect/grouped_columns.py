"""Columns behind GROUP BY that no key is: of a key's expression, or of a table whose primary key is grouped by.

PostgreSQL has judged a query before the engine is asked, and found each expression to be made of keys. It compares
what expressions mean; the engine, and this module, only how they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from gateway.sql.engine_dialect import correlation
from optimizer.copies import copied

PrimaryKeys = Mapping[tuple[str, str], frozenset[str]]
"""The columns of the primary key by the schema and the name of a table."""
NO_KEYS: PrimaryKeys = {}
_SETS = (exp.GroupingSets, exp.Rollup, exp.Cube)
_BOUND = (exp.Query, exp.Window, exp.Explode, exp.ExplodingGenerateSeries, exp.Unnest, exp.Star, exp.Grouping)


def settle(select: exp.Select, primary_keys: PrimaryKeys) -> None:
    """Bring a query's columns behind GROUP BY to what the engine takes, in place.

    - Columns that a primary key decides are grouped by, too.
    - What PostgreSQL takes for a key although it is written otherwise (``'1'`` for ``1``) is the same in all rows of a
      group: any row's will do. To group by its columns would make more groups.
    """
    group = select.args.get("group")
    if group is None:
        return
    _write_alike(select, group)
    if any(isinstance(one, _SETS) for one in group.expressions):
        return
    own = {item.alias_or_name: item for item in correlation.items(select)}
    keys = _Keys(frozenset(own), {shape(one) for one in group.expressions})
    if not any(True for top in _tops(select) for _ in keys.missing(top)):
        return
    decided: dict[exp.Expr, exp.Column] = {}
    for column in [one for top in _tops(select) for one in keys.missing(top)]:
        if _is_decided(column, own[column.table], primary_keys, keys):
            decided.setdefault(shape(column), column)
    group.set("expressions", [*group.expressions, *(copied(one) for one in decided.values())])
    keys.shapes.update(decided)
    for top in _tops(select):
        keys.take_any(top)


def _write_alike(select: exp.Select, group: exp.Group) -> None:
    """Write keys behind GROUP BY as they are written there."""
    written = [one for one in _listed(group) if not isinstance(one, exp.Column) and one.find(exp.Column) is not None]
    if not written:
        return
    keys, sorts = {shape(one): one for one in written}, {type(one) for one in written}
    stack = [*_tops(select)]
    while stack:
        node = stack.pop()
        if type(node) in sorts and (key := keys.get(shape(node))) is not None:
            node.replace(copied(key))  # parentheses and all: what goes to PostgreSQL is compared as it is written
        elif not isinstance(node, exp.Query | exp.AggFunc) or isinstance(node.parent, exp.Window):
            stack.extend(node.iter_expressions())


def _listed(node: exp.Expr) -> Iterator[exp.Expr]:
    for one in node.iter_expressions():
        if isinstance(one, (*_SETS, exp.Tuple, exp.Paren)):
            yield from _listed(one)
        else:
            yield one


def _tops(select: exp.Select) -> Iterator[exp.Expr]:
    yield from list(select.selects)
    for clause in ("having", "order", "distinct"):
        if isinstance(select.args.get(clause), exp.Expr):
            yield select.args[clause]


def _is_decided(column: exp.Column, item: exp.Expr, primary_keys: PrimaryKeys, keys: _Keys) -> bool:
    key = primary_keys.get((item.db, item.name)) if isinstance(item, exp.Table) else None
    return key is not None and all(
        shape(exp.column(name, table=column.table, quoted=True)) in keys.shapes for name in key
    )


class _Keys:
    """The keys of a query: ``own`` are the names in its FROM, ``shapes`` the keys' expressions."""

    def __init__(self, own: frozenset[str], shapes: set[exp.Expr]) -> None:
        self.own = own
        self.shapes = shapes
        self._sorts = {type(one) for one in shapes} | {exp.Paren, exp.Subquery}

    def _is_settled(self, node: exp.Expr) -> bool:
        return (type(node) in self._sorts and shape(node) in self.shapes) or _may_aggregate(node)

    def missing(self, node: exp.Expr) -> Iterator[exp.Column]:
        """Yield the columns below a node, also those of queries within it, that stand in no key."""
        if self._is_settled(node):
            return
        if isinstance(node, exp.Column):
            if node.table in self.own:
                yield node
        elif isinstance(node, exp.Query):
            free = {id(one) for one in correlation.free_columns(node)}
            yield from (one for child in node.iter_expressions() for one in self.missing(child) if id(one) in free)
        else:
            for child in node.iter_expressions():
                yield from self.missing(child)

    def take_any(self, node: exp.Expr) -> None:
        """Put any row's value in the place of the largest expressions that have such columns, in place."""
        if self._is_settled(node) or not any(True for _ in self.missing(node)):
            return
        if isinstance(node, exp.Query):
            return  # the engine refuses it, once PostgreSQL has judged the query
        if isinstance(node, exp.Condition) and not any(
            isinstance(one, _BOUND) or _may_aggregate(one) for one in node.walk()
        ):
            node.replace(exp.AnyValue(this=copied(node)))
            return
        for child in list(node.iter_expressions()):
            self.take_any(child)


def _may_aggregate(node: exp.Expr) -> bool:
    """Whether what stands below a node may be an aggregate's: a function that the parser does not know may be one."""
    if isinstance(node, exp.AggFunc):
        return not isinstance(node.parent, exp.Window)
    return isinstance(node, exp.Filter | exp.WithinGroup | exp.Anonymous) or type(node).__name__.endswith("Agg")


def shape(node: exp.Expr) -> exp.Expr:
    """Return what expressions have in common that differ in parentheses and in the names of inner columns only."""
    if isinstance(node, exp.Column):
        return node
    bare = exp.Tuple(expressions=[copied(node)])
    if node.find(exp.Query) is not None:
        for alias in list(bare.find_all(exp.Alias)):
            alias.replace(alias.this)
    for paren in list(bare.find_all(exp.Paren)):
        paren.replace(paren.this)
    found: exp.Expr = bare.expressions[0].unnest()
    return found
