"""Dynamic filters: which relations are worth reading by the keys of what they are joined to, and how to ask for these.

A large table of a server that is joined to few rows of files sends mostly rows that find no partner. The few are then
read first, and the server is sent their keys. Files are read by keys, too, where whole files may be left out; of what
lies within a file the engine takes care itself.

Only files are asked for keys: at one version they have the same rows each time they are read. A table of a server
may have others when it is read again, and rows that were joined to those would be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
from sqlglot import exp

from catalog.names import TableName
from catalog.tables import Column, Table
from optimizer import cost
from optimizer.cardinality import Cardinality, Estimate, Sources, Statistics
from optimizer.column_estimates import ColumnEstimate
from optimizer.inner_joins import equalities, is_volatile, qualifiers
from optimizer.join_block import JoinBlock, Source, get_joins
from optimizer.leakproof import is_leakproof
from optimizer.relations import Relation, conjuncts, relations
from optimizer.rules.order_joins import order_joins
from optimizer.rules.prune_columns import prune_columns
from optimizer.scopes import source_select
from optimizer.stages import DynamicFilter, Rows

T = exp.DType
_INTEGERS = frozenset({T.SMALLINT, T.INT, T.BIGINT})
_ALIKE = frozenset({T.DECIMAL, T.TEXT, T.VARCHAR, T.DATE, T.TIMESTAMP, T.TIMESTAMPTZ})
_EXACT = _INTEGERS | {T.DECIMAL}
_REMOTE: Final = "postgres"
_FILES: Final = frozenset({"delta", "iceberg", "files"})
_SOUGHT: Final = frozenset({"btree", "hash"})  # indexes in which a key is looked up
_FENCE: Final = "9223372036854775807"
_OF_GROUPS: Final = ("group", "having", "limit", "offset", "fetch")
_MOST_FILTERS: Final = 4  # of a query


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a filter has to be worth. ``gain`` is how many times cheaper it makes a table of a server; one with fewer
    rows than ``least_rows`` is read as it is. ``least_bytes`` and ``most_keys`` are for tables of files, ``most_rows``
    is the part of all rows that may be left.
    """

    gain: float = 1.5
    least_rows: float = 20_000.0
    least_bytes: float = 64 << 20
    most_keys: float = 10_000.0
    most_rows: float = 0.2


USUAL: Final = Thresholds()


@dataclass(frozen=True, slots=True)
class _Target:
    """A relation that may be read by keys: its place, and how many rows it has by its conditions on single rows."""

    place: int
    relation: Relation
    table: Table
    base: Estimate
    rows: float


@dataclass(frozen=True, slots=True)
class _Question:
    """A query for keys, what it reads, how many keys are expected and what asking costs."""

    query: exp.Select
    tables: tuple[TableName, ...]
    keys: float
    cost: float


def dynamic_filters(
    tree: exp.Query, tables: Mapping[TableName, Table], statistics: Statistics, thresholds: Thresholds = USUAL
) -> tuple[DynamicFilter, ...]:
    """Return the filters that are expected to pay, those that leave the fewest rows first.

    A row that is left out must be one that no result needs: its table is joined by an inner join, is the right side of
    a LEFT JOIN, or asks ``column IN (SELECT …)``. What is asked of the table then is equality with constants of the
    column's type, which is leakproof: so it is asked below a fence, too, but only of a column without a mask.
    """
    if not any(table.kind in _FILES for table in tables.values()):
        return ()
    search = _Search(tables, Cardinality(statistics), thresholds)
    targets = {id(one.relation.derived): one for one in search.targets(tree)}
    if not targets:
        return ()
    found = [one for select in tree.find_all(exp.Select) for one in search.of_joins(select, targets)]
    found += [one for target in targets.values() for one in search.of_semi_joins(target)]
    best: dict[tuple[int, str], DynamicFilter] = {}
    for one in found:
        key = one.target, one.column
        best[key] = min(one, best.get(key, one), key=lambda each: each.keys)
    chosen = sorted(best.values(), key=_part)[:_MOST_FILTERS]
    return tuple(_ready(one, statistics) for one in chosen)


def left_by(one: DynamicFilter, keys: float) -> float:
    """Return how many of a relation's rows have one of so many keys."""
    known = one.rows
    return known.alone if known.distinct is None else known.alone * min(1.0, keys / max(known.distinct, 1.0))


