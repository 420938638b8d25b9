"""What is read through views, by whom, is what PostgreSQL reads on the same rows; views outlive what is under them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from catalog.server import Server
from tests.access.conftest import ORDERS, REGIONS, peer_dsn
from tests.access.test_scripts import Side
from tests.gateway import ADA, BOB, EVE, RunningGateway, SampleLake, Settings, serving

_USERS = (ADA, BOB, EVE)


class Both:
    """The gateway and PostgreSQL with the same rows: what one answers the other must."""

    def __init__(self, ours: Side, theirs: Side) -> None:
        self._sides = (ours, theirs)

    def say(self, user: str, statement: str) -> str:
        """Return the answer of both, in the order of lines where rows have none."""
        ours, theirs = (side.run(user, statement) for side in self._sides)
        assert _told(ours) == _told(theirs), f"{user}: {statement}"
        return ours

    def do(self, *statements: str) -> None:
        """Have the superuser say statements that must succeed."""
        for statement in statements:
            answer = self.say(ADA, statement)
            assert not answer.startswith("ERROR"), f"{statement}: {answer}"


def _told(answer: str) -> list[str]:
    """An answer without the order of its rows. What may not be known of is absent here, and refused there."""
    lines = answer.splitlines()
    if lines[0].startswith(("ERROR 42P01", "ERROR 42501")) or "one of its policies" in lines[0]:
        return ["refused"]
    return sorted(lines)


@pytest.fixture
def both(shop_gateway: RunningGateway, peer: Server, clean: None) -> Iterator[Both]:
    with psycopg.connect(peer_dsn(peer, ADA), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shop.orders DROP COLUMN IF EXISTS x")  # a script has added it
        cursor.executemany(
            "INSERT INTO shop.orders VALUES (%s, %s, %s, %s)", [tuple(row.values()) for row in ORDERS.to_pylist()]
        )
        cursor.executemany(
            "INSERT INTO shop.regions VALUES (%s, %s)", [tuple(row.values()) for row in REGIONS.to_pylist()]
        )
    ours = Side({name: shop_gateway.dsn(name) for name in _USERS})
    theirs = Side({name: peer_dsn(peer, name) for name in _USERS})
    pair = Both(ours, theirs)
    pair.do("GRANT USAGE, CREATE ON SCHEMA shop TO PUBLIC")
    yield pair
    ours.close()
    theirs.close()
    with psycopg.connect(peer_dsn(peer, ADA), autocommit=True) as connection:
        for view in connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'shop'").fetchall():
            connection.execute(f"DROP VIEW IF EXISTS shop.{view[0]} CASCADE".encode())
        for policy, table in connection.execute("SELECT policyname, tablename FROM pg_policies").fetchall():
            connection.execute(f"DROP POLICY {policy} ON shop.{table}".encode())
        connection.execute("ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
        connection.execute("TRUNCATE shop.orders, shop.regions")
        for role in (BOB, EVE):
            connection.execute(f"DROP OWNED BY {role}".encode())
        connection.execute("REVOKE ALL ON SCHEMA shop FROM PUBLIC")
        connection.execute("REVOKE ALL ON shop.orders, shop.regions FROM PUBLIC")


_RIGHTS = (
    (),
    ("GRANT SELECT ON shop.orders TO bob",),
    ("GRANT SELECT (id, amount) ON shop.orders TO bob, eve",),
    ("GRANT SELECT ON shop.orders TO eve", "GRANT SELECT ON shop.regions TO PUBLIC"),
)
_POLICIES = (
    (),
    ("CREATE POLICY p ON shop.orders USING (owner = current_user)",),
    (
        "CREATE POLICY p ON shop.orders TO bob USING (amount < 35)",
        "CREATE POLICY q ON shop.orders TO eve USING (id = 2)",
    ),
    ("CREATE POLICY p ON shop.orders TO bob USING (region IN (SELECT r.region FROM shop.regions r))",),
)
_DEFINITIONS = {
    "id, amount": "true",
    "id, amount, region": "region <> 'south' OR owner = current_user",
}


def _make_views(both: Both) -> list[str]:
    """Make views of all owners with both kinds of rights, and views of bob's over them."""
    made = []
    for number, (owner, invoker) in enumerate(product(_USERS, (True, False))):
        columns, condition = [*_DEFINITIONS.items()][number % 2]
        for name, query in (
            (f"v{number}", f"SELECT {columns} FROM shop.orders WHERE {condition}"),
            (f"w{number}", f"SELECT * FROM shop.v{number} WHERE amount < 40"),
        ):
            rights = invoker if name.startswith("v") else number in (0, 3, 4)
            both.do(
                f"CREATE VIEW shop.{name} WITH (security_invoker = {rights}) AS {query}",
                f"ALTER VIEW shop.{name} OWNER TO {owner if name.startswith('v') else BOB}",
                f"GRANT SELECT ON shop.{name} TO bob, eve",
            )
            made.append(name)
    return made


