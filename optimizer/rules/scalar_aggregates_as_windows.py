"""An aggregate of rows that the query reads anyway is computed while they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product

from sqlglot import exp

from optimizer.census import Census, find_around, holds, take_census, with_subclasses
from optimizer.inner_joins import (
    InnerJoins,
    equalities,
    forms,
    get_inner_joins,
    is_plain,
    is_volatile,
    qualifiers,
    requalified,
)
from optimizer.relations import Relation, get_relation
from optimizer.scopes import get_cte, source_select

T = exp.DType
_INTEGERS = frozenset({T.SMALLINT, T.INT, T.BIGINT})
_KEYS = frozenset({T.DECIMAL, T.TEXT, T.VARCHAR, T.DATE, T.TIMESTAMP, T.TIMESTAMPTZ})
_ORDERED = _INTEGERS | _KEYS
_SUMMED = _INTEGERS | {T.DECIMAL}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul)
_BESIDE = with_subclasses((exp.Lateral, exp.TableColumn))
_MOST_TRIED = 64  # ways to take the subquery's tables for the outer ones
_AGGREGATE = "aggregate"  # the derived table's name for the window's value


@dataclass(frozen=True, slots=True)
class _Subquery:
    """A scalar subquery: its aggregate, the conditions on its own rows, and the pairs of an inner and an outer column
    that its correlation holds equal.
    """

    node: exp.Subquery
    block: InnerJoins
    aggregate: exp.AggFunc
    own: tuple[exp.Expr, ...]
    links: tuple[tuple[exp.Column, exp.Column], ...]


@dataclass(frozen=True, slots=True)
class _Match:
    """How a subquery's rows are found in the outer query: inner alias to outer alias; the outer conditions that the
    subquery states too; and conditions that drop whole partitions of its rows.
    """

    names: Mapping[str, str]
    stated: frozenset[int]
    restrictions: tuple[exp.Expr, ...]


def scalar_aggregates_as_windows(tree: exp.Query) -> exp.Query:
    """Replace ``x <op> (SELECT f(aggregate) FROM r WHERE c AND r.k = outer.k)``, where the query around it reads r
    under c as well, by a column ``f(aggregate OVER (PARTITION BY k))`` of a derived table over r.

    Why good: r is read once and not joined with its own groups. A window sorts its rows, so it pays only for few of
    them: where r is a query with GROUP BY (it is computed once), or where a selective condition (``=`` or IN constants)
    drops whole partitions before the window. Such a condition is one on k alone, or on a table u that is joined by
    ``r.k = u.e``: it becomes ``r.k IN (SELECT e FROM u WHERE …)``.
    When illegal: the window must see exactly the rows of the subquery. Conditions of the outer query that the subquery
    has not (``r.quantity > 5``) stay above the window, and other tables are joined above it, since without unique keys
    each may repeat or drop rows of a partition. The outer query must hold ``r.k = outer.k`` too, so that its row is in
    the partition; k NULL then gives no row in either form. Only a subquery correlated with its own table
    (``i.k = r.k``) need not: rows with k NULL are dropped, which is right for all but count, which would be 0 there.
    Outer joins, LATERAL, volatile functions, floats (sums depend on the order of rows, NaN on the form), DISTINCT and
    FILTER in the aggregate, and types whose equal values are not alike stay.
    Before it: names are qualified and types are set; relations are as governed, with their filters, so it comes before
    the rules that change them.
    """
    for select in reversed(find_around(tree, exp.Select)):  # inner ones first
        while _replace_one(select):
            pass
    return tree


def has_scalar_subqueries(census: Census) -> bool:
    """Whether something is compared with a subquery."""
    return any(_is_scalar(node) for node in census.find_all(exp.Subquery))


def _is_scalar(node: exp.Subquery) -> bool:
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Neg | exp.Cast | exp.Div | (exp.Add | exp.Sub | exp.Mul)):
        parent = parent.parent
    return isinstance(parent, _COMPARISONS)


def _replace_one(select: exp.Select) -> bool:
    outer = get_inner_joins(select)
    scalars = [scalar for condition in outer.conditions for scalar in _scalars(condition)] if outer is not None else []
    subqueries = [subquery for scalar in scalars if (subquery := _subquery(scalar)) is not None]
    if outer is None or not subqueries or not _speaks_plainly(select):
        return False
    for subquery in subqueries:
        match = _match(subquery, outer)
        if match is not None:
            _apply(subquery, match, outer)
            return True
    return False


def _speaks_plainly(select: exp.Select) -> bool:
    """Whether all that a query says can be told by qualified names, and none of it by a query around it."""
    if holds(select, _BESIDE):
        return False
    sources = find_around(select, exp.Subquery, exp.Table)
    if any(source.args.get("joins") for source in sources):
        return False
    aliases = {source.alias_or_name for source in sources}
    for column in take_census(select).find_all(exp.Column):
        if isinstance(column.this, exp.Star) or (not column.table and column.name in aliases):
            return False
        if column.table and source_select(column, select) is None:
            return False
    return True


def _scalars(condition: exp.Expr) -> Iterator[exp.Subquery]:
    """Yield the subqueries of a comparison whose being NULL makes it not true."""
    if isinstance(condition, _COMPARISONS):
        yield from _operands(condition.left)
        yield from _operands(condition.right)


def _operands(node: exp.Expr) -> Iterator[exp.Subquery]:
    if isinstance(node, exp.Subquery):
        yield node
    elif isinstance(node, exp.Paren | exp.Neg):
        yield from _operands(node.this)
    elif isinstance(node, _ARITHMETIC):
        yield from _operands(node.left)
        yield from _operands(node.right)


# The subquery --------------------------------------------------------------------------------------------------------


def _subquery(node: exp.Subquery) -> _Subquery | None:
    """Read a scalar subquery, or return None where it is not of the form."""
    select = node.this
    if not isinstance(select, exp.Select) or len(select.expressions) != 1 or is_volatile(select):
        return None
    if any(value for key, value in select.args.items() if key not in ("expressions", "from_", "joins", "where")):
        return None
    block = get_inner_joins(select)
    if block is None:
        return None
    aggregate = _aggregate(select.expressions[0].unalias(), set(block.sources))
    own: list[exp.Expr] = []
    links: list[tuple[exp.Column, exp.Column]] = []
    for condition in block.conditions:
        link = _link(condition, block.sources)
        if link is not None:
            links.append(link)
        elif is_plain(condition) and qualifiers(condition) <= set(block.sources):
            own.append(condition)
        else:
            return None
    return None if aggregate is None else _Subquery(node, block, aggregate, tuple(own), tuple(links))


def _aggregate(value: exp.Expr, aliases: set[str]) -> exp.AggFunc | None:
    """Return the one aggregate of an expression that is NULL where the aggregate is, or None."""
    found = [*value.find_all(exp.AggFunc)]
    if len(found) != 1 or not _is_strict(value, found[0]):
        return None
    aggregate = found[0]
    argument = aggregate.this
    if aggregate.args.get("expressions") or _type(aggregate) is None or not isinstance(argument, exp.Expr):
        return None
    if isinstance(aggregate, exp.Count) and isinstance(argument, exp.Star):
        return aggregate
    if isinstance(argument, exp.Distinct | exp.Order) or not is_plain(argument) or not qualifiers(argument) <= aliases:
        return None
    allowed = {exp.Min: _ORDERED, exp.Max: _ORDERED, exp.Sum: _SUMMED, exp.Avg: _SUMMED, exp.Count: None}
    if type(aggregate) not in allowed:
        return None
    types = allowed[type(aggregate)]
    return aggregate if types is None or _type(argument) in types else None


def _is_strict(node: exp.Expr, aggregate: exp.Expr) -> bool:
    """Whether an expression is arithmetic of constants and the aggregate."""
    if node is aggregate or isinstance(node, exp.Literal):
        return True
    if isinstance(node, exp.Paren | exp.Neg) or type(node) is exp.Cast:
        return _is_strict(node.this, aggregate)
    if isinstance(node, _ARITHMETIC):
        return _is_strict(node.left, aggregate) and _is_strict(node.right, aggregate)
    if isinstance(node, exp.Div):  # a divisor that may be 0 would fail for groups that are not asked for
        divisor = node.right.unnest()
        constant = isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.name) != 0
        return constant and _is_strict(node.left, aggregate)
    return False


def _link(condition: exp.Expr, sources: Mapping[str, exp.Expr]) -> tuple[exp.Column, exp.Column] | None:
    """Return the inner and the outer column of ``inner.k = outer.k``."""
    for inner, outer in equalities((condition,)):
        if inner.table in sources and outer.table not in sources:
            return inner, outer
    return None


def _type(node: exp.Expr) -> exp.DType | None:
    found: exp.DType | None = node.type.this if isinstance(node.type, exp.DataType) else None
    return None if found is T.UNKNOWN else found


def _are_equal_alike(one: exp.Column, other: exp.Column) -> bool:
    """Whether values that are equal to the same value are in one partition."""
    if _type(one) in _INTEGERS and _type(other) in _INTEGERS:
        return True
    return _type(one) is not None and _type(one) is _type(other) and _type(one) in _KEYS


# Where its rows are in the outer query -------------------------------------------------------------------------------


def _match(subquery: _Subquery, outer: InnerJoins) -> _Match | None:
    """Find the subquery's rows among the outer query's, or return None."""
    candidates = [
        [alias for alias, node in outer.sources.items() if _is_same(source, node)]
        for source in subquery.block.sources.values()
    ]
    for chosen in islice(product(*candidates), _MOST_TRIED):
        names = dict(zip(subquery.block.sources, chosen, strict=True))
        stated = _stated(subquery, outer, names) if len(set(chosen)) == len(chosen) else None
        if stated is None or not all(_is_linked(subquery, link, outer, names) for link in subquery.links):
            continue
        restrictions = [*_restrictions(subquery, outer, names, stated)]
        if any(_is_selective(one) for one in restrictions) or any(map(_is_grouped, subquery.block.sources.values())):
            return _Match(names, stated, tuple(restrictions))
    return None


def _is_same(inner: exp.Expr, outer: exp.Expr) -> bool:
    """Whether two sources have the same rows, read twice."""
    one, other = get_relation(inner), get_relation(outer)
    if one is not None and other is not None:
        return one.select == other.select and not is_volatile(one.select)
    if type(inner) is not type(outer) or inner.this != outer.this or is_volatile(inner):
        return False
    return not any(is_volatile(cte) for cte in inner.root().find_all(exp.CTE))


def _stated(subquery: _Subquery, outer: InnerJoins, names: Mapping[str, str]) -> frozenset[int] | None:
    """Return the outer conditions that are the subquery's own ones, or None where one of these is missing."""
    stated: set[int] = set()
    for condition in subquery.own:
        wanted = forms(requalified(condition, names))
        found = {id(one) for one in outer.conditions if one in wanted}
        if not found:
            return None
        stated |= found
    return frozenset(stated)


