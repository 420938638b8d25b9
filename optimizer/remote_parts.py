"""Parts of a query that one server could answer: subqueries that speak of nothing outside, whose tables are all its.

The largest come first; what stands in a part that is sent is no part of its own. A part has to make fewer rows of those
it reads, or the server would be asked to send more than a scan of its tables does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from catalog.names import TableName
from catalog.tables import Table
from optimizer import cost
from optimizer.cardinality import Cardinality, Statistics
from optimizer.copies import copied
from optimizer.relations import Relation, get_relation, relations
from optimizer.scopes import is_closed, queries
from optimizer.stages import AT_SERVER, JoinAtServer, Kept, Optimized

T = exp.DType
_REMOTE: Final = "postgres"
_FENCE: Final = "9223372036854775807"
_EXACT: Final = (T.SMALLINT, T.INT, T.BIGINT, T.DECIMAL)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subquery that one server could answer. ``place`` is its own among the queries of the tree, ``tables`` what it
    reads with the rights of ``reader``; ``rows`` are expected of it, None where nothing is known.

    ``sent`` is the query for the server, and ``outputs`` what the subquery's columns are over the columns of that,
    which are named ``part.c1 …``.
    """

    place: int
    name: str
    source: str
    reader: str
    tables: tuple[TableName, ...]
    rows: float | None
    sent: exp.Query
    outputs: tuple[exp.Expr, ...]


def choose_parts(
    optimized: Optimized, statistics: Statistics, take: Callable[[Candidate], str | None]
) -> tuple[Kept, ...]:
    """Offer the subqueries of a query that one server could answer, the outer ones first; those that stand in one that
    was taken are not offered. ``take`` returns why one cannot be sent, None where it is. Returns what was not.
    """
    tree, tables = optimized.tree, optimized.tables
    if not any(table.kind == _REMOTE for table in tables.values()):
        return ()
    cardinality = Cardinality(statistics)
    places = [id(relation.base) for relation in relations(tree)]
    keyed = {places[one.target] for one in optimized.dynamic}
    taken: list[exp.Query] = []
    kept: list[Kept] = []
    for place, select in enumerate(queries(tree)):
        if select is tree or _is_within(select, taken) or get_relation(select.parent) is not None:
            continue
        found = _read(select, tables)
        if found is None or not _does_more(select):
            continue
        reason = _refused(select, tree, found, keyed)
        if reason is None and get_join_at_server(select) is None:  # of those it is known that they are worth it
            reason = _not_worth(select, found, cardinality)
        if reason is None:
            reason = take(_candidate(place, select, found, tables, cardinality))
        if reason is None:
            taken.append(select)
        else:
            kept.append(Kept(_name(select), reason))
    return tuple(kept)


def _is_within(select: exp.Query, taken: Sequence[exp.Query]) -> bool:
    node: exp.Expr | None = select
    while node is not None:
        if any(node is one for one in taken):
            return True
        node = node.parent
    return False


def _read(select: exp.Query, tables: Mapping[TableName, Table]) -> list[Relation] | None:
    """Return what a subquery reads where that is all of one server's, and else None."""
    found = [*relations(select)]
    sources = {tables[one.name].source for one in found}
    is_remote = all(tables[one.name].kind == _REMOTE for one in found)
    return found if len(sources) == 1 and is_remote else None


def _does_more(select: exp.Query) -> bool:
    """Whether there is more to do than to choose rows and columns of one table, which its scan does, and to hand on all
    of them.
    """
    limit = select.args.get("limit")
    if isinstance(select, exp.SetOperation):
        return limit is not None or bool(select.args.get("distinct")) or not isinstance(select, exp.Union)
    groups = select.args.get("group") or select.args.get("distinct") or select.args.get("joins")
    return bool(
        groups
        or (limit is not None and str(limit.expression) != _FENCE)
        or any(one.find(exp.AggFunc) is not None and one.find(exp.Query) is None for one in select.expressions)
        or _reads_more(select)
    )


def _reads_more(select: exp.Query) -> bool:
    """Whether it only hands on what a subquery in FROM makes."""
    source = select.args.get("from_")
    inner = source.this if source is not None else None
    if not isinstance(inner, exp.Subquery) or get_relation(inner) is not None:
        return False
    return isinstance(inner.this, exp.Select | exp.SetOperation) and _does_more(inner.this)