def test_rights_are_those_of_postgresql(both: Both) -> None:
    views = _make_views(both)
    answered = 0
    for policies in _POLICIES:
        both.do("DROP POLICY IF EXISTS p ON shop.orders", "DROP POLICY IF EXISTS q ON shop.orders", *policies)
        both.do(f"ALTER TABLE shop.orders {'ENABLE' if policies else 'DISABLE'} ROW LEVEL SECURITY")
        for rights in _RIGHTS:
            both.do("REVOKE ALL ON shop.orders FROM bob, eve", *rights)
            for user, view in product((BOB, EVE), (*views, "orders")):
                answered += not both.say(user, f"SELECT * FROM shop.{view}").startswith("ERROR")
    assert answered > 150
    for view in views:
        both.say(EVE, f"SELECT count(*), max(b.id) FROM shop.{view} a JOIN shop.{view} b USING (id) WHERE id <> 3")


def test_a_column_of_a_view_may_be_hidden(both: Both) -> None:
    both.do("CREATE VIEW shop.v AS SELECT * FROM shop.orders", "GRANT SELECT (id, region) ON shop.v TO eve")
    assert both.say(EVE, "SELECT id, region FROM shop.v").count("\n") == 4
    both.say(EVE, "SELECT * FROM shop.v")
    with pytest.raises(AssertionError):  # it is as if absent, where PostgreSQL says that it is there
        both.say(EVE, "SELECT amount FROM shop.v")


def test_forms_of_views(both: Both) -> None:
    forms = {
        "sums (region, n, total)": "SELECT region, count(*), sum(amount) FROM shop.orders GROUP BY region",
        "united": "SELECT id FROM shop.orders WHERE id < 3 UNION ALL SELECT 7",
        "top": "SELECT id, amount FROM shop.orders ORDER BY amount DESC LIMIT 2",
        "last_of": "SELECT DISTINCT ON (region) region, id, amount FROM shop.orders ORDER BY region, id DESC",
        "rest": "SELECT id, amount FROM shop.orders ORDER BY id DESC OFFSET 1",
        "joined": "SELECT o.*, r.team FROM shop.orders o LEFT JOIN shop.regions r USING (region)",
        "ranked": "SELECT id, rank() OVER (PARTITION BY region ORDER BY amount) AS place FROM shop.orders",
        "listed": "VALUES (1, 'a'), (2, 'b')",
        "named": 'WITH w AS (SELECT id AS "Id" FROM shop.orders) SELECT "Id", "Id" + 1 AS "select" FROM w',
        "cased": "SELECT CASE WHEN amount BETWEEN 15 AND 35 THEN 'mid' ELSE 'out' END AS c, upper(region) AS u,"
        " amount / 3 AS q,"
        " amount::numeric / 3 AS d, owner LIKE 'b%' AS b, owner IN ('bob', 'eve') AS i FROM shop.orders",
        "looked": "SELECT id, (SELECT max(r.team) FROM shop.regions r WHERE r.region = o.region) AS team"
        " FROM shop.orders o",
    }
    for head, query in forms.items():
        name = head.split()[0]
        both.do(f"CREATE VIEW shop.{head} AS {query}", f"GRANT SELECT ON shop.{name} TO eve")
        for user in (ADA, EVE):
            both.do(f"SELECT * FROM shop.{name}")
            assert not both.say(user, f"SELECT * FROM shop.{name} x").startswith("ERROR")
    both.do(
        "SELECT s.region, s.total / 7, o.team FROM shop.sums s JOIN shop.joined o USING (region)",
        "SELECT count(*) FROM shop.ranked WHERE place = 1",
        "SELECT total + 1 AS t FROM shop.sums WHERE n = 2",
        "SELECT x.a, x.b FROM shop.listed x (a, b)",
        "WITH sums AS (SELECT 1 AS one) SELECT * FROM sums, shop.top",
        "SELECT id FROM shop.orders WHERE id IN (SELECT id FROM shop.top)",
        "SELECT * FROM shop.cased WHERE d > 5 ORDER BY q",
        "SELECT * FROM shop.last_of ORDER BY id",
        "SELECT v.region, v.id, o.amount FROM shop.last_of v JOIN shop.orders o USING (id)",
        "SELECT max(id), min(id), count(*) FROM shop.last_of",
        "SELECT * FROM shop.rest ORDER BY id",
        "SELECT sum(id) FROM shop.rest",
    )


