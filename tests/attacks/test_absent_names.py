"""What one may not know of is answered as what is not there: the answers differ in nothing but the name.

The catalogues are PostgreSQL's, and show names as everywhere (docs/decisions/0014): their answers are compared with
those of a PostgreSQL in which the role has the same privileges.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from gateway.wire import frontend as f
from tests.attacks.clients import AttackClient, Clients
from tests.attacks.steps import Case, Step, run
from tests.attacks.worlds import EVE, GRANTED_PEOPLE, TINA
from tests.gateway import RunningGateway, SampleLake
from tests.scripts import Block

# A name that is there and hidden, and one that is not there, of one length.
_COLUMN = ("salary", "sa1ary")
_TABLE = ("vault", "vau1t")
_COLUMNS = (
    "SELECT {n} FROM lk.people",
    "SELECT p.{n} FROM crm.people p",
    "SELECT {n}(p) FROM lk.people p",
    "SELECT (p).{n} FROM lk.people p",
    "SELECT ((p)).{n} + 1 FROM lk.people p",
    "SELECT p.{n}, * FROM ice.people p",
    "SELECT row(p.{n}) FROM docs.people p",
    "SELECT pg_typeof({n}) FROM lk.people",
    "SELECT count({n}) OVER w FROM lk.people WINDOW w AS ()",
    "SELECT id FROM lk.people ORDER BY {n}",
    "SELECT id FROM lk.people GROUP BY id, {n}",
    "SELECT 1 FROM lk.people a JOIN crm.people b USING ({n})",
    "SELECT * FROM lk.people a NATURAL JOIN (SELECT 1 AS {n}) b",
    "SELECT id FROM lk.people WHERE id = (SELECT {n})",
    "SELECT x.{n} FROM (SELECT * FROM lk.people) x",
    "SELECT 1 FROM lk.people p, LATERAL (SELECT p.{n}) x",
    "SELECT 1 FROM lk.people p, LATERAL (VALUES (p.{n})) x",
    "SELECT 1 FROM lk.people p, LATERAL unnest(ARRAY[p.{n}]) x",
    "SELECT nosuch({n}) FROM lk.people",
    "SELECT JSON_OBJECT('a': {n}) FROM lk.people",
    "SELECT {n} FROM lk.people ORDER BY 1 USING >",
    "VALUES ((SELECT max({n}) FROM lk.people))",
    "SELECT (VALUES ((SELECT max({n}) FROM lk.people)))",
    "SELECT id FROM lk.people WHERE ({n}, id) = (1, 2)",
    "SELECT id FROM lk.people WHERE {n} IS JSON",
    "SELECT XMLELEMENT(NAME a, {n}) FROM lk.people",
    "SELECT {n} + 'x' FROM lk.people",
    "SELECT id + name, {n} FROM lk.people",
    "SELECT id FROM lk.people p(a, b, c, {n})",
    "EXPLAIN SELECT {n} FROM lk.people",
    "EXPLAIN VALUES ((SELECT max({n}) FROM lk.people))",
    "WITH x AS (SELECT {n} FROM lk.people) SELECT 1",
    "SELECT id FROM lk.people FOR UPDATE OF {n}",
    "GRANT SELECT ({n}) ON lk.people TO tina",
    "GRANT SELECT (id, {n}), UPDATE ({n}) ON TABLE lk.people TO PUBLIC WITH GRANT OPTION",
    "ANALYZE lk.people ({n})",
    'REVOKE GRANT OPTION FOR SELECT ("{n}") ON lk.people FROM tina CASCADE',
)
_TABLES = (
    "SELECT * FROM lk.{n}",
    "SELECT {n}.id FROM lk.{n}",
    "SELECT id FROM ice.{n} WHERE nosuch = 1",
    "TABLE crm.{n}",
    "SELECT count(*) FROM lk.people, docs.{n}",
    "SELECT * FROM ROWS FROM (unnest(ARRAY(SELECT id FROM lk.{n})))",
    "VALUES ((SELECT max(secret) FROM lk.{n}))",
    "SELECT (VALUES ((SELECT nosuch FROM lk.{n})))",
    "SELECT JSON_ARRAY(SELECT secret FROM lk.{n})",
    "SELECT id FROM lk.{n} ORDER BY 1 USING >",
    "EXPLAIN SELECT * FROM lk.{n}",
    "ANALYZE lk.{n}",
    "ANALYZE VERBOSE crm.{n} (id), lk.people",
    "EXPLAIN (VERBOSE) VALUES ((SELECT max(secret) FROM lk.{n}))",
    "SELECT * FROM lk.{n} TABLESAMPLE SYSTEM (1)",
    "SELECT * FROM ONLY lk.{n}",
    "SELECT * FROM lk.{n} FOR UPDATE",
    "SELECT * FROM {n}",
    "VALUES ((SELECT 1 FROM {n}))",
    "WITH {n} AS (SELECT * FROM lk.{n}) SELECT 1",
    "SELECT query_to_xml('SELECT * FROM lk.{n}', true, false, '')",
    "GRANT SELECT ON lk.{n} TO tina",
    "GRANT SELECT (secret) ON lk.{n} TO tina",
    'GRANT ALL ON TABLE lk.people, "lk"."{n}" TO PUBLIC',
    "REVOKE ALL ON lk.{n} FROM tina CASCADE",
    "CREATE POLICY mine ON lk.{n} USING (true)",
    "CREATE DRAFT POLICY mine ON lk.{n} USING (true)",
    "ALTER POLICY mine ON lk.{n} USING (true)",
    "DROP POLICY mine ON lk.{n}",
    "ALTER TABLE lk.{n} OWNER TO tina",
    "ALTER TABLE ONLY lk.{n} ENABLE ROW LEVEL SECURITY",
    "COMMENT ON TABLE lk.{n} IS 'x'",
    "COMMENT ON COLUMN lk.{n}.secret IS 'x'",
    "COMMENT ON POLICY mine ON lk.{n} IS 'x'",
    "ALTER TABLE lk.{n} SET TAG t = 'x'",
    "ALTER TABLE lk.{n} ALTER COLUMN secret SET MASKING POLICY m",
    "EXPLAIN POLICY FOR tina ON lk.{n}",
    "CHECK ACCESS FOR tina ON lk.{n}",
)
_SHOWN_COLUMNS = (
    "SELECT has_column_privilege('lk.people', '{n}', 'SELECT')",
    "SELECT count(*) FROM pg_attribute WHERE attrelid = 'lk.people'::regclass AND attname = '{n}'",
    "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'lk' AND column_name = '{n}'",
)
_SHOWN_TABLES = (
    "SELECT 'lk.{n}'::regclass",
    "SELECT to_regclass('lk.{n}') IS NULL",
    "SELECT has_table_privilege('lk.{n}', 'SELECT')",
    "SELECT count(*) FROM pg_class WHERE relname = '{n}' AND relnamespace = 'lk'::regnamespace",
    "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'lk' AND table_name = '{n}'",
)
"""What catalogues, and functions that look names up, answer in every PostgreSQL."""


def _answers(clients: Clients, user: str, text: str) -> list[object]:
    """What comes for a text by the simple and the extended protocol."""
    found: list[object] = []
    for how in ("", "extended"):
        case = Case("", Block("", text, "", "", 0), "", (Step(user, how, (), text),))
        found.append([answer.messages for answer in run(case, clients)])
    client = AttackClient(clients.address, user)
    found.append(client.ask(f.Parse("s", text), f.Describe("S", "s"), f.Sync()))
    client.close()
    return found


@pytest.mark.parametrize(
    ("user", "text", "pair"),
    [
        *((TINA, text, _COLUMN) for text in _COLUMNS),
        *((user, text, _TABLE) for user in (TINA, EVE) for text in _TABLES),
    ],
)
def test_hidden_is_absent(world_clients: dict[str, Clients], user: str, text: str, pair: tuple[str, str]) -> None:
    clients = world_clients["A"]
    hidden, absent = (repr(_answers(clients, user, text.replace("{n}", name))).replace(name, "?") for name in pair)
    assert hidden == absent


@pytest.fixture(scope="module")
def bare(world_lakes: dict[str, SampleLake], world_gateways: dict[str, RunningGateway]) -> Iterator[psycopg.Connection]:
    """A database of PostgreSQL itself with the tables that are asked about, and the same privileges."""
    assert "A" in world_gateways  # whose roles the server has by now
    owner = world_lakes["A"].server.connect("postgres", autocommit=True)
    owner.execute("CREATE DATABASE bare")
    with owner, psycopg.connect(world_lakes["A"].dsn("bare"), autocommit=True) as connection:
        for statement in (
            "CREATE SCHEMA lk",
            f"CREATE TABLE lk.people ({GRANTED_PEOPLE.replace(',', ' text,')} text, salary bigint, leak_extra text)",
            "CREATE TABLE lk.vault (id integer, secret text)",
            "GRANT USAGE ON SCHEMA lk TO analysts",
            f"GRANT SELECT ({GRANTED_PEOPLE}) ON lk.people TO analysts",
            "GRANT SELECT ON lk.vault TO keepers",
        ):
            connection.execute(statement.encode())
        yield connection
        connection.close()
        owner.execute("DROP DATABASE bare")


@pytest.mark.parametrize(
    ("user", "text", "pair"),
    [
        *((user, text, _COLUMN) for user in (TINA, EVE) for text in _SHOWN_COLUMNS),
        *((user, text, _TABLE) for user in (TINA, EVE) for text in _SHOWN_TABLES),
    ],
)
def test_catalogues_show_names_as_postgresql_does(
    world_gateways: dict[str, RunningGateway], bare: psycopg.Connection, user: str, text: str, pair: tuple[str, str]
) -> None:
    bare.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(user)))
    with world_gateways["A"].connect(user) as ours:
        for name in pair:
            asked = text.replace("{n}", name)
            assert _told(ours, asked) == _told(bare, asked), asked


def _told(connection: psycopg.Connection, text: str) -> object:
    try:
        return connection.execute(text.encode()).fetchall()
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary, error.diag.message_detail, error.diag.message_hint