def _refused(select: exp.Query, tree: exp.Query, found: Sequence[Relation], keyed: set[int]) -> str | None:
    if len({one.reader for one in found}) > 1 or found[0].reader is None:
        return "its tables are read with the rights of several roles"
    if any(one.args.get("recursive") for one in tree.find_all(exp.With)):
        return "the statement is recursive"
    if any(id(one.base) in keyed for one in found):
        return "a table of it is read by keys"
    own = {one.alias for one in select.find_all(exp.CTE)}
    if any(not one.db and one.name not in own for one in select.find_all(exp.Table)):
        return "it reads what is no table of the source"
    if not is_closed(select):
        return "it speaks of columns outside of it"
    return None


def _not_worth(select: exp.Query, found: Sequence[Relation], cardinality: Cardinality) -> str | None:
    """Say why the server had better send the tables' rows; None where it had not, or they surely get fewer."""
    made, read = cardinality.of_query(select), [cardinality.of_query(one.select) for one in found]
    rows = [one.rows for one in read if one is not None]
    if made is None or len(rows) < len(found):
        joins = bool(select.args.get("joins")) and not (select.args.get("group") or select.args.get("limit"))
        return "nothing is known of how many rows its joins have" if joins else None
    alone = sum(rows) * cost.costs().remote_row
    together = sum(rows) * cost.costs().remote_row_computed + made.rows * cost.costs().remote_row
    if together > alone:
        return f"{made.rows:,.0f} rows are expected of it, of {sum(rows):,.0f} that it reads"
    return None


def _candidate(
    place: int,
    select: exp.Query,
    found: Sequence[Relation],
    tables: Mapping[TableName, Table],
    cardinality: Cardinality,
) -> Candidate:
    estimate = cardinality.of_query(select)
    sent, outputs = _split(select) if isinstance(select, exp.Select) else _unsplit(select)
    reader = found[0].reader
    assert reader is not None
    names = tuple(dict.fromkeys(one.name for one in found))
    source = tables[found[0].name].source
    joined = get_join_at_server(select)
    rows = joined.rows if joined is not None else None if estimate is None else estimate.rows
    return Candidate(place, _name(select), source, reader, names, rows, sent, outputs)


def _split(select: exp.Select) -> tuple[exp.Select, tuple[exp.Expr, ...]]:
    """Return what the server is asked, columns and aggregates, and what the engine makes of these: what it computes of
    single values is the same with and without a server. A mean of exact numbers, whose digits depend on its size, is
    the quotient of their sum and their count.
    """
    sent = copied(select)
    made = _Sent(_groups(sent), _may_split(sent))
    outputs = [made.output(item) for item in sent.expressions]
    sent.set("expressions", made.items or [exp.Literal.number(1)])
    return sent, tuple(outputs)


def _unsplit(query: exp.Query) -> tuple[exp.Query, tuple[exp.Expr, ...]]:
    """Return a set operation, which is the server's as it is, and its columns."""
    made = _Sent(None, may_split=False)
    return copied(query), tuple(
        _output(made.column(item), name) for item, name in zip(query.selects, query.named_selects, strict=True)
    )


def _may_split(select: exp.Select) -> bool:
    """Whether nothing in a SELECT speaks of its own columns, by name or by number."""
    if select.args.get("distinct") or not all(one.table for one in select.find_all(exp.Column)):
        return False
    clauses = [select.args[name] for name in ("group", "order") if select.args.get(name)]
    return not any(
        isinstance(one.unalias(), exp.Literal) or isinstance(one.this, exp.Literal)
        for clause in clauses
        for one in clause.expressions
    )


def _groups(select: exp.Select) -> list[exp.Expr] | None:
    """Return what a SELECT groups by, None where it has a row for each that it reads."""
    group = select.args.get("group")
    if group is not None:
        return [*group.expressions]
    return [] if any(one.find(exp.AggFunc) is not None for one in select.expressions) else None


