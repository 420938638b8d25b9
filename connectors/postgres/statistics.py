"""Statistics of a PostgreSQL source, from its catalogues: tables that are asked for at once are asked in one query."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import adbc_driver_manager
import pyarrow as pa
from psycopg.conninfo import make_conninfo

from catalog.statistics import UNKNOWN, ColumnStatistics, TableStatistics
from catalog.tables import Table
from connectors.postgres.column_statistics import PartColumn, column_statistics
from connectors.postgres.connections import Connection, ConnectionPool
from connectors.postgres.errors import is_lost, remote_error
from connectors.postgres.shapes import ColumnShape
from connectors.postgres.statistics_query import statistics_query

_CONNECT_SECONDS = 2  # the least that libpq takes
_STATEMENT_MILLISECONDS = 1000
_PARTITIONED, _VIEW = "p", "v"

ShapesOf = Callable[[Table], Mapping[str, ColumnShape]]


@dataclass(slots=True)
class _Part:
    """A partition, or the relation itself."""

    rows: float | None
    columns: dict[str, PartColumn] = field(default_factory=dict)


@dataclass(slots=True)
class _Relation:
    """The answer about one relation; ``keys`` are its unique indexes' columns, ``combined`` its extended statistics."""

    parts: dict[str, _Part] = field(default_factory=dict)
    keys: tuple[frozenset[str], ...] = ()
    combined: Mapping[frozenset[str], float] = field(default_factory=dict)

    def rows(self) -> float | None:
        """Return the number of rows. Parts that nobody counted are those that were made lately, mostly empty."""
        known = [part.rows for part in self.parts.values() if part.rows is not None]
        return sum(known) if known else None


class StatisticsReader:
    """Asks one source over a connection of its own, which gives up early. Safe for several threads: what is asked for
    while a query runs is gathered for the next one.
    """

    def __init__(self, source: str, conninfo: str, shapes_of: ShapesOf) -> None:
        self._source, self._shapes_of = source, shapes_of
        settings = {"statement_timeout": str(_STATEMENT_MILLISECONDS)}
        hasty = make_conninfo(conninfo, connect_timeout=_CONNECT_SECONDS)
        self._pool = ConnectionPool(source, hasty, 1, settings)
        self._lock = threading.Lock()
        self._waiting: list[tuple[Table, Future[_Relation]]] = []
        self._asking = False

    def get(self, table: Table) -> TableStatistics:
        """Return what the source knows of a table; nothing where it is gone. Raises SqlError."""
        future: Future[_Relation] = Future()
        with self._lock:
            self._waiting.append((table, future))
            follows, self._asking = self._asking, True
        if not follows:
            self._ask()
        relation = future.result()
        return _table(table, relation, self._shapes_of(table) if relation.parts else {})

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def _ask(self) -> None:
        """Ask for all that wait until none does."""
        while True:
            with self._lock:
                batch, self._waiting = self._waiting, []
                self._asking = bool(batch)
            if not batch:
                return
            try:
                found = _relations(self._fetch(statistics_query([table.remote for table, _ in batch])))
            except BaseException as failure:  # whatever it is, who waits is told
                for _, future in batch:
                    future.set_exception(failure)
            else:
                for at, (_, future) in enumerate(batch, 1):
                    future.set_result(found[at])

    def _fetch(self, query: str) -> pa.Table:
        """Run the query; where the connection broke while it was idle, once more on a new one."""
        connection = self._pool.acquire()
        try:
            try:
                return self._run(connection, query)
            except adbc_driver_manager.Error as failure:
                if not connection.used or not is_lost(failure.sqlstate):
                    raise
            return self._run(self._pool.connect(), query)
        except adbc_driver_manager.Error as failure:
            raise remote_error(self._source, failure.sqlstate) from None

    def _run(self, connection: Connection, query: str) -> pa.Table:
        try:
            with connection.adbc.cursor() as cursor:
                cursor.execute(query)
                found: pa.Table = cursor.fetch_arrow_table()
        except adbc_driver_manager.Error:
            connection.close()
            raise
        self._pool.release(connection)
        return found


def _relations(found: pa.Table) -> defaultdict[int, _Relation]:
    """Return the answers by the relations' places in the query. Rows of the answer are columns of relations."""
    relations: defaultdict[int, _Relation] = defaultdict(_Relation)
    lists = {name: found[name] for name in ("most_common", "frequencies", "bounds")}
    for row_at, row in enumerate(found.drop_columns([*lists]).to_pylist()):
        if row["kind"] == _VIEW:
            continue
        relation = relations[row["at"]]
        if row["keys"] is not None:
            relation.keys = tuple(frozenset(key) for key in json.loads(row["keys"]))
        if row["combined"] is not None:
            relation.combined = _combined(json.loads(row["combined"]))
        part = relation.parts.setdefault(row["part"], _Part(_rows(row)))
        if row["column"] is not None:
            texts, frequencies, bounds = (lists[name][row_at].values for name in lists)
            part.columns[row["column"]] = PartColumn(
                part.rows or 0.0,
                row["null_fraction"],
                row["width"],
                row["distinct"],
                _texts(texts),
                pa.array([], pa.float64()) if frequencies is None else frequencies,
                row["common"],
                _texts(bounds),
            )
    return relations


def _combined(told: list[dict[str, Any]]) -> dict[frozenset[str], float]:
    """Return how many combinations of values columns have. Of a table and of all that inherit from it the larger number
    counts; expressions have no name, and are left out.
    """
    found: dict[frozenset[str], float] = {}
    for one in told:
        counts, names = json.loads(one["counts"]), one["names"]
        for numbers, count in counts.items() if isinstance(counts, dict) else ():
            columns = [names.get(number) for number in numbers.split(", ")]
            if None not in columns:
                key = frozenset(columns)
                found[key] = max(found.get(key, 0.0), float(count))
    return found


def _texts(values: pa.Array | None) -> pa.Array:
    return pa.array([], pa.string()) if values is None else values


def _rows(row: dict[str, Any]) -> float | None:
    """Return a part's rows: as ANALYZE and VACUUM counted them, or more where many came since."""
    counted, live = row["counted"], row["live"]
    if row["kind"] == _PARTITIONED or (counted is None and not live):
        return None
    return max(counted or 0.0, live or 0.0)


def _table(table: Table, relation: _Relation, shapes: Mapping[str, ColumnShape]) -> TableStatistics:
    if not relation.parts:  # a view, or gone
        return replace(UNKNOWN, bytes=table.bytes)
    rows = relation.rows()
    if rows is None and table.bytes == 0:
        rows = 0.0
    visible = {column.name for column in table.columns}
    unique = tuple(dict.fromkeys(key for key in relation.keys if key <= visible))
    columns: dict[str, ColumnStatistics] = {}
    for column in table.columns:
        shape = shapes.get(column.name)
        parts = [part.columns[column.name] for part in relation.parts.values() if column.name in part.columns]
        if len(parts) == 1 and rows is not None:  # of the whole, or all there is to stand for it
            parts = [replace(parts[0], rows=rows)]
        found = ColumnStatistics()
        if parts and shape is not None and shape.type.arrow == column.arrow_type:
            found = column_statistics(parts, shape, rows)
        if frozenset({column.name}) in unique and rows is not None:
            found = replace(found, distinct=rows * (1 - (found.null_fraction or 0.0)))
        columns[column.name] = found
    combined = {names: count for names, count in relation.combined.items() if names <= visible}
    return TableStatistics(rows, table.bytes, MappingProxyType(columns), unique, MappingProxyType(combined))
