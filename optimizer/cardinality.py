"""How many rows the parts of a query have, by the statistics of its tables."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from catalog.names import TableName
from catalog.statistics import TableStatistics
from optimizer import selectivity
from optimizer.column_estimates import DEFAULT_DISTINCT, ColumnEstimate, combinations
from optimizer.feedback import Feedback, Informed
from optimizer.hints import HintsAtWork
from optimizer.join_order import EqualColumns
from optimizer.relations import conjuncts
from optimizer.scopes import is_in_parentheses

Statistics = Mapping[TableName, TableStatistics]

_SERIES_ROWS = 1000.0  # of a function in FROM, as PostgreSQL has it
_DEFAULT_WIDTH = 16.0  # bytes of a value
_NARROWING = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In)
_FEWEST_GROUPS = 1e-3  # that HAVING is held to leave


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of a query's rows: how many, and the columns that it hands on as they were in a table.

    ``width`` is in bytes of a row.
    """

    rows: float
    columns: Mapping[str, ColumnEstimate]
    width: float


@dataclass(frozen=True, slots=True)
class Joined:
    """Joined sources: how many rows they have together, and each by its alias."""

    rows: float
    sources: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a SELECT by alias."""

    known: Mapping[str, Estimate]

    def column(self, column: exp.Column) -> ColumnEstimate | None:
        """Return what is known of a column of one of them."""
        source = self.known.get(column.table)
        return None if source is None else source.columns.get(column.name)


@dataclass(slots=True)
class Cardinality:
    """Estimates over one query's tree; each part is estimated once. Returns None where a table's rows are not known."""

    statistics: Statistics
    _known: dict[int, tuple[exp.Expr, Estimate | None]] = field(default_factory=dict)

    @property
    def feedback(self) -> Feedback | None:
        """What earlier runs have found, None where nothing counts."""
        return self.statistics.feedback if isinstance(self.statistics, Informed) else None

    @property
    def hints(self) -> HintsAtWork | None:
        """What the statement asks for."""
        return self.statistics.hints if isinstance(self.statistics, Informed) else None

    def of_joined(self, first: exp.Expr, joins: Iterable[exp.Join]) -> Joined | None:
        """Return what is expected of sources that are joined as they are written, those in parentheses among them."""
        joined = self._of_one(first)
        for join in joins:
            other = self._of_one(join.this)
            if joined is None or other is None:
                return None
            both = {**joined.sources, **other.sources}
            rest, equal = _equalities(conjuncts(join.args.get("on")), Sources(both))
            rows = joined.rows * other.rows * self.selectivity(rest, Sources(both)) * math.prod(equal)
            if join.side in ("LEFT", "FULL"):
                rows = max(rows, joined.rows)
            if join.side in ("RIGHT", "FULL"):
                rows = max(rows, other.rows)
            joined = Joined(max(1.0, rows), both)
        return joined

    def _of_one(self, node: exp.Expr) -> Joined | None:
        if is_in_parentheses(node):
            return self.of_joined(node.this, node.this.args.get("joins") or [])
        found = self._of_source(node)
        return None if found is None else Joined(found.rows, {node.alias_or_name: found})

    def _of_source(self, node: exp.Expr) -> Estimate | None:
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
            found = self.of_query(node.this)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            found = self._of_with_name(node)
        else:
            found = Estimate(_SERIES_ROWS, {}, _DEFAULT_WIDTH)
        return _renamed(found, node)

    def of_query(self, query: exp.Expr) -> Estimate | None:
        """Return what is expected of a query."""
        kept = self._known.get(id(query))
        if kept is not None:
            return kept[1]
        self._known[id(query)] = query, None  # of a recursive query nothing is known
        found = self._of_query(query)
        if found is not None and self.feedback is not None and isinstance(query, exp.Query):
            observed = self.feedback.of_query(query)
            found = found if observed is None else replace(found, rows=observed.beside(found.rows))
        self._known[id(query)] = query, found
        return found

    def selectivity(self, conditions: Iterable[exp.Expr], sources: Sources) -> float:
        """Return the part of the sources' combined rows that meets all conditions."""

        def semi_join(node: exp.Expr) -> float | None:
            return self._semi_join(node, sources)

        return selectivity.of_all(conditions, sources.column, semi_join)

    def _of_query(self, query: exp.Expr) -> Estimate | None:
        if isinstance(query, exp.Subquery):
            return self.of_query(query.this)
        if isinstance(query, exp.SetOperation):
            return self._of_set_operation(query)
        if isinstance(query, exp.Values):
            return Estimate(float(len(query.expressions)), {}, _DEFAULT_WIDTH)
        return self._of_select(query) if isinstance(query, exp.Select) else None

    def _of_set_operation(self, query: exp.SetOperation) -> Estimate | None:
        left, right = self.of_query(query.left), self.of_query(query.right)
        if left is None or right is None:
            return None
        one, other = left.rows, right.rows
        if query.args.get("distinct"):
            one, other = _different(query.left, left), _different(query.right, right)
        if isinstance(query, exp.Union):
            return Estimate(_limited(query, one + other), {}, left.width)
        rows = min(one, other) if isinstance(query, exp.Intersect) else one
        return Estimate(_limited(query, rows), {}, left.width)

    def _of_with_name(self, name: exp.Table) -> Estimate | None:
        if name.db:
            return self.of_table(TableName(name.db, name.name))
        node: exp.Expr | None = name
        while node is not None:
            clause = node.args.get("with_")
            for cte in clause.expressions if isinstance(clause, exp.With) else ():
                if cte.alias == name.name:
                    return _renamed(self.of_query(cte.this), cte)
            node = node.parent
        return None

    def of_table(self, table: TableName) -> Estimate | None:
        """Return what is known of a table, before any condition."""
        known = self.statistics.get(table)
        if known is None or known.rows is None:
            return None
        rows = max(1.0, known.rows)
        columns = {name: ColumnEstimate(one, rows, name, known.combined) for name, one in known.columns.items()}
        return Estimate(rows, columns, _DEFAULT_WIDTH)

    def _of_select(self, select: exp.Select) -> Estimate | None:
        source = select.args.get("from_")
        if source is None:
            return Estimate(1.0, {}, _DEFAULT_WIDTH)
        joined = self.of_joined(source.this, select.args.get("joins") or [])
        if joined is None:
            return None
        rows, sources = joined.rows, Sources(joined.sources)
        where = select.args.get("where")
        if where is not None:
            rest, equal = _equalities(conjuncts(where.this), sources)
            rows *= self.selectivity(rest, sources) * math.prod(equal)
            sources = self._narrowed(rest, sources)
        return self._handed_on(select, max(1.0, rows), sources)

    def _narrowed(self, conditions: list[exp.Expr], sources: Sources) -> Sources:
        """Return sources whose columns have the values that conditions on one column leave."""
        left: dict[str, dict[str, ColumnEstimate]] = {}
        for condition in conditions:
            column = condition.this.unnest() if isinstance(condition, _NARROWING) else None
            if not isinstance(column, exp.Column) or condition.args.get("negate"):
                continue
            columns = left.get(column.table, {})
            known = columns.get(column.name) or sources.column(column)
            values = None if known is None else self._values(condition, known, sources)
            if known is not None and values is not None:
                fewest = min(values, known.different or values)
                left[column.table] = {**columns, column.name: replace(known, values=max(1.0, fewest))}
        if not left:
            return sources
        return Sources(
            {
                alias: replace(one, columns={**one.columns, **left.get(alias, {})})
                for alias, one in sources.known.items()
            }
        )

    def _values(self, condition: exp.Expr, column: ColumnEstimate, sources: Sources) -> float | None:
        """Return how many of a column's values meet a condition that compares it with constants."""
        if len([*condition.find_all(exp.Column, exp.Query)]) > 1:
            return None
        if isinstance(condition, exp.EQ):
            return 1.0
        if isinstance(condition, exp.In):
            return float(len(condition.expressions))
        return None if column.distinct is None else column.distinct * self.selectivity([condition], sources)

    def _handed_on(self, select: exp.Select, rows: float, sources: Sources) -> Estimate:
        """Group, filter the groups and limit the rows that a SELECT has read."""
        before, group = rows, select.args.get("group")
        if group is not None:
            rows = self.groups(group.expressions, rows, sources)
        elif any(_aggregates(one) for one in select.expressions):
            rows = 1.0
        having = select.args.get("having")
        if having is not None:
            rows = max(1.0, rows * self._of_groups(conjuncts(having.this), before / rows, sources))
        if select.args.get("distinct") is not None:
            rows = self.groups([one.unalias() for one in select.expressions], rows, sources)
        columns: dict[str, ColumnEstimate] = {}
        width = 0.0
        for one in select.expressions:
            inner = one.unalias()
            known = sources.column(inner if isinstance(inner, exp.Column) else _masked(select, one))
            if known is not None:
                columns[one.alias_or_name] = known
            width += known.statistics.width or _DEFAULT_WIDTH if known is not None else _DEFAULT_WIDTH
        return Estimate(_limited(select, rows), columns, width)

    def groups(self, keys: Iterable[exp.Expr], rows: float, sources: Sources) -> float:
        """Return how many groups rows fall into."""
        found = 1.0
        read: dict[str, dict[str, ColumnEstimate]] = {}  # by alias and name: a column twice makes no more groups
        for key in keys:
            inner = key.unnest()
            column = sources.column(inner) if isinstance(inner, exp.Column) else None
            if column is None:
                found *= DEFAULT_DISTINCT
            else:
                assert isinstance(inner, exp.Column)
                read.setdefault(inner.table, {})[inner.name] = column
        for columns in read.values():
            found *= _combinations(columns.values())
        return max(1.0, min(found, rows))

    def _of_groups(self, conditions: list[exp.Expr], size: float, sources: Sources) -> float:
        """Return the part of groups, of ``size`` rows each, that meets the conditions of HAVING.

        Sums and counts of groups are held to be spread as waiting times are: few are much greater than their mean.
        """
        rest: list[exp.Expr] = []
        found = 1.0
        for condition in conditions:
            mean = self._mean(condition.left.unnest(), size, sources) if isinstance(condition, exp.GT | exp.GTE) else 0
            limit = selectivity.number(condition.right.unnest()) if isinstance(condition, exp.GT | exp.GTE) else None
            if mean > 0 and limit is not None and limit > 0:
                found *= max(_FEWEST_GROUPS, math.exp(-limit / mean))
            else:
                rest.append(condition)
        return found * self.selectivity(rest, sources)

    def _mean(self, aggregate: exp.Expr, size: float, sources: Sources) -> float:
        """Return the mean of a sum or a count over groups, 0 where nothing tells."""
        if isinstance(aggregate, exp.Count):
            return size
        column = aggregate.this.unnest() if isinstance(aggregate, exp.Sum) else None
        known = sources.column(column) if isinstance(column, exp.Column) else None
        middle = known.middle if known is not None else None
        return 0.0 if middle is None else size * middle

    def _semi_join(self, node: exp.Expr, sources: Sources) -> float | None:
        """Return the part of rows that ``column IN (SELECT …)`` keeps."""
        if not isinstance(node, exp.In):
            return None
        query, column = node.args["query"], node.this.unnest()
        select = query.this if isinstance(query, exp.Subquery) else query
        outer = sources.column(column) if isinstance(column, exp.Column) else None
        found = self.of_query(select)
        if outer is None or found is None or not isinstance(select, exp.Select) or len(select.expressions) != 1:
            return None
        inner = found.columns.get(select.expressions[0].alias_or_name)
        values = found.rows if inner is None or inner.distinct is None else min(found.rows, inner.distinct)
        domain = outer.distinct
        return None if domain is None else min(1.0, values / domain)


