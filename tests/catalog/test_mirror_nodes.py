"""Several gateways on one metadata server: the mirror never goes back to what it showed before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.mirror.access_statements import AccessRequest, AccessStatement, Checks, Judged
from catalog.mirror.connections import CHANGE_LOCK
from catalog.mirror.mirror import Mirror, open_mirror
from catalog.names import TableName
from catalog.server import Server
from catalog.sqlstate import SqlState
from catalog.store.rows import AccessRows, Grant, Membership
from catalog.store.store import Store
from catalog.tables import Catalog, Column, Table

ORDERS = TableName("shop", "orders")


def lake_table(name: str) -> Table:
    columns = (Column("id", "integer", pa.int32()), Column("region", "text", pa.string()))
    return Table(TableName("shop", name), "shop", "delta", (), columns)


def catalog_of(*names: str) -> Catalog:
    return Catalog(1, {table.name: table for table in map(lake_table, names)}, {"shop": None})


LAKE = catalog_of("orders", "regions")


@pytest.fixture
def nodes(mirror: Mirror, server: Server, store: Store) -> Iterator[tuple[Mirror, Mirror]]:
    """Two gateways' mirrors: one database, each with what it knows of it."""
    store.add_role("node_chief", superuser=True)
    store.add_role("node_reader")
    other = open_mirror(server, store.require_secret("mirror"), mirror.database)
    mirror.apply(LAKE, store.load_access())
    other.apply(LAKE, store.load_access())
    yield mirror, other
    other.close()
    with store.changing() as change:
        change.write(AccessRows(0))
    mirror.apply(LAKE, store.load_access())


def give(mirror: Mirror, store: Store, *texts: str, keep: bool = True) -> None:
    statements = tuple(AccessStatement(text).run_by("node_chief", "node_chief", "shop") for text in texts)
    mirror.execute(
        store, AccessRequest(statements, keep), Checks(lambda _role, _password: "", lambda _before, _after: Judged())
    )


def may(server: Server, mirror: Mirror, privilege: str, role: str = "node_reader") -> bool:
    query = "SELECT has_table_privilege(%s, 'shop.orders', %s)"
    with server.connect(mirror.database) as connection:
        return connection.execute(query, (role, privilege)).fetchone() == (True,)