def test_a_policy_may_look_through_a_view_of_its_owner(both: Both) -> None:
    both.do(
        "CREATE VIEW shop.teams AS SELECT region, team FROM shop.regions",
        "GRANT SELECT ON shop.teams TO bob, eve",
        "GRANT SELECT ON shop.orders TO bob, eve",
        "CREATE POLICY p ON shop.orders"
        " USING (region IN (SELECT t.region FROM shop.teams t WHERE t.team = current_user))",
        "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY",
    )
    assert both.say(BOB, "SELECT id FROM shop.orders").startswith("1\n2")
    assert both.say(EVE, "SELECT id FROM shop.orders").startswith("3\n")


_PROBES = (
    "SELECT id FROM shop.v WHERE 1 / (id - 4) < 5",
    "SELECT id FROM shop.v WHERE CASE WHEN id IS NULL THEN false ELSE 1 / (id - 4) < 5 END",
    "SELECT max(1 / (id - 4)) FROM shop.v",
    "SELECT a.id FROM shop.v a JOIN shop.v b ON 1 / (a.id - 4) = 1 / (b.id - 4)",
    "SELECT DISTINCT 1 / (id - 4) FROM shop.v WHERE 1 / (id - 4) < 5",
    "SELECT x FROM (SELECT 1 / (id - 4) AS x FROM shop.v) d WHERE x < 5",
    "SELECT count(*) FROM shop.v HAVING max(1 / (id - 4)) < 5",
    "SELECT id FROM shop.w WHERE 1 / (id - 4) < 5",
)
_FENCED = (
    "SELECT id, owner FROM shop.orders WHERE region <> 'west'",
    "SELECT o.id, o.owner FROM shop.orders o JOIN shop.regions r ON r.region = o.region",
    "SELECT max(id) AS id, owner FROM shop.orders GROUP BY owner HAVING max(id) < 4",
    "SELECT id, owner FROM shop.orders ORDER BY id LIMIT 3",
)


@pytest.mark.parametrize("definition", _FENCED)
def test_no_expression_meets_a_row_that_a_view_hides(
    shop_gateway: RunningGateway, clean: None, definition: str
) -> None:
    with shop_gateway.connect(ADA) as ada, shop_gateway.connect(EVE) as eve:
        for statement in (
            "GRANT USAGE ON SCHEMA shop TO eve",
            f"CREATE VIEW shop.v AS {definition}",
            "CREATE VIEW shop.w AS SELECT * FROM shop.v",
            "GRANT SELECT ON shop.v, shop.w TO eve",
        ):
            ada.execute(statement.encode(), prepare=False)
        for probe in _PROBES:
            eve.execute(probe.encode())


def test_explain_tells_nothing_of_what_an_owner_reads(shop_gateway: RunningGateway, clean: None) -> None:
    with shop_gateway.connect(ADA) as ada, shop_gateway.connect(EVE) as eve:
        ada.execute("GRANT USAGE ON SCHEMA shop TO eve")
        ada.execute("CREATE VIEW shop.v AS SELECT id FROM shop.orders")
        ada.execute("GRANT SELECT ON shop.v TO eve")
        told = [row[0] for row in eve.execute("EXPLAIN (VERBOSE, ANALYZE) SELECT * FROM shop.v WHERE id = 1")]
        assert told[1:] == [
            "  The plan is shown to roles that see all of the tables.",
            "Scan shop.v  (view)",
            "  Policies apply",
        ]
        assert any("Rows known" in line[0] for line in ada.execute("EXPLAIN SELECT * FROM shop.v"))