def _is_linked(
    subquery: _Subquery, link: tuple[exp.Column, exp.Column], outer: InnerJoins, names: Mapping[str, str]
) -> bool:
    """Whether an outer row is in the partition of its subquery's rows."""
    inner, wanted = link
    key = requalified(inner, names)
    if not _are_equal_alike(inner, wanted):
        return False
    if key == wanted:
        return not isinstance(subquery.aggregate, exp.Count)
    return any(one == key and other == wanted for one, other in equalities(outer.conditions))


def _restrictions(
    subquery: _Subquery, outer: InnerJoins, names: Mapping[str, str], stated: frozenset[int]
) -> Iterator[exp.Expr]:
    """Yield conditions on the subquery's rows that keep or drop whole partitions, and none that is needed outside."""
    back = {there: here for here, there in names.items()}
    keys = [requalified(inner, names) for inner, _ in subquery.links]
    for condition in outer.conditions:
        columns = [*condition.find_all(exp.Column)]
        whole = bool(columns) and all(column in keys for column in columns)
        if whole and is_plain(condition) and id(condition) not in stated:
            yield requalified(condition, back)
    for one, other in equalities(outer.conditions):
        relation = get_relation(outer.sources.get(other.table))
        if one in keys and other.table not in back and relation is not None and _are_equal_alike(one, other):
            semi_join = _semi_join(requalified(one, back), other, relation, outer)
            if semi_join is not None:
                yield semi_join
    for inner, wanted in subquery.links:
        if requalified(inner, names) == wanted:
            yield _boolean(exp.Is(this=inner.copy(), expression=exp.Null(), negate=True))


