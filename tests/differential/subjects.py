"""Who answers: PostgreSQL, and what is tested against it. A subject takes a statement and returns an `Answer`."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

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
from gateway.sql.engine_dialect.before_qualify import parse, prepare
from gateway.sql.engine_dialect.functions import register_functions
from gateway.sql.engine_dialect.moments import Session
from gateway.sql.engine_dialect.render import render
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve
from optimizer.optimize import optimize
from optimizer.relations import relations as relations_of
from policies.access import Access
from policies.govern import govern
from policies.policy_reader import KeptRelations
from tests.differential.compare import Answer
from tests.differential.lake import Relation

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

    def describe(self, sql: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Return the names and types of a statement's columns without running it."""
        self.connection.pgconn.prepare(b"", sql.encode())
        result = self.connection.pgconn.describe_prepared(b"")
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
        columns = range(result.nfields)
        return tuple((result.fname(at) or b"").decode() for at in columns), tuple(result.ftype(at) for at in columns)


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


class Engine:
    """The engine in this process, behind the optimizer and the dialect; PostgreSQL tells names and types, as the mirror
    will.
    """

    def __init__(self, mirror: Postgres, relations: list[Relation]) -> None:
        self.mirror = mirror
        self.context = engine_context()
        for relation in relations:
            self.context.register_record_batches(relation.name, [_as_files_are_read(relation.rows).to_batches()])
        tables = [_table(relation) for relation in relations]
        catalog = Catalog(1, {table.name: table for table in tables}, {"public": None})
        self.names = Names(catalog, frozenset(), ("public",), lambda name: True)

    def rendered(self, sql: str, time_zone: str = "UTC") -> str:
        """Return the engine's SQL for a statement."""
        parsed = parse(sql)
        tree = parsed if isinstance(parsed, exp.Query) else prepare(parsed, MappingSchema({}))
        resolved = resolve(tree, references(tree, self.names), self.names)
        governed = govern(resolved, _ROLE, Access(), policy_reader(self.names, KeptRelations()))
        optimized = optimize(governed).tree.copy()
        for relation in [*relations_of(optimized)]:
            relation.base.set("db", None)
        return render(optimized, Session(time_zone), numeric_text=True)

    def answer(self, sql: str, time_zone: str = "UTC") -> Answer:
        names, oids = self.mirror.describe(sql)
        frame = self.context.sql(self.rendered(sql, time_zone))
        batches = frame.collect()  # their schema is the truth: the frame's own is that of the unoptimized plan
        table = pa.Table.from_batches(batches) if batches else frame.schema().empty_table()
        columns = [
            [_text(value, oid, column.type, time_zone) for value in _values(column)]
            for column, oid in zip(table.columns, oids, strict=True)
        ]
        return Answer(names, oids, tuple(zip(*columns, strict=True)), exact=False)


def _table(relation: Relation) -> Table:
    columns = [
        Column(name, sql_type, relation.rows.schema.field(name).type) for name, sql_type in relation.columns.items()
    ]
    return Table(TableName("public", relation.name), "files", "files", (relation.name,), tuple(columns))


def engine_context() -> SessionContext:
    """Return a context set up as the gateway sets up its own."""
    config = (
        SessionConfig()
        .with_target_partitions(2)
        .set("datafusion.sql_parser.dialect", "postgresql")
        .set("datafusion.sql_parser.parse_float_as_decimal", "true")
        .set("datafusion.sql_parser.map_string_types_to_utf8view", "false")
    )
    context = SessionContext(config)
    register_functions(context)
    return context


def _as_files_are_read(table: pa.Table) -> pa.Table:
    """Return a table with its strings as views."""
    fields = [pa.field(f.name, pa.string_view() if f.type == pa.string() else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type):
        unit = pa.timestamp("us", column.type.tz) if pa.types.is_timestamp(column.type) else pa.time64("us")
        column = column.cast(unit, safe=False)
    found: list[Any] = column.to_pylist()
    return found


def _text(value: Any, oid: int, arrow: pa.DataType, time_zone: str) -> str | None:
    """Write a value as PostgreSQL's type writes it."""
    if value is None:
        return None
    if isinstance(value, list):
        return "{" + ",".join("NULL" if item is None else _item(item, oid, arrow, time_zone) for item in value) + "}"
    return _WRITERS.get(oid, _plain)(value, time_zone)


def _item(item: Any, oid: int, arrow: pa.DataType, time_zone: str) -> str:
    written = _text(item, _ELEMENTS.get(oid, 25), arrow, time_zone) or ""
    special = written == "" or written.upper() == "NULL" or any(c in ' ,{}"\\\t\n' for c in written)
    escaped = written.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if special else written


def _plain(value: Any, time_zone: str) -> str:
    return str(value)


def _bool(value: Any, time_zone: str) -> str:
    return "t" if value else "f"


def _numeric(value: Any, time_zone: str) -> str:
    return format(Decimal(value), "f")


def _float(value: Any, time_zone: str) -> str:
    if math.isnan(value):
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value)).removesuffix(".0")


def _bytea(value: Any, time_zone: str) -> str:
    return "\\x" + bytes(value).hex()


def _fraction(microsecond: int) -> str:
    return f".{microsecond:06d}".rstrip("0") if microsecond else ""


def _timestamp(value: Any, time_zone: str) -> str:
    return f"{value.year:04d}-{value:%m-%d %H:%M:%S}{_fraction(value.microsecond)}"


def _timestamptz(value: Any, time_zone: str) -> str:
    local = value.astimezone(ZoneInfo(time_zone))
    offset = local.utcoffset() or dt.timedelta()
    seconds = int(offset.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    tail = f"{seconds // 3600:02d}" + (f":{seconds // 60 % 60:02d}" if seconds % 3600 else "")
    tail += f":{seconds % 60:02d}" if seconds % 60 else ""
    return f"{_timestamp(local, time_zone)}{sign}{tail}"


def _time(value: Any, time_zone: str) -> str:
    return f"{value:%H:%M:%S}{_fraction(value.microsecond)}"


def _interval(value: Any, time_zone: str) -> str:
    """Write an interval in the style ``postgres``."""
    parts, negative = [], False
    years, months = _signed(value.months, 12)
    for amount, unit in ((years, "year"), (months, "mon"), (value.days, "day")):
        if amount:
            sign = "+" if negative and amount > 0 else ""
            parts.append(f"{sign}{amount} {unit}{'' if amount == 1 else 's'}")
            negative = amount < 0
    micros = value.nanoseconds // 1000 if value.nanoseconds >= 0 else -(-value.nanoseconds // 1000)
    if micros or not parts:
        seconds, rest = divmod(abs(micros), 1_000_000)
        sign = "-" if micros < 0 else "+" if negative else ""
        parts.append(f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{_fraction(rest)}")
    return " ".join(parts)


def _signed(amount: int, size: int) -> tuple[int, int]:
    whole = abs(amount) // size * (1 if amount >= 0 else -1)
    return whole, amount - whole * size


_ELEMENTS = {1007: 23, 1005: 21, 1016: 20, 1009: 25, 1015: 25, 1231: 1700, 1022: 701, 1182: 1082, 1000: 16, 1115: 1114}
_WRITERS: dict[int, Callable[[Any, str], str]] = {
    16: _bool,
    17: _bytea,
    700: _float,
    701: _float,
    1083: _time,
    1114: _timestamp,
    1184: _timestamptz,
    1186: _interval,
    1700: _numeric,
}

__all__ = ["Engine", "Postgres", "SqlError", "Subject", "engine_context"]
