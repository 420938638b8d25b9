"""Roles of the mirror: they log in by a secret of the gateway's, hold the gateway's grants, and can do nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pyarrow as pa
import pytest

from catalog.mirror.mirror import Mirror, open_mirror
from catalog.mirror.temporary import MOST_RELATIONS
from catalog.names import TableName
from catalog.server import Server
from catalog.store.rows import SCHEMA_ITSELF, USAGE, AccessRows, Grant, Membership, ObjectGrant, Role
from catalog.tables import Catalog, Column, Table


def lake_table(schema: str, name: str) -> Table:
    return Table(TableName(schema, name), schema, "delta", (), (Column("a", "integer", pa.int32(), comment="the a"),))


TABLES = [lake_table("sales", "orders"), lake_table("sales", "lines"), lake_table("crm", "customer")]
LAKE = Catalog(1, {table.name: table for table in TABLES}, {"sales": "what was sold", "crm": None})
ODD = 'Odd "role"; --'
ACCESS = AccessRows(
    1,
    (Role("root_like", superuser=True), Role("clerk"), Role("team", login=False), Role(ODD)),
    (Membership("team", "clerk"),),
    (
        *(Grant("team", "sales", "orders"), Grant(ODD, "crm"), Grant("public", "sales", "lines")),
        *(Grant("team", "sales", SCHEMA_ITSELF, USAGE), Grant(ODD, "crm", SCHEMA_ITSELF, USAGE)),
        Grant("public", "sales", SCHEMA_ITSELF, USAGE),
    ),
)


@pytest.fixture
def lake(mirror: Mirror) -> Iterator[Mirror]:
    mirror.apply(LAKE, ACCESS)
    yield mirror
    mirror.apply(LAKE, AccessRows(99))


def login(server: Server, mirror: Mirror, role: str) -> psycopg.Connection:
    parameters = server.connection_parameters(mirror.database, role, mirror.password(role))
    return psycopg.connect(**parameters, autocommit=True)


def readable(connection: psycopg.Connection) -> set[tuple[str, str]]:
    query = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('sales', 'crm')"
    return set(connection.execute(query).fetchall())


def test_privileges_are_the_gateways(server: Server, lake: Mirror) -> None:
    everything = {(table.name.schema, table.name.name) for table in TABLES}
    expected = {
        "clerk": {("sales", "orders"), ("sales", "lines")},
        ODD: {("crm", "customer"), ("sales", "lines")},
        "root_like": everything,
    }
    for role, tables in expected.items():
        with login(server, lake, role) as connection:
            assert readable(connection) == tables
            for schema, name in everything:
                query = "SELECT has_schema_privilege(%s, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')"
                query += (
                    " FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s AND relname = %s"
                )
                row = connection.execute(query, (schema, schema, name)).fetchone()
                assert row == ((schema, name) in tables,)
            held = "SELECT DISTINCT privilege_type FROM information_schema.table_privileges WHERE grantor <> grantee"
            assert connection.execute(held + " AND table_schema IN ('sales', 'crm')").fetchall() == [("SELECT",)]
            assert connection.execute("SELECT current_user, current_database()").fetchone() == (role, lake.database)


def test_grants_follow_the_gateways(server: Server, lake: Mirror) -> None:
    with login(server, lake, "clerk") as connection:
        lake.apply(LAKE, AccessRows(2, ACCESS.roles, ACCESS.memberships, (Grant("team", "crm", "customer"),)))
        assert readable(connection) == {("crm", "customer")}
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for schema sales"):
            connection.execute("SELECT * FROM sales.orders")
        lake.apply(LAKE, AccessRows(3, ACCESS.roles, (), (Grant("team", "crm", "customer"),)))
        assert readable(connection) == set()
        lake.apply(LAKE, AccessRows(4, ACCESS.roles, (), (Grant("clerk", "sales"),)))
        assert readable(connection) == {("sales", "orders"), ("sales", "lines")}
        more = {**LAKE.tables, TableName("sales", "new"): lake_table("sales", "new")}
        lake.apply(Catalog(2, more, LAKE.schemas), AccessRows(4, ACCESS.roles, (), (Grant("clerk", "sales"),)))
        assert ("sales", "new") in readable(connection)


def test_roles_come_and_go(server: Server, lake: Mirror) -> None:
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        login(server, lake, "team")
    lake.apply(LAKE, AccessRows(2, (Role("team"),), (), ACCESS.grants))
    login(server, lake, "team").close()
    with pytest.raises(psycopg.OperationalError):
        login(server, lake, "clerk")
    with server.connect() as connection:
        query = "SELECT rolname FROM pg_roles WHERE rolname IN ('team', 'clerk', 'root_like', %s)"
        assert connection.execute(query, (ODD,)).fetchall() == [("team",)]


def test_the_password_is_the_secrets_alone(server: Server, lake: Mirror) -> None:
    for password in ("", "clerk", lake.password("team")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**server.connection_parameters(lake.database, "clerk", password))
    other = open_mirror(server, b"\1" * 32, lake.database)
    other.apply(LAKE, ACCESS)
    login(server, other, "clerk").close()
    with pytest.raises(psycopg.OperationalError, match="password"):
        login(server, lake, "clerk")
    lake.apply(LAKE, AccessRows(3, ACCESS.roles))  # as the first gateway's next change does
    login(server, lake, "clerk").close()


def test_roles_of_others_are_left_alone(server: Server, lake: Mirror) -> None:
    server.create_database("shop", "shop_owner", "secret")
    applied = lake.apply(LAKE, AccessRows(2, (*ACCESS.roles, Role("shop_owner")), (), (Grant("shop_owner", "sales"),)))
    assert applied.notes == ("role shop_owner: the metadata server has another role of this name",)
    psycopg.connect(**server.connection_parameters("shop", "shop_owner", "secret")).close()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(**server.connection_parameters(lake.database, "shop_owner", "secret"))


FORBIDDEN = [
    "CREATE TABLE public.mine (a int)",
    "CREATE TABLE sales.mine (a int)",
    "CREATE TABLE public.mine AS SELECT 1",
    "SELECT 1 INTO public.mine",
    "CREATE TEMP TABLE mine () INHERITS (sales.orders)",
    "CREATE TEMP TABLE mine (a sales.orders)",
    "CREATE TEMP TABLE mine (a sales.orders[])",
    "CREATE TEMP TABLE mine (a text DEFAULT lakegate.principal())",
    "CREATE TEMP TABLE mine (a text CHECK (a = lakegate.principal()))",
    "CREATE TEMP VIEW mine AS SELECT lakegate.principal()",
    "CREATE TEMP VIEW mine AS SELECT o, lakegate.principal() FROM sales.orders o",
    "CREATE TEMP VIEW mine AS SELECT * FROM lakegate.masking_policies",
    "CREATE SEQUENCE public.mine",
    "CREATE VIEW public.mine AS SELECT 1",
    "CREATE INDEX ON sales.orders (id)",
    "REINDEX TABLE sales.orders",
    "CREATE TYPE pg_temp.mine AS (a int)",
    "CREATE DOMAIN pg_temp.mine AS int",
    "CREATE AGGREGATE pg_temp.mine (int) (SFUNC = int4pl, STYPE = int)",
    "CREATE STATISTICS pg_temp.mine ON a, b FROM sales.orders",
    'CREATE COLLATION pg_temp.mine FROM "C"',
    "CREATE MATERIALIZED VIEW mine AS SELECT 1",
    "CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION lakegate.check_dropped()",
    "ALTER EVENT TRIGGER lakegate_wall DISABLE",
    "ALTER TABLE sales.orders RENAME TO mine",
    "ALTER TABLE sales.orders DISABLE TRIGGER ALL",
    "DROP VIEW lakegate.masking_policies",
    "SET session_replication_role = replica",
    "SET event_triggers = off",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DO 'BEGIN END'",
    "CREATE EXTENSION postgres_fdw",
    "CREATE EXTENSION pg_trgm",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "CREATE PUBLICATION mine",
    "ALTER ROLE team PASSWORD 'x'",
    "ALTER ROLE lakegate PASSWORD 'x'",
    "ALTER DATABASE CURRENT_DATABASE SET work_mem = '1GB'",
    "SET ROLE lakegate",
    "SET SESSION AUTHORIZATION lakegate",
    "GRANT clerk TO root_like",
    "ALTER TABLE sales.orders ADD b int",
    "DROP TABLE sales.orders",
    "COMMENT ON TABLE sales.orders IS 'mine'",
    "COPY sales.orders FROM STDIN",
    "COPY (SELECT 1) TO '/tmp/lakegate-never'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('PG_VERSION')",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT pg_current_logfile()",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_xact_lock_shared(1, 2)",
    "SELECT pg_switch_wal()",
    "SELECT pg_promote()",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_user_mapping",
    "SELECT * FROM pg_largeobject",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT * FROM pg_file_settings",
    "SELECT * FROM pg_subscription",
    "SELECT * FROM pg_catalog.lakegate_mirror",
    "SHOW data_directory",
    "SHOW unix_socket_directories",
    "SHOW hba_file",
    "SET log_min_messages = debug5",
    "SET temp_file_limit = -1",
    "ALTER SYSTEM SET fsync = off",
    "CHECKPOINT",
]


@pytest.mark.parametrize("role", ["clerk", "root_like"])
def test_what_no_role_may(server: Server, lake: Mirror, role: str) -> None:
    with login(server, lake, role) as connection:
        allowed = []
        for statement in FORBIDDEN:
            try:
                connection.execute(statement.replace("CURRENT_DATABASE", f'"{lake.database}"').encode())
            except psycopg.errors.InsufficientPrivilege:
                continue
            except psycopg.Error as error:
                assert error.sqlstate in {"42501", "3F000", "0A000"}, f"{statement}: {error}"
            else:
                allowed.append(statement)
        assert allowed == []


TEMPORARY = [
    "CREATE TEMP TABLE mine (a int PRIMARY KEY, b serial, c text GENERATED ALWAYS AS (a::text) STORED)",
    "INSERT INTO mine (a) SELECT g FROM generate_series(1, 10) g",
    "CREATE TEMP TABLE other ON COMMIT PRESERVE ROWS AS SELECT * FROM mine",
    "SELECT a INTO TEMP third FROM mine",
    "CREATE TEMP TABLE child (LIKE mine INCLUDING ALL, own int REFERENCES mine)",
    "CREATE TEMP TABLE heir () INHERITS (mine)",
    "CREATE INDEX ON mine (c)",
    "CREATE TEMP VIEW shown AS SELECT m.a, o.b FROM mine m JOIN other o USING (a)",
    "CREATE TEMP VIEW catalogue AS SELECT relname FROM pg_class JOIN information_schema.tables ON table_name = relname",
    "CREATE TEMP VIEW over_lake AS SELECT o AS whole FROM sales.orders o",
    "CREATE TEMP VIEW over_view AS SELECT whole, a FROM over_lake, mine",
    "ALTER VIEW over_view RENAME TO over",
    "DROP VIEW over, over_lake",
    "CREATE TEMP SEQUENCE numbers OWNED BY mine.b",
    "ALTER TABLE mine ADD d int DEFAULT 7",
    "ALTER TABLE mine ALTER COLUMN d DROP DEFAULT",
    "ALTER TABLE other RENAME TO second",
    "ALTER TABLE mine DROP COLUMN d",
    "ANALYZE mine",
    "TRUNCATE second",
    "DROP VIEW shown, catalogue",
    "DROP TABLE mine, second, third, child, heir",
]


@pytest.mark.parametrize("role", ["clerk", "root_like"])
def test_temporary_relations_are_let_be(server: Server, lake: Mirror, role: str) -> None:
    with login(server, lake, role) as connection:
        for statement in TEMPORARY:
            connection.execute(statement.encode())
        left = "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()"
        assert connection.execute(left).fetchall() == []


def test_temporary_views_are_not_in_the_way(server: Server, lake: Mirror) -> None:
    """A table that is made anew takes the views of sessions along."""
    wider = replace(TABLES[0], columns=(Column("b", "text", pa.string()),))
    with login(server, lake, "clerk") as connection:
        connection.execute("CREATE TEMP VIEW mine AS SELECT a FROM sales.orders")
        connection.execute("CREATE TEMP VIEW kept AS SELECT a FROM sales.lines")
        applied = lake.apply(replace(LAKE, version=2, tables={**LAKE.tables, wider.name: wider}), ACCESS)
        assert applied.notes == ()
        left = "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()"
        assert connection.execute(left).fetchall() == [("kept",)]


def test_temporary_relations_are_so_many(server: Server, lake: Mirror) -> None:
    with login(server, lake, "clerk") as connection:
        keys = ", ".join(f"a{number} int UNIQUE" for number in range(MOST_RELATIONS // 4 - 1))
        for number in range(4):
            connection.execute(f"CREATE TEMP TABLE t{number} ({keys})".encode())
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="too many temporary tables"):
            connection.execute("CREATE TEMP TABLE one_more (a int)")


def test_roles_with_temporary_tables_can_be_dropped(server: Server, lake: Mirror) -> None:
    without = AccessRows(2, (Role("team"),), (), ())
    with login(server, lake, "clerk") as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a")
        applied = lake.apply(LAKE, without)
        assert applied.notes == ("role clerk: in use, to be changed later",)
        connection.execute("COMMIT")
        applied = lake.apply(LAKE, replace(without, version=3))
        assert applied.notes == ()
    with server.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'clerk'").fetchone() == (0,)


def test_the_privilege_temporary(server: Server, lake: Mirror) -> None:
    lake.apply(LAKE, replace(ACCESS, version=2, object_grants=(ObjectGrant("public", "TEMPORARY", held=False),)))
    with login(server, lake, "clerk") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TEMP TABLE mine (a int)")
    lake.apply(LAKE, replace(ACCESS, version=3))
    with login(server, lake, "clerk") as connection:
        connection.execute("CREATE TEMP TABLE mine (a int)")


def test_what_a_role_may_do_to_itself_is_undone(server: Server, lake: Mirror) -> None:
    """PostgreSQL lets every role change its own password: the gateway must not relay it, and it does not last."""
    with login(server, lake, "clerk") as connection:
        connection.execute("ALTER ROLE clerk PASSWORD 'mine'")
        connection.execute("ALTER ROLE clerk SET search_path = crm")
    with pytest.raises(psycopg.OperationalError):
        login(server, lake, "clerk")
    lake.apply(LAKE, AccessRows(2, ACCESS.roles, ACCESS.memberships, (Grant("team", "sales", "orders"),)))
    with login(server, lake, "clerk") as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('"$user", public',)
    with login(server, lake, ODD) as connection:
        assert readable(connection) == set()


def test_rights_of_roles_are_none(server: Server, lake: Mirror) -> None:
    with login(server, lake, "root_like") as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
            " has_database_privilege(current_database(), 'TEMP'), has_database_privilege(current_database(), 'CREATE')"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (*(False,) * 5, True, False)
        owned = "SELECT count(*) FROM pg_shdepend WHERE refobjid = current_user::regrole AND deptype = 'o'"
        assert connection.execute(owned).fetchone() == (0,)


def test_other_databases_are_closed(server: Server, lake: Mirror) -> None:
    with server.connect() as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
    others = {name for (name,) in rows} - {lake.database}
    assert {"postgres", "template1", "store_test_mirror_roles"} <= others
    for database in others:
        parameters = server.connection_parameters(database, "clerk", lake.password("clerk"))
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(**parameters)


def test_other_sessions_statements_are_hidden(server: Server, lake: Mirror) -> None:
    with login(server, lake, "clerk") as one, login(server, lake, ODD) as other:
        other.execute("SELECT 'a secret'")
        query = "SELECT query FROM pg_stat_activity WHERE pid = %s"
        assert one.execute(query, (other.info.backend_pid,)).fetchall() == [("<insufficient privilege>",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            one.execute("SELECT pg_terminate_backend(%s)", (other.info.backend_pid,))


def psql(server: Server, mirror: Mirror, role: str, *commands: str) -> str:
    assert server.programs is not None
    address = server.address(mirror.database)
    arguments = ["-X", "-h", address.host, "-p", str(address.port), "-U", role, "-d", mirror.database]
    for command in commands:
        arguments += ["-c", command]
    environment = {**os.environ, "PGPASSWORD": mirror.password(role), "LC_ALL": "C.UTF-8"}
    result = subprocess.run(
        [server.programs / "psql", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert all(line.startswith("Did not find any") for line in result.stderr.splitlines()), result.stderr
    return result.stdout


def test_psql_shows_it(server: Server, lake: Mirror) -> None:
    table = psql(server, lake, "clerk", r"\d sales.orders")
    assert table == (
        '               Table "sales.orders"\n'
        " Column |  Type   | Collation | Nullable | Default \n"
        "--------+---------+-----------+----------+---------\n"
        " a      | integer |           |          | \n"
        "\n"
    )
    verbose = psql(server, lake, "clerk", r"\d+ sales.orders")
    assert "the a" in verbose
    assert "Options" not in verbose
    assert "Policies" not in verbose
    assert "sales  | lines  | table" in psql(server, lake, "clerk", r"\dt+ sales.*")
    assert "what was sold" in psql(server, lake, "clerk", r"\dn+")
    assert "clerk=r" not in psql(server, lake, "clerk", r"\dp sales.orders")
    assert "team=r/lakegate" in psql(server, lake, "clerk", r"\dp sales.orders")
    roles = psql(server, lake, "clerk", r"\du")
    assert "team" in roles
    assert "Cannot login" in roles
    assert lake.database in psql(server, lake, "clerk", r"\l")
    assert "(0 rows)" in psql(server, lake, "clerk", r"\df")
    assert psql(server, lake, "clerk", r"\d", r"\dv", r"\di", r"\dx", r"\dT", r"\dD", r"\ds", r"\sf now", r"\drg")