def is_worth(one: DynamicFilter, keys: float, asking: float = 0.0, gain: float = USUAL.gain) -> bool:
    """Whether a table of a server is cheaper by so many keys than as it is; ``asking`` is what they cost, in
    nanoseconds.
    """
    looked_at = one.rows.table * cost.costs().remote_row_left_out
    found = keys * cost.costs().remote_key + looked_at
    if one.rows.is_indexed:
        found = min(found, keys * cost.costs().remote_key_in_index)
    whole = looked_at + one.rows.alone * cost.costs().remote_row
    return (asking + found + left_by(one, keys) * cost.costs().remote_row) * gain <= whole


def _part(one: DynamicFilter) -> float:
    return left_by(one, one.keys) / max(one.rows.alone, 1.0)


def _ready(one: DynamicFilter, statistics: Statistics) -> DynamicFilter:
    """Return a filter whose query reads no more columns than it must, its tables in the best order."""
    prune_columns(one.query)
    query = order_joins(one.query, statistics)
    assert isinstance(query, exp.Select)
    return replace(one, query=query)


@dataclass(frozen=True, slots=True)
class _Search:
    tables: Mapping[TableName, Table]
    cardinality: Cardinality
    thresholds: Thresholds

    def targets(self, tree: exp.Query) -> Iterator[_Target]:
        """Yield the relations that are large enough."""
        for place, relation in enumerate(relations(tree)):
            table = self.tables.get(relation.name)
            base = self.cardinality.of_table(relation.name)
            if table is None or base is None or relation.renames_columns:
                continue
            where = relation.select.args.get("where")
            alone = [one for one in conjuncts(where.this if where is not None else None) if one.find(exp.Query) is None]
            rows = base.rows * self.cardinality.selectivity(alone, Sources({relation.base.alias_or_name: base}))
            is_large = rows >= self.thresholds.least_rows and table.kind == _REMOTE
            if is_large or (table.kind in _FILES and (table.bytes or 0) >= self.thresholds.least_bytes):
                yield _Target(place, relation, table, base, rows)

    def of_joins(self, select: exp.Select, targets: Mapping[int, _Target]) -> Iterator[DynamicFilter]:
        """Yield filters by the keys of what a relation is joined to."""
        block = get_joins(select)
        if block is None:
            return
        joined = _Joined(block, {alias: one for one in block.sources for alias in one.aliases})
        for source in block.sources:
            if (target := targets.get(id(source.node))) is not None:
                yield from self._by_keys(target, joined, block.conditions)
        for condition in block.stays:
            if isinstance(condition, exp.Exists) and (inner := _rows_of(condition)) is not None:
                within = _Joined(inner, {alias: one for one in inner.sources for alias in one.aliases})
                for source in block.sources:
                    if (target := targets.get(id(source.node))) is not None:
                        yield from self._by_keys(target, within, inner.stays)
        for join in block.later:
            target = targets.get(id(join.this))
            if target is not None and join.side == "LEFT" and not join.args.get("using"):
                yield from self._by_keys(target, joined, conjuncts(join.args.get("on")))

    def _by_keys(self, target: _Target, joined: _Joined, conditions: Iterable[exp.Expr]) -> Iterator[DynamicFilter]:
        for own, other in _equalities(conditions, target.relation.alias):
            column = _base_column(target.relation, own)
            if column is None or other.table not in joined.sources:
                continue
            for sources in joined.chosen(other, target.relation.alias, self._is_source):
                yield from self._filter(target, column, _keys_query(other, sources, joined.block.conditions))

    def of_semi_joins(self, target: _Target) -> Iterator[DynamicFilter]:
        """Yield filters by the queries of ``column IN (SELECT …)`` within a relation."""
        where = target.relation.select.args.get("where")
        for condition in conjuncts(where.this if where is not None else None):
            query = condition.args.get("query") if isinstance(condition, exp.In) else None
            if query is None or condition.args.get("negate"):
                continue
            column, inner = condition.this.unnest(), query.this if isinstance(query, exp.Subquery) else query
            if not isinstance(column, exp.Column) or not isinstance(inner, exp.Select) or len(inner.expressions) != 1:
                continue
            if _are_alike(column.type, inner.expressions[0].unalias().type) and self._is_repeatable(inner):
                yield from self._filter(target, column.name, inner.copy())

    def _filter(self, target: _Target, column: str, query: exp.Select) -> Iterator[DynamicFilter]:
        question = self._question(query)
        known = target.base.columns.get(column)
        if question is None or known is None:
            return
        one = DynamicFilter(
            target.place,
            column,
            question.query,
            question.tables,
            Rows(target.base.rows, target.rows, known.distinct, _is_indexed(target.table, column)),
            question.keys,
            _probe(known, target.table.column(column)),
        )
        if target.table.kind == _REMOTE:
            pays = is_worth(one, one.keys, question.cost, self.thresholds.gain)
        else:
            few = left_by(one, one.keys) <= target.rows * self.thresholds.most_rows
            pays = (
                few and one.keys <= self.thresholds.most_keys and question.cost <= target.rows * cost.costs().file_row
            )
        if pays:
            yield one

    def _question(self, query: exp.Select) -> _Question | None:
        found = self.cardinality.of_query(query)
        named = tuple(dict.fromkeys(relation.name for relation in relations(query)))
        known = [self.cardinality.of_table(relation.name) for relation in relations(query)]
        if found is None or any(one is None for one in known):
            return None
        column = found.columns.get(query.expressions[0].alias_or_name)
        keys = found.rows if column is None or column.distinct is None else min(found.rows, column.distinct)
        read = sum(one.rows for one in known if one is not None) * cost.costs().file_row
        return _Question(query, named, keys, cost.costs().asked_first + read)

    def _is_source(self, source: Source) -> bool:
        """Whether what FROM reads in one place may be read on its own and always has the same rows."""
        return isinstance(source.node, exp.Subquery) and bool(source.node.alias) and self._is_repeatable(source.node)

    def _is_repeatable(self, node: exp.Expr) -> bool:
        if is_volatile(node) or any(map(_is_of_this_run, node.find_all(exp.Func, exp.Window, exp.TableSample))):
            return False
        tables = [*node.find_all(exp.Table)]
        if not tables or not all(one.db and self._is_of_files(one) for one in tables):
            return False
        if any(str(one.expression) != _FENCE for one in node.find_all(exp.Limit)) or node.find(exp.Fetch) is not None:
            return False
        if any(one.args.get("on") for one in node.find_all(exp.Distinct)):
            return False
        if not all(_is_exact(one) for one in node.find_all(exp.AggFunc)):
            return False
        return all(source_select(one, node) is not None for one in node.find_all(exp.Column))

    def _is_of_files(self, node: exp.Table) -> bool:
        table = self.tables.get(TableName(node.db, node.name))
        return table is not None and table.kind in _FILES


