"""Views of sources are views for clients: listed, described, governed as tables are, and neither read nor changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.mirror.access_statements import AccessRequest, AccessStatement, Checks, Judged
from catalog.mirror.mirror import Mirror, open_mirror
from catalog.names import TableName
from catalog.server import Server
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows
from catalog.store.store import Store
from catalog.tables import Catalog, Column, Index, IndexKey, Table

DEFINITION = " SELECT orders.id\n   FROM public.orders\n  WHERE orders.secret <> 'hidden'::text;"
COLUMNS = (Column("id", "integer", pa.int32(), nullable=False), Column("Total", "numeric(15,2)", pa.decimal128(15, 2)))


def relation(name: str, relkind: str = "v", comment: str | None = None) -> Table:
    table = Table(TableName("shop", name), "shop", "postgres", ("public", name), COLUMNS)
    return replace(table, relkind=relkind, definition=DEFINITION if relkind != "r" else None, comment=comment)


def catalog_of(*tables: Table) -> Catalog:
    return Catalog(1, {table.name: table for table in tables}, {"shop": None})


TOTALS = relation("totals", comment="per order")
INDEX = Index("kept_id", (IndexKey("id"),))
KEPT = replace(relation("kept", "m", comment="as of yesterday"), rows=7, indexes=(INDEX,))
LAKE = catalog_of(relation("orders", "r"), TOTALS, KEPT)


@pytest.fixture
def lake(mirror: Mirror, store: Store) -> Iterator[Mirror]:
    store.add_role("chief", superuser=True)
    store.add_role("worker")
    mirror.apply(LAKE, store.load_access())
    yield mirror
    with store.changing() as change:
        change.write(AccessRows(0))
    mirror.apply(catalog_of(), store.load_access())


def give(mirror: Mirror, store: Store, *texts: str, user: str = "chief") -> None:
    by = tuple(AccessStatement(text).run_by(user, user, "shop") for text in texts)
    mirror.execute(
        store, AccessRequest(by, True), Checks(lambda _role, _password: "", lambda _before, _after: Judged())
    )


def ask(server: Server, mirror: Mirror, query: str, role: str | None = None) -> list[tuple[object, ...]]:
    password = mirror.password(role) if role else None
    with psycopg.connect(**server.connection_parameters(mirror.database, role, password)) as connection:
        return connection.execute(query.encode()).fetchall()


def kinds(server: Server, mirror: Mirror) -> dict[object, object]:
    asked = "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind <> 'i'"
    return {row[0]: row[1] for row in ask(server, mirror, asked)}


def test_each_is_what_it_is(server: Server, lake: Mirror, store: Store) -> None:
    assert kinds(server, lake) == {"orders": "r", "totals": "v", "kept": "m"}
    give(lake, store, "GRANT USAGE ON SCHEMA shop TO worker", "GRANT SELECT ON ALL TABLES IN SCHEMA shop TO worker")
    told = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1"
    assert ask(server, lake, told, "worker") == [("orders", "BASE TABLE"), ("totals", "VIEW")]
    assert ask(server, lake, "SELECT viewname FROM pg_views WHERE schemaname = 'shop'") == [("totals",)]
    assert ask(server, lake, "SELECT matviewname, ispopulated FROM pg_matviews WHERE schemaname = 'shop'") == [
        ("kept", False)
    ]
    columns = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attnum > 0 AND attrelid = "
    for name in ("totals", "kept"):
        assert ask(server, lake, f"{columns} 'shop.{name}'::regclass ORDER BY attnum") == [
            ("id", "integer"),
            ("Total", "numeric(15,2)"),
        ]
    comments = "SELECT obj_description('shop.totals'::regclass), obj_description('shop.kept'::regclass)"
    assert ask(server, lake, comments) == [("per order", "as of yesterday")]
    assert ask(server, lake, "SELECT reltuples FROM pg_class WHERE oid = 'shop.kept'::regclass") == [(-1,)]
    assert ask(server, lake, "SELECT indexname FROM pg_indexes WHERE schemaname = 'shop'") == [("kept_id",)]


@pytest.mark.parametrize("name", ["totals", "kept"])
@pytest.mark.parametrize("form", ["TABLE shop.{}", "SELECT count(*) FROM shop.{}", "COPY (TABLE shop.{}) TO STDOUT"])
def test_none_is_read(server: Server, lake: Mirror, name: str, form: str) -> None:
    with server.connect(lake.database) as connection, pytest.raises(psycopg.Error) as caught:
        if form.startswith("COPY"):
            with connection.cursor().copy(form.format(name).encode()) as copy:
                copy.read()
        else:
            connection.execute(form.format(name).encode()).fetchall()
    assert caught.value.sqlstate == "55000"
    assert "has not been populated" in str(caught.value)


@pytest.mark.parametrize("name", ["totals", "kept"])
@pytest.mark.parametrize(
    "asked",
    [
        "pg_get_viewdef('shop.{}'::regclass)",
        "pg_get_viewdef('shop.{}'::regclass, true)",
        "pg_get_viewdef('shop.{}'::regclass, 80)",
        "pg_get_viewdef('shop.{}')",
        "pg_get_viewdef('shop.{}', true)",
    ],
)
def test_the_sources_query_is_told_to_owners_and_superusers(
    server: Server, lake: Mirror, store: Store, asked: str, name: str
) -> None:
    give(lake, store, "GRANT USAGE ON SCHEMA shop TO worker", "GRANT SELECT ON ALL TABLES IN SCHEMA shop TO worker")
    query = f"SELECT {asked.format(name)}"
    assert ask(server, lake, query, "chief") == [(DEFINITION,)]
    ((told,),) = ask(server, lake, query, "worker")
    assert "view_of_source('shop'" in str(told)
    assert '"Total"' in str(told)
    assert "secret" not in str(told)
    give(lake, store, f"ALTER TABLE shop.{name} OWNER TO worker")
    assert ask(server, lake, query, "worker") == [(DEFINITION,)]


@pytest.mark.parametrize("view", ["pg_views", "pg_matviews", "information_schema.views"])
def test_no_list_of_views_tells_a_sources_query(server: Server, lake: Mirror, store: Store, view: str) -> None:
    give(lake, store, "GRANT USAGE ON SCHEMA shop TO worker", "GRANT SELECT ON ALL TABLES IN SCHEMA shop TO worker")
    rows = ask(server, lake, f"SELECT v::text FROM {view} v", "worker")
    assert rows
    assert not any("secret <>" in str(row) for row in rows)


@pytest.mark.parametrize("name", ["totals", "kept"])
def test_row_security_is_for_them_too(server: Server, lake: Mirror, store: Store, name: str) -> None:
    before = kinds(server, lake)
    give(
        lake,
        store,
        f"CREATE POLICY few ON shop.{name} FOR SELECT TO worker USING (id < 5)",
        f"ALTER TABLE shop.{name} ENABLE ROW LEVEL SECURITY",
    )
    rows = store.load_access()
    assert [(one.table, one.name, one.using) for one in rows.row_policies] == [(name, "few", "(id < 5)")]
    assert [(one.table, one.row_security) for one in rows.tables] == [(name, True)]
    assert kinds(server, lake) == before
    policies = "SELECT tablename, qual FROM pg_policies WHERE policyname = 'few'"
    assert ask(server, lake, policies) == [(name, "(id < 5)")]
    # And where its columns are others: it is made anew, with its policy.
    other = relation(name, str(before[name]), comment="another")
    lake.apply(catalog_of(*(other if one.name == other.name else one for one in LAKE.tables.values())), rows)
    assert (kinds(server, lake), ask(server, lake, policies)) == (before, [(name, "(id < 5)")])
    give(lake, store, f"ALTER POLICY few ON shop.{name} USING (id < 6)")
    assert ask(server, lake, policies) == [(name, "(id < 6)")]
    give(lake, store, f"DROP POLICY few ON shop.{name}", f"ALTER TABLE shop.{name} DISABLE ROW LEVEL SECURITY")
    assert (kinds(server, lake), ask(server, lake, policies)) == (before, [])
    assert store.load_access().row_policies == ()


@pytest.mark.parametrize("name", ["totals", "kept"])
def test_privileges_are_taken_where_policies_are_worked_on(
    server: Server, lake: Mirror, store: Store, name: str
) -> None:
    """PostgreSQL looks for the system columns of a table, which views have not."""
    privileges = "SELECT count(*) FROM pg_class c, aclexplode(relacl) a JOIN pg_roles r ON r.oid = a.grantee"
    held = f"{privileges} WHERE c.oid = 'shop.{name}'::regclass AND rolname = 'worker'"
    granted = f"GRANT SELECT, UPDATE ON shop.{name} TO worker"
    policy = f"CREATE POLICY few ON shop.{name} TO worker USING (true)"
    give(lake, store, granted, policy, f"REVOKE UPDATE ON shop.{name} FROM worker")
    assert ask(server, lake, held) == [(1,)]
    give(lake, store, "DROP OWNED BY worker")
    assert ask(server, lake, held) == [(0,)]
    assert ask(server, lake, "SELECT count(*) FROM pg_policy") == [(0,)]
    columns = f"SELECT count(*) FROM pg_attribute WHERE attrelid = 'shop.{name}'::regclass AND attnum < 0"
    assert ask(server, lake, columns) == [(0 if name == "totals" else 6,)]


@pytest.mark.parametrize("name", ["orders", "totals", "kept"])
@pytest.mark.parametrize("more", ["", " CASCADE"])
def test_what_a_source_brings_does_not_go_with_its_owner(
    server: Server, lake: Mirror, store: Store, name: str, more: str
) -> None:
    give(lake, store, f"ALTER TABLE shop.{name} OWNER TO worker", f"CREATE POLICY few ON shop.{name} USING (true)")
    before = kinds(server, lake)
    goes = AccessStatement(f"DROP OWNED BY worker{more}", drops_owned=True).run_by("chief", "chief", "shop")
    with pytest.raises(SqlError) as caught:
        lake.execute(
            store, AccessRequest((goes,), True), Checks(lambda _role, _password: "", lambda _before, _after: Judged())
        )
    assert caught.value.sqlstate == SqlState.FEATURE_NOT_SUPPORTED
    assert caught.value.message == f"dropping table shop.{name} is not supported"
    assert kinds(server, lake) == before
    assert ask(server, lake, "SELECT count(*) FROM pg_policy") == [(1,)]
    assert ask(server, lake, "SELECT count(*) FROM pg_partitioned_table") == [(0,)]
    give(lake, store, "REASSIGN OWNED BY worker TO chief")
    mine = AccessStatement("DROP OWNED BY worker", drops_owned=True).run_by("chief", "chief", "shop")
    lake.execute(
        store, AccessRequest((mine,), True), Checks(lambda _role, _password: "", lambda _before, _after: Judged())
    )
    assert kinds(server, lake) == before


def test_a_policy_goes_with_its_role(server: Server, lake: Mirror, store: Store) -> None:
    give(lake, store, "CREATE POLICY few ON shop.totals TO worker USING (true)")
    give(lake, store, "DROP OWNED BY worker", "DROP ROLE worker")
    assert ask(server, lake, "SELECT FROM pg_policies") == []
    assert kinds(server, lake)["totals"] == "v"


@pytest.mark.parametrize(
    "statement",
    [
        "DROP VIEW shop.totals",
        "ALTER VIEW shop.totals RENAME TO other",
        'ALTER VIEW shop.totals RENAME COLUMN "Total" TO other',
        "ALTER VIEW shop.totals SET SCHEMA public",
        "ALTER VIEW shop.totals SET (security_invoker = true)",
        'CREATE OR REPLACE VIEW shop.totals AS SELECT 1 AS id, 2::numeric(15,2) AS "Total"',
    ],
)
def test_clients_do_not_change_them(server: Server, lake: Mirror, store: Store, statement: str) -> None:
    with pytest.raises(SqlError) as caught:
        give(lake, store, statement)
    assert (caught.value.sqlstate, caught.value.message) == ("0A000", 'view "totals" cannot be changed')
    with pytest.raises(SqlError) as caught:
        give(lake, store, statement, user="worker")
    assert caught.value.sqlstate in {"42501", "42P01"}
    assert kinds(server, lake)["totals"] == "v"


def test_comments_privileges_and_views_over_them(server: Server, lake: Mirror, store: Store) -> None:
    give(
        lake,
        store,
        "COMMENT ON VIEW shop.totals IS 'mine'",
        "COMMENT ON COLUMN shop.totals.id IS 'number'",
        "GRANT SELECT (id) ON shop.totals TO worker",
        "CREATE VIEW shop.above AS SELECT t.id FROM shop.totals t JOIN shop.kept USING (id)",
    )
    rows = store.load_access()
    assert {(one.table, one.column, one.text) for one in rows.comments} == {
        ("totals", "", "mine"),
        ("totals", "id", "number"),
    }
    assert [(one.schema, one.name) for one in rows.views] == [("shop", "above")]
    comment = "SELECT obj_description('shop.totals'::regclass)"
    assert ask(server, lake, comment) == [("mine",)]
    give(lake, store, "COMMENT ON VIEW shop.totals IS NULL")
    assert ask(server, lake, comment) == [("per order",)]
    lake.apply(catalog_of(replace(TOTALS, definition="SELECT 2;"), KEPT), store.load_access())
    assert kinds(server, lake) == {"totals": "v", "kept": "m", "above": "v"}
    give(lake, store, "DROP VIEW shop.above", "REVOKE ALL ON shop.totals FROM worker")
    assert store.load_access().views == ()


def test_a_view_becomes_a_table_and_goes(server: Server, store: Store, lake: Mirror) -> None:
    lake.apply(catalog_of(relation("totals", "r"), relation("kept")), store.load_access())
    assert kinds(server, lake) == {"totals": "r", "kept": "v"}
    lake.apply(catalog_of(TOTALS, KEPT), store.load_access())
    assert kinds(server, lake) == {"totals": "v", "kept": "m"}
    other = open_mirror(server, b"s" * 32, lake.database)
    try:
        applied = other.apply(catalog_of(TOTALS, KEPT), store.load_access())
        assert (applied.created, applied.changed, applied.dropped) == (0, 0, 0)
        applied = other.apply(catalog_of(TOTALS), store.load_access())
        assert (applied.created, applied.changed, applied.dropped) == (0, 0, 1)
    finally:
        other.close()