def equal_columns(columns: Iterable[tuple[int, ColumnEstimate | None, float]]) -> EqualColumns:
    """Return how many values columns have that a query holds equal, each with its relation and that relation's rows.

    Where several columns have as many values as their tables have rows, as far as anybody knows, the smallest is held
    to be the key and the others to refer to it.
    """
    found = [(relation, column, _distinct(column, rows)) for relation, column, rows in columns]
    unique = [distinct for _, column, distinct in found if column is not None and column.looks_unique]
    if len(unique) > 1:
        others = [distinct for _, column, distinct in found if column is None or not column.looks_unique]
        most = max(min(unique), *others) if others else min(unique)
    else:
        most = math.inf
    return EqualColumns(
        tuple(
            (relation, min(distinct, most) if column is not None and column.looks_unique else distinct)
            for relation, column, distinct in found
        )
    )


def _combinations(columns: Collection[ColumnEstimate]) -> float:
    """Return how many combinations of values columns of one source have: as was counted, or else as if each of one came
    with each of another.
    """
    found, counted = 1.0, set()
    for together, count in combinations(columns):
        found *= count
        counted |= {column.name for column in together}
    for column in columns:
        if column.name not in counted:
            distinct = column.different
            found *= DEFAULT_DISTINCT if distinct is None else distinct
    return found