@dataclass(frozen=True, slots=True)
class _Joined:
    """The sources of a SELECT by the aliases that they have in it."""

    block: JoinBlock
    sources: Mapping[str, Source]

    def chosen(self, key: exp.Column, target: str, is_source: object) -> Iterator[list[Source]]:
        """Yield choices of sources to ask for keys of: the one that has them, and what is linked to it besides."""
        assert callable(is_source)
        first = self.sources[key.table]
        usable = [one for one in self.block.sources if target not in one.aliases and is_source(one)]
        if first not in usable:
            return
        yield [first]
        linked = self._without_idle(first, self._linked(first, usable))
        if len(linked) > 1:
            yield linked

    def _linked(self, first: Source, usable: list[Source]) -> list[Source]:
        found = [first]
        for one in found:
            found += [other for other in usable if other not in found and self._links(one, other)]
        return found

    def _links(self, one: Source, other: Source) -> bool:
        aliases = one.aliases | other.aliases
        both = (qualifiers(condition) for condition in self.block.conditions if _is_equality(condition))
        return any(names <= aliases and names & one.aliases and names & other.aliases for names in both)

    def _without_idle(self, first: Source, chosen: list[Source]) -> list[Source]:
        """Leave out sources at the ends that are not filtered: the others have as many keys without them."""
        for one in chosen:
            neighbours = [other for other in chosen if other is not one and self._links(one, other)]
            if one is not first and len(neighbours) < 2 and not self._is_filtered(one):
                return self._without_idle(first, [other for other in chosen if other is not one])
        return chosen

    def _is_filtered(self, source: Source) -> bool:
        own = (qualifiers(condition) <= source.aliases for condition in self.block.conditions)
        return source.node.find(exp.Where, exp.Having) is not None or any(own)


