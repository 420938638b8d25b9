"""``lakegate policy export`` and ``apply``: what is exported makes the same again, and what differs is what is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from catalog.names import TableName
from catalog.store.rows import AccessRows, Grant, PolicyState, Role
from catalog.store.store import open_store
from catalog.tables import Catalog
from gateway.cli.output import CommandError
from gateway.cli.policies import send_as
from gateway.configuration.config import Config, load
from gateway.rehearsal.absent import without_absent
from gateway.rehearsal.policy_file import changes, exported, read_policies, wanted_by, write_policies
from policies.difference import difference, normalised
from tests.access.conftest import shop, shop_gateway
from tests.cli.command import lakegate
from tests.gateway import ADA, BOB, EVE, PASSWORD, RunningGateway, SampleLake

__all__ = ["shop", "shop_gateway"]

POLICIES = """
CREATE ROLE lakegate_officer; CREATE ROLE analysts; CREATE ROLE "Odd ""Name"; CREATE ROLE boss NOINHERIT CREATEROLE;
CREATE ROLE robot LOGIN PASSWORD 'correct battery' VALID UNTIL '2027-01-01' BYPASSRLS;
GRANT analysts TO bob WITH ADMIN OPTION; GRANT analysts TO "Odd ""Name" WITH INHERIT FALSE;
GRANT USAGE ON SCHEMA shop TO analysts, eve, boss;
GRANT SELECT (id, "owner", region) ON shop.orders TO analysts;
GRANT SELECT ON shop.regions TO PUBLIC;
GRANT SELECT, UPDATE ON shop.orders TO boss WITH GRANT OPTION;
SET ROLE boss; GRANT SELECT (amount) ON shop.orders TO eve; RESET ROLE;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO analysts;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO analysts WITH GRANT OPTION;
GRANT USAGE ON FOREIGN SERVER shop TO boss WITH GRANT OPTION;
ALTER ROLE boss SET search_path = shop, "Odd, ""Name"; ALTER ROLE boss IN DATABASE lake SET my."Own.x" = 'it''s';
ALTER ROLE robot SET lakegate.claim.team = 'it''s';
ALTER ROLE ALL SET lock_timeout = '7s'; ALTER DATABASE lake SET datestyle = 'German', 'DMY';
ALTER DEFAULT PRIVILEGES FOR ROLE bob REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER TABLE shop.regions OWNER TO boss;
CREATE POLICY own ON shop.orders TO analysts USING (owner = current_user OR region = lakegate.claim('region'));
CREATE POLICY few ON shop.orders AS RESTRICTIVE FOR SELECT USING (amount > 5);
CREATE POLICY "change" ON shop.orders FOR UPDATE TO boss USING (true) WITH CHECK (amount < 100);
CREATE DRAFT POLICY later ON shop.orders AS RESTRICTIVE TO analysts USING (amount < 25);
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY; ALTER TABLE shop.orders FORCE ROW LEVEL SECURITY;
REVOKE CONNECT ON DATABASE lake FROM PUBLIC;
GRANT CONNECT ON DATABASE lake TO eve; GRANT CONNECT, CREATE ON DATABASE lake TO analysts WITH GRANT OPTION;
REVOKE EXECUTE ON FUNCTION lakegate.is_member(text), lakegate.mask_email FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakegate.is_member(text) TO "Odd ""Name";
COMMENT ON TABLE shop.orders IS 'it''s'; COMMENT ON COLUMN shop.orders.owner IS 'who'; COMMENT ON SCHEMA shop IS 'all';
COMMENT ON POLICY "change" ON shop.orders IS 'never';
COMMENT ON ROLE "Odd ""Name" IS 'by any other'; COMMENT ON DATABASE lake IS 'all of it';
CREATE MASKING SECRET cards;
CREATE MASKING POLICY token (value text) RETURNS text AS mask_token(value, 'cards');
CREATE MASKING POLICY pay (value bigint, "select" text) RETURNS bigint
    AS CASE WHEN "select" = 'north' AND NOT is_member('analysts') THEN value ELSE mask_round(value, -1) END;
