"""Queries of the catalogues that are known by their text or shape: each is answered as if it were the first."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import ADA, EVE, RunningGateway

_OF_RELATION = (
    "SELECT relname FROM pg_catalog.pg_class c WHERE c.oid = '{}' AND relname OPERATOR(pg_catalog.~) '^({})$'"
)


@pytest.fixture
def connection(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as opened:
        yield opened


def _rows(connection: psycopg.Connection, text: str) -> list[tuple[object, ...]]:
    return connection.execute(text.encode()).fetchall()


def _relations(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return _rows(
        connection, "SELECT oid::bigint, relname FROM pg_class WHERE relkind IN ('r', 'v') ORDER BY 1 LIMIT 20"
    )


def test_each_constant_has_its_own_answer(connection: psycopg.Connection) -> None:
    for oid, name in _relations(connection):
        assert _rows(connection, _OF_RELATION.format(oid, name)) == [(name,)]
        assert _rows(connection, f"  {_OF_RELATION.format(oid, name)} ;\n") == [(name,)]
        assert _rows(connection, _OF_RELATION.format(oid, f"no {name}")) == []


def test_another_session_knows_the_shape_and_asks_for_itself(gateway: RunningGateway) -> None:
    text = "SELECT current_user || '{}'"
    for user in (ADA, EVE, ADA, EVE):
        with gateway.connect(user) as connection:
            (own,) = _rows(connection, "SELECT current_user")
            for word in ("", "x", "it''s", "$1", "$a$"):
                assert _rows(connection, text.format(word)) == [(f"{own[0]}{word.replace(chr(39) * 2, chr(39))}",)]


def test_names_mean_what_they_mean_now(connection: psycopg.Connection) -> None:
    text = "SELECT count(*) FROM things WHERE id > {}"
    connection.execute("SET search_path = origin")
    before = [_rows(connection, text.format(number)) for number in (0, 1)]
    assert before[0] != [(0,)]
    for _ in range(2):
        connection.execute("CREATE TEMPORARY TABLE things (id integer)")
        assert [_rows(connection, text.format(number)) for number in (0, 1, 2)] == [[(0,)]] * 3
        connection.execute("DROP TABLE things")
        assert [_rows(connection, text.format(number)) for number in (0, 1)] == before
    connection.execute("SET search_path = pg_catalog")
    for number in (0, 1, 7):
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute(text.format(number).encode())


def test_prepared_or_not_they_are_the_same(connection: psycopg.Connection) -> None:
    for oid, name in _relations(connection)[:5]:
        text = _OF_RELATION.format(oid, name).replace("= '", "= %s OR c.oid = '").encode()
        assert connection.execute(text, (0,)).fetchall() == [(name,)]
        assert connection.execute(text, (0,), prepare=True).fetchall() == [(name,)]


def test_a_shape_that_comes_to_ask_about_sessions_is_told_of_them(gateway: RunningGateway) -> None:
    shown = "SELECT count(*) FROM pg_catalog.pg_class WHERE relname = '{}'"
    asked = "SELECT query FROM pg_catalog.pg_stat_activity WHERE pid = {}"
    with gateway.connect() as one, gateway.connect() as other:
        assert _rows(one, shown.format("pg_class")) == [(1,)]
        assert _rows(one, shown.format("pg_stat_activity")) == [(1,)]
        for word in ("first", "second"):
            _rows(other, f"SELECT '{word}'")
            assert _rows(one, asked.format(other.info.backend_pid)) == [(f"SELECT '{word}'",)]


def test_errors_have_their_places(connection: psycopg.Connection) -> None:
    for text, place in (
        ("SELECT nothing FROM pg_class WHERE oid = 1", 8),
        ("  SELECT nothing FROM pg_class WHERE oid = 2", 10),
    ):
        for _ in range(2):
            with pytest.raises(psycopg.errors.UndefinedColumn) as caught:
                connection.execute(text.encode())
            assert caught.value.diag.statement_position == str(place)
