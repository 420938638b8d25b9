"""Drafts and shadows of policies: what does not govern changes no answer, and what it would have changed is told."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from catalog.store.rows import PolicyState
from catalog.store.store import open_store
from tests.access.conftest import cleaned
from tests.gateway import ADA, BOB, EVE, RunningGateway, SampleLake, Settings, serving

READERS = "GRANT USAGE ON SCHEMA shop TO bob, eve", "GRANT SELECT ON shop.orders, shop.regions TO bob"
QUESTIONS = (
    "SELECT id, region, amount, owner FROM shop.orders ORDER BY id",
    "SELECT count(*), sum(amount) FROM shop.orders WHERE region LIKE 'n%'",
    "SELECT r.team, o.id FROM shop.orders o JOIN shop.regions r USING (region) ORDER BY 1, 2",
    "EXPLAIN SELECT id FROM shop.orders WHERE amount > 10",
)
IDS = "SELECT id FROM shop.orders ORDER BY id"


@pytest.fixture
def ada(shop: SampleLake, shop_gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    """A superuser's connection to the shop, where bob may read; afterwards nothing is left."""
    with cleaned(shop, shop_gateway), shop_gateway.connect(ADA) as connection:
        send(connection, *READERS)
        try:
            yield connection
        finally:
            for column in ("region", "amount", "owner"):
                try:
                    send(connection, f"ALTER TABLE shop.orders ALTER COLUMN {column} UNSET MASKING POLICY")
                except psycopg.errors.UndefinedObject:
                    continue
            for (tag,) in connection.execute("SELECT tag FROM lakegate.tag_assignments").fetchall():
                send(connection, f"ALTER TABLE shop.orders ALTER COLUMN owner UNSET TAG {tag}")
            for tag, policy in connection.execute("SELECT tag, policy FROM lakegate.tag_policies").fetchall():
                send(connection, f"ALTER TAG {tag} UNSET MASKING POLICY {policy}")
            for (tag,) in connection.execute("SELECT name FROM lakegate.tags").fetchall():
                send(connection, f"DROP TAG {tag}")
            for (policy,) in connection.execute("SELECT name FROM lakegate.masking_policies").fetchall():
                send(connection, f"DROP MASKING POLICY {policy}")


def send(connection: psycopg.Connection, *statements: str) -> list[str]:
    """Carry out statements; return what was noticed."""
    noticed: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        noticed.append(f"{diagnostic.severity}: {diagnostic.message_primary}")

    connection.add_notice_handler(note)
    try:
        for statement in statements:
            connection.execute(statement.encode(), prepare=False)
    finally:
        connection.remove_notice_handler(note)
    return noticed


def ask(gateway: RunningGateway, text: str = IDS, user: str = BOB) -> list[tuple[object, ...]]:
    with gateway.connect(user) as connection:
        return connection.execute(text.encode()).fetchall()


def answers(gateway: RunningGateway) -> list[list[tuple[object, ...]]]:
    with gateway.connect(BOB) as bob:
        return [bob.execute(text.encode()).fetchall() for text in QUESTIONS]


def states(shop: SampleLake) -> dict[str, PolicyState]:
    with closing(open_store(shop.server)) as store:
        return {policy.name: policy.state for policy in store.load_access().row_policies}


def refused(connection: psycopg.Connection, statement: str) -> str:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement.encode(), prepare=False)
    return f"{caught.value.diag.sqlstate} {caught.value.diag.message_primary}"


@pytest.mark.parametrize(("state", "secured"), [("DRAFT", False), ("SHADOW", True)])
def test_what_does_not_govern_changes_no_answer(
    ada: psycopg.Connection, shop_gateway: RunningGateway, state: str, secured: bool
) -> None:
    if secured:
        send(
            ada,
            "CREATE POLICY own ON shop.orders TO bob USING (id <> 4)",
            "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY",
            "CREATE MASKING POLICY hide (value text) RETURNS text AS '***'",
            "CREATE TAG secret",
            "ALTER TAG secret SET MASKING POLICY hide",
            "ALTER TABLE shop.orders ALTER COLUMN owner SET TAG secret = 'yes'",
        )
    before = answers(shop_gateway)
    assert (before[0][0][3] == "***") is secured
    send(
        ada,
        f"CREATE {state} POLICY all_rows ON shop.orders TO bob USING (true)",
        f"CREATE {state} POLICY none ON shop.orders AS RESTRICTIVE USING (1 / (id - id) = 1)",
        f"CREATE {state} POLICY teams ON shop.regions USING (region IN (SELECT o.region FROM shop.orders o))",
        f"CREATE {state} MASKING POLICY x (value text) RETURNS text AS 'x'",
        "ALTER TABLE shop.orders ALTER COLUMN region SET MASKING POLICY x",
        "ALTER TABLE shop.orders ALTER COLUMN owner SET MASKING POLICY x",
        "CREATE TAG other",
        f"CREATE {state} MASKING POLICY y (value text) RETURNS text AS 'y'",
        "ALTER TAG other SET MASKING POLICY y",
        "ALTER TABLE shop.orders ALTER COLUMN owner SET TAG other = 'yes'",
    )
    assert answers(shop_gateway) == before
    assert ask(shop_gateway, "SELECT DISTINCT roles::text FROM pg_policies WHERE policyname <> 'own'") == [
        ("{lakegate}",)
    ]
    send(ada, "ALTER POLICY none ON shop.orders ENFORCE")
    with pytest.raises(psycopg.errors.DivisionByZero if not secured else psycopg.Error):
        send(ada, "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY", "ALTER POLICY all_rows ON shop.orders ENFORCE")
        ask(shop_gateway)


