"""Columns of Iceberg's type uuid are PostgreSQL's uuid: shown, compared and sent as there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from psycopg import pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, UUIDType

from tests.gateway import SampleLake, Settings, serving
from tests.types.conftest import BINARY, TEXT

IDS = [None if number == 3 else uuid.UUID(int=(number * 37 % 256) << 120 | number) for number in range(8)]
STATEMENTS = (
    "SELECT id, u FROM s.keys ORDER BY u, id",
    "SELECT id FROM s.keys WHERE u = '25000000-0000-0000-0000-000000000001'",
    "SELECT id FROM s.keys WHERE u = '{25000000-00000000-0000-000000000001}'::uuid",
    "SELECT id FROM s.keys WHERE u IN ('25000000-0000-0000-0000-000000000001', '4A000000-0000-0000-0000-000000000002')",
    "SELECT id FROM s.keys WHERE u > '4a000000-0000-0000-0000-000000000002' ORDER BY id",
    "SELECT count(*), count(u), count(DISTINCT u), min(u::text) FROM s.keys",
    "SELECT a.id, b.u FROM s.keys a JOIN s.keys b ON a.u = b.u ORDER BY a.id",
    "SELECT array_agg(u ORDER BY id), u::text || '!' FROM s.keys WHERE id < 3 GROUP BY u ORDER BY 2",
    "SELECT pg_typeof(u), uuid_extract_version(u) FROM s.keys WHERE id = 1",
    "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 's.keys'::regclass AND attname = 'u'",
    "SELECT data_type, udt_name FROM information_schema.columns WHERE table_name = 'keys' AND column_name = 'u'",
)
ERRORS = ("SELECT id FROM s.keys WHERE u = 'no uuid'", "SELECT id FROM s.keys WHERE u = 1", "SELECT u + 1 FROM s.keys")
_TOLD = (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY, pq.DiagnosticField.STATEMENT_POSITION)


@pytest.fixture(scope="module")
def both(lake: SampleLake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[psycopg.Connection, ...]]:
    """PostgreSQL and a gateway with the same rows."""
    folder = tmp_path_factory.mktemp("uuids")
    where = {"uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}
    _write(folder, where)
    lake.server.create_database("uuids", "uuids_owner", "secret")
    sources: dict[str, dict[str, object]] = {"s": {"kind": "iceberg", "catalog": {"type": "sql", **where}}}
    settings = Settings(sources=sources, database="uuid_lake")
    with psycopg.connect(lake.dsn("uuids"), autocommit=True) as postgres, serving(lake, settings) as gateway:
        postgres.execute("CREATE SCHEMA s")
        postgres.execute("CREATE TABLE s.keys (id bigint, u uuid)")
        with postgres.cursor() as cursor:
            cursor.executemany("INSERT INTO s.keys VALUES (%s, %s)", [*enumerate(IDS)])
        with gateway.connect() as connection:
            yield postgres, connection


def _write(folder: Path, where: dict[str, str]) -> None:
    catalog = SqlCatalog("s", **where)
    catalog.create_namespace("default")
    table = catalog.create_table(
        "default.keys", Schema(NestedField(1, "id", LongType()), NestedField(2, "u", UUIDType()))
    )
    stored = pa.array([None if one is None else one.bytes for one in IDS], pa.binary(16)).cast(pa.uuid())
    table.append(pa.table({"id": pa.array(range(len(IDS)), pa.int64()), "u": stored}))
    catalog.close()


def _sent(connection: psycopg.Connection, sql: str, form: int) -> object:
    result = connection.pgconn.exec_params(sql.encode(), None, result_format=form)
    if result.status != pq.ExecStatus.TUPLES_OK:
        fields = (
            pq.DiagnosticField.SQLSTATE,
            pq.DiagnosticField.MESSAGE_PRIMARY,
            pq.DiagnosticField.STATEMENT_POSITION,
        )
        return [result.error_field(one) for one in fields]
    columns = range(result.nfields)
    rows = [[result.get_value(row, at) for at in columns] for row in range(result.ntuples)]
    return [(result.fname(at), result.ftype(at)) for at in columns], rows


@pytest.mark.parametrize("form", [TEXT, BINARY])
@pytest.mark.parametrize("sql", STATEMENTS)
def test_statements(both: tuple[psycopg.Connection, ...], sql: str, form: int) -> None:
    postgres, gateway = both
    expected = _sent(postgres, sql, form)
    assert isinstance(expected, tuple), expected
    assert _sent(gateway, sql, form) == expected


@pytest.mark.parametrize("sql", ERRORS)
def test_errors(both: tuple[psycopg.Connection, ...], sql: str) -> None:
    postgres, gateway = both
    expected = _sent(postgres, sql, TEXT)
    assert isinstance(expected, list), expected
    assert _sent(gateway, sql, TEXT) == expected


def test_parameters(both: tuple[psycopg.Connection, ...]) -> None:
    for connection in both:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            found = cursor.execute("SELECT id, u FROM s.keys WHERE u = %s", [IDS[5]]).fetchall()
            assert found == [(5, IDS[5])]