ALTER TABLE shop.orders ALTER COLUMN amount SET MASKING POLICY pay USING (amount, region);
CREATE SHADOW MASKING POLICY team (value text) RETURNS text AS 'x';
ALTER TABLE shop.regions ALTER COLUMN team SET MASKING POLICY team;
CREATE TAG personal VALUES ('yes', 'it''s'); CREATE TAG free;
ALTER TAG personal SET MASKING POLICY token;
ALTER SCHEMA shop SET TAG free = 'a'; ALTER DATABASE lake SET TAG free = 'b';
ALTER TABLE shop.orders ALTER COLUMN owner SET TAG personal = 'it''s'; ALTER TABLE shop.regions SET TAG free = 'c';
CREATE VIEW shop.northern AS SELECT id, amount, owner, length(owner) AS size FROM shop.orders WHERE amount > 0;
CREATE VIEW shop.a_total WITH (security_invoker = true) AS SELECT owner, sum(amount) FROM shop.northern GROUP BY owner;
COMMENT ON VIEW shop.northern IS 'of the north'; COMMENT ON COLUMN shop.northern.id IS 'its number';
ALTER VIEW shop.northern ALTER COLUMN amount SET MASKING POLICY pay USING (amount, owner);
ALTER VIEW shop.northern ALTER COLUMN size UNSET TAG personal; ALTER VIEW shop.a_total SET TAG free = 'd';
GRANT SELECT ON shop.northern TO eve; GRANT SELECT (owner) ON shop.a_total TO PUBLIC;
ALTER VIEW shop.northern OWNER TO boss;
CREATE POLICY seen ON shop.regions TO analysts USING (team IN (SELECT a.owner FROM shop.a_total a));
CREATE POLICY mine ON shop.northern TO analysts USING (owner = current_user);
CREATE SHADOW POLICY large ON shop.northern AS RESTRICTIVE USING (size > 1);
ALTER VIEW shop.northern ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY totals ON shop.a_total USING (owner IN (SELECT n.owner FROM shop.northern n));
"""


USERS = AccessRows(0, (Role(ADA, superuser=True), Role(BOB), Role(EVE)))


@pytest.fixture
def governed(shop: SampleLake, shop_gateway: RunningGateway) -> Iterator[RunningGateway]:
    """The shop under all kinds of rules, and afterwards under none."""
    with shop_gateway.connect(ADA) as ada:
        send(ada, POLICIES)
        yield shop_gateway
        make(ada, normalised(state(shop), ()), USERS)


def make(connection: psycopg.Connection, start: AccessRows, end: AccessRows) -> None:
    """Make one state into another, over the wire."""
    for section in difference(start, end, "lake", drops=True):
        for statement in section.statements:
            connection.execute(statement.encode(), prepare=False)


def send(connection: psycopg.Connection, text: str) -> None:
    for statement in text.split(";"):
        if statement.strip():
            connection.execute(statement.encode(), prepare=False)


@pytest.fixture
def folder(tmp_path: Path, shop: SampleLake, governed: RunningGateway) -> Path:
    """A folder with the configuration of the gateway that runs."""
    text = f'[server]\nlisten = "127.0.0.1:{governed.port}"\nmetadata_url = {shop.metadata_url!r}\n'
    (tmp_path / "lakegate.toml").write_text(text + f"[sources.shop]\nkind = 'delta'\nlocation = '{shop.folder}/shop'\n")
    return tmp_path


def state(shop: SampleLake) -> AccessRows:
    store = open_store(shop.server)
    try:
        return store.load_access()
    finally:
        store.close()


def catalog(shop: SampleLake) -> Catalog:
    store = open_store(shop.server)
    try:
        found = store.load_catalog("lake")
    finally:
        store.close()
    assert found is not None
    return found


def test_what_is_exported_is_no_change_in_either_form(folder: Path, shop: SampleLake) -> None:
    first = lakegate("policy", "export", folder=folder)
    assert (first.code, first.errors) == (0, "")
    assert "correct battery" not in first.output
    assert 'CREATE ROLE "Odd ""Name";' in first.output
    (folder / "p.sql").write_text(first.output)
    rows, tables = state(shop), catalog(shop)
    wanted = asyncio.run(wanted_by(folder / "p.sql", tables, Config(), rows))
    assert changes(rows, wanted, tables, "lake", drops=True) == []
    sections = exported(replace(rows, grants=rows.grants[::-1], roles=rows.roles[::-1]), tables, "lake")
    assert write_policies(sections, "sql") == first.output
    (folder / "p.yaml").write_text(write_policies(sections, "yaml"))
    assert read_policies(folder / "p.yaml") == [one for section in sections for one in section.statements]


def test_what_is_on_tables_that_no_source_has_is_left_alone(folder: Path, shop: SampleLake) -> None:
    """It waits for them; a file could not be read with it, as PostgreSQL has nothing that it could be said of."""
    rows, tables = state(shop), catalog(shop)
    orders = TableName("shop", "orders")
    columns = tuple(one for one in tables.tables[orders].columns if one.name != "region")
    left = {orders: replace(tables.tables[orders], columns=columns)}
    without = replace(tables, tables=left)
    assert without_absent(rows, without)[1] == ("shop.orders.region", "shop.regions")
    kept = replace(rows, row_policies=tuple(one for one in rows.row_policies if "region" not in (one.using or "")))
    text = write_policies(exported(kept, without, "lake"), "sql")
    assert "regions" not in text and "CREATE POLICY few ON shop.orders" in text
    (folder / "p.sql").write_text(text)
    wanted = asyncio.run(wanted_by(folder / "p.sql", without, Config(), rows))
    assert changes(kept, wanted, without, "lake", drops=True) == []
    assert without_absent(rows, Catalog(0, {}, {})) == (rows, ())


def test_views_are_made_anew_where_they_cannot_be_replaced(shop: SampleLake, governed: RunningGateway) -> None:
    """A column of another name, another query alone, a tag that comes back; and each time back again."""
    rows = normalised(state(shop), ())
    northern = next(row for row in rows.views if row.name == "northern")
    renamed = northern.definition.replace("SELECT id,", "SELECT id AS no,")
    other = replace(northern, columns=(("no", "integer"), *northern.columns[1:]), definition=renamed)
    south = replace(northern, definition=northern.definition.replace("> 0", "> 1"), comment=None)
    ends = {
        "columns": replace(
            rows,
            views=tuple(other if row == northern else row for row in rows.views),
            comments=tuple(row for row in rows.comments if row.column != "id"),
        ),
        "query": replace(rows, views=tuple(south if row == northern else row for row in rows.views)),
        "tag": replace(rows, tag_removals=()),
    }
    with governed.connect(ADA) as ada:
        for what, end in ends.items():
            for start, wanted in ((rows, end), (end, rows)):
                sections = difference(start, wanted, "lake")
                statements = [one for section in sections for one in section.statements]
                anew = what == "columns" or (what == "tag" and wanted is end)
                assert ("DROP VIEW shop.northern" in statements) == anew
                assert any(one.startswith("CREATE POLICY seen") for one in statements) == anew
                make(ada, start, wanted)
                now = normalised(state(shop), ())
                removed = {(row.column, row.tag) for row in now.tag_removals}  # with digests of the texts
                assert removed == {(row.column, row.tag) for row in wanted.tag_removals}
                assert difference(replace(now, tag_removals=wanted.tag_removals), wanted, "lake") == []


def test_a_change_is_shown_and_carried_out_by_the_gateway(
    folder: Path, shop: SampleLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    text = write_policies(exported(state(shop), catalog(shop), "lake"), "sql")
    changed = text.replace("(amount > 5)", "(amount > 15)").replace("= 'c'", "= 'd'")
    changed = changed.replace("'north'::text", "'south'::text")
    changed = changed.replace("GRANT SELECT ON shop.regions TO PUBLIC", "GRANT SELECT ON shop.regions TO bob")
    (folder / "p.sql").write_text(changed)
    done = lakegate("policy", "apply", "p.sql", "--yes", "--user", ADA, folder=folder)
    assert (done.code, done.errors) == (0, "5 statements carried out\n")
    wanted = [line for line in done.output.splitlines() if line and not line.startswith("--")]
    assert [line.partition(" AS CASE")[0] for line in wanted if not line.startswith("  ")] == [
        "REVOKE SELECT ON shop.regions FROM PUBLIC;",
        "ALTER MASKING POLICY pay SET BODY",
        "ALTER TABLE shop.regions SET TAG free = 'd';",
        "ALTER POLICY few ON shop.orders TO PUBLIC USING ((amount > 15));",
        "GRANT SELECT ON shop.regions TO bob;",
    ]
    before = state(shop)
    (folder / "p.sql").write_text(text)
    shown = lakegate("policy", "apply", "p.sql", "--diff", folder=folder)
    assert (shown.code, shown.errors) == (0, "5 statements would be sent\n")
    assert state(shop) == before
    with pytest.raises(CommandError, match=r"after 0 of 1 statements: DROP ROLE analysts"):
        send_as(load(folder / "lakegate.toml"), BOB, ["DROP ROLE analysts"])
    assert replace(state(shop), version=0) == replace(before, version=0)


def test_everything_can_be_taken_back(shop: SampleLake, governed: RunningGateway) -> None:
    """From all of it to the users alone, and to all of it again."""
    rows = normalised(state(shop), ())
    with governed.connect(ADA) as ada:
        for start, end in ((rows, USERS), (USERS, rows)):
            make(ada, start, end)
            assert difference(normalised(state(shop), ()), end, "lake", drops=True) == []


def test_states_are_changed_by_what_is_wanted(shop: SampleLake, governed: RunningGateway) -> None:
    """What governs becomes drafts with other conditions and masks, the others govern; and back."""
    rows = normalised(state(shop), ())
    other = dict.fromkeys(PolicyState, PolicyState.ENFORCED) | {PolicyState.ENFORCED: PolicyState.DRAFT}
    changed = replace(
        rows,
        row_policies=tuple(
            replace(one, state=other[one.state], using=one.using and "(1 = 1)") for one in rows.row_policies
        ),
        masking_policies=tuple(
            replace(one, state=other[one.state], expression=f"({one.parameters[0][0]})")
            for one in rows.masking_policies
        ),
        column_masks=tuple(
            replace(one, policy="token", arguments=("team",)) if one.column == "team" else one
            for one in rows.column_masks
        ),
    )
    with governed.connect(ADA) as ada:
        for start, end in ((rows, changed), (changed, rows)):
            make(ada, start, end)
            now = normalised(state(shop), ())
            told = {(one.name, one.state, one.using) for one in now.row_policies}
            assert told == {(one.name, one.state, one.using) for one in end.row_policies}
            assert {(one.name, one.state) for one in now.masking_policies} == {
                (one.name, one.state) for one in end.masking_policies
            }
            assert {one.policy for one in now.column_masks} == {one.policy for one in end.column_masks}


def test_past_statements_are_asked_again_under_the_drafts(
    folder: Path, shop: SampleLake, governed: RunningGateway
) -> None:
    (folder / "asked.yaml").write_text(
        """