def test_a_policy_goes_through_its_states(
    ada: psycopg.Connection, shop: SampleLake, shop_gateway: RunningGateway
) -> None:
    assert send(ada, "CREATE DRAFT POLICY own ON shop.orders TO bob USING (owner = current_user)") == []
    assert ask(shop_gateway) == [(1,), (2,), (3,), (4,)]
    assert send(ada, "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY") == [
        'WARNING: row security of table "shop.orders" is on, and no permissive policy is in force: only its owner and'
        " roles with BYPASSRLS see rows"
    ]
    assert ask(shop_gateway) == []
    assert send(ada, "ALTER POLICY own ON shop.orders SHADOW") == []
    assert (ask(shop_gateway), states(shop)) == ([], {"own": PolicyState.SHADOW})
    send(ada, "ALTER POLICY own ON shop.orders ENFORCE")
    assert (ask(shop_gateway), states(shop)) == ([(1,), (3,)], {"own": PolicyState.ENFORCED})
    assert ask(shop_gateway, "SELECT roles::text FROM pg_policies") == [("{bob}",)]
    send(ada, "CREATE SHADOW POLICY few ON shop.orders AS RESTRICTIVE USING (amount < 20)")
    assert ask(shop_gateway) == [(1,), (3,)]
    send(ada, "ALTER POLICY few ON shop.orders ENFORCE")
    assert ask(shop_gateway) == [(1,)]
    assert send(ada, "ALTER POLICY few ON shop.orders DRAFT") == [
        'NOTICE: restrictive policy "few" of table "orders" does not govern any more: rows that it hid can be read'
    ]
    assert ask(shop_gateway) == [(1,), (3,)]
    noticed = send(ada, 'ALTER POLICY "own" ON shop . orders draft')
    assert [one.split(":")[0] for one in noticed] == ["NOTICE", "WARNING"]
    assert ask(shop_gateway) == []


def test_a_draft_is_altered_and_keeps_what_was_not_named(
    ada: psycopg.Connection, shop: SampleLake, shop_gateway: RunningGateway
) -> None:
    send(
        ada,
        "CREATE DRAFT POLICY p ON shop.orders TO bob, eve USING (id = 1)",
        "ALTER POLICY p ON shop.orders RENAME TO q",
    )
    send(ada, "ALTER POLICY q ON shop.orders USING (id = 2)")
    with closing(open_store(shop.server)) as store:
        (policy,) = store.load_access().row_policies
    assert (policy.name, sorted(policy.roles), policy.using) == ("q", ["bob", "eve"], "(id = 2)")
    assert policy.state is PolicyState.DRAFT
    send(ada, "ALTER POLICY q ON shop.orders TO bob")
    send(ada, "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY", "ALTER POLICY q ON shop.orders ENFORCE")
    assert ask(shop_gateway) == [(2,)]
    assert ask(shop_gateway, "SELECT policyname::text, roles::text FROM pg_policies") == [("q", "{bob}")]
    send(ada, "DROP POLICY q ON shop.orders")
    assert states(shop) == {}


