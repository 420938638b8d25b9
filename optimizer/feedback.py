"""What earlier runs have found of a query's rows, and by which text a part of a query is known again.

A part is known by what it asks and not by how it is written: conditions in any order, joins in any order, whatever its
columns and aliases are. Conditions of policies are among the others, so that a part of a governed query is only known
again where the same policies stand before the same tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from catalog.names import TableName
from catalog.statistics import TableStatistics
from optimizer.hints import HintsAtWork
from optimizer.inner_joins import is_volatile
from optimizer.join_block import JoinBlock, get_joins
from optimizer.join_conditions import Conditions, conditions_of
from optimizer.relations import Relation, conjuncts, get_relation, relations

_OF_THIS_RUN = (
    exp.Parameter,
    exp.Placeholder,
    exp.CurrentDate,
    exp.CurrentTime,
    exp.CurrentTimestamp,
    exp.Localtime,
    exp.Localtimestamp,
)


@dataclass(frozen=True, slots=True)
class Observed:
    """How many rows a part had when it was run. ``weight`` says how much that counts beside an estimate, 0 to 1: all
    for the versions of the tables that were read, less for others.
    """

    rows: float
    weight: float = 1.0

    def beside(self, estimate: float) -> float:
        """Return how many rows are expected, where statistics tell of ``estimate``."""
        one, other = math.log(max(1.0, self.rows)), math.log(max(1.0, estimate))
        return math.exp(self.weight * one + (1.0 - self.weight) * other)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is known of parts over some sets of ``tables``, by their texts."""

    tables: Collection[frozenset[TableName]]
    look_up: Callable[[str], Observed | None]

    def of_query(self, query: exp.Query) -> Observed | None:
        """Return what is known of a query that others read."""
        if tables_of(query) not in self.tables:
            return None
        text = query_text(query)
        return None if text is None else self.look_up(text)


@dataclass(frozen=True, slots=True)
class Informed(Mapping[TableName, TableStatistics]):
    """The statistics of tables, what earlier runs have found, and what the statement asks for."""

    statistics: Mapping[TableName, TableStatistics]
    feedback: Feedback | None = None
    hints: HintsAtWork | None = None

    def __getitem__(self, name: TableName) -> TableStatistics:
        return self.statistics[name]

    def __iter__(self) -> Iterator[TableName]:
        return iter(self.statistics)

    def __len__(self) -> int:
        return len(self.statistics)


def with_hints(statistics: Mapping[TableName, TableStatistics], hints: HintsAtWork) -> Informed:
    """Return what is known, with what a statement asks for."""
    if isinstance(statistics, Informed):
        return Informed(statistics.statistics, statistics.feedback, hints)
    return Informed(statistics, None, hints)


def query_text(query: exp.Expr) -> str | None:
    """Return what a query is known by; None where it has other rows each time, or with other parameters."""
    if query.find(*_OF_THIS_RUN) is not None or is_volatile(query):
        return None
    return _text(query)


def join_text(block: JoinBlock, members: int, conditions: Conditions) -> str | None:
    """Return what the join of some of a block's sources is known by, those of the mask ``members``. None as for
    `query_text`.
    """
    known: dict[int, str] = {}
    numbers = block.numbers
    for number, source in enumerate(block.sources):
        if members >> number & 1:
            text = _source_text(source.node)
            if text is None:
                return None
            known[number] = text
    if len({*known.values()}) < len(known):  # the same relation twice: only the names that the query gives tell them
        known = {at: f"{text} {sorted(block.sources[at].aliases)}" for at, text in known.items()}
    places = {at: place for place, at in enumerate(sorted(known, key=known.__getitem__))}
    asked = [condition for mask, condition in conditions.others if not mask & ~members]
    read = [source.node for number, source in enumerate(block.sources) if number in known]
    if any(one.find(*_OF_THIS_RUN) is not None or is_volatile(one) for one in (*asked, *read)):
        return None
    terms = [_renamed(one, numbers, places) for one in asked]
    for group in conditions.equal:
        columns = sorted(f"{places[numbers[one.table]]}.{one.name}" for one in group if numbers[one.table] in places)
        terms += [" = ".join(columns)] if len(columns) > 1 else []
    return f"JOIN {' , '.join(known[at] for at in places)} ON {' AND '.join(sorted(terms))}"


def source_tables(block: JoinBlock) -> list[frozenset[TableName]]:
    """Return which tables each source of a block reads."""
    return [tables_of(source.node) for source in block.sources]


def tables_of(node: exp.Expr) -> frozenset[TableName]:
    """Return the tables that are read in a tree."""
    return frozenset(TableName(one.db, one.name) for one in node.find_all(exp.Table) if one.db)


def _text(query: exp.Expr) -> str:
    source = query.args.get("from_") if isinstance(query, exp.Select) else None
    relation = get_relation(query.parent) if source is not None and isinstance(query, exp.Select) else None
    if relation is not None and relation.select is query:
        return _relation_text(relation)
    block = get_joins(query) if isinstance(query, exp.Select) else None
    texts = [] if block is None else [_source_text(one.node) for one in block.sources]
    if block is None or None in texts:
        return f"{query.sql()} {_readers(query)}"
    aliases = [sorted(one.aliases) for one in block.sources]
    conditions = conditions_of(block)
    parts = [
        *sorted(f"{text} {names}" for text, names in zip(texts, aliases, strict=True)),
        *sorted(" = ".join(sorted(one.sql() for one in group)) for group in conditions.equal),
        *sorted(one.sql() for _, one in conditions.others),
        *sorted(one.sql() for one in (*block.stays, *block.later)),
    ]
    if query.args.get("distinct") is not None:
        parts += [one.sql() for one in query.expressions]
    parts += [found.sql() for key in ("group", "having", "limit") if (found := query.args.get(key)) is not None]
    aggregated = any(one.find(exp.AggFunc) is not None for one in query.expressions)
    return f"SELECT {'aggregates ' if aggregated else ''}{' , '.join(parts)} {_readers(query)}"


def _source_text(node: exp.Expr) -> str | None:
    relation = get_relation(node)
    if relation is not None:
        return _relation_text(relation)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
        return _text(node.this)
    return None


def _relation_text(relation: Relation) -> str:
    where = relation.select.args.get("where")
    conditions = sorted(one.sql() for one in conjuncts(where.this if where is not None else None))
    fence = " fenced" if relation.is_fenced else ""
    return f"{relation.name} by {relation.reader}{fence} WHERE {' AND '.join(conditions)}"


def _readers(query: exp.Expr) -> str:
    return ", ".join(sorted({str(one.reader) for one in relations(query)}))


def _renamed(condition: exp.Expr, numbers: Mapping[str, int], places: Mapping[int, int]) -> str:
    copy = condition.copy()
    for column in copy.find_all(exp.Column):
        column.set("table", exp.to_identifier(str(places[numbers[column.table]])))
    return copy.sql()
