"""The rows in the scripts are right: PostgreSQL itself gives them, from copies that hold no more than tina may read."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.attacks.steps import CASES, Case, cases
from tests.attacks.worlds import KINDS, TINA, tables
from tests.gateway import SampleLake

_COPIES = {
    "people": "SELECT id, tenant, name, left(email, 1) || '***' AS email, NULL::bigint AS balance,"
    " '+***'::text AS phone, code, amount, joined FROM raw.people WHERE tenant = 'north'",
    "orders": "SELECT id, person_id, tenant, item, '****-' || right(card, 4) AS card, price FROM raw.orders"
    " WHERE tenant = 'north'",
    "notes": "SELECT id, text FROM raw.notes",
    "places": "SELECT id, label FROM raw.places",
}


@pytest.fixture(scope="module")
def copies(world_lakes: dict[str, SampleLake]) -> Iterator[psycopg.Connection]:
    """The filtered and masked copies, under the names of the tables."""
    server = world_lakes["A"].server
    server.create_database("copies", "copies_owner", "copies secret")
    dsn = make_conninfo("", **server.connection_parameters("copies", "copies_owner", "copies secret"))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA raw")
        for name in _COPIES:
            rows = tables("A")[name]
            types = {"int32": "integer", "int64": "bigint", "string": "text", "date32[day]": "date"}
            listed = ", ".join(f"{one.name} {types.get(str(one.type), 'numeric(12,2)')}" for one in rows.schema)
            connection.execute(f"CREATE TABLE raw.{name} ({listed})".encode())
            places = ", ".join(["%s"] * rows.num_columns)
            values = [tuple(row.values()) for row in rows.to_pylist()]
            with connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO raw.{name} VALUES ({places})".encode(), values)
        for kind in KINDS:
            connection.execute(f"CREATE SCHEMA {kind}".encode())
            for name, query in _COPIES.items():
                connection.execute(f"CREATE TABLE {kind}.{name} AS {query}".encode())
        connection.execute("CREATE TABLE crm.members AS SELECT 'north'::text AS tenant, 'tina'::text AS member")
        connection.execute("SET search_path = lk, ice, crm, docs; SET TimeZone = 'UTC'")
        yield connection


def _asked() -> Iterator[Case]:
    """The cases of one query over lake tables of tina's that have rows."""
    for path in sorted(CASES.glob("*.sql")):
        for case in cases(path):
            step = case.steps[0]
            if len(case.steps) == 1 and step.user == TINA and not step.how and case.kind and not _differs(case):
                yield case


_NOT_ASKED = (
    *("ERROR", "WARNING", "(SET)", "(RESET)", "(BEGIN)", "(GRANT)", "(ALTER", " TAG "),  # more than rows
    *("pg_", "information_schema", "has_", "row_security", "description", "EXPLAIN", " lake.", "set_config"),
    *("COPY", "DECLARE", "TEMP", "INTO "),  # the answer is no result, or the session is another one afterwards
    "1 / 0",  # PostgreSQL folds it, and fails for no row
    "INFO 00000",  # a notice stands beside the rows
    "current_schema",  # another one here
    "h, i, j",  # aliases for all columns, also those that the copies do not have
    "current_user",  # somebody else here; tests/access/scripts/who_asks.txt compares it
)


def _differs(case: Case) -> bool:
    """Whether a case is about more than rows, or about the catalogue, which the copies do not have."""
    return any(word in f"{case.steps[0].text}\n{case.block.expected}" for word in _NOT_ASKED)


_ASKED = [*_asked()]


def test_there_are_enough() -> None:
    assert len({case.block.line for case in _ASKED}) > 100


@pytest.mark.parametrize("case", _ASKED, ids=lambda case: f"{case.name}-{case.kind}")
def test_rows_are_those_of_postgresql(copies: psycopg.Connection, case: Case) -> None:
    result = copies.pgconn.exec_(case.steps[0].text.encode())
    assert not result.error_message, result.error_message
    rows = [
        " | ".join(_text(result.get_value(row, column)) for column in range(result.nfields))
        for row in range(result.ntuples)
    ]
    expected = case.block.expected.replace("{t}", case.kind).splitlines()
    assert sorted(rows) == sorted(line for line in expected if line != "(SELECT 0)")


def _text(value: bytes | None) -> str:
    return "NULL" if value is None else value.decode().replace("\n", "\\n")