@dataclass(frozen=True, slots=True)
class _Sent:
    """The columns of the query for the server, as they are found to be needed."""

    groups: list[exp.Expr] | None
    may_split: bool
    items: list[exp.Expr] = field(default_factory=list)

    def output(self, item: exp.Expr) -> exp.Expr:
        """Return what the engine makes of the server's columns for one column of the subquery."""
        value = item.unalias()
        name = item.alias_or_name
        parts = [*self._parts(value)] if self.may_split else [value]
        if any(part is value for part in parts) and not _is_mean(value):
            made: exp.Expr = self.column(item)
        else:
            for part in parts:
                found = self._quotient(part) if _is_mean(part) else self.column(part.copy())
                if part is value:
                    value = found
                else:
                    part.replace(found)
            made = value
        return _output(made, name)

    def _parts(self, value: exp.Expr) -> Iterator[exp.Expr]:
        """Yield the columns and aggregates of an expression; it itself where it cannot be taken apart. A constant has
        none.
        """
        found: list[exp.Expr] = []
        waiting = [value]
        while waiting:
            node = waiting.pop()
            if isinstance(node, exp.Query | exp.Window) or (node in (self.groups or []) and node is value):
                yield value
                return
            if isinstance(node, exp.AggFunc | exp.Filter):
                found.append(node)
            elif isinstance(node, exp.Column):
                if self.groups is not None and node not in self.groups:
                    yield value
                    return
                found.append(node)
            else:
                waiting += [*node.iter_expressions()]
        yield from found

    def column(self, item: exp.Expr) -> exp.Column:
        """Have the server give one more column; return how the engine speaks of it."""
        self.items.append(item)
        made = exp.column(exp.to_identifier(f"c{len(self.items)}", quoted=True), exp.to_identifier("part", quoted=True))
        made.type = item.unalias().type
        return made

    def _quotient(self, value: exp.Expr) -> exp.Expr:
        mean = value.this if isinstance(value, exp.Filter) else value
        total = self.column(_instead(value, exp.Sum, mean, T.DECIMAL))
        count = self.column(_instead(value, exp.Count, mean, T.BIGINT))
        zero = exp.Literal.number(0)
        zero.type = exp.DataType(this=T.INT)
        divisor = exp.Nullif(this=count, expression=zero)
        divisor.type = count.type
        found = exp.Div(this=total, expression=divisor, typed=True, safe=False)
        found.type = exp.DataType(this=T.DECIMAL)
        return exp.Paren(this=found) if value.parent is not None else found


def _output(value: exp.Expr, name: str) -> exp.Expr:
    output = exp.alias_(value, name, quoted=True, copy=False) if name else value
    output.type = value.type
    return output


def _is_mean(value: exp.Expr) -> bool:
    """Whether an aggregate is the mean of exact numbers."""
    function = value.this if isinstance(value, exp.Filter) else value
    if not isinstance(function, exp.Avg):
        return False
    argument = function.this.expressions[0] if isinstance(function.this, exp.Distinct) else function.this
    return bool(argument.is_type(*_EXACT))


def _instead(value: exp.Expr, kind: type[exp.Expr], mean: exp.Expr, of: exp.DType) -> exp.Expr:
    """Return an aggregate of the same values, with its FILTER."""
    made = kind(this=mean.this.copy())
    if isinstance(made, exp.Count):
        made.set("big_int", True)
    made.type = exp.DataType(this=of)
    if not isinstance(value, exp.Filter):
        return made
    filtered = exp.Filter(this=made, expression=value.expression.copy())
    filtered.type = made.type
    return filtered


def get_join_at_server(select: exp.Query) -> JoinAtServer | None:
    """Return what is known of a subquery that was made so that a server joins tables; None for any other."""
    found: JoinAtServer | None = select.meta.get(AT_SERVER)
    return found


def _name(select: exp.Query) -> str:
    """Return what a subquery is called: by its alias or name in WITH, or by how it begins."""
    joined = get_join_at_server(select)
    if joined is not None:
        return joined.name
    parent = select.parent
    alias = parent.alias if isinstance(parent, exp.Subquery | exp.CTE) else ""
    if alias:
        return f"subquery {alias}"
    return "a subquery" if isinstance(select, exp.Select) else f"a set operation ({select.key.upper()})"
