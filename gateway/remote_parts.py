"""Which subqueries of a federated query a source's server answers, and what it is sent: whole statements in the small.

As with whole statements, what is sent is written from the governed tree and checked word by word. Of functions fewer
are allowed than there: the connections of scans do not have the settings of the client's session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import pyarrow as pa
from sqlglot import exp

from catalog.names import TableName
from catalog.scans import RemoteScan, Source
from catalog.tables import Table
from connectors.postgres.comparisons import constant
from connectors.postgres.part_types import NotSent
from connectors.postgres.source import PostgresSource
from gateway.sql.source_words import STABLE_FUNCTIONS, has_allowed_words
from optimizer.cardinality import Statistics
from optimizer.remote_parts import Candidate, choose_parts
from optimizer.server_tables import Servers
from optimizer.stages import Kept, Optimized, RemotePart

_LEFT = "it calls what is left to the engine"


def remote_parts(
    optimized: Optimized, statistics: Statistics, sources: Mapping[str, Source], functions: frozenset[str]
) -> tuple[tuple[RemotePart, ...], tuple[Kept, ...]]:
    """Return the parts of a query that servers answer, and what they might have answered and do not. ``functions`` are
    those that a server may call for a whole statement. Blocks.
    """
    parts: list[RemotePart] = []

    def take(found: Candidate) -> str | None:
        source = sources.get(found.source)
        if not isinstance(source, PostgresSource):
            return "its source answers no queries"
        try:
            parts.append(_part(found, source, optimized, _immutable(functions)))
        except NotSent as refusal:
            return refusal.reason
        return None

    kept = choose_parts(optimized, statistics, take)
    return tuple(parts), kept


def asked_servers(
    tables: Mapping[TableName, Table], sources: Mapping[str, Source], functions: frozenset[str]
) -> Servers:
    """Return what the optimizer may know of the servers that have a query's tables; arguments are as above."""

    def refuses(name: str, query: exp.Select) -> str | None:
        source = sources.get(name)
        if not isinstance(source, PostgresSource):
            return "its source answers no queries"
        try:
            written = source.part(query, tables)
        except NotSent as refusal:
            return refusal.reason
        return None if has_allowed_words(written.text, _immutable(functions)) else _LEFT

    return Servers(tables, refuses)


def _part(found: Candidate, source: PostgresSource, optimized: Optimized, functions: frozenset[str]) -> RemotePart:
    written = source.part(found.sent, optimized.tables)
    if not has_allowed_words(written.text, functions):
        raise NotSent(_LEFT)
    scan = RemoteScan(
        source.name,
        written.schema,
        (written.query,),
        None if found.rows is None else int(found.rows),
        found.reader,
        written.guard,
    )
    return RemotePart(found.place, found.name, found.tables, scan, found.outputs, written.parameters)


def with_values(parts: Sequence[RemotePart], parameters: Sequence[pa.Scalar]) -> tuple[RemotePart, ...]:
    """Return parts with the values of parameters; a part is left out where one cannot be written for its server."""
    if not any(part.parameters for part in parts):
        return tuple(parts)
    constants = [constant(one) for one in parameters]
    return tuple(found for part in parts if (found := _with_values(part, constants)) is not None)


def _with_values(part: RemotePart, constants: Sequence[str | None]) -> RemotePart | None:
    queries = part.scan.queries
    for stand_in, number in part.parameters.items():
        value = constants[number - 1] if number <= len(constants) else None
        if value is None:
            return None
        queries = tuple(query.replace(stand_in, value) for query in queries)
    return replace(part, scan=replace(part.scan, queries=queries))


@lru_cache(maxsize=8)
def _immutable(functions: frozenset[str]) -> frozenset[str]:
    return functions - {*STABLE_FUNCTIONS}