statements:
  - {role: bob, query: SELECT id FROM shop.orders}
  - {role: bob, query: SELECT region FROM shop.regions}
  - {role: eve, query: "SELECT region, team FROM shop.regions"}
"""
    )
    before = state(shop)
    asked = lakegate("policy", "simulate", "--drafts", "--statements", "asked.yaml", folder=folder)
    assert asked.output.splitlines() == [
        "bob: SELECT id FROM shop.orders",
        "       2 rows → 1 rows",
        "eve: SELECT region, team FROM shop.regions",
        "       2 rows → 2 rows, other values in team",
        "3 statements asked again, 2 would answer otherwise",
    ], asked.errors
    assert state(shop) == before
    nothing = lakegate("policy", "simulate", folder=folder)
    assert (nothing.code, "--drafts" in nothing.errors) == (2, True)


@pytest.mark.timeout(300)  # four servers are made for it
def test_past_statements_are_asked_again(folder: Path, shop: SampleLake, governed: RunningGateway) -> None:
    with governed.connect(BOB) as bob:
        assert bob.execute("SELECT id FROM shop.orders ORDER BY id").fetchall() == [(1,), (3,)]
        bob.execute("SELECT region FROM shop.regions")
        bob.execute("SELECT id AS kept FROM shop.orders WHERE id = 1")
    wait_for_audit(shop, "SELECT id AS kept FROM shop.orders WHERE id = ?")
    text = write_policies(exported(state(shop), catalog(shop), "lake"), "sql")
    (folder / "draft.sql").write_text(text.replace("(amount > 5)", "(amount > 15)"))
    before = state(shop)
    asked = lakegate("policy", "simulate", "--policies", "draft.sql", "--since", "1h", folder=folder)
    assert asked.code == 0, asked.errors
    assert "bob: SELECT id FROM shop.orders ORDER BY id\n       2 rows → 1 rows\n" in asked.output
    assert "shop.regions" not in asked.output
    assert "have constants, which the audit does not keep" in asked.errors
    (folder / "asked.yaml").write_text(
        """
