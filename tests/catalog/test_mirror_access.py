"""Statements of access in the mirror and the store: both or neither, whatever ends between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.mirror.access_statements import AccessRequest, AccessStatement, Checks, Judged, StateOfPolicy
from catalog.mirror.mirror import Mirror, open_mirror
from catalog.names import TableName
from catalog.server import Server
from catalog.sqlstate import SqlState
from catalog.store.rows import (
    ALL_TABLES,
    SCHEMA_ITSELF,
    USAGE,
    AccessRows,
    DefaultPrivilege,
    Grant,
    PolicyState,
    RowPolicy,
)
from catalog.store.store import Store, open_store
from catalog.tables import Catalog, Column, Table

VERIFIER = "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"


def lake_table(name: str, *, region: str = "text") -> Table:
    columns = (Column("id", "integer", pa.int32()), Column("region", region, pa.string()))
    return Table(TableName("shop", name), "shop", "delta", (), columns)


def catalog_of(*tables: Table) -> Catalog:
    return Catalog(1, {table.name: table for table in tables}, {"shop": None})


LAKE = catalog_of(lake_table("orders"), lake_table("regions"))


@pytest.fixture
def lake(mirror: Mirror, store: Store) -> Iterator[Mirror]:
    store.add_role("chief", superuser=True)
    store.add_role("worker")
    mirror.apply(LAKE, store.load_access())
    yield mirror
    with store.changing() as change:
        change.write(AccessRows(0))
    mirror.apply(LAKE, store.load_access())


def give(mirror: Mirror, store: Store, *texts: str, user: str = "chief", keep: bool = True) -> list[str]:
    return run(mirror, store, *map(AccessStatement, texts), user=user, keep=keep)


def run(
    mirror: Mirror, store: Store, *statements: AccessStatement, user: str = "chief", keep: bool = True
) -> list[str]:
    by = tuple(statement.run_by(user, user, "shop") for statement in statements)
    outcome = mirror.execute(
        store, AccessRequest(by, keep), Checks(lambda _role, _password: VERIFIER, lambda _before, _after: Judged())
    )
    return [answer.tag for answer in outcome.answers]


def ask(server: Server, mirror: Mirror, query: str) -> list[tuple[object, ...]]:
    with server.connect(mirror.database) as connection:
        return connection.execute(query.encode()).fetchall()


def policies(server: Server, mirror: Mirror) -> list[tuple[object, ...]]:
    return ask(server, mirror, "SELECT tablename, policyname, qual FROM pg_policies ORDER BY 1, 2")


EVERYTHING = (
    "CREATE ROLE team NOLOGIN CREATEROLE",
    "CREATE ROLE lead SUPERUSER BYPASSRLS VALID UNTIL '2031-01-01'",
    "GRANT team TO worker WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
    "GRANT USAGE ON SCHEMA shop TO team",
    "GRANT SELECT ON orders TO team WITH GRANT OPTION",
    "GRANT SELECT (id), UPDATE (region) ON regions TO team",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO team",
    "ALTER DEFAULT PRIVILEGES GRANT CREATE ON SCHEMAS TO team WITH GRANT OPTION",
    "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES FOR ROLE worker REVOKE USAGE ON TYPES FROM PUBLIC",
    "ALTER DEFAULT PRIVILEGES FOR ROLE worker GRANT USAGE ON SEQUENCES TO team",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO team",
    "ALTER TABLE regions OWNER TO worker",
    "CREATE POLICY own ON orders TO team, worker USING (region = current_user) WITH CHECK (id > 0)",
    "CREATE POLICY looked_up ON orders AS RESTRICTIVE FOR SELECT"
    " USING (region IN (SELECT r.region FROM shop.regions r WHERE r.id > 1) OR lakegate.claim('tenant') = region)",
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    "REVOKE EXECUTE ON FUNCTION lakegate.claim(text), lakegate.mask_email FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION lakegate.claim(text) TO worker WITH GRANT OPTION",
    "CREATE VIEW few AS SELECT id AS number FROM orders",
    "COMMENT ON TABLE orders IS 'what was bought'",
    "COMMENT ON COLUMN orders.id IS 'its number'",
    "COMMENT ON COLUMN few.number IS 'an id'",
    "COMMENT ON SCHEMA shop IS 'the shop'",
    "COMMENT ON POLICY own ON orders IS 'each his own'",
    "GRANT USAGE ON FOREIGN SERVER shop TO worker WITH GRANT OPTION",
    "ALTER ROLE worker SET search_path = shop, public",
    "ALTER ROLE team SET my.tenant = 'north'",
)
ON_THE_DATABASE = (
    "REVOKE CONNECT ON DATABASE {0} FROM PUBLIC",
    "ALTER DATABASE {0} SET datestyle = 'German', 'DMY'",
    "ALTER ROLE ALL SET work_mem = '1MB'",
    "ALTER ROLE worker IN DATABASE {0} SET work_mem = '2MB'",
    "GRANT CREATE, TEMPORARY ON DATABASE {0} TO worker WITH GRANT OPTION",
    "GRANT CONNECT ON DATABASE {0} TO team",
)
CATALOGUES = (
    "SELECT relname, relowner::regrole::text, relacl::text, relrowsecurity, relforcerowsecurity FROM pg_class"
    " WHERE relnamespace = 'shop'::regnamespace ORDER BY 1",
    "SELECT attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid > 16383 ORDER BY 1",
    "SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname = 'shop'",
    "SELECT defaclrole::regrole::text, defaclobjtype, defaclnamespace <> 0, defaclacl::text FROM pg_default_acl"
    " ORDER BY 1, 2, 3",
    "SELECT * FROM pg_policies ORDER BY policyname",
    "SELECT datacl::text FROM pg_database WHERE datname = current_database()",
    "SELECT srvname, srvacl::text FROM pg_foreign_server ORDER BY 1",
    "SELECT setdatabase = 0, setrole::regrole::text, setconfig FROM pg_db_role_setting"
    " WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) ORDER BY 1, 2",
    "SELECT proname, proacl::text FROM pg_proc WHERE pronamespace = 'lakegate'::regnamespace"
    " ORDER BY oid::regprocedure::text",
    "SELECT description FROM pg_description WHERE objoid > 16383 AND classoid::regclass::text IN"
    " ('pg_class', 'pg_namespace', 'pg_policy') ORDER BY 1",
    "SELECT roleid::regrole::text, member::regrole::text, admin_option, inherit_option, set_option FROM pg_auth_members"
    " WHERE roleid > 16383 ORDER BY 1, 2",
    "SELECT rolname, rolcanlogin, rolcreaterole, rolinherit FROM pg_roles WHERE oid > 16383 ORDER BY 1",
)


COMMENTS = (
    "SELECT description FROM pg_description d JOIN pg_class c ON c.oid = objoid WHERE relname = 'orders' ORDER BY 1"
)


def test_comments_stand_over_the_sources(server: Server, store: Store, lake: Mirror) -> None:
    """Whatever becomes of the tables: a source's own comment is seen again when the other is taken away."""
    table = lake_table("orders")
    columns = (replace(table.columns[0], comment="of the source"), *table.columns[1:])
    told = replace(table, comment="told by the source", columns=columns)
    lake.apply(catalog_of(told), store.load_access())
    assert ask(server, lake, COMMENTS) == [("of the source",), ("told by the source",)]
    give(lake, store, "COMMENT ON TABLE orders IS 'ours'", "COMMENT ON SCHEMA shop IS 'the shop'")
    assert ask(server, lake, COMMENTS) == [("of the source",), ("ours",)]
    lake.apply(catalog_of(replace(told, comment="told anew")), store.load_access())
    assert ask(server, lake, COMMENTS) == [("of the source",), ("ours",)]
    give(lake, store, "COMMENT ON COLUMN orders.id IS 'our id'", keep=False)
    give(lake, store, "COMMENT ON TABLE orders IS NULL", "COMMENT ON COLUMN orders.id IS NULL")
    assert ask(server, lake, COMMENTS) == [("of the source",), ("told anew",)]
    assert [(row.schema, row.table, row.text) for row in store.load_access().comments] == [("shop", "", "the shop")]
    lake.apply(catalog_of(), store.load_access())
    lake.apply(LAKE, store.load_access())
    assert ask(server, lake, "SELECT obj_description('shop'::regnamespace, 'pg_namespace')") == [("the shop",)]