def _semi_join(key: exp.Expr, column: exp.Column, relation: Relation, outer: InnerJoins) -> exp.Expr | None:
    """Return ``key IN (SELECT column FROM relation WHERE its selective conditions)``."""
    conditions = [one for one in outer.conditions if qualifiers(one) == {relation.alias} and is_plain(one)]
    if is_volatile(relation.select) or relation.alias in qualifiers(key) or not any(map(_is_selective, conditions)):
        return None
    query = exp.Select(
        expressions=[exp.alias_(column.copy(), column.name, quoted=True)],
        from_=exp.From(this=relation.derived.copy()),
        where=exp.Where(this=exp.and_(*conditions)),
    )
    return _boolean(exp.In(this=key, query=exp.Subquery(this=query)))


def _is_selective(condition: exp.Expr) -> bool:
    """Whether a condition is held to leave few rows: from a fifth on, sorting costs more than it saves."""
    if isinstance(condition, exp.EQ):
        return any(side.find(exp.Column) is None for side in (condition.left, condition.right))
    return isinstance(condition, exp.In) and not condition.args.get("negate")


def _is_grouped(source: exp.Expr) -> bool:
    """Whether a source is a query with GROUP BY."""
    cte = get_cte(source) if isinstance(source, exp.Table) else None
    query = cte.this if cte is not None else source.this
    return isinstance(query, exp.Select) and query.args.get("group") is not None


