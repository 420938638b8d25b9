"""The mark of the gateway's roles: it leaves their comments free, and outlives upgrades and restores."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command

from catalog.mirror.mirror import Mirror, open_mirror
from catalog.server import Server
from catalog.store.connection import open_engine
from catalog.store.migrate import alembic_config
from catalog.store.rows import AccessRows, Membership
from catalog.store.store import MIRROR_MARK, Store
from catalog.tables import Catalog

LAKE = Catalog(1, {}, {})
MARKED = """
SELECT r.rolname FROM pg_roles r WHERE shobj_description(r.oid, 'pg_shdescription') = %s AND r.rolname ~ '^marked_'
"""
COMMENTS = "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname ~ '^marked_' ORDER BY 1"
DANGLING = """
SELECT count(*) FROM pg_shdescription d
WHERE d.classoid = 'pg_shdescription'::regclass AND d.objoid NOT IN (SELECT oid FROM pg_authid)
"""


@pytest.fixture
def owner(server: Server) -> Iterator[psycopg.Connection]:
    with server.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture
def shown(mirror: Mirror, store: Store) -> Iterator[Mirror]:
    """A mirror that is left without roles."""
    yield mirror
    with store.changing() as change:
        change.write(AccessRows(0))
    mirror.apply(LAKE, store.load_access())


def marked(owner: psycopg.Connection) -> set[str]:
    return {name for (name,) in owner.execute(MARKED, (MIRROR_MARK,)).fetchall()}


def test_marks_of_former_versions_are_moved(server: Server, owner: psycopg.Connection) -> None:
    server.ensure_database("store_former")
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: server.connect("store_former"))
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0014")
    engine.dispose()
    owner.execute("CREATE ROLE marked_ours; CREATE ROLE marked_stranger")
    try:
        owner.execute(f"COMMENT ON ROLE marked_ours IS '{MIRROR_MARK}'".encode())
        owner.execute("COMMENT ON ROLE marked_stranger IS 'of the owner of a source'")
        open_engine(server, "store_former").dispose()
        assert marked(owner) == {"marked_ours"}
        comments = owner.execute(COMMENTS).fetchall()
        assert comments == [("marked_ours", None), ("marked_stranger", "of the owner of a source")]
    finally:
        owner.execute("DROP ROLE marked_ours, marked_stranger")
        owner.execute("DROP DATABASE store_former WITH (FORCE)")


def test_roles_of_a_restored_server_are_known_by_their_passwords(
    shown: Mirror, store: Store, owner: psycopg.Connection
) -> None:
    """pg_dumpall leaves the mark out; a role that somebody else has made stays his."""
    store.add_role("marked_ours")
    shown.apply(LAKE, store.load_access())
    assert marked(owner) == {"marked_ours"}
    owner.execute("DELETE FROM pg_shdescription WHERE objoid = 'marked_ours'::regrole")
    owner.execute("CREATE ROLE marked_stranger PASSWORD 'of his own'")
    try:
        with store.changing() as change:
            change.write(AccessRows(0, (*change.before.roles, type(change.before.roles[0])("marked_stranger"))))
        shown.apply(LAKE, store.load_access())
        assert marked(owner) == {"marked_ours"}
        store.remove_role("marked_stranger")
        shown.apply(LAKE, store.load_access())
        assert owner.execute("SELECT FROM pg_roles WHERE rolname = 'marked_stranger'").fetchone() is not None
    finally:
        owner.execute("DROP ROLE marked_stranger")


def test_the_marks_of_dropped_roles_are_dropped(shown: Mirror, store: Store, owner: psycopg.Connection) -> None:
    store.add_role("marked_by_us")
    store.add_role("marked_by_hand")
    shown.apply(LAKE, store.load_access())
    owner.execute("DROP ROLE marked_by_hand")  # by the owner of the metadata server
    store.remove_role("marked_by_us")
    store.remove_role("marked_by_hand")
    shown.apply(LAKE, store.load_access())
    assert owner.execute(DANGLING).fetchone() == (0,)


def test_the_table_of_former_versions_is_dropped(server: Server, mirror: Mirror, store: Store) -> None:
    with mirror.change() as connection:
        connection.execute("SET LOCAL allow_system_table_mods = on")
        connection.execute("CREATE TABLE pg_catalog.lakegate_lent (node uuid, role text, member text)")
    open_mirror(server, store.require_secret("mirror"), mirror.database).close()
    with server.connect(mirror.database) as connection:
        assert connection.execute("SELECT to_regclass('pg_catalog.lakegate_lent')").fetchone() == (None,)


def test_memberships_lent_by_a_gateway_of_another_database_stay(
    server: Server, shown: Mirror, store: Store, owner: psycopg.Connection
) -> None:
    """Roles are one set for all databases of the server, and so are memberships."""
    store.add_role("marked_team")
    store.add_role("marked_member")
    shown.apply(LAKE, store.load_access())
    elsewhere = open_mirror(server, store.require_secret("mirror"), "lent_elsewhere")
    lent = Membership("marked_team", "marked_member", set_role=False)

    def is_member() -> bool:
        row = owner.execute("SELECT pg_has_role('marked_member', 'marked_team', 'MEMBER')").fetchone()
        return row == (True,)

    try:
        elsewhere.apply(LAKE, store.load_access())
        shown.lend([lent])
        assert is_member()
        store.add_role("marked_other")  # so that there is something to change
        elsewhere.apply(LAKE, store.load_access())
        assert is_member()
        shown.apply(LAKE, store.load_access(), [lent])
        assert is_member()
        elsewhere.apply(Catalog(2, {}, {"new": None}), store.load_access())
        assert is_member()
        shown.apply(LAKE, store.load_access())  # the session has ended
        assert not is_member()
    finally:
        elsewhere.close()
        owner.execute("DROP DATABASE lent_elsewhere WITH (FORCE)")