def test_a_mirror_made_anew_is_the_same(server: Server, store: Store, lake: Mirror) -> None:
    """What the statements made is what the store makes: also the order of grants, who gave them, and policies."""
    give(lake, store, *EVERYTHING)
    with server.connect() as connection:
        connection.execute("SELECT 1")
    give(lake, store, "GRANT team TO worker WITH SET TRUE, INHERIT TRUE")
    give(lake, store, "GRANT USAGE ON SCHEMA shop TO worker")
    give(lake, store, "GRANT SELECT ON orders TO lead", user="worker")
    give(lake, store, *(text.format(lake.database) for text in ON_THE_DATABASE))
    give(lake, store, f"GRANT CREATE ON DATABASE {lake.database} TO team", user="worker")
    give(lake, store, "GRANT EXECUTE ON FUNCTION lakegate.claim TO team", user="worker")
    before = [ask(server, lake, query) for query in CATALOGUES]
    rows = store.load_access()
    other = open_mirror(server, store.require_secret("mirror"), f"{lake.database}_again")
    try:
        assert other.apply(LAKE, rows).notes == ()
        again = [ask(server, other, query) for query in CATALOGUES]
        for one, two in zip(before, again, strict=True):
            assert [tuple(map(_sorted_acl, row)) for row in one] == [tuple(map(_sorted_acl, row)) for row in two]
    finally:
        with server.connect(autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{other.database}" WITH (FORCE)')


def _sorted_acl(value: object) -> object:
    return sorted(value.strip("{}").split(",")) if isinstance(value, str) and value.startswith("{") else value


def test_nobody_is_a_superuser_of_the_server(server: Server, store: Store, lake: Mirror) -> None:
    give(lake, store, *EVERYTHING)
    roles = {role.name: role for role in store.load_access().roles}
    assert (roles["lead"].superuser, roles["lead"].bypass_row_security) == (True, True)
    assert roles["lead"].valid_until is not None
    query = "SELECT rolname FROM pg_authid WHERE (rolsuper OR rolbypassrls OR rolcreatedb OR rolreplication)"
    assert ask(server, lake, query) == [("lakegate",)]
    give(lake, store, "ALTER ROLE lead NOSUPERUSER", "ALTER ROLE worker SUPERUSER")
    members = (
        "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'lakegate_superusers'::regrole ORDER BY 1"
    )
    assert ask(server, lake, members) == [("chief",), ("worker",)]
    assert ask(server, lake, query) == [("lakegate",)]


def test_a_rehearsal_keeps_nothing(server: Server, store: Store, lake: Mirror) -> None:
    before = store.load_access()
    assert give(lake, store, *EVERYTHING, keep=False)[0] == "CREATE ROLE"
    assert store.load_access() == before
    assert ask(server, lake, "SELECT FROM pg_roles WHERE rolname = 'team'") == []


def test_all_or_nothing(server: Server, store: Store, lake: Mirror) -> None:
    before = store.load_access()
    with pytest.raises(SqlError) as caught:
        give(lake, store, "CREATE ROLE team", "GRANT SELECT ON orders TO team", "GRANT SELECT ON nothing TO team")
    assert caught.value.sqlstate is SqlState.UNDEFINED_TABLE
    assert store.load_access() == before
    assert ask(server, lake, "SELECT FROM pg_roles WHERE rolname = 'team'") == []


def test_the_store_is_the_truth_after_a_crash(server: Server, store: Store, lake: Mirror) -> None:
    """The mirror's connection is lost when the store has the change, and the mirror has not."""

    class Lost(Store):
        def changing(self, actor=None):  # type: ignore[no-untyped-def]
            parent = super().changing

            from contextlib import contextmanager

            @contextmanager
            def lost():  # type: ignore[no-untyped-def]
                with parent() as change:
                    yield change
                with server.connect(autocommit=True) as connection:
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = user",
                        (lake.database,),
                    )

            return lost()

    lost = Lost(server, store._database, store._engine)
    assert give(lake, lost, "CREATE ROLE team", "GRANT SELECT ON orders TO team") == ["CREATE ROLE", "GRANT"]
    assert ask(server, lake, "SELECT FROM pg_roles WHERE rolname = 'team'") == []
    assert Grant("team", "shop", "orders") in store.load_access().grants
    lake.apply(LAKE, store.load_access())
    assert ask(server, lake, "SELECT has_table_privilege('team', 'shop.orders', 'SELECT')") == [(True,)]