def _keys_query(key: exp.Column, sources: list[Source], conditions: Iterable[exp.Expr]) -> exp.Select:
    """Return ``SELECT key FROM sources``, with what is known to hold between them and cannot fail."""
    aliases = {alias for source in sources for alias in source.aliases}
    nodes = [_alone(source.node) for source in sources]
    asked = [one.copy() for one in conditions if qualifiers(one) <= aliases and is_leakproof(one)]
    query = exp.Select(
        expressions=[exp.alias_(key.copy(), "key", quoted=True)],
        from_=exp.From(this=nodes[0]),
        joins=[exp.Join(this=node) for node in nodes[1:]],
    )
    query.expressions[0].type = key.type
    return query.where(*asked, copy=False) if asked else query


def _rows_of(condition: exp.Exists) -> JoinBlock | None:
    """Return what a query in EXISTS joins where it has a row for each row joined."""
    query = condition.this
    if not isinstance(query, exp.Select) or any(query.args.get(part) for part in _OF_GROUPS):
        return None
    return None if any(one.find(exp.AggFunc) is not None for one in query.expressions) else get_joins(query)


def _alone(node: exp.Expr) -> exp.Expr:
    copied = node.copy()
    copied.set("joins", None)  # of parentheses in which it stood first
    return copied


def _equalities(conditions: Iterable[exp.Expr], alias: str) -> Iterator[tuple[exp.Column, exp.Column]]:
    """Yield a relation's own column and the other one for each equality of two columns that are compared alike."""
    for own, other in equalities(tuple(conditions)):
        if own.table == alias != other.table and _are_alike(own.type, other.type):
            yield own, other


def _is_equality(condition: exp.Expr) -> bool:
    return any(_are_alike(one.type, other.type) for one, other in equalities((condition,)))


def _are_alike(one: object, other: object) -> bool:
    if not isinstance(one, exp.DataType) or not isinstance(other, exp.DataType):
        return False
    texts = {T.TEXT, T.VARCHAR}
    both = {one.this, other.this}
    return both <= _INTEGERS or both <= texts or (one.this is other.this and one.this in _ALIKE)


def _is_of_this_run(node: exp.Expr) -> bool:
    """Whether a value may differ from one query to the next: of the clock, or by an order that is not a total one."""
    return isinstance(node, exp.Window | exp.TableSample) or type(node).__name__.startswith(("Current", "Local"))


def _is_exact(function: exp.Expr) -> bool:
    """Whether an aggregate is the same whatever the order of its rows."""
    if isinstance(function, exp.Count | exp.Min | exp.Max):
        return True
    inner = function.this if isinstance(function, exp.Sum | exp.Avg) else None
    return isinstance(inner, exp.Expr) and inner.type is not None and inner.type.this in _EXACT


def _base_column(relation: Relation, column: exp.Column) -> str | None:
    """Return the name in the base table of a column that the relation hands on as it is."""
    for one in relation.select.expressions:
        if one.alias_or_name == column.name:
            inner = one.unalias()
            return inner.name if isinstance(inner, exp.Column) and inner.table == relation.base.alias_or_name else None
    return None


def _is_indexed(table: Table, column: str) -> bool:
    """Whether an index of all rows begins with a column."""
    first = re.compile(rf'\("?{re.escape(column)}"?[,)]')
    keys = (one.definition for one in table.constraints if one.kind in "pu")
    sought = (one for one in table.indexes if one.method in _SOUGHT and one.predicate is None)
    return any(first.search(one) is not None for one in keys) or any(one.keys[0].column == column for one in sought)


def _probe(known: ColumnEstimate, column: Column | None) -> pa.Scalar | None:
    """Return a value that lies among the column's others."""
    low, high = known.statistics.minimum, known.statistics.maximum
    if column is None or low is None or high is None or not low.is_valid or not high.is_valid:
        return None
    kind = column.arrow_type
    if pa.types.is_string(kind):
        return low.cast(kind)
    if pa.types.is_integer(kind) or pa.types.is_date32(kind) or pa.types.is_timestamp(kind):
        raw = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        ends = [one.cast(kind).cast(raw).as_py() for one in (low, high)]
        return pa.scalar(sum(ends) // 2, raw).cast(kind)
    return None
