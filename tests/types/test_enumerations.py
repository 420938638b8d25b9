"""Enums of PostgreSQL sources are ordered as PostgreSQL orders them, whoever answers; or the statement is refused."""

from __future__ import annotations

import psycopg
import pytest

from tests.gateway import SampleLake, Settings, serving
from tests.types.conftest import Both

# Alone they are answered by the source's server, joined with a table of the lake by the engine.
WAYS = {"source": "origin.things t", "engine": "origin.things t JOIN small.numbers n ON n.n = t.id"}
IN_ORDER = (
    "SELECT t.id, feeling FROM {} ORDER BY feeling, t.id",
    "SELECT t.id, feeling FROM {} ORDER BY feeling DESC NULLS LAST, t.id DESC",
    "SELECT t.id, feeling AS f FROM {} ORDER BY f, 1",
    "SELECT t.id, feeling FROM {} ORDER BY 2, 1 LIMIT 2",
    "SELECT t.id FROM {} ORDER BY coalesce(feeling, 'ok'), t.id",
    "SELECT t.id FROM {} ORDER BY CASE WHEN t.id > 1 THEN feeling END, t.id",
    "SELECT feeling, count(*) FROM {} GROUP BY feeling ORDER BY feeling",
    "SELECT DISTINCT feeling FROM {} ORDER BY feeling DESC",
    "SELECT DISTINCT ON (feeling) feeling, t.id FROM {} ORDER BY feeling, t.id",
    "SELECT max(feeling), min(feeling), count(feeling) FROM {}",
    "SELECT max(feeling) FILTER (WHERE t.id > 1) FROM {}",
    "SELECT t.id, max(feeling) OVER (ORDER BY t.id), rank() OVER (ORDER BY feeling) FROM {} ORDER BY t.id",
    "SELECT array_agg(t.id ORDER BY feeling, t.id) FROM {}",
    "SELECT t.id FROM {} WHERE feeling < 'happy' ORDER BY t.id",
    "SELECT t.id FROM {} WHERE feeling >= 'ok' AND feeling <> 'sad' ORDER BY t.id",
    "SELECT t.id FROM {} WHERE feeling NOT BETWEEN 'sad' AND 'ok' ORDER BY t.id",
    "SELECT t.id FROM {} WHERE feeling IN ('sad', 'happy') ORDER BY t.id",
    "SELECT t.id FROM {} WHERE feeling > (SELECT min(feeling) FROM origin.things) ORDER BY t.id",
    "SELECT a.id, t.id FROM {} CROSS JOIN origin.things a WHERE a.feeling < t.feeling ORDER BY 1, 2",
    "SELECT s.f FROM (SELECT feeling AS f FROM {}) s ORDER BY s.f",
    "WITH w (f) AS (SELECT feeling FROM {} UNION ALL SELECT feeling FROM origin.things) SELECT f FROM w ORDER BY f",
    "SELECT feeling::text FROM {} ORDER BY feeling::text",
    "SELECT t.id FROM {} WHERE feeling::text < 'p' ORDER BY t.id",
)
NO_LABELS = (
    "SELECT t.id FROM {} WHERE feeling = 'glum'",
    "SELECT t.id FROM {} WHERE feeling <> 'glum'",
    "SELECT t.id FROM {} WHERE feeling IN ('ok', 'glum')",
    "SELECT t.id FROM {} WHERE feeling < 'glum'",
    "SELECT t.id FROM {} WHERE feeling BETWEEN 'glum' AND 'ok'",
)
REFUSED = (
    "SELECT t.id FROM {} WHERE feeling < $1",
    "SELECT t.id FROM {} WHERE (feeling, t.id) < ('ok', 1)",
    "SELECT greatest(feeling, 'ok') FROM {}",
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY feeling) FROM {}",
    "SELECT feeling FROM {} UNION SELECT feeling FROM origin.things ORDER BY 1",
)


@pytest.fixture(params=WAYS)
def tables(request: pytest.FixtureRequest) -> str:
    return WAYS[request.param]


@pytest.mark.parametrize("sql", IN_ORDER)
def test_order_is_that_of_the_labels(sql: str, tables: str, both: Both) -> None:
    asked = sql.format(tables).encode()
    assert both.gateway.execute(asked).fetchall() == both.postgres.execute(asked).fetchall()


@pytest.mark.parametrize("sql", NO_LABELS)
def test_what_is_no_label_is_an_error(sql: str, tables: str, both: Both) -> None:
    told = []
    for connection in (both.gateway, both.postgres):
        with pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught:
            connection.execute(sql.format(tables).encode())
        told.append(caught.value.diag.message_primary)
    assert told[0] == told[1]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_would_be_ordered_as_text_is_refused(sql: str, tables: str, both: Both) -> None:
    parameters = ("ok",) if "$1" in sql else ()
    result = both.gateway.pgconn.exec_params(sql.format(tables).encode(), [one.encode() for one in parameters])
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"0A000"
    assert b"enum origin.mood" in result.error_message


@pytest.mark.parametrize(
    "part",
    [
        "SELECT feeling, count(*) AS id FROM origin.things GROUP BY feeling",
        "SELECT max(feeling) AS feeling, min(id) AS id FROM origin.things",
        "SELECT id, feeling FROM origin.things ORDER BY feeling, id LIMIT 2",
        "SELECT DISTINCT id, feeling FROM origin.things WHERE feeling < 'happy'",
        "SELECT id, max(feeling) OVER (ORDER BY id) AS feeling FROM origin.things",
    ],
)
def test_parts_of_statements_have_the_order_too(part: str, both: Both) -> None:
    query = f"SELECT s.id, s.feeling FROM ({part}) s JOIN small.numbers n ON n.n = s.id ORDER BY s.feeling, s.id"
    ours, theirs = (connection.execute(query.encode()).fetchall() for connection in (both.gateway, both.postgres))
    assert ours == theirs


def test_types_of_the_schema_public_are_told_by_their_names_alone(lake: SampleLake) -> None:
    lake.server.create_database("moods", "moods_owner", "secret")
    sources = {
        "db": {"kind": "postgres", "dsn": lake.dsn("moods")},
        "lk": lake.sources["small"],
    }
    told = []
    with psycopg.connect(lake.dsn("moods"), autocommit=True) as postgres:
        postgres.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
        postgres.execute("CREATE TABLE people (feeling mood)")
        with serving(lake, Settings(sources=sources, database="moods_lake")) as gateway, gateway.connect() as ours:
            joined = "SELECT t.feeling FROM db.people t JOIN lk.numbers n ON true WHERE t.feeling < 'glum'"
            alone = "SELECT t.feeling FROM people t WHERE t.feeling < 'glum'"
            for connection, sql in ((ours, joined), (postgres, alone)):
                with pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught:
                    connection.execute(sql.encode())
                place = int(caught.value.diag.statement_position or 0)
                told.append((caught.value.diag.message_primary, sql[place - 1 :]))
    assert told[0] == told[1] == ('invalid input value for enum mood: "glum"', "'glum'")