def test_drafts_are_judged_as_what_governs(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    assert refused(ada, "CREATE DRAFT POLICY p ON shop.orders USING (nothing = 1)").startswith("42703 column")
    assert refused(ada, "CREATE SHADOW POLICY p ON shop.orders USING (id)").startswith("42804")
    assert refused(ada, "CREATE DRAFT POLICY p ON shop.nothing USING (true)").startswith("42P01")
    assert refused(ada, "CREATE DRAFT POLICY ON shop.orders USING (true)").startswith("42601 syntax error")
    assert refused(ada, "ALTER POLICY p ON shop.orders SHADOW") == '42704 policy "p" for table "orders" does not exist'
    assert refused(ada, "ALTER POLICY p ON shop.orders SHADOW now").startswith("42601 syntax error")
    assert refused(ada, "CREATE DRAFT MASKING POLICY p (value text) RETURNS text AS nothing").startswith("42703")
    send(ada, "CREATE DRAFT POLICY p ON shop.orders USING (region IN (SELECT r.region FROM shop.regions r))")
    circle = "CREATE SHADOW POLICY q ON shop.regions USING (EXISTS (SELECT FROM shop.orders))"
    assert refused(ada, circle).startswith("42P17 infinite recursion")
    assert refused(ada, "CREATE POLICY p ON shop.orders USING (true)").startswith("42710")
    with shop_gateway.connect(BOB) as bob:
        assert refused(bob, "ALTER POLICY p ON shop.orders ENFORCE") == "42501 must be owner of table orders"
        assert refused(bob, "CREATE DRAFT POLICY z ON shop.orders USING (true)").startswith("42501")
        assert refused(bob, "CREATE DRAFT MASKING POLICY z (value text) RETURNS text AS 'z'").startswith("42501")


def test_a_draft_goes_with_the_only_role_it_is_for(
    ada: psycopg.Connection, shop: SampleLake, shop_gateway: RunningGateway
) -> None:
    send(ada, "CREATE ROLE guests", "CREATE ROLE others")
    send(ada, "CREATE DRAFT POLICY p ON shop.orders TO guests USING (id = 1)")
    send(ada, "CREATE SHADOW POLICY q ON shop.orders TO guests, others USING (id = 1)")
    send(ada, "ALTER ROLE others RENAME TO visitors", "DROP ROLE guests")
    with closing(open_store(shop.server)) as store:
        assert [(one.name, one.roles) for one in store.load_access().row_policies] == [("q", ("visitors",))]
    assert ask(shop_gateway, "SELECT policyname::text FROM pg_policies") == [("q",)]


def test_states_are_changed_by_prepared_statements_too(ada: psycopg.Connection, shop: SampleLake) -> None:
    ada.execute(b"CREATE DRAFT POLICY p ON shop.orders USING (id = 1)", binary=True)
    ada.execute(b"ALTER POLICY p ON shop.orders SHADOW", prepare=True)
    assert states(shop) == {"p": PolicyState.SHADOW}


def test_transactions_take_states_back(ada: psycopg.Connection, shop: SampleLake, shop_gateway: RunningGateway) -> None:
    send(
        ada, "CREATE DRAFT POLICY p ON shop.orders USING (id = 1)", "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY"
    )
    send(ada, "BEGIN", "ALTER POLICY p ON shop.orders ENFORCE", "CREATE SHADOW POLICY q ON shop.orders USING (true)")
    assert (ask(shop_gateway), states(shop)) == ([], {"p": PolicyState.DRAFT})
    send(ada, "ROLLBACK")
    assert (ask(shop_gateway), states(shop)) == ([], {"p": PolicyState.DRAFT})
    send(ada, "BEGIN", "ALTER POLICY p ON shop.orders SHADOW", "ALTER POLICY p ON shop.orders ENFORCE", "COMMIT")
    assert ask(shop_gateway) == [(1,)]
    send(ada, "BEGIN", "DROP POLICY p ON shop.orders", "CREATE DRAFT POLICY p ON shop.orders USING (true)", "COMMIT")
    assert (ask(shop_gateway), states(shop)) == ([], {"p": PolicyState.DRAFT})


def test_masks_have_states(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    owners = "SELECT DISTINCT owner FROM shop.orders ORDER BY 1"
    send(
        ada,
        "CREATE MASKING POLICY hide (value text) RETURNS text AS 'hidden'",
        "CREATE DRAFT MASKING POLICY x (value text) RETURNS text AS 'x'",
        "ALTER TABLE shop.orders ALTER COLUMN owner SET MASKING POLICY x",
        "ALTER MASKING POLICY x SHADOW",
    )
    assert len(ask(shop_gateway, owners)) == 3
    send(ada, "ALTER MASKING POLICY x ENFORCE")
    assert ask(shop_gateway, owners) == [("x",)]
    send(ada, "ALTER MASKING POLICY x DRAFT", "CREATE OR REPLACE MASKING POLICY x (value text) RETURNS text AS 'z'")
    assert len(ask(shop_gateway, owners)) == 3  # it is as it was, but for its expression
    assert ada.execute("SELECT name, state FROM lakegate.masking_policies ORDER BY 1").fetchall() == [
        ("hide", "enforced"),
        ("x", "draft"),
    ]
    taken = refused(ada, "CREATE OR REPLACE DRAFT MASKING POLICY hide (value text) RETURNS text AS 'z'")
    assert taken == '42P13 masking policy "hide" is not replaced by one in another state'
    send(ada, "ALTER TABLE shop.orders ALTER COLUMN owner SET MASKING POLICY hide")
    taken = refused(ada, "ALTER TABLE shop.orders ALTER COLUMN owner SET MASKING POLICY x")
    assert taken == '55000 column "owner" has masking policy "hide", which is in force'
    assert ask(shop_gateway, owners) == [("hidden",)]


def test_a_mask_is_not_enforced_where_two_would_claim_a_column(
    ada: psycopg.Connection, shop_gateway: RunningGateway
) -> None:
    owners = "SELECT DISTINCT owner FROM shop.orders"
    for tag, state in (("one", ""), ("two", "DRAFT")):
        send(
            ada,
            f"CREATE {state} MASKING POLICY by_{tag} (value text) RETURNS text AS '{tag}'",
            f"CREATE TAG {tag}",
            f"ALTER TAG {tag} SET MASKING POLICY by_{tag}",
            f"ALTER TABLE shop.orders ALTER COLUMN owner SET TAG {tag} = 'yes'",
        )
    assert ask(shop_gateway, owners) == [("one",)]
    assert refused(ada, "ALTER MASKING POLICY by_two ENFORCE").startswith("42P17")
    send(ada, "ALTER MASKING POLICY by_one SHADOW", "ALTER MASKING POLICY by_two ENFORCE")
    assert ask(shop_gateway, owners) == [("two",)]


def test_explain_policy_tells_of_drafts(ada: psycopg.Connection) -> None:
    send(
        ada,
        "CREATE POLICY all_rows ON shop.orders USING (true)",
        "CREATE DRAFT POLICY own ON shop.orders TO bob USING (owner = current_user)",
        "CREATE SHADOW POLICY few ON shop.orders AS RESTRICTIVE TO eve USING (amount < 20)",
        "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY",
        "CREATE SHADOW MASKING POLICY x (value text) RETURNS text AS 'x'",
        "ALTER TABLE shop.orders ALTER COLUMN region SET MASKING POLICY x",
    )
    told = {row[1]: row[2:] for row in ada.execute("EXPLAIN POLICY FOR bob ON shop.orders").fetchall()}
    assert told["own"] == (False, "draft, governs nothing: permissive, for ALL, to bob: owner = 'bob'")
    assert told["few"] == (
        False,
        "shadow, governs nothing and is told in the audit: restrictive, for ALL, to eve: the role is none of these",
    )
    assert told["region"][0] is False
    assert told["region"][1].startswith(
        "shadow, governs nothing and is told in the audit: masking policy x, on the column"
    )
    assert ada.execute("CHECK ACCESS FOR bob ON shop.orders.region").fetchall() == [
        ("shop.orders.region", True, False, True, "row policy all_rows: permissive, for ALL, to public: TRUE")
    ]


def test_the_examples_of_the_documentation_run(
    ada: psycopg.Connection, shop: SampleLake, shop_gateway: RunningGateway
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    send(ada, "CREATE ROLE analysts", *filter(str.strip, example.split(";")))
    assert states(shop) == {"small": PolicyState.ENFORCED}
    assert ada.execute("SELECT name, state FROM lakegate.masking_policies").fetchall() == [("mail", "draft")]
    assert len(ask(shop_gateway)) == 4


def test_the_audit_tells_what_shadows_would_have_done(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    send(
        ada,
        "CREATE SHADOW POLICY own ON shop.orders TO bob USING (owner = current_user)",
        "CREATE SHADOW POLICY others ON shop.orders TO eve USING (false)",
        "CREATE DRAFT POLICY later ON shop.orders USING (false)",
        "CREATE SHADOW MASKING POLICY x (value text) RETURNS text AS 'x'",
        "ALTER TABLE shop.orders ALTER COLUMN region SET MASKING POLICY x",
    )
    mark = "SELECT region AS seen_by_shadows FROM shop.orders"
    ask(shop_gateway, mark)
    found: list[tuple[object, ...]] = []
    deadline = time.monotonic() + 5
    while not found and time.monotonic() < deadline:
        found = ada.execute(
            "SELECT shadow_policies, policies, rows FROM lakegate.audit_log"
            " WHERE phase = 'outcome' AND text = 'SELECT region AS seen_by_shadows FROM shop.orders'"
        ).fetchall()
    assert found == [(["own ON shop.orders", "x (region) ON shop.orders"], None, 4)]


def test_who_changed_what_is_kept(ada: psycopg.Connection, shop_gateway: RunningGateway) -> None:
    send(ada, "ALTER TABLE shop.orders OWNER TO bob")
    with shop_gateway.connect(BOB) as bob:
        send(bob, "CREATE DRAFT POLICY versions ON shop.orders USING (id = 1)")
        send(bob, "ALTER POLICY versions ON shop.orders ENFORCE", "ALTER POLICY versions ON shop.orders USING (id = 2)")
        assert refused(bob, "SELECT * FROM lakegate.policy_history").startswith("42P01")
        assert refused(bob, "SELECT * FROM lakegate.access_history").startswith("42P01")
    send(ada, "SET ROLE bob", "DROP POLICY versions ON shop.orders", "RESET ROLE")
    send(ada, "CREATE ROLE pw LOGIN PASSWORD 'correct horse battery'", "ALTER ROLE pw PASSWORD 'other horse battery'")
    send(ada, "CREATE MASKING POLICY x (value text) RETURNS text AS 'x'", "ALTER MASKING POLICY x SHADOW")
    query = (
        "SELECT user_name, role, revision, action, before, after FROM lakegate.policy_history"
        " WHERE kind = '{}' AND object = '{}' ORDER BY version, revision"
    )
    found = ada.execute(query.format("row policy", "versions ON shop.orders").encode()).fetchall()
    changed = [(*row[:4], "(id = 1)" in (row[4] or ""), "(id = 2)" in (row[5] or "")) for row in found]
    assert changed == [
        ("bob", "bob", 1, "created", False, False),
        ("bob", "bob", 2, "changed", True, False),
        ("bob", "bob", 3, "changed", True, True),
        ("ada", "bob", 4, "dropped", False, False),
    ]
    assert '"state": "draft"' in found[1][4] and '"state": "enforced"' in found[1][5]
    roles = ada.execute(query.format("role", "pw").encode()).fetchall()
    assert [row[3] for row in roles] == ["created", "changed"]
    assert "SCRAM" not in str(roles) and '"password": "new"' in roles[1][5]
    masks = ada.execute(query.format("masking policy", "x").encode()).fetchall()
    assert [row[:4] for row in masks[-2:]] == [
        ("ada", "ada", masks[-2][2], "created"),
        ("ada", "ada", masks[-2][2] + 1, "changed"),
    ]
    send(ada, "GRANT SELECT ON lakegate.policy_history TO eve")
    assert ask(shop_gateway, "SELECT count(*) > 5 FROM lakegate.policy_history", EVE) == [(True,)]
    given = ask(
        shop_gateway, "SELECT object FROM lakegate.policy_history WHERE kind = 'privilege' ORDER BY version", EVE
    )
    assert given[-1:] == [("SELECT ON lakegate.policy_history TO eve",)]


def test_the_history_is_not_changed(ada: psycopg.Connection, shop: SampleLake) -> None:
    send(ada, "CREATE DRAFT POLICY p ON shop.orders USING (id = 1)")
    with shop.server.connect("lakegate", autocommit=True) as connection:
        for statement in (
            "UPDATE access_history SET user_name = 'eve'",
            "DELETE FROM access_history",
            "TRUNCATE access_history",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                connection.execute(statement.encode())


def test_states_outlive_the_gateway(ada: psycopg.Connection, shop: SampleLake, shop_gateway: RunningGateway) -> None:
    send(
        ada,
        "CREATE DRAFT POLICY own ON shop.orders USING (id = 1)",
        "CREATE SHADOW MASKING POLICY x (value text) RETURNS text AS 'x'",
        "ALTER TABLE shop.orders ALTER COLUMN region SET MASKING POLICY x",
    )
    with serving(shop, Settings(server={"refresh_interval": "0"}, database="again")) as other:
        assert ask(other, "SELECT DISTINCT region FROM shop.orders WHERE id < 3") == [("north",)]
        with other.connect(ADA) as there:
            assert there.execute("SELECT state FROM lakegate.masking_policies").fetchall() == [("shadow",)]
            send(there, "ALTER POLICY own ON shop.orders ENFORCE", "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
        assert ask(other) == [(1,)]
    deadline = time.monotonic() + 5
    while ask(shop_gateway) != [(1,)]:
        assert time.monotonic() < deadline
