"""Who answers: PostgreSQL, and what is tested against it. A subject takes a statement and returns an `Answer`."""

from __future__ import annotations

from typing import Protocol

import psycopg
import pyarrow as pa
from datafusion import SessionConfig, SessionContext
from psycopg import pq
from sqlglot import exp
from sqlglot.schema import MappingSchema

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.principals import Principal
from catalog.tables import Catalog, Column, Table
from catalog.whole_numbers import whole
from gateway.evaluation.evaluator import Evaluator
from gateway.execute.context_settings import ALL
from gateway.sql.engine_dialect.before_qualify import parse, prepare
from gateway.sql.engine_dialect.functions import register_functions
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.render import Rendered, render_with_calls
from gateway.sql.engine_dialect.with_materialized import Materialized, Once
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve
from gateway.sql.session_identity import bind_session
from gateway.values.settings import TEXT, OutputSettings
from optimizer.optimize import optimize
from optimizer.relations import relations as relations_of
from policies.access import Access
from policies.govern import govern
from policies.policy_reader import KeptRelations
from tests.differential.compare import Answer
from tests.differential.lake import Relation
from tests.values.data_rows import encode_column

_ROLE = Principal("tester", frozenset({"tester"}), superuser=True)


class Subject(Protocol):
    """Answers statements. Raises `psycopg.Error` or `SqlError` for those it does not."""

    def answer(self, sql: str, time_zone: str) -> Answer: ...


class Postgres:
    """A server that speaks PostgreSQL's protocol: the real one, or the gateway. Rows are the bytes it sends."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)

    def answer(self, sql: str, time_zone: str = "UTC") -> Answer:
        self.connection.execute(f"set timezone to '{time_zone}'")
        result = self.connection.pgconn.exec_params(sql.encode(), None, result_format=0)
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(result)
        columns = range(result.nfields)
        names = tuple((result.fname(column) or b"").decode() for column in columns)
        oids = tuple(result.ftype(column) for column in columns)
        rows = tuple(
            tuple(_decoded(result.get_value(row, column)) for column in columns) for row in range(result.ntuples)
        )
        return Answer(names, oids, rows)

    def describe(self, sql: str) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
        """Return the names, types and type modifiers of a statement's columns without running it."""
        prepared = self.connection.pgconn.prepare(b"", sql.encode())
        if prepared.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(prepared)
        result = self.connection.pgconn.describe_prepared(b"")
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
        columns = range(result.nfields)
        names = tuple((result.fname(at) or b"").decode() for at in columns)
        return names, tuple(result.ftype(at) for at in columns), tuple(result.fmod(at) for at in columns)


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


class Engine:
    """The engine in this process, behind the optimizer and the dialect; PostgreSQL tells names and types, as the mirror
    will.
    """

    def __init__(self, mirror: Postgres, relations: list[Relation], evaluator: Evaluator) -> None:
        self.mirror = mirror
        self.context = engine_context()
        self.evaluator = evaluator
        evaluator.register(self.context)
        for relation in relations:
            rows = _with_whole_numbers(_as_files_are_read(relation.rows))
            self.context.register_record_batches(relation.name, [rows.to_batches()])
        tables = [table_of(relation) for relation in relations]
        catalog = Catalog(1, {table.name: table for table in tables}, {"public": None})
        self.names = Names(catalog, frozenset(), ("public",), lambda name: True, types=evaluator)

    def rendered(self, sql: str, time_zone: str = "UTC") -> str:
        """Return the engine's SQL for a statement."""
        return self._rendered(sql, time_zone).sql

    def _rendered(self, sql: str, time_zone: str) -> Rendered:
        parsed = parse(sql)
        tree = parsed if isinstance(parsed, exp.Query) else prepare(parsed, MappingSchema({}))
        bind_session(tree, _ROLE, self.names.database)
        resolved = resolve(tree, references(tree, self.names), self.names)
        governed = govern(resolved, _ROLE, Access(), policy_reader(self.names, KeptRelations()))
        optimized = optimize(governed).tree.copy()
        for relation in [*relations_of(optimized)]:
            relation.base.set("db", None)
        return render_with_calls(optimized, Session(time_zone), self.evaluator, Once.CHEAPER, is_large=True)

    def answer(self, sql: str, time_zone: str = "UTC") -> Answer:
        names, oids, typmods = self.mirror.describe(sql)
        rendered = self._rendered(sql, time_zone)
        once = rendered.once or Materialized((), rendered.sql)
        try:
            for query in once.queries:
                rows = self._rows(query.sql)
                empty = [pa.RecordBatch.from_pylist([], schema=rows.schema)]
                self.context.register_record_batches(query.relation, [rows.to_batches() or empty])
            table = self._rows(once.sql)
        finally:
            for query in once.queries:
                self.context.deregister_table(query.relation)
        settings = OutputSettings(time_zone=time_zone)
        rows = _as_sent(table, oids, typmods, settings)
        if (other := rendered.in_whole_numbers) is not None:
            found = _as_sent(self._rows(other.sql), oids, typmods, settings)
            assert sorted(map(str, found)) == sorted(map(str, rows)), other.sql
        return Answer(names, oids, rows, exact=False)

    def _rows(self, sql: str) -> pa.Table:
        frame = self.context.sql(sql)
        batches = frame.collect()  # their schema is the truth: the frame's own is that of the unoptimized plan
        return pa.Table.from_batches(batches) if batches else frame.schema().empty_table()


def _as_sent(
    table: pa.Table, oids: tuple[int, ...], typmods: tuple[int, ...], settings: OutputSettings
) -> tuple[tuple[str | None, ...], ...]:
    columns = [_texts(*each, settings) for each in zip(table.columns, oids, typmods, strict=True)]
    return tuple(zip(*columns, strict=True))


def _texts(column: pa.ChunkedArray, oid: int, typmod: int, settings: OutputSettings) -> list[str | None]:
    """Return values as the gateway sends them."""
    texts = encode_column(column.combine_chunks(), oid, TEXT, typmod, settings)
    return [None if text is None else text.decode() for text in texts]


def table_of(relation: Relation) -> Table:
    """Return a relation as the catalogue knows tables."""
    columns = [
        Column(name, sql_type, relation.rows.schema.field(name).type) for name, sql_type in relation.columns.items()
    ]
    return Table(TableName("public", relation.name), "files", "files", (relation.name,), tuple(columns))


def engine_context() -> SessionContext:
    """Return a context set up as the gateway sets up its own."""
    config = SessionConfig({**ALL}).with_target_partitions(2)
    context = SessionContext(config)
    register_functions(context)
    return context


def _as_files_are_read(table: pa.Table) -> pa.Table:
    """Return a table with its strings as views."""
    fields = [pa.field(f.name, pa.string_view() if f.type == pa.string() else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))


def _with_whole_numbers(table: pa.Table) -> pa.Table:
    """Return a table with its numerics as whole numbers beside them, as columns in memory have them."""
    for field in table.schema:
        if pa.types.is_decimal128(field.type) and field.type.precision <= 18:
            whole_numbers = table.column(field.name).cast(pa.decimal64(field.type.precision, field.type.scale))
            chunks = [chunk.view(pa.int64()) for chunk in whole_numbers.chunks]
            table = table.append_column(whole(field.name), pa.chunked_array(chunks, pa.int64()))
    return table


__all__ = ["Engine", "Postgres", "SqlError", "Subject", "engine_context", "table_of"]