statements:
  - {role: bob, query: SELECT id FROM shop.orders WHERE id = 1}
  - {role: bob, query: SELECT id FROM shop.orders WHERE id = 3}
  - {role: bob, claims: {region: south}, query: "SELECT region, id + 0 AS n FROM shop.orders WHERE id IN (2, 3)"}
  - {role: bob, query: SELECT none FROM shop.orders}
"""
    )
    draft = text.replace("(amount > 5)", "(amount > 15)").replace("TO analysts", "TO PUBLIC", 0)
    (folder / "draft.sql").write_text(draft)
    given = lakegate("policy", "simulate", "--policies", "draft.sql", "--statements", "asked.yaml", folder=folder)
    assert given.output.splitlines() == [
        "bob: SELECT id FROM shop.orders WHERE id = 1",
        "       1 rows → 0 rows",
        "4 statements asked again, 1 would answer otherwise",
    ]
    assert given.errors.startswith("fails under both: bob: SELECT none FROM shop.orders: column")
    assert state(shop) == before


def test_statements_are_asked_with_the_claims_that_they_came_with(
    folder: Path, shop: SampleLake, governed: RunningGateway
) -> None:
    """The draft ends what a claim opens: it changes the answers to those who have the claim, and to nobody else."""
    text = write_policies(exported(state(shop), catalog(shop), "lake"), "sql")
    draft = text.replace("(region = lakegate.claim('region'::text))", "false")
    assert draft != text
    (folder / "draft.sql").write_text(draft)
    (folder / "asked.yaml").write_text(
        """
