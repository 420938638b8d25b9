"""What the owner of a table may do to its masks, and what only officers may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.mask_library import OFFICER
from catalog.mirror.mirror import Mirror
from catalog.names import TableName
from catalog.principals import Principal
from catalog.sqlstate import SqlState
from catalog.store.rows import TableRights
from catalog.store.store import Store
from catalog.tables import Catalog, Column, Table
from gateway.officers.masking import MaskingCommands
from gateway.sql.resolve import Names

COLUMNS = (Column("mail", "text", pa.string(), identity="t/1"), Column("n", "integer", pa.int32(), identity="t/2"))
TABLES = tuple(Table(TableName("hr", name), "hr", "iceberg", (), COLUMNS) for name in ("people", "others"))
SECRET = Table(TableName("hr", "secret"), "hr", "iceberg", (), COLUMNS)
CATALOG = Catalog(1, {one.name: one for one in (*TABLES, SECRET)}, {"hr": None})
OWNER = Principal("bob", frozenset({"bob", "owners"}))
OLGA = Principal("olga", frozenset({"olga", OFFICER}))
Run = Callable[[str, Principal], str]


@pytest.fixture
def run(store: Store, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Carry out a statement as somebody; the role ``owners`` owns hr.people."""
    load = store.load_access
    owned = (TableRights("hr", "people", owner="owners"),)
    monkeypatch.setattr(store, "load_access", lambda: replace(load(), tables=owned))
    names = Names(CATALOG, frozenset(), ("hr",), lambda name: name != SECRET.name, "lake")
    return lambda text, principal: MaskingCommands(store, mirror).execute(text, principal, names)


def state(run: Run, text: str, principal: Principal) -> SqlState:
    with pytest.raises(SqlError) as caught:
        run(text, principal)
    return caught.value.sqlstate


def test_owners_and_officers(run: Run, store: Store) -> None:
    attach = "ALTER TABLE {} ALTER COLUMN mail SET MASKING POLICY p"
    assert run("CREATE MASKING POLICY p (v text) RETURNS text AS mask_email(v)", OLGA) == "CREATE MASKING POLICY"
    assert run("CREATE TAG t", OLGA) == "CREATE TAG"
    assert state(run, "CREATE TAG u", OWNER) == SqlState.INSUFFICIENT_PRIVILEGE

    assert run(attach.format("people"), OWNER) == "ALTER TABLE"
    assert store.load_access().column_masks[0].identities == ("t/1",)
    assert run("ALTER TABLE hr.people ALTER COLUMN mail UNSET MASKING POLICY", OWNER) == "ALTER TABLE"
    assert state(run, attach.format("others"), OWNER) == SqlState.INSUFFICIENT_PRIVILEGE
    assert state(run, attach.format("secret"), OWNER) == SqlState.UNDEFINED_TABLE  # he may not know of it
    assert state(run, attach.format("nothing"), OWNER) == SqlState.UNDEFINED_TABLE
    assert run(attach.format("secret"), OLGA) == "ALTER TABLE"

    assert run("ALTER TABLE people SET TAG t = 'x'", OWNER) == "ALTER TABLE"
    assert state(run, "ALTER SCHEMA hr SET TAG t = 'x'", OWNER) == SqlState.INSUFFICIENT_PRIVILEGE
    assert run("ALTER TAG t SET MASKING POLICY p", OLGA) == "ALTER TAG"
    # What a tag has decided is not the owner's: neither by another mask nor by taking the tag away.
    assert state(run, attach.format("people"), OWNER) == SqlState.INSUFFICIENT_PRIVILEGE
    assert state(run, "ALTER TABLE people UNSET TAG t", OWNER) == SqlState.INSUFFICIENT_PRIVILEGE
    assert run(attach.format("people"), OLGA) == "ALTER TABLE"
    assert run("ALTER TABLE people UNSET TAG t", OLGA) == "ALTER TABLE"
