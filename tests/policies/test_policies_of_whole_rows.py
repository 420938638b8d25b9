"""Policies that speak of a whole row let through what PostgreSQL does; it writes the row of ``t`` as ``t.*``."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import BOB, RunningGateway, SampleLake

_RELATIONS = {
    "origin.things": "things",
    "public.of_source": "of_source",
    "public.of_both": "of_both",
}
_MADE = (
    "CREATE VIEW public.of_source AS SELECT id, title FROM origin.things",
    "CREATE VIEW public.of_both AS SELECT t.id, t.title FROM origin.things t"
    " LEFT JOIN sales.orders o ON o.o_orderkey = -t.id",
    f"GRANT USAGE ON SCHEMA origin TO {BOB}",
    *(f"GRANT SELECT ON {relation} TO {BOB}" for relation in _RELATIONS),
)
_CONDITIONS = (
    "{row} IS NOT NULL",
    "{row} IS NULL",
    "NOT ({row} IS NOT NULL)",
    "{row}::text LIKE '%title%'",
    "{row} IS NOT DISTINCT FROM {row} AND id > 1",
    "EXISTS (SELECT FROM crm.nation n WHERE n IS NOT NULL AND n.n_nationkey = {row}.id) AND {row} IS NOT NULL",
)
_OF_ANY_TYPES = (*_CONDITIONS[:3], _CONDITIONS[-1])  # rows with json are not compared
_QUERIES = (
    "SELECT r.id FROM {relation} r ORDER BY id",
    "SELECT r.id FROM {relation} r LEFT JOIN sales.orders o ON o.o_orderkey = -r.id ORDER BY id",
)


@pytest.fixture
def owner(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        for statement in _MADE:
            connection.execute(statement.encode())
        yield connection
        connection.execute("DROP POLICY IF EXISTS whole ON origin.things")
        connection.execute("ALTER TABLE origin.things DISABLE ROW LEVEL SECURITY")
        connection.execute("DROP VIEW public.of_source, public.of_both")
        connection.execute(f"REVOKE SELECT ON origin.things FROM {BOB}".encode())
        connection.execute(f"REVOKE USAGE ON SCHEMA origin FROM {BOB}".encode())


@pytest.mark.parametrize("relation", _RELATIONS)
def test_whole_rows_in_policies(
    gateway: RunningGateway, lake: SampleLake, owner: psycopg.Connection, relation: str
) -> None:
    row, seen = _RELATIONS[relation], set()
    kind = "TABLE" if relation == "origin.things" else "VIEW"
    owner.execute(f"ALTER {kind} {relation} ENABLE ROW LEVEL SECURITY".encode())
    with gateway.connect(BOB) as bob:
        for condition in _CONDITIONS if kind == "VIEW" else _OF_ANY_TYPES:
            owner.execute(f"CREATE POLICY whole ON {relation} USING ({condition.format(row=row)})".encode())
            expected = _expected(lake, condition, row, kind)
            seen.add(tuple(expected))
            for query in _QUERIES:
                assert bob.execute(query.format(relation=relation).encode()).fetchall() == expected, condition
            owner.execute(f"DROP POLICY whole ON {relation}".encode())
    assert len(seen) > 2


def _expected(lake: SampleLake, condition: str, row: str, kind: str) -> list[tuple[object, ...]]:
    """What PostgreSQL answers where the condition is a query's, over the table, or over the view's columns of it."""
    columns = "*" if kind == "TABLE" else "id, title"
    query = (
        f"SELECT id FROM (SELECT {columns} FROM origin.things) AS {row} WHERE {condition.format(row=row)} ORDER BY id"
    )
    with psycopg.connect(lake.reference_dsn, autocommit=True) as reference:
        reference.execute("CREATE SCHEMA crm")
        reference.execute("CREATE TABLE crm.nation AS SELECT n AS n_nationkey FROM generate_series(0, 24) n")
        try:
            return reference.execute(query.encode()).fetchall()
        finally:
            reference.execute("DROP SCHEMA crm CASCADE")


@pytest.mark.parametrize("query", ["SELECT id FROM origin.things t WHERE t.* IS NOT NULL", _QUERIES[1]])
def test_whole_rows_of_who_may_see_columns(gateway: RunningGateway, owner: psycopg.Connection, query: str) -> None:
    """A whole row is not read by who may not read all of its columns, but by the policy it is."""
    owner.execute(f"REVOKE SELECT ON origin.things FROM {BOB}".encode())
    owner.execute(f"GRANT SELECT (id) ON origin.things TO {BOB}".encode())
    owner.execute("CREATE POLICY whole ON origin.things USING (things IS NOT NULL)")
    owner.execute("ALTER TABLE origin.things ENABLE ROW LEVEL SECURITY")
    with gateway.connect(BOB) as bob:
        if "t.*" in query:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bob.execute(query.encode())
        else:
            assert bob.execute(query.format(relation="origin.things").encode()).fetchall() == [(1,), (2,)]
    owner.execute(f"REVOKE SELECT (id) ON origin.things FROM {BOB}".encode())
