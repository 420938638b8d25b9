"""Statements over the tables of one PostgreSQL: its server's own bytes come through the gateway, governed."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest
from psycopg import pq

from tests.gateway import EVE, RunningGateway, SampleLake

_STATEMENTS = (
    "SELECT id, code, title, clock, span, uid, ints, texts, moments FROM origin.things ORDER BY id",
    "SELECT id, doc, docb, free FROM origin.things ORDER BY id",
    "SELECT docb -> 'b' ->> 0, docb @> '{\"b\": [1]}', jsonb_typeof(docb) FROM origin.things ORDER BY id",
    "SELECT count(*), sum(free), avg(id), min(title), max(clock) FROM origin.things",
    "SELECT to_char(clock, 'HH24:MI'), to_char(free, 'FM999G999D00') FROM origin.things ORDER BY id",
    "SELECT id, row_number() OVER (ORDER BY id DESC), lag(title) OVER (ORDER BY id) FROM origin.things ORDER BY id",
    "SELECT a.id, b.title FROM origin.things a LEFT JOIN origin.things b ON a.id = b.id + 1 ORDER BY a.id",
    "SELECT DISTINCT ON (n % 3) n % 3 AS m, n FROM origin.second ORDER BY n % 3, n DESC",
    "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 3)"
    " SELECT r.i, t.title FROM r JOIN origin.things t ON t.id = r.i ORDER BY r.i",
    "SELECT id FROM origin.things WHERE title IN (SELECT title FROM origin.things WHERE id < 3) ORDER BY id",
    "SELECT array_agg(id ORDER BY id DESC), string_agg(title, ',' ORDER BY id) FROM origin.things",
    "SELECT id, x FROM origin.things, unnest(ints) AS u(x) ORDER BY id, x",
    "SELECT span + interval '1 day', clock + span, -span FROM origin.things ORDER BY id",
    "SELECT moments[1], ints[2], texts || 'z'::text FROM origin.things ORDER BY id",
    "SELECT id, CASE WHEN id > 1 THEN 'x' ELSE code END, nullif(id, 2) FROM origin.things ORDER BY 1",
    "SELECT id FROM origin.things UNION ALL SELECT id FROM origin.things ORDER BY 1 LIMIT 4 OFFSET 1",
    "SELECT count(*) FILTER (WHERE id > 1), bool_and(id > 0) FROM origin.things GROUP BY GROUPING SETS ((), (code))"
    " ORDER BY 1, 2",
    "SELECT substring(title FROM 2 FOR 3), trim(both ' ' FROM code), position('t' IN title) FROM origin.things"
    " ORDER BY id",
    "SELECT id FROM origin.things WHERE false",
    "SELECT FROM origin.things",
)


_RELAYED = "state = 'active' AND query LIKE '%AS statement OFFSET%' AND pid <> pg_backend_pid()"


def _values(connection: psycopg.Connection, text: str, form: int, *parameters: bytes) -> list[tuple[Any, ...]]:
    result = connection.pgconn.exec_params(text.encode(), parameters, result_format=form)
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise psycopg.errors.error_from_result(result)
    return [tuple(result.get_value(row, at) for at in range(result.nfields)) for row in range(result.ntuples)]


def _last_lane(gateway: RunningGateway) -> str:
    return str(gateway.statements()[-1]["lane"])


@pytest.mark.parametrize("form", [0, 1], ids=["text", "binary"])
@pytest.mark.parametrize("text", _STATEMENTS)
def test_the_bytes_are_those_of_the_server(
    gateway: RunningGateway, through: psycopg.Connection, direct: psycopg.Connection, text: str, form: int
) -> None:
    assert _values(through, text, form) == _values(direct, text, form)
    assert _last_lane(gateway) == "source"


def test_settings_of_the_session_count_at_the_server(through: psycopg.Connection, direct: psycopg.Connection) -> None:
    for connection in (through, direct):
        connection.execute("SET TimeZone TO 'Asia/Kolkata'; SET IntervalStyle TO 'iso_8601'")
    text = "SELECT moments, span FROM origin.things ORDER BY id"
    assert _values(through, text, 0) == _values(direct, text, 0)
    through.execute("SET TimeZone TO 'UTC'")
    assert _values(through, text, 0) != _values(direct, text, 0)


def test_parameters_go_as_they_came(through: psycopg.Connection, direct: psycopg.Connection) -> None:
    text = "SELECT id, title FROM origin.things WHERE id >= $1 AND title LIKE $2 ORDER BY id"
    for value in (b"1", b"2"):
        assert _values(through, text, 0, value, b"%") == _values(direct, text, 0, value, b"%")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        _values(through, text, 0, b"one", b"%")


def test_a_prepared_statement_follows_what_changes(gateway: RunningGateway) -> None:
    text = b"SELECT count(*) FROM origin.things WHERE id >= $1"
    with gateway.connect() as ada, gateway.connect(EVE) as eve:
        role, other = eve.pgconn, b"SELECT count(*) FROM things WHERE id >= $1"
        prepared = False
        try:
            for grant, answer in (("GRANT", b"3"), ("REVOKE", None), ("GRANT", b"3")):
                place = "TO" if grant == "GRANT" else "FROM"
                ada.execute(f"{grant} SELECT ON origin.things {place} {EVE}".encode())
                ada.execute(f"{grant} USAGE ON SCHEMA origin {place} {EVE}".encode())
                if not prepared:
                    prepared = role.prepare(b"point", text).status == pq.ExecStatus.COMMAND_OK
                for _ in range(3):
                    result = role.exec_prepared(b"point", [b"1"])
                    assert (result.get_value(0, 0) if result.ntuples else None) == answer, result.error_message
        finally:
            ada.execute(f"REVOKE SELECT ON origin.things FROM {EVE}".encode())
            ada.execute(f"REVOKE USAGE ON SCHEMA origin FROM {EVE}".encode())
        ada.execute("SET search_path TO origin")
        ada.pgconn.prepare(b"point", other)
        assert ada.pgconn.exec_prepared(b"point", [b"2"]).get_value(0, 0) == b"2"
        ada.execute("SET search_path TO public")
        assert ada.pgconn.exec_prepared(b"point", [b"2"]).error_field(pq.DiagnosticField.SQLSTATE) == b"42P01"
        ada.execute("SET search_path TO origin")
        for value, answer in ((b"2", b"2"), (b" 2", b"2"), (b"+3", b"1"), (b"002", b"2")):
            assert ada.pgconn.exec_prepared(b"point", [value]).get_value(0, 0) == answer
        for value, state in ((b"", b"22P02"), (b"99999999999", b"22003"), (b"2x", b"22P02")):
            assert ada.pgconn.exec_prepared(b"point", [value]).error_field(pq.DiagnosticField.SQLSTATE) == state


def test_explain_of_an_execute(through: psycopg.Connection) -> None:
    through.execute("PREPARE by_id(int) AS SELECT title FROM origin.things WHERE id = $1")
    lines = [row[0] for row in through.execute("EXPLAIN (ANALYZE) EXECUTE by_id(2)").fetchall()]
    assert lines[0] == "Whole statement by source origin"
    assert any("actual time" in line for line in lines)


def test_an_error_of_the_clients_own_is_told_in_the_servers_words(through: psycopg.Connection) -> None:
    with pytest.raises(
        psycopg.errors.InvalidTextRepresentation, match='invalid input syntax for type integer: "a title"'
    ):
        through.execute("SELECT title::integer FROM origin.things")
    with pytest.raises(psycopg.errors.CardinalityViolation):
        through.execute("SELECT (SELECT id FROM origin.things)  FROM origin.things")
    assert through.execute("SELECT count(*) FROM origin.things").fetchone() == (3,)


def test_what_the_server_does_not_support_is_told_in_its_words(
    through: psycopg.Connection, direct: psycopg.Connection
) -> None:
    text = "SELECT array_position(ARRAY[ints, ints], 1) FROM origin.things WHERE id = 1"
    for connection in (through, direct):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="multidimensional arrays"):
            connection.execute(text)


def test_other_statements_are_the_engines(gateway: RunningGateway, through: psycopg.Connection) -> None:
    for text in (
        "SELECT t.id, k.n FROM origin.things t JOIN small.numbers k ON k.n = t.id",
        "SELECT id, now() FROM origin.things",
        "SELECT id, current_date FROM origin.things",
    ):
        assert len(through.execute(text).fetchall()) == 3
        assert _last_lane(gateway) == "engine"


def test_what_reads_beyond_the_tables_stays_refused(through: psycopg.Connection) -> None:
    for call in ("pg_read_file('PG_VERSION')", "query_to_xml('select 1', true, true, '')", "pg_ls_dir('.')"):
        with pytest.raises(psycopg.Error) as raised:
            through.execute(f"SELECT {call} FROM origin.things".encode())
        assert raised.value.sqlstate in {"0A000", "42501"}
    with pytest.raises(psycopg.Error):
        through.execute("SELECT 'pg_authid'::regclass FROM origin.things")


def test_absent_tables_stay_absent(gateway: RunningGateway) -> None:
    with gateway.connect(EVE) as eve, pytest.raises(psycopg.errors.UndefinedTable):
        eve.execute("SELECT id FROM origin.things")


def test_explain_shows_the_statement_and_the_servers_plan(through: psycopg.Connection) -> None:
    lines = [row[0] for row in through.execute("EXPLAIN SELECT count(*) FROM origin.things WHERE id > 1").fetchall()]
    assert lines[:2] == ["Whole statement by source origin", "  Tables: origin.things"]
    assert lines[2].startswith("  Remote SQL: SELECT COUNT(*)")
    assert any("Aggregate" in line for line in lines[3:])
    analyzed = through.execute("EXPLAIN ANALYZE SELECT count(*) FROM origin.things").fetchall()
    assert any("actual time" in row[0] for row in analyzed)


def test_cancel_stops_the_server(gateway: RunningGateway, through: psycopg.Connection, lake: SampleLake) -> None:
    timer = threading.Timer(0.5, through.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        through.execute("SELECT count(*) FROM origin.slow")
    assert time.monotonic() - began < 5
    timer.join()
    deadline = time.monotonic() + 5
    with psycopg.connect(lake.metadata_url, autocommit=True) as owner:
        while time.monotonic() < deadline:
            query = f"SELECT count(*) FROM pg_stat_activity WHERE {_RELAYED}"
            if owner.execute(query.encode()).fetchone() == (0,):
                break
            time.sleep(0.05)
        else:
            pytest.fail("the server goes on with the statement")
    assert through.execute("SELECT count(*) FROM origin.things").fetchone() == (3,)


def test_many_rows_stream(gateway: RunningGateway, through: psycopg.Connection) -> None:
    before = gateway.memory()
    rows = 0
    with through.cursor() as cursor:
        for _ in cursor.stream("SELECT n, filler FROM origin.many WHERE n <= 300000"):
            rows += 1
    assert rows == 300_000
    assert gateway.memory() - before < 100 << 20


def test_a_server_that_ends_the_session_is_told(through: psycopg.Connection, lake: SampleLake) -> None:
    def end() -> None:
        time.sleep(0.5)
        with psycopg.connect(lake.metadata_url, autocommit=True) as owner:
            owner.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_RELAYED}".encode())

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(psycopg.Error) as raised:
        through.execute("SELECT count(*) FROM origin.slow")
    ending.join()
    assert raised.value.sqlstate == "08006"
    assert 'source "origin"' in str(raised.value)
    assert through.execute("SELECT count(*) FROM origin.things").fetchone() == (3,)


def test_a_view_over_no_table_is_answered(gateway: RunningGateway) -> None:
    with gateway.connect() as ada:
        ada.execute("CREATE VIEW origin.listed AS VALUES (1, 'a'), (2, 'b')")
        try:
            assert ada.execute("SELECT * FROM origin.listed").fetchall() == [(1, "a"), (2, "b")]
        finally:
            ada.execute("DROP VIEW origin.listed")


def test_numbers_without_a_scale_are_sorted_by(through: psycopg.Connection, direct: psycopg.Connection) -> None:
    text = "SELECT t.free FROM origin.things t JOIN small.numbers n ON n.n = t.id ORDER BY {} DESC"
    for key in ("1", "t.free", "free"):
        assert _values(through, text.format(key), 0) == _values(direct, text.format(key), 0)
