"""The metadata store: roles, memberships, grants, versions, word of changes, the catalogue kept for the next start."""

from __future__ import annotations

import queue
import threading
from dataclasses import replace
from types import MappingProxyType

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.server import Server, ServerError
from catalog.sqlstate import SqlState
from catalog.store.connection import NEWEST_REVISION, open_engine
from catalog.store.listener import NAME, Ears
from catalog.store.migrate import alembic_config
from catalog.store.rows import SCHEMA_ITSELF, USAGE, Grant, Membership
from catalog.store.saved_catalog import pack_catalog, unpack_catalog
from catalog.store.schema import metadata
from catalog.store.store import Store, open_store
from catalog.tables import Catalog, Column, Constraint, Index, IndexKey, OwnedSequence, Partition, Table

VERIFIER = "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"


def refusal(call: object, *arguments: object, **named: object) -> SqlState:
    assert callable(call)
    with pytest.raises(SqlError) as caught:
        call(*arguments, **named)
    return caught.value.sqlstate


def test_roles_come_and_go(store: Store) -> None:
    store.add_role("ada", VERIFIER, superuser=True)
    store.add_role('Bob "B"', login=False)
    assert [(role.name, role.superuser, role.login) for role in store.list_roles()] == [
        ('Bob "B"', False, False),
        ("ada", True, True),
    ]
    assert store.get_verifier("ada") == VERIFIER
    assert store.get_verifier("nobody here") is None

    store.alter_role("ada", superuser=False)
    assert store.get_verifier("ada") == VERIFIER
    store.alter_role("ada", login=False)
    assert store.get_verifier("ada") is None  # a role that may not log in has no verifier to offer
    for name in ("ada", 'Bob "B"'):
        store.remove_role(name)
    assert store.list_roles() == ()


def test_what_a_role_cannot_be(store: Store) -> None:
    store.add_role("taken")
    assert refusal(store.add_role, "taken") == SqlState.DUPLICATE_OBJECT
    for name in ("public", "none", "pg_read_all_data", "lakegate"):
        assert refusal(store.add_role, name) == SqlState.RESERVED_NAME
    assert refusal(store.add_role, "é" * 32) == SqlState.NAME_TOO_LONG
    assert refusal(store.add_role, "") == SqlState.INVALID_NAME
    for call in (store.alter_role, store.remove_role):
        assert refusal(call, "absent") == SqlState.UNDEFINED_OBJECT
    with pytest.raises(sa.exc.IntegrityError):
        store.add_role("careless", "a password in clear")
    assert store.get_verifier("careless") is None


def test_another_role_of_the_server_is_not_taken(server: Server, store: Store) -> None:
    server.create_database("shop", "shop_owner", "secret")
    assert refusal(store.add_role, "shop_owner") == SqlState.DUPLICATE_OBJECT


def test_memberships_are_without_circles(store: Store) -> None:
    for name in ("one", "two", "three"):
        store.add_role(name)
    store.add_member("one", "two")
    store.add_member("two", "three")
    store.add_member("two", "three")
    assert refusal(store.add_member, "three", "one") == SqlState.INVALID_GRANT_OPERATION
    assert refusal(store.add_member, "one", "one") == SqlState.INVALID_GRANT_OPERATION
    assert refusal(store.add_member, "one", "absent") == SqlState.UNDEFINED_OBJECT
    assert store.load_access().memberships == (Membership("one", "two"), Membership("two", "three"))
    assert store.remove_member("one", "two")
    assert not store.remove_member("one", "two")
    store.remove_role("three")
    assert store.load_access().memberships == ()


def test_grants(store: Store) -> None:
    store.add_role("reader")
    given = [Grant("public", "open"), Grant("reader", "sales", "orders", grantor="ada"), Grant("reader", "sales")]
    usages = [Grant("public", "open", SCHEMA_ITSELF, USAGE), Grant("reader", "sales", SCHEMA_ITSELF, USAGE)]
    store.grant(*given)
    store.grant(*given)
    assert set(store.load_access().grants) == {*given, *usages}
    assert refusal(store.grant, Grant("absent", "sales")) == SqlState.UNDEFINED_OBJECT
    assert refusal(store.grant, Grant("reader", "sales", privilege="UPDATE")) == SqlState.INVALID_GRANT_OPERATION
    assert store.revoke(Grant("reader", "sales", "orders"), Grant("reader", "sales", "other")) == 1
    assert Grant("reader", "sales") in store.load_access().grants
    store.remove_role("reader")
    assert set(store.load_access().grants) == {Grant("public", "open"), usages[0]}
    store.revoke(Grant("public", "open"), usages[0])


def test_a_change_that_fails_changes_nothing(store: Store) -> None:
    store.add_role("careful")
    before = store.load_access()
    assert refusal(store.grant, Grant("careful", "sales"), Grant("absent", "sales")) == SqlState.UNDEFINED_OBJECT
    assert store.load_access() == before