@contextmanager
def held(server: Server) -> Iterator[Callable[[int], None]]:
    """Hold the lock of all changes; what is yielded waits until so many changes wait for it."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"

    def wait_for(count: int) -> None:
        deadline = time.monotonic() + 10
        while guard.execute(waiting, (CHANGE_LOCK,)).fetchone() != (count,):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    with server.connect(autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (CHANGE_LOCK,))
        yield wait_for


def test_older_rows_do_not_take_back_what_was_given(server: Server, store: Store, nodes: tuple[Mirror, Mirror]) -> None:
    one, other = nodes
    store.grant(Grant("node_reader", "shop", "regions"))
    older = store.load_access()  # what the other gateway has read, and is about to show
    first = threading.Thread(target=give, args=(one, store, "GRANT SELECT ON shop.orders TO node_reader"))
    second = threading.Thread(target=other.apply, args=(LAKE, older), kwargs={"newest": store.load_access})
    with held(server) as wait_for:
        first.start()
        wait_for(1)
        second.start()
        wait_for(2)  # they come in this order
    first.join()
    second.join()
    assert may(server, one, "SELECT")
    give(one, store, "GRANT INSERT ON shop.orders TO node_reader")  # reads what the mirror has of this table
    held_now = {grant.privilege for grant in store.load_access().grants if grant.table == "orders"}
    assert held_now == {"SELECT", "INSERT"}


def test_older_rows_do_not_give_back_what_was_taken(server: Server, store: Store, nodes: tuple[Mirror, Mirror]) -> None:
    one, other = nodes
    give(one, store, "GRANT SELECT ON shop.orders TO node_reader")
    older = store.load_access()
    give(one, store, "REVOKE SELECT ON shop.orders FROM node_reader")
    applied = other.apply(LAKE, older, newest=store.load_access)
    assert applied.version == store.access_version() > older.version
    assert not may(server, one, "SELECT")
    give(one, store, "GRANT INSERT ON shop.orders TO node_reader")
    held_now = {grant.privilege for grant in store.load_access().grants if grant.table == "orders"}
    assert held_now == {"INSERT"}


def test_roles_that_another_gateway_has_just_made_are_not_dropped(
    server: Server, store: Store, nodes: tuple[Mirror, Mirror]
) -> None:
    """They are one set for all databases of the server, and what is shown is known by database."""
    elsewhere = open_mirror(server, store.require_secret("mirror"), "elsewhere")
    try:
        older = store.load_access()
        elsewhere.apply(LAKE, older, newest=partial(store.load_newer_access, older))
        give(nodes[0], store, "CREATE ROLE node_new LOGIN")
        query = "SELECT oid FROM pg_roles WHERE rolname = 'node_new'"
        with server.connect() as connection:
            made = connection.execute(query).fetchone()
        applied = elsewhere.apply(catalog_of("orders"), older, newest=partial(store.load_newer_access, older))
        assert applied.version == store.access_version()
        with server.connect() as connection:
            assert connection.execute(query).fetchone() == made is not None
        assert "node_new" in nodes[0].roles & elsewhere.roles
    finally:
        elsewhere.close()
        with server.connect(autocommit=True) as connection:
            connection.execute("DROP DATABASE elsewhere WITH (FORCE)")


def test_a_role_without_rights_is_dropped_although_other_mirrors_show_what_it_had(
    server: Server, store: Store, nodes: tuple[Mirror, Mirror]
) -> None:
    """Their gateways may be slow to hear of it, or not run at all."""
    here = nodes[0]
    elsewhere = open_mirror(server, store.require_secret("mirror"), "elsewhere")
    try:
        give(here, store, "CREATE ROLE node_gone")
        give(here, store, "GRANT SELECT ON shop.orders TO node_gone")
        give(here, store, "GRANT USAGE ON SCHEMA shop TO node_gone")
        give(here, store, "CREATE POLICY gone ON shop.orders TO node_gone, node_reader USING (true)")
        elsewhere.apply(LAKE, store.load_access())
        with pytest.raises(SqlError) as caught:  # here it has something, and keeps it everywhere
            give(here, store, "DROP ROLE node_gone")
        assert caught.value.sqlstate == SqlState.DEPENDENT_OBJECTS_STILL_EXIST
        assert may(server, elsewhere, "SELECT", "node_gone")
        give(here, store, "DROP OWNED BY node_gone")
        assert may(server, elsewhere, "SELECT", "node_gone")
        give(here, store, "DROP ROLE node_gone")
        assert "node_gone" not in {role.name for role in store.load_access().roles}
        with server.connect("elsewhere") as connection:
            query = "SELECT roles FROM pg_policies WHERE policyname = 'gone'"
            assert connection.execute(query).fetchone() == (["node_reader"],)
    finally:
        elsewhere.close()
        with server.connect(autocommit=True) as connection:
            connection.execute("DROP DATABASE elsewhere WITH (FORCE)")


def test_a_role_goes_with_all_it_had_although_other_mirrors_show_it(
    server: Server, store: Store, nodes: tuple[Mirror, Mirror]
) -> None:
    """In one change; where that is rehearsed, or fails behind it, the other mirror shows what it has shown."""
    here = nodes[0]
    goes = ("DROP OWNED BY node_all", "DROP ROLE node_all")
    elsewhere = open_mirror(server, store.require_secret("mirror"), "elsewhere")
    try:
        give(here, store, "CREATE ROLE node_all")
        give(here, store, "GRANT SELECT ON shop.orders TO node_all", "GRANT USAGE ON SCHEMA shop TO node_all")
        give(here, store, "CREATE POLICY every ON shop.orders TO node_all, node_reader USING (true)")
        elsewhere.apply(LAKE, store.load_access())
        give(here, store, *goes, keep=False)
        assert may(server, elsewhere, "SELECT", "node_all")
        assert may(server, here, "SELECT", "node_all")
        with pytest.raises(SqlError) as caught:
            give(here, store, *goes, "GRANT SELECT ON shop.nothing TO node_reader")
        assert caught.value.sqlstate == SqlState.UNDEFINED_TABLE
        assert may(server, elsewhere, "SELECT", "node_all")
        with pytest.raises(SqlError) as caught:
            give(here, store, "REVOKE SELECT ON shop.orders FROM node_all", "DROP ROLE node_all")
        assert caught.value.sqlstate == SqlState.DEPENDENT_OBJECTS_STILL_EXIST
        assert may(server, elsewhere, "SELECT", "node_all")
        give(here, store, *goes)
        assert "node_all" not in {role.name for role in store.load_access().roles}
        with server.connect("elsewhere") as connection:
            query = "SELECT roles FROM pg_policies WHERE policyname = 'every'"
            assert connection.execute(query).fetchone() == (["node_reader"],)
            acl = connection.execute("SELECT relacl::text FROM pg_class WHERE oid = 'shop.orders'::regclass").fetchone()
            assert acl is not None and not any(part[:1].isdigit() for part in str(acl[0]).strip("{}").split(","))
    finally:
        elsewhere.close()
        with server.connect(autocommit=True) as connection:
            connection.execute("DROP DATABASE elsewhere WITH (FORCE)")


def test_a_role_with_rights_on_what_only_another_lake_has_is_not_dropped(
    server: Server, store: Store, nodes: tuple[Mirror, Mirror]
) -> None:
    here = nodes[0]
    elsewhere = open_mirror(server, store.require_secret("mirror"), "elsewhere")
    try:
        elsewhere.apply(catalog_of("orders", "customers"), store.load_access())
        give(here, store, "CREATE ROLE node_there")
        give(elsewhere, store, "GRANT SELECT ON shop.customers TO node_there")
        with pytest.raises(SqlError) as caught:
            give(here, store, "DROP ROLE node_there")
        assert caught.value.sqlstate == SqlState.DEPENDENT_OBJECTS_STILL_EXIST
        for keep in (False, True):
            with pytest.raises(SqlError) as caught:
                give(here, store, "DROP OWNED BY node_there", "DROP ROLE node_there", keep=keep)
            assert caught.value.sqlstate == SqlState.DEPENDENT_OBJECTS_STILL_EXIST
        with server.connect("elsewhere", autocommit=True) as connection:
            query = "SELECT has_table_privilege('node_there', 'shop.customers', 'SELECT')"
            assert connection.execute(query).fetchone() == (True,)
        give(elsewhere, store, "DROP OWNED BY node_there")
        give(here, store, "DROP ROLE node_there")
    finally:
        elsewhere.close()
        with server.connect(autocommit=True) as connection:
            connection.execute("DROP DATABASE elsewhere WITH (FORCE)")


def test_what_another_gateway_made_of_the_mirror_is_not_taken_for_ones_own(
    server: Server, store: Store, nodes: tuple[Mirror, Mirror]
) -> None:
    """Without a word to the store: as by a gateway that ended between its two commits."""
    one, other = nodes
    give(one, store, "GRANT SELECT ON shop.orders TO node_reader")
    before = store.load_access()
    other.apply(LAKE, AccessRows(before.version, before.roles))  # the mirror lacks the grant, the store has it
    assert not may(server, one, "SELECT")
    give(one, store, "GRANT INSERT ON shop.orders TO node_reader")
    held_now = {grant.privilege for grant in store.load_access().grants if grant.table == "orders"}
    assert held_now == {"SELECT", "INSERT"}


def test_a_gateway_that_has_not_looked_at_the_sources_leaves_the_tables_that_another_made(
    server: Server, store: Store, nodes: tuple[Mirror, Mirror]
) -> None:
    one, other = nodes
    one.apply(catalog_of("orders", "regions", "returns"), store.load_access())
    give(other, store, "GRANT SELECT ON shop.orders TO node_reader")
    with server.connect(one.database) as connection:
        assert connection.execute("SELECT to_regclass('shop.returns') IS NULL").fetchone() == (False,)
    give(one, store, "GRANT SELECT ON shop.returns TO node_reader")
    for _ in range(2):  # also when the other gateway was the last to change the mirror
        store.grant(Grant("node_reader", "shop", "regions", "SELECT"))
        other.apply(LAKE, store.load_access())
        with server.connect(one.database) as connection:
            assert connection.execute("SELECT to_regclass('shop.returns') IS NULL").fetchone() == (False,)
    other.apply(catalog_of("orders", "regions", "returns"), store.load_access())
    other.apply(LAKE, store.load_access())  # it has looked, and the table is gone
    with server.connect(one.database) as connection:
        assert connection.execute("SELECT to_regclass('shop.returns')").fetchone() == (None,)


def test_memberships_lent_by_one_gateway_outlast_changes_of_another(
    server: Server, store: Store, nodes: tuple[Mirror, Mirror]
) -> None:
    one, other = nodes
    store.add_role("node_team")
    rows = store.load_access()
    one.apply(LAKE, rows)
    lent = [Membership("node_team", "node_reader", set_role=False)]
    one.lend(lent)
    give(other, store, "GRANT SELECT ON shop.orders TO node_team")
    assert may(server, one, "SELECT")
    assert not store.load_access().memberships  # it is not taken for given
    other.apply(LAKE, store.load_access())
    assert may(server, one, "SELECT")
    one.apply(LAKE, store.load_access())  # the session has ended
    assert not may(server, one, "SELECT")


def backends(server: Server, mirror: Mirror) -> set[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
    with server.connect(autocommit=True) as connection:
        return {pid for (pid,) in connection.execute(query, (mirror.database,)).fetchall()}


def test_connections_are_kept_as_they_were_made_and_replaced_when_they_broke(
    server: Server, store: Store, nodes: tuple[Mirror, Mirror]
) -> None:
    one, other = nodes
    other.close()
    kept = backends(server, one)
    give(one, store, "GRANT SELECT ON shop.orders TO node_reader")
    with pytest.raises(SqlError, match="does not exist"):
        give(one, store, "GRANT SELECT ON shop.missing TO node_reader")
    assert backends(server, one) == kept != set()
    with one.change() as connection:
        settings = "SELECT session_user, current_user, current_setting('search_path'), current_setting('lock_timeout')"
        assert connection.execute(settings).fetchone() == (server.superuser, server.superuser, "", "1s")
    with server.connect(autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    store.access_version()  # its own connections are checked, too
    give(one, store, "REVOKE SELECT ON shop.orders FROM node_reader")
    assert not may(server, one, "SELECT")
    assert backends(server, one).isdisjoint(kept)