statements:
  - {role: bob, query: SELECT id FROM shop.orders}
  - {role: bob, claims: {region: west}, query: SELECT id FROM shop.orders}
  - {role: bob, claims: {region: east, groups: [west, north]}, query: SELECT id FROM shop.orders}
  - {role: eve, claims: {region: west}, query: SELECT amount FROM shop.orders}
"""
    )
    asked = lakegate("policy", "simulate", "--policies", "draft.sql", "--statements", "asked.yaml", folder=folder)
    assert asked.output.splitlines() == [
        "bob: SELECT id FROM shop.orders",
        '       with claims {"region": "west"}',
        "       3 rows → 2 rows",
        "4 statements asked again, 1 would answer otherwise",
    ], asked.errors


def wait_for_audit(shop: SampleLake, text: str) -> None:
    """Wait until the store has the entry of a statement."""
    deadline = time.monotonic() + 10
    query = "SELECT FROM lakegate.audit_log WHERE text = %s"
    with shop.server.connect("lakegate", autocommit=True) as connection:
        while connection.execute(query, (text,)).fetchone() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_grant_on_all_tables_is_told_as_statements() -> None:
    rows = AccessRows(0, grants=(Grant("ann", "s"),))
    sections = difference(AccessRows(0), normalised(rows, [TableName("s", "order"), TableName("r", "u")]), "lake")
    assert [section.statements for section in sections] == [
        ('GRANT SELECT ON s."order" TO ann',),
        ("ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO ann",),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "1: not a mapping of headings to statements"),
        ("roles: x", "1: roles: not a list of statements"),
        ("roles:\n- CREATE ROLE a\n- [b]", "3: roles[1]: not a statement"),
    ],
)
def test_files_that_are_no_policies(tmp_path: Path, text: str, problem: str) -> None:
    from gateway.configuration.error import ConfigError

    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_policies(path)
    assert str(caught.value) == f"{path}:{problem}"