def test_a_mirror_that_lags_behind_catches_up_first(server: Server, store: Store, lake: Mirror) -> None:
    other = open_store(server, store._database)
    other.add_role("late")
    assert give(lake, store, "GRANT SELECT ON orders TO late") == ["GRANT"]
    other.close()


def test_policies_outlive_a_change_of_their_table(server: Server, store: Store, lake: Mirror) -> None:
    give(lake, store, *EVERYTHING[:4], "CREATE POLICY p ON orders USING (region = 'north')")
    give(lake, store, "CREATE POLICY q ON orders USING (EXISTS (SELECT FROM regions r WHERE r.region = orders.region))")
    give(lake, store, "GRANT SELECT ON orders TO team", "ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    before = policies(server, lake)
    wider = replace(lake_table("orders"), columns=(*lake_table("orders").columns, Column("new", "text", pa.string())))
    applied = lake.apply(catalog_of(wider, lake_table("regions")), store.load_access())
    assert (applied.changed, applied.broken) == (1, {})
    assert policies(server, lake) == before
    assert ask(server, lake, "SELECT relrowsecurity FROM pg_class WHERE oid = 'shop.orders'::regclass") == [(True,)]
    remade = replace(lake_table("regions"), comment="another")  # the policy that looks it up goes with the table
    assert lake.apply(catalog_of(wider, remade), store.load_access()).broken == {}
    assert policies(server, lake) == before


def test_a_draft_that_does_not_fit_any_more_denies_nothing(server: Server, store: Store, lake: Mirror) -> None:
    give(lake, store, "CREATE POLICY p ON orders USING (id = 1)")
    text = "CREATE POLICY q ON orders USING (region = 'north')"
    run(lake, store, AccessStatement(text, state=StateOfPolicy("q", "orders", PolicyState.DRAFT)))
    table = replace(lake_table("orders"), columns=lake_table("orders").columns[:1])
    applied = lake.apply(catalog_of(table, lake_table("regions")), store.load_access())
    assert (applied.broken, lake.broken) == ({}, {})
    assert [*lake.broken_drafts] == [(TableName("shop", "orders"), "q")]
    assert policies(server, lake) == [("orders", "p", "(id = 1)"), ("orders", "q", "false")]
    with pytest.raises(SqlError, match='policy "q" does not fit table "orders" any more') as caught:
        run(
            lake,
            store,
            AccessStatement("ALTER POLICY q ON orders", state=StateOfPolicy("q", "orders", PolicyState.ENFORCED)),
        )
    assert caught.value.detail == 'Column "region" does not exist.'
    give(lake, store, "ALTER POLICY q ON orders RENAME TO r")
    lake.apply(LAKE, store.load_access())
    assert lake.broken_drafts == {}
    kept = {policy.name: policy for policy in store.load_access().row_policies}
    assert kept["r"] == RowPolicy("shop", "orders", "r", using="(region = 'north'::text)", state=PolicyState.DRAFT)


def test_a_policy_that_does_not_fit_any_more(server: Server, store: Store, lake: Mirror) -> None:
    give(lake, store, "CREATE POLICY p ON orders USING (region = 'north')", "CREATE POLICY q ON orders USING (id = 1)")
    rows = store.load_access()
    table = lake_table("orders", region="integer")
    applied = lake.apply(catalog_of(table, lake_table("regions")), rows)
    assert applied.broken == lake.broken
    reason = applied.broken[TableName("shop", "orders")]
    assert reason.startswith('policy "p" does not fit the table any more: operator does not exist: integer = text')
    assert policies(server, lake) == [("orders", "p", "false"), ("orders", "q", "(id = 1)")]
    gone = replace(table, columns=table.columns[:1])
    again = lake.apply(catalog_of(gone, lake_table("regions")), rows)
    assert 'column "region" does not exist' in again.broken[TableName("shop", "orders")]
    give(lake, store, "GRANT SELECT ON orders TO worker", "ALTER POLICY p ON orders TO worker")
    kept = {policy.name: policy for policy in store.load_access().row_policies}
    assert kept["p"] == RowPolicy("shop", "orders", "p", roles=("worker",), using="(region = 'north'::text)")
    give(lake, store, "ALTER POLICY p ON orders USING (id = 2)")  # so its owner mends it
    assert lake.apply(catalog_of(gone, lake_table("regions")), store.load_access()).broken == {}
    lake.apply(catalog_of(lake_table("orders"), lake_table("regions")), rows)
    assert lake.broken == {}


def test_a_part_taken_from_all_tables_of_a_schema(server: Server, store: Store, lake: Mirror) -> None:
    store.grant(Grant("worker", "shop"))
    lake.apply(LAKE, store.load_access())
    give(lake, store, "GRANT SELECT ON orders TO worker")
    assert Grant("worker", "shop", ALL_TABLES) in store.load_access().grants
    give(lake, store, "REVOKE SELECT ON orders FROM worker")
    rows = store.load_access()
    tables = {grant.table for grant in rows.grants if grant.role == "worker" and grant.privilege == "SELECT"}
    assert tables == {"regions"}
    assert rows.default_privileges == (DefaultPrivilege("worker", "SELECT", None, "shop"),)


def test_default_privileges_are_for_tables_to_come(store: Store, lake: Mirror) -> None:
    give(lake, store, "CREATE ROLE team", "ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO team")
    assert not [grant for grant in store.load_access().grants if grant.role == "team"]
    assert store.adopt_tables([TableName("shop", "orders"), TableName("shop", "new"), TableName("other", "new")])
    assert [grant for grant in store.load_access().grants if grant.role == "team"] == [Grant("team", "shop", "new")]
    version = store.access_version()
    assert not store.adopt_tables([TableName("shop", "new")])
    assert store.access_version() == version


def test_default_privileges_are_for_schemas_to_come(store: Store, lake: Mirror) -> None:
    """A schema comes with the first of its tables; another table of it changes nothing."""
    store.adopt_tables([TableName("shop", "orders")])
    give(lake, store, "CREATE ROLE team", "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO team WITH GRANT OPTION")
    assert store.adopt_tables([TableName("shop", "new"), TableName("other", "new"), TableName("other", "newer")])
    held = [grant for grant in store.load_access().grants if grant.role == "team"]
    assert held == [Grant("team", "other", SCHEMA_ITSELF, USAGE, grantable=True)]
    assert store.adopt_tables([TableName("other", "newest")])
    assert [grant for grant in store.load_access().grants if grant.role == "team"] == held


REFUSED = [
    ("GRANT pg_write_all_data TO worker", "0A000"),
    ("GRANT worker TO lakegate", "42501"),
    ("GRANT lakegate TO worker", "42501"),
    ("GRANT lakegate_superusers TO worker", "42501"),
    ("REVOKE lakegate_superusers FROM chief", "42501"),
    ("ALTER ROLE lakegate PASSWORD NULL", "42501"),
    ("ALTER ROLE lakegate_superusers LOGIN", "42501"),
    ("ALTER ROLE pg_monitor RENAME TO mine", "42939"),
    ("ALTER ROLE worker RENAME TO postgres", "42939"),
    ("DROP ROLE lakegate", "2BP01"),
    ("CREATE ROLE lakegate", "42710"),
    ("CREATE ROLE x IN ROLE pg_write_server_files", "0A000"),
    ("CREATE ROLE x ADMIN lakegate", "42501"),
    ("CREATE ROLE x REPLICATION", "0A000"),
    ("ALTER ROLE lakegate SET search_path = x", "42501"),
    ("ALTER ROLE pg_monitor SET search_path = x", "42939"),
    ("ALTER ROLE worker IN DATABASE postgres SET search_path = x", "42501"),
    ("ALTER DATABASE postgres SET search_path = x", "42501"),
    ("ALTER ROLE ALL IN DATABASE postgres SET search_path = x", "42501"),
    ("GRANT SELECT ON pg_catalog.pg_authid TO worker", "42501"),
    ("GRANT SELECT ON pg_catalog.lakegate_mirror TO worker", "42501"),
    ("GRANT CREATE ON SCHEMA pg_catalog TO worker", "42501"),
    ("GRANT CREATE ON SCHEMA lakegate TO worker", "42501"),
    ("GRANT SET ON PARAMETER log_statement TO worker", "0A000"),
    ("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO worker", "0A000"),
    ("GRANT USAGE ON LANGUAGE plpgsql TO worker", "0A000"),
    ("GRANT USAGE ON FOREIGN DATA WRAPPER lakegate TO worker", "0A000"),
    ("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog TO worker", "0A000"),
    ("ALTER DEFAULT PRIVILEGES FOR ROLE lakegate GRANT EXECUTE ON FUNCTIONS TO worker", "42501"),
    ("ALTER DEFAULT PRIVILEGES FOR ROLE lakegate REVOKE USAGE ON TYPES FROM PUBLIC", "42501"),
    ("REASSIGN OWNED BY lakegate TO worker", "2BP01"),
    ("CREATE POLICY x ON pg_catalog.pg_class USING (true)", "42501"),
    ("ALTER TABLE pg_catalog.lakegate_mirror OWNER TO worker", "42501"),
    ("CREATE POLICY x ON orders USING (pg_read_file(region) = '')", "0A000"),
    ("CREATE POLICY x ON orders USING (current_setting('my.tenant') = region)", "0A000"),
    ("CREATE POLICY x ON orders USING (set_config('role', region, true) = '')", "0A000"),
    ("CREATE POLICY x ON orders USING (random() < 0.5)", "0A000"),
    ("CREATE POLICY x ON orders USING (lo_get(1) = '')", "0A000"),
    ("CREATE POLICY x ON orders USING (EXISTS (SELECT FROM pg_catalog.pg_stat_activity))", "0A000"),
    ("CREATE POLICY x ON orders USING (EXISTS (SELECT FROM pg_catalog.pg_ls_dir(region)))", "0A000"),
    ("CREATE POLICY x ON orders USING ((SELECT max(o.id) FROM orders o) = id)", "42P17"),
]


def test_what_nobody_may(store: Store, lake: Mirror) -> None:
    before = store.load_access()
    for statement, sqlstate in REFUSED:
        with pytest.raises(SqlError) as caught:
            give(lake, store, statement)
        assert str(caught.value.sqlstate) == sqlstate, f"{statement}: {caught.value.message}"
    assert store.load_access() == before


def test_policies_that_lead_back_to_their_table(store: Store, lake: Mirror) -> None:
    give(lake, store, "CREATE POLICY a ON orders USING (EXISTS (SELECT FROM regions))")
    with pytest.raises(SqlError) as caught:
        give(lake, store, "CREATE POLICY b ON regions USING (EXISTS (SELECT FROM orders))")
    assert caught.value.message == 'infinite recursion detected in policy for relation "regions"'
    give(lake, store, "CREATE POLICY b ON regions USING (id > 0)")
    with pytest.raises(SqlError):
        give(lake, store, "ALTER POLICY b ON regions USING ((SELECT count(*) FROM orders) > 0)")


def test_a_table_in_use(server: Server, store: Store, lake: Mirror) -> None:
    with server.connect(lake.database) as connection:
        connection.execute("LOCK TABLE shop.orders IN ACCESS SHARE MODE")
        give(lake, store, "GRANT SELECT ON orders TO worker")
        with pytest.raises(SqlError) as caught:
            give(lake, store, "CREATE POLICY p ON orders USING (true)")
        assert caught.value.sqlstate is SqlState.LOCK_NOT_AVAILABLE
        assert caught.value.hint is not None


def test_owners_and_writers_are_kept_out_of_the_mirror(server: Server, store: Store, lake: Mirror) -> None:
    """Relayed texts are judged by the gateway; what it let through by mistake changes nothing."""
    give(lake, store, "GRANT USAGE, CREATE ON SCHEMA shop TO worker", "ALTER TABLE orders OWNER TO worker")
    give(lake, store, "GRANT INSERT, UPDATE, DELETE, TRUNCATE ON regions TO worker", "ALTER ROLE worker CREATEROLE")
    parameters = server.connection_parameters(lake.database, "worker", lake.password("worker"))
    with psycopg.connect(**parameters, autocommit=True) as connection:
        for statement in (
            "INSERT INTO shop.orders VALUES (1, 'x')",
            "WITH w AS (INSERT INTO shop.regions VALUES (1, 'x') RETURNING id) SELECT * FROM w",
            "INSERT INTO shop.orders SELECT 1, 'x' WHERE false",
            "TRUNCATE shop.regions",
            "CREATE TABLE shop.mine (a int)",
            "SELECT 1 AS a INTO shop.mine",
            "CREATE VIEW shop.mine AS SELECT 1",
            "ALTER TABLE shop.orders ADD x int",
            "ALTER TABLE shop.orders DISABLE TRIGGER ALL",
            "DROP TABLE shop.orders",
            "GRANT SELECT ON shop.orders TO PUBLIC",
            "ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY",
            "COMMENT ON TABLE shop.orders IS 'x'",
            "SET event_triggers = off",
            "SET session_replication_role = replica",
        ):
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(statement.encode())
            assert caught.value.sqlstate in {"0A000", "42501"}, f"{statement}: {caught.value}"
        for statement in ("UPDATE shop.regions SET id = 1", "DELETE FROM shop.orders", "SELECT * FROM shop.orders"):
            with pytest.raises(psycopg.Error):
                connection.execute(statement.encode())
        row = connection.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal").fetchone()
        assert row == (0,)