# The derived table ---------------------------------------------------------------------------------------------------


def _apply(subquery: _Subquery, match: _Match, outer: InnerJoins) -> None:
    """Put the derived table in the place of the outer query's tables, in place."""
    inner = {there: here for here, there in match.names.items()}
    owned = {
        id(column)
        for column in outer.select.find_all(exp.Column)
        if column.table in inner and source_select(column, outer.select) is outer.select
    }
    alias, value = _unused(outer.select.root(), "windowed"), _windowed(subquery)
    subquery.node.replace(_typed(exp.column(_AGGREGATE, alias, quoted=True), value))
    derived = exp.Subquery(alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    _put_in(derived, inner, match, outer)
    outputs: dict[str, exp.Column] = {}
    for column in outer.select.find_all(exp.Column):
        if id(column) in owned:
            original = column.copy()
            original.set("table", exp.to_identifier(inner[column.table], quoted=True))
            name = _output_name(original, outputs)
            outputs[name] = original
            column.set("table", exp.to_identifier(alias, quoted=True))
            column.set("this", exp.to_identifier(name, quoted=True))
    columns = [exp.alias_(column, name, quoted=True) for name, column in outputs.items()]
    query = exp.Select(expressions=[*columns, exp.alias_(value, _AGGREGATE, quoted=True)])
    sources = [source.copy() for source in subquery.block.sources.values()]
    conditions = [condition.copy() for condition in (*subquery.own, *match.restrictions)]
    InnerJoins(query, {}, ()).replace(sources, conditions)
    derived.set("this", query)


def _put_in(derived: exp.Subquery, inner: Mapping[str, str], match: _Match, outer: InnerJoins) -> None:
    """Read the derived table where the first of its tables was read, without the conditions that it states."""
    sources = [node for name, node in outer.sources.items() if name not in inner]
    sources.insert([*outer.sources].index(next(name for name in outer.sources if name in inner)), derived)
    outer.replace(sources, [one for one in outer.conditions if id(one) not in match.stated])


def _output_name(column: exp.Column, outputs: Mapping[str, exp.Column]) -> str:
    """Return the derived table's name for a column: its own, or a longer one where that means another."""
    name = column.name
    while name == _AGGREGATE or outputs.get(name, column) != column:
        name = f"{column.table}.{name}"
    return name


def _windowed(subquery: _Subquery) -> exp.Expr:
    """Return the subquery's value with its aggregate over the partition of a row."""
    keys = dict.fromkeys(inner for inner, _ in subquery.links)
    value: exp.Expr = subquery.block.select.expressions[0].unalias().copy()
    aggregate = next(value.find_all(type(subquery.aggregate)))
    window = _typed(exp.Window(partition_by=[key.copy() for key in keys], over="OVER"), aggregate)
    if aggregate is value:
        value = window
    else:
        aggregate.replace(window)
    window.set("this", aggregate)
    return value


def _typed(node: exp.Expr, like: exp.Expr) -> exp.Expr:
    assert isinstance(like.type, exp.DataType)
    node.type = like.type.copy()
    return node


def _boolean(node: exp.Expr) -> exp.Expr:
    node.type = exp.DataType(this=T.BOOLEAN)
    return node


def _unused(tree: exp.Expr, name: str) -> str:
    """Return a name that nothing of the tree bears."""
    known = {node.alias_or_name for node in tree.find_all(exp.Table, exp.Subquery, exp.CTE)}
    found, number = name, 1
    while found in known:
        number += 1
        found = f"{name}_{number}"
    return found