def test_masks_are_the_owners_for_who_asks(shop_gateway: RunningGateway, clean: None) -> None:
    with shop_gateway.connect(ADA) as ada, shop_gateway.connect(EVE) as eve, shop_gateway.connect(BOB) as bob:
        for statement in (
            "GRANT USAGE, CREATE ON SCHEMA shop TO bob, eve",
            "GRANT SELECT ON shop.orders TO bob, eve",
            "CREATE MASKING POLICY who (value text) RETURNS text AS"
            " CASE WHEN current_user = 'bob' THEN value ELSE '*' END",
            "ALTER TABLE shop.orders ALTER COLUMN owner SET MASKING POLICY who",
            "CREATE VIEW shop.open AS SELECT owner FROM shop.orders WHERE id = 1",
            "GRANT SELECT ON shop.open TO eve",
        ):
            ada.execute(statement.encode(), prepare=False)
        bob.execute("CREATE VIEW shop.bobs AS SELECT owner FROM shop.orders WHERE id = 1")
        bob.execute("GRANT SELECT ON shop.bobs TO eve")
        assert eve.execute("SELECT owner FROM shop.orders WHERE id = 1").fetchall() == [("*",)]
        assert bob.execute("SELECT * FROM shop.bobs").fetchall() == [("bob",)]
        assert eve.execute("SELECT * FROM shop.bobs").fetchall() == [("*",)]
        assert eve.execute("SELECT * FROM shop.open").fetchall() == [("bob",)]  # as its owner, a superuser, reads
        ada.execute("ALTER TABLE shop.orders ALTER COLUMN owner UNSET MASKING POLICY")
        ada.execute("DROP MASKING POLICY who")


def test_a_view_waits_for_its_tables(shop: SampleLake, shop_gateway: RunningGateway, clean: None) -> None:
    place = shop.folder / "shop" / "extra"
    write_deltalake(place, pa.table({"id": [1], "x": ["a"]}))
    with shop_gateway.connect(ADA) as ada, shop_gateway.connect(EVE) as eve:
        for statement in (
            "REFRESH SOURCE shop",
            "GRANT USAGE ON SCHEMA shop TO eve",
            "CREATE VIEW shop.v AS SELECT id, x FROM shop.extra",
            "CREATE VIEW shop.w AS SELECT x FROM shop.v",
            "GRANT SELECT ON shop.w TO eve",
        ):
            ada.execute(statement.encode(), prepare=False)
        assert eve.execute("SELECT * FROM shop.w").fetchall() == [("a",)]
        write_deltalake(place, pa.table({"id": [1], "y": ["b"]}), mode="overwrite", schema_mode="overwrite")
        ada.execute("REFRESH SOURCE shop", prepare=False)
        for connection in (ada, eve):
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="does not fit its tables any more"):
                connection.execute("SELECT * FROM shop.w")
        write_deltalake(place, pa.table({"id": [1], "x": ["c"]}), mode="overwrite", schema_mode="overwrite")
        ada.execute("REFRESH SOURCE shop", prepare=False)
        assert eve.execute("SELECT * FROM shop.w").fetchall() == [("c",)]
        write_deltalake(place, pa.table({"id": [1], "y": ["d"]}), mode="overwrite", schema_mode="overwrite")
        ada.execute("REFRESH SOURCE shop", prepare=False)
        ada.execute("CREATE OR REPLACE VIEW shop.v AS SELECT id, y AS x FROM shop.extra")
        assert eve.execute("SELECT * FROM shop.w").fetchall() == [("d",)]
        ada.execute("DROP VIEW shop.v CASCADE")


def test_views_outlive_the_gateway_and_hold_on_another(shop: SampleLake, clean: None) -> None:
    settings = Settings(server={"refresh_interval": "0"}, database="again")
    with serving(shop, settings) as first, first.connect(ADA) as ada:
        ada.execute("GRANT USAGE ON SCHEMA shop TO eve")
        ada.execute("CREATE VIEW public.v (n) WITH (security_barrier) AS SELECT id FROM shop.orders WHERE id < 3")
        ada.execute("COMMENT ON VIEW v IS 'few'")
        ada.execute("GRANT SELECT ON v TO eve")
    with serving(shop, settings) as second:
        with second.connect(EVE) as eve:
            assert sorted(eve.execute("SELECT n FROM v").fetchall()) == [(1,), (2,)]
        with second.connect(ADA) as ada:
            told = "SELECT viewowner, obj_description('v'::regclass) FROM pg_views WHERE viewname = 'v'"
            assert ada.execute(told).fetchall() == [("ada", "few")]
