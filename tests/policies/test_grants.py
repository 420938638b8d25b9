"""Roles and grants as values: who is a member of what, who may read what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.names import TableName
from catalog.principals import Principal
from catalog.store.rows import AccessRows, Grant, Membership, Role
from catalog.tables import Catalog, Table
from policies.grants import Grants
from policies.roles import Roles

ORDERS = TableName("sales", "orders")
LINES = TableName("sales", "lines")
PARTS = TableName("supply", "parts")
ROWS = AccessRows(
    version=5,
    roles=(Role("ada", superuser=True), Role("bob"), Role("cyd"), Role("team"), Role("firm")),
    memberships=(Membership("team", "bob"), Membership("firm", "team"), Membership("ada", "cyd")),
    grants=(Grant("firm", "sales", "orders"), Grant("cyd", "supply"), Grant("public", "open", "notes")),
)
ROLES = Roles.from_rows(ROWS)
GRANTS = Grants.from_rows(ROWS)


def principal(name: str) -> Principal:
    found = ROLES.get_principal(name)
    assert found is not None
    return found


def test_members_have_the_roles_above_them() -> None:
    assert principal("bob").roles == {"bob", "team", "firm"}
    assert principal("firm").roles == {"firm"}
    assert ROLES.get_principal("absent") is None


def test_being_superuser_is_not_inherited() -> None:
    assert principal("ada").superuser
    assert not principal("cyd").superuser
    assert not GRANTS.may_select(principal("cyd"), ORDERS)


def test_deny_by_default() -> None:
    assert not Grants().may_select(principal("bob"), ORDERS)
    assert GRANTS.may_select(principal("bob"), ORDERS)
    assert not GRANTS.may_select(principal("bob"), LINES)
    assert not GRANTS.may_select(principal("bob"), PARTS)
    assert GRANTS.may_select(principal("ada"), LINES)
    assert GRANTS.version == 5


def test_a_schema_grants_all_its_tables_and_no_others() -> None:
    assert GRANTS.may_select(principal("cyd"), PARTS)
    assert GRANTS.may_select(principal("cyd"), TableName("supply", "made later"))
    assert not GRANTS.may_select(principal("cyd"), TableName("supply2", "parts"))


def test_public_is_everybody() -> None:
    for role in ROWS.roles:
        assert GRANTS.may_select(principal(role.name), TableName("open", "notes"))
    assert GRANTS.may_select(Principal("new", frozenset({"new"})), TableName("open", "notes"))


def test_other_privileges_let_nobody_read() -> None:
    rows = AccessRows(1, grants=(Grant("bob", "sales", "orders", "INSERT"), Grant("bob", "sales", privilege="DELETE")))
    assert not Grants.from_rows(rows).may_select(principal("bob"), ORDERS)


def test_visible_tables_are_those_one_may_read() -> None:
    tables = {name: Table(name, "x", "delta", (), ()) for name in (ORDERS, LINES, PARTS)}
    broken = TableName("supply", "broken")
    catalog = Catalog(1, tables, {}, {broken: "no log"})
    assert GRANTS.visible_tables(principal("bob"), catalog) == {ORDERS}
    assert GRANTS.visible_tables(principal("cyd"), catalog) == {PARTS, broken}
    assert GRANTS.visible_tables(principal("ada"), catalog) == {ORDERS, LINES, PARTS, broken}


NAMES = st.sampled_from(["a", "b", "c"])
GRANT = st.builds(Grant, st.sampled_from(["a", "b", "public"]), NAMES, st.sampled_from(["a", "b", "*"]))


@given(st.lists(GRANT), GRANT, NAMES, NAMES)
def test_one_more_grant_never_takes_anything_away(grants: list[Grant], more: Grant, schema: str, table: str) -> None:
    who = Principal("a", frozenset({"a"}))
    name = TableName(schema, table)
    before = Grants.from_rows(AccessRows(1, grants=tuple(grants))).may_select(who, name)
    after = Grants.from_rows(AccessRows(2, grants=(*grants, more))).may_select(who, name)
    concerns = more.role in {"a", "public"} and more.schema == schema and more.table in {table, "*"}
    assert after == (before or concerns)