def _different(query: exp.Query, found: Estimate) -> float:
    """Return how many different rows a query has: no more than its columns' values can be combined to."""
    combined = 1.0
    for name in query.named_selects:
        column = found.columns.get(name)
        distinct = column.different if column is not None else None
        if distinct is None:
            return found.rows
        combined *= distinct
    return max(1.0, min(found.rows, combined))


def _masked(select: exp.Select, output: exp.Expr) -> exp.Column:
    """The column that a mask stands for: values behind it are held to be spread as they are themselves. For any other
    expression one that there is not.
    """
    base = select.args["from_"].this
    masked = output.alias_or_name in base.meta.get("masked", ())
    return exp.column(output.alias_or_name, base.alias_or_name) if masked else exp.column("")


def _distinct(column: ColumnEstimate | None, rows: float) -> float:
    distinct = column.distinct if column is not None else None
    return max(1.0, min(DEFAULT_DISTINCT, rows) if distinct is None else distinct)


def _equalities(conditions: list[exp.Expr], sources: Sources) -> tuple[list[exp.Expr], list[float]]:
    """Split conditions into those on rows, and the selectivities of equalities between two sources."""
    rest: list[exp.Expr] = []
    found: list[float] = []
    for condition in conditions:
        left = condition.left.unnest() if isinstance(condition, exp.EQ) else None
        right = condition.right.unnest() if isinstance(condition, exp.EQ) else None
        if isinstance(left, exp.Column) and isinstance(right, exp.Column) and left.table != right.table:
            one, other = sources.known.get(left.table), sources.known.get(right.table)
            if one is not None and other is not None:
                pairs = ((0, sources.column(left), one.rows), (1, sources.column(right), other.rows))
                found.append(equal_columns(pairs).selectivity(3))
                continue
        rest.append(condition)
    return rest, found


def _aggregates(node: exp.Expr) -> bool:
    return any(
        aggregate.find_ancestor(exp.Select) is node.find_ancestor(exp.Select)
        and not isinstance(aggregate.parent, exp.Window)
        for aggregate in node.find_all(exp.AggFunc)
    )


def _limited(query: exp.Query, rows: float) -> float:
    limit = query.args.get("limit")
    count = limit.expression if isinstance(limit, exp.Limit) else None
    if isinstance(count, exp.Literal) and not count.is_string:
        return max(1.0, min(rows, float(count.this)))
    return rows


def _renamed(found: Estimate | None, node: exp.Expr) -> Estimate | None:
    """Return an estimate under the column names of an alias, ``AS t (a, b)``: nothing is known of those."""
    alias = node.args.get("alias")
    if found is None or not isinstance(alias, exp.TableAlias) or not alias.args.get("columns"):
        return found
    return Estimate(found.rows, {}, found.width)