def test_every_change_has_a_version_of_its_own(store: Store) -> None:
    store.add_role("shared")
    begin = store.access_version()
    workers = [threading.Thread(target=store.grant, args=(Grant("shared", f"schema{number}"),)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    access = store.load_access()
    assert access.version == store.access_version() == begin + 8
    assert sum(grant.role == "shared" and grant.privilege == "SELECT" for grant in access.grants) == 8


def test_other_gateways_hear_of_changes(server: Server, store: Store) -> None:
    heard: queue.Queue[int] = queue.Queue()
    other = open_store(server, "store_test_store")
    listener = other.listen(Ears(heard.put))
    try:
        assert heard.get(timeout=5) == store.access_version()
        store.add_role("news")
        assert heard.get(timeout=5) == store.access_version()
        with server.connect() as connection:  # a lost connection is made again, and what was missed is told
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND datname = %s",
                (NAME, "store_test_store"),
            )
        store.remove_role("news")
        assert heard.get(timeout=5) == store.access_version()
    finally:
        listener.close()
        other.close()


def test_settings_and_secrets(server: Server, store: Store) -> None:
    assert store.get_setting("colour") is None
    store.set_setting("colour", "green")
    store.set_setting("colour", "blue")
    assert store.get_setting("colour") == "blue"
    secret = store.require_secret("mirror")
    assert len(secret) == 32
    again = open_store(server, "store_test_store")
    assert again.require_secret("mirror") == secret
    assert again.require_secret("other") != secret
    again.close()


def test_the_migrations_make_what_the_code_expects(server: Server) -> None:
    engines: list[sa.Engine] = []
    openers = [threading.Thread(target=lambda: engines.append(open_engine(server, "store_migrated"))) for _ in range(3)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert len(engines) == 3  # gateways that start at once wait for each other
    with engines[0].connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == NEWEST_REVISION
    for engine in engines:
        engine.dispose()


def test_what_a_newer_version_made_is_left_alone(server: Server) -> None:
    open_engine(server, "store_of_tomorrow").dispose()
    with server.connect("store_of_tomorrow") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ServerError, match="revision 9999 by a newer version of Lakegate"):
        open_engine(server, "store_of_tomorrow")
    with server.connect("store_of_tomorrow") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def catalog_of_all_sorts() -> Catalog:
    types = [
        pa.int64(),
        pa.decimal128(15, 2),
        pa.timestamp("us", tz="Europe/Vienna"),
        pa.list_(pa.field("element", pa.int32(), nullable=False)),
        pa.struct([pa.field("a b", pa.string()), pa.field("ü", pa.map_(pa.string(), pa.date32()))]),
        pa.dictionary(pa.int32(), pa.string()),
        pa.binary(16),
    ]
    columns = tuple(Column(f"c{n}", "text", kind, n % 2 == 0, "ä\n'" if n else None) for n, kind in enumerate(types))
    columns = (*columns, Column("g", "text", pa.string(), default="(c0 + 1)", generated="s"))
    columns = (*columns, Column("i", "integer", pa.int32(), sequence=OwnedSequence("s", "a", "integer", 1, 1, 1, 9)))
    table = Table(
        TableName("sales", 'Odd "name"'),
        "sales",
        "delta",
        ("file:///x", ""),
        columns,
        "comment",
        rows=10**12,
        constraints=(Constraint("pk", "p", "PRIMARY KEY (c0)"),),
        indexes=(
            Index(
                "i", (IndexKey("a", descending=True), IndexKey(None, "lower(a)")), included=("b",), predicate="(a > 0)"
            ),
        ),
    )
    bare = Table(TableName("sales", "bare"), "sales", "files", (), ())
    bare = replace(bare, partitioned_by="RANGE (a)", partition=Partition(TableName("sales", "all"), "DEFAULT"))
    return Catalog(
        7,
        MappingProxyType({table.name: table, bare.name: bare}),
        MappingProxyType({"sales": "all of it", "empty": None}),
        MappingProxyType({TableName("sales", "broken"): "no log"}),
        MappingProxyType({}),
        ("sales", "supply"),
    )


def test_the_last_catalogue_is_kept(store: Store) -> None:
    assert store.load_catalog("never") is None
    catalog = catalog_of_all_sorts()
    store.save_catalog(Catalog(1, {}, {}))
    store.save_catalog(catalog)
    assert store.load_catalog() == catalog


def test_a_catalogue_of_another_version_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.store.saved_catalog._FORMAT", 99)
    packed = pack_catalog(catalog_of_all_sorts())
    monkeypatch.undo()
    assert unpack_catalog(packed) is None


def test_the_newest_revision_is_the_last_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == NEWEST_REVISION
