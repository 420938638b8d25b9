"""EXPLAIN POLICY and CHECK ACCESS over the wire: what they say is what happens, and who may ask."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.access.conftest import cleaned
from tests.gateway import ADA, BOB, EVE, PASSWORD, RunningGateway, SampleLake

SETUP = (
    "CREATE ROLE analysts",
    "CREATE ROLE staff",
    "CREATE ROLE lakegate_officer",
    f"CREATE ROLE olga LOGIN PASSWORD '{PASSWORD}x'",
    "GRANT lakegate_officer TO olga",
    "GRANT staff TO analysts",
    "GRANT analysts TO bob",
    "GRANT USAGE ON SCHEMA shop TO staff",
    "GRANT SELECT (id, region, owner) ON shop.orders TO analysts",
    "GRANT SELECT ON shop.regions TO eve",
    "CREATE POLICY own ON shop.orders TO analysts USING (owner = current_user OR lakegate.is_member('boss'))",
    "CREATE POLICY claimed ON shop.orders AS RESTRICTIVE USING (region = lakegate.claim('region'))",
    "CREATE POLICY others ON shop.orders TO eve USING (true)",
    "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY",
    "CREATE MASKING POLICY hide (value text) RETURNS text AS CASE WHEN is_member('pii') THEN value ELSE '***' END",
    "CREATE TAG secret",
    "ALTER TAG secret SET MASKING POLICY hide",
    "ALTER TABLE shop.orders ALTER COLUMN region SET TAG secret = 'yes'",
)
TEAR_DOWN = (
    "ALTER TABLE shop.orders ALTER COLUMN region UNSET TAG secret",
    "ALTER TAG secret UNSET MASKING POLICY hide",
    "DROP TAG secret",
    "DROP MASKING POLICY hide",
)


@pytest.fixture(scope="module")
def governed(shop: SampleLake, shop_gateway: RunningGateway) -> Iterator[RunningGateway]:
    """The shop under policies."""
    with shop_gateway.connect(ADA) as ada, cleaned(shop, shop_gateway):
        for statement in SETUP:
            ada.execute(statement.encode())
        try:
            yield shop_gateway
        finally:
            for statement in TEAR_DOWN:
                ada.execute(statement.encode())


def ask(gateway: RunningGateway, text: str, user: str = ADA, password: str = PASSWORD) -> list[tuple[object, ...]]:
    with gateway.connect(user, password=password) as connection:
        return connection.execute(text.encode()).fetchall()


def test_explain_policy_says_what_applies_and_where_it_comes_from(governed: RunningGateway) -> None:
    assert ask(governed, "EXPLAIN POLICY FOR bob ON shop.orders") == [
        (
            *("role", "bob", True),
            "has the privileges of analysts (bob → analysts); has the privileges of staff (bob → analysts → staff)",
        ),
        ("privilege", "USAGE ON SCHEMA shop", True, "granted to bob → analysts → staff"),
        ("privilege", "SELECT ON shop.orders", False, "not granted"),
        ("privilege", "SELECT (id) ON shop.orders", True, "granted to bob → analysts"),
        ("privilege", "SELECT (owner) ON shop.orders", True, "granted to bob → analysts"),
        ("privilege", "SELECT (region) ON shop.orders", True, "granted to bob → analysts"),
        (
            *("row security", None, True),
            "on; the role sees rows that one permissive policy and every restrictive one let through",
        ),
        (
            *("row policy", "claimed", True),
            "restrictive, for ALL, to public: region = lakegate.claim(CAST('region' AS TEXT))",
        ),
        ("row policy", "others", False, "permissive, for ALL, to eve: the role is none of these"),
        ("row policy", "own", True, "permissive, for ALL, to analysts: owner = 'bob'"),
        ("mask", "region", True, "masking policy hide, by tag secret = 'yes' of the column: CAST('***' AS TEXT)"),
    ]


def test_claims_are_given_with_the_question(governed: RunningGateway) -> None:
    found = ask(governed, """EXPLAIN POLICY FOR bob WITH CLAIMS '{"region": "north"}' ON shop.orders""")
    assert [row[3] for row in found if row[1] == "claimed"] == ["restrictive, for ALL, to public: region = 'north'"]


def test_exemptions_are_told(governed: RunningGateway) -> None:
    found = {row[:2]: row[2:] for row in ask(governed, "EXPLAIN POLICY FOR ada ON shop.orders")}
    assert found["role", "ada"][1] == "superuser: privileges, row security and masks do not hold for it"
    assert found["row security", None] == (False, "on, but not for superusers")
    assert found["mask", "region"] == (
        False,
        "masking policy hide, by tag secret = 'yes' of the column: not for superusers",
    )
    with governed.connect(ADA) as ada:
        ada.execute("ALTER TABLE shop.orders OWNER TO bob")
        try:
            found = {row[:2]: row[2:] for row in ask(governed, "EXPLAIN POLICY FOR bob ON shop.orders", BOB)}
        finally:
            ada.execute("ALTER TABLE shop.orders OWNER TO ada")
    assert str(found["row security", None][1]).startswith("on, but not for the owner (bob)")
    assert found["row policy", "own"] == (False, "row security does not hold for the role")
    assert found["privilege", "SELECT ON shop.orders"] == (True, "owner of the table (bob)")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("FOR eve ON shop.orders", (False, False, False, "no USAGE on schema shop: GRANT USAGE ON SCHEMA shop TO eve")),
        (
            "FOR bob ON shop.orders.amount",
            (False, False, False, "no SELECT on column amount; granted are id, owner, region"),
        ),
        (
            "FOR bob ON shop.regions",
            (False, False, False, "no SELECT on table shop.regions, nor on any column of it"),
        ),
        ("FOR ada ON shop.orders (amount)", (True, False, False, "superusers see everything")),
    ],
)
def test_check_access_says_why_not(governed: RunningGateway, question: str, answer: tuple[object, ...]) -> None:
    (found,) = ask(governed, f"CHECK ACCESS {question}")
    assert found[1:] == answer


def test_check_access_of_columns_agrees_with_what_is_seen(governed: RunningGateway) -> None:
    found = ask(governed, "CHECK ACCESS FOR bob TO SELECT ON shop.orders (id, region, amount)")
    assert [row[:4] for row in found] == [
        ("shop.orders.id", True, False, True),
        ("shop.orders.region", True, True, True),
        ("shop.orders.amount", False, False, False),
    ]
    assert str(found[1][4]).startswith("masking policy hide, by tag secret = 'yes' of the column")
    assert "row policy own: permissive" in str(found[1][4])
    with governed.connect(BOB) as bob:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            bob.execute("SELECT amount FROM shop.orders")
        assert bob.execute("SELECT region FROM shop.orders").fetchall() == []  # bob has no claim


def test_the_answer_is_of_the_moment_of_its_execution_in_both_formats(governed: RunningGateway) -> None:
    question = b"CHECK ACCESS FOR bob ON shop.regions"
    with governed.connect(ADA) as ada, governed.connect(ADA) as other:
        for binary in (False, True):
            before = ada.execute(question, prepare=True, binary=binary).fetchone()
            other.execute("GRANT SELECT ON shop.regions TO staff")
            after = ada.execute(question, prepare=True, binary=binary).fetchone()
            other.execute("REVOKE SELECT ON shop.regions FROM staff")
            assert before is not None
            assert after is not None
            assert (before[1], after[1]) == (False, True)
        cursor = ada.execute(question)
        assert [(column.name, column.type_code) for column in cursor.description or ()] == [
            *(("object", 25), ("allowed", 16), ("masked", 16), ("filtered", 16)),
            ("reason", 25),
        ]
        assert cursor.statusmessage == "CHECK ACCESS"


def test_who_may_ask(governed: RunningGateway) -> None:
    for question in ("EXPLAIN POLICY FOR eve ON {}", "CHECK ACCESS FOR eve ON {}"):
        assert ask(governed, question.format("shop.orders"), "olga", f"{PASSWORD}x")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="must be owner of table orders"):
            ask(governed, question.format("shop.orders"), BOB)
        with pytest.raises(psycopg.errors.UndefinedTable, match=r'relation "shop\.orders" does not exist'):
            ask(governed, question.format("shop.orders"), EVE)
        with pytest.raises(psycopg.errors.UndefinedTable, match=r'relation "shop\.none" does not exist'):
            ask(governed, question.format("shop.none"), EVE)
    with governed.connect(ADA) as ada:
        ada.execute("SET ROLE bob")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ada.execute("CHECK ACCESS FOR eve ON shop.orders")


@pytest.mark.parametrize(
    ("text", "state", "position"),
    [
        ("EXPLAIN POLICY FOR bob", "42601", 23),
        ("EXPLAIN POLICY FOR bob ON shop.orders.id", "42601", 38),
        ("CHECK ACCESS FOR bob ON shop.orders extra", "42601", 37),
        ("CHECK ACCESS FOR bob WITH CLAIMS '[]' ON shop.orders", "22023", 34),
        ("CHECK ACCESS FOR nobody ON shop.orders", "42704", None),
        ("CHECK ACCESS FOR bob ON shop.orders (none)", "42703", None),
        ("SELECT 1; CHECK ACCESS FOR bob ON shop.nowhere", "42P01", 35),
    ],
)
def test_wrong_questions(governed: RunningGateway, text: str, state: str, position: int | None) -> None:
    with governed.connect(ADA) as ada, pytest.raises(psycopg.Error) as caught:
        ada.execute(text.encode(), prepare=False)
    assert caught.value.sqlstate == state
    told = caught.value.diag.statement_position
    assert (int(told) if told else None) == position


def test_a_failed_transaction_answers_nothing(governed: RunningGateway) -> None:
    with governed.connect(ADA) as ada:
        for prepare in (False, True):
            ada.execute("BEGIN")
            assert ada.execute("CHECK ACCESS FOR bob ON shop.orders", prepare=prepare).fetchone()
            with pytest.raises(psycopg.errors.DivisionByZero):
                ada.execute("SELECT 1 / 0")
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                ada.execute("CHECK ACCESS FOR bob ON shop.orders", prepare=prepare)
            ada.execute("ROLLBACK")
