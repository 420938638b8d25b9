"""Row policies of views: what they let through is what PostgreSQL's let through of a table with the view's rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import psycopg
import pytest

from catalog.server import Server
from tests.access.conftest import ORDERS, REGIONS, peer_dsn
from tests.access.test_scripts import Side
from tests.gateway import ADA, BOB, EVE, RunningGateway, SampleLake, Settings, serving

_USERS = (ADA, BOB, EVE)
_QUERIES = (
    "SELECT id, region, amount, owner FROM shop.orders",
    "SELECT id, upper(region) AS region, amount * 1 AS amount, owner FROM shop.orders WHERE id <> 9",
    "SELECT max(id) AS id, region, sum(amount) AS amount, max(owner) AS owner FROM shop.orders GROUP BY region",
    "SELECT o.id, o.region, o.amount, o.owner FROM shop.orders o LEFT JOIN shop.regions r USING (region)"
    " ORDER BY o.id LIMIT 3",
)
_POLICIES = (
    (),
    ("CREATE POLICY p ON shop.v USING (owner = current_user)",),
    ("CREATE POLICY p ON shop.v FOR INSERT WITH CHECK (true)",),
    ("CREATE POLICY p ON shop.v TO bob USING (amount < 25)", "CREATE POLICY q ON shop.v FOR SELECT USING (id = 3)"),
    ("CREATE POLICY p ON shop.v USING (true)", "CREATE POLICY q ON shop.v AS RESTRICTIVE TO eve USING (id > 1)"),
    ("CREATE POLICY p ON shop.v USING (region IN (SELECT r.region FROM shop.regions r WHERE r.team = current_user))",),
    (
        "CREATE POLICY p ON shop.v USING (EXISTS (SELECT FROM shop.regions v WHERE v.region = lower(shop.v.region))"
        " AND 100 / amount > 3)",
    ),
)
_ASKED = (
    "SELECT * FROM shop.v",
    "SELECT region, count(*), sum(amount) FROM shop.v GROUP BY region",
    "SELECT a.id, b.owner FROM shop.v a JOIN shop.v b USING (region) WHERE a.amount <= b.amount AND a.id < 4",
    "SELECT count(*) FROM shop.v WHERE 1 / (id - 4) < 5",  # no policy shows it to eve
)


class Pair:
    """The gateway, where ``v`` is a view, and PostgreSQL, where it is a table with the same rows."""

    def __init__(self, ours: Side, theirs: Side) -> None:
        self.ours, self.theirs = ours, theirs

    def do(self, *statements: str) -> None:
        """Have the superuser say statements that must succeed on both."""
        for statement in statements:
            for side in (self.ours, self.theirs):
                answer = side.run(ADA, statement)
                assert not answer.startswith("ERROR"), f"{statement}: {answer}"

    def make(self, query: str, options: str = "") -> None:
        """Make the view of a query, and the table."""
        for side, kind in ((self.ours, f"VIEW shop.v {options}"), (self.theirs, "TABLE shop.v")):
            answer = side.run(ADA, f"CREATE {kind} AS {query}")
            assert not answer.startswith("ERROR"), answer
        self.do("GRANT SELECT ON shop.v TO bob, eve")

    def compare(self, user: str, query: str) -> str:
        """Ask both; return the answer."""
        told = [side.run(user, query) for side in (self.ours, self.theirs)]
        assert sorted(told[0].splitlines()) == sorted(told[1].splitlines()), f"{user}: {query}"
        return told[0]

    def drop(self) -> None:
        """Drop the view, and the table."""
        for side, kind in ((self.ours, "VIEW"), (self.theirs, "TABLE")):
            answer = side.run(ADA, f"DROP {kind} IF EXISTS shop.v CASCADE")
            assert answer.endswith(f"DROP {kind}"), answer


@pytest.fixture
def pair(shop_gateway: RunningGateway, peer: Server, clean: None) -> Iterator[Pair]:
    with psycopg.connect(peer_dsn(peer, ADA), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shop.orders DROP COLUMN IF EXISTS x")  # a script has added it
        for name, table in (("orders", ORDERS), ("regions", REGIONS)):
            places = ", ".join(["%s"] * table.num_columns)
            rows = [tuple(row.values()) for row in table.to_pylist()]
            cursor.executemany(f"INSERT INTO shop.{name} VALUES ({places})".encode(), rows)
    made = Pair(
        Side({name: shop_gateway.dsn(name) for name in _USERS}), Side({name: peer_dsn(peer, name) for name in _USERS})
    )
    made.do("GRANT USAGE, CREATE ON SCHEMA shop TO PUBLIC", "GRANT SELECT ON shop.regions TO bob, eve")
    yield made
    made.drop()
    made.ours.close()
    made.theirs.close()
    with psycopg.connect(peer_dsn(peer, ADA), autocommit=True) as connection:
        connection.execute("TRUNCATE shop.orders, shop.regions")
        connection.execute(
            "REVOKE ALL ON SCHEMA shop FROM PUBLIC; REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM bob, eve"
        )


@pytest.mark.parametrize("query", _QUERIES)
def test_policies_of_a_view_are_those_of_a_table(pair: Pair, query: str) -> None:
    pair.make(query)
    seen = set()
    for policies in _POLICIES:
        pair.do("DROP POLICY IF EXISTS p ON shop.v", "DROP POLICY IF EXISTS q ON shop.v", *policies)
        for security, owner in product(
            (
                "DISABLE ROW LEVEL SECURITY",
                "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
                "NO FORCE ROW LEVEL SECURITY",
            ),
            (ADA, BOB),
        ):
            pair.do(
                f"ALTER TABLE shop.v {security}",
                f"ALTER TABLE shop.v OWNER TO {owner}",
                "GRANT SELECT ON shop.v, shop.orders TO bob, eve",
            )
            seen |= {pair.compare(user, asked) for user, asked in product(_USERS, _ASKED[:3])}
        pair.do("ALTER TABLE shop.v DISABLE ROW LEVEL SECURITY")
    assert len(seen) > 10


def test_no_expression_meets_a_row_that_a_policy_hides(pair: Pair) -> None:
    pair.make(_QUERIES[0])
    pair.do("CREATE POLICY p ON shop.v USING (id < 4)", "ALTER TABLE shop.v ENABLE ROW LEVEL SECURITY")
    for query in (
        "SELECT id FROM shop.v WHERE 1 / (id - 4) < 5",
        "SELECT max(1 / (id - 4)) FROM shop.v",
        "SELECT a.id FROM shop.v a JOIN shop.v b ON 1 / (a.id - 4) = 1 / (b.id - 4)",
        "SELECT x FROM (SELECT 1 / (id - 4) AS x FROM shop.v) d WHERE x < 5",
        "SELECT id FROM shop.v WHERE region = 'north' AND amount BETWEEN 5 AND 15",
    ):
        assert not pair.compare(EVE, query).startswith("ERROR")


def _answers(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return sorted(connection.execute(query.encode(), prepare=False).fetchall())


def _do(connection: psycopg.Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement.encode(), prepare=False)


_SHOP = (
    "GRANT USAGE ON SCHEMA shop TO eve, bob",
    "CREATE VIEW shop.v AS SELECT id, region, owner FROM shop.orders",
    "CREATE POLICY mine ON shop.v USING (owner = current_user)",
    "ALTER VIEW shop.v ENABLE ROW LEVEL SECURITY",
    "GRANT SELECT ON shop.v TO eve, bob",
)


@pytest.fixture
def ada(shop_gateway: RunningGateway, clean: None) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect(ADA) as connection:
        _do(connection, *_SHOP)
        yield connection
        _do(connection, "DROP VIEW IF EXISTS shop.v, shop.w, shop.again CASCADE")


@pytest.fixture
def eve(shop_gateway: RunningGateway, ada: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with shop_gateway.connect(EVE) as connection:
        yield connection


def test_policies_follow_their_view(ada: psycopg.Connection, eve: psycopg.Connection) -> None:
    assert _answers(eve, "SELECT * FROM shop.v") == [(2, "north", "eve")]
    _do(ada, "ALTER VIEW shop.v RENAME COLUMN owner TO holder", "ALTER VIEW shop.v RENAME TO again")
    assert _answers(eve, "SELECT holder FROM shop.again") == [("eve",)]
    told = "SELECT tablename, qual FROM pg_policies"
    assert _answers(ada, told) == [("again", "(holder = CURRENT_USER)")]
    _do(
        ada,
        "CREATE OR REPLACE VIEW shop.again AS SELECT id, region, owner AS holder, amount FROM shop.orders WHERE id > 1",
        "REFRESH SOURCE shop",
    )
    assert _answers(eve, "SELECT amount FROM shop.again") == [(20,)]
    with pytest.raises(psycopg.errors.InvalidTableDefinition, match="cannot drop columns from view"):
        ada.execute("CREATE OR REPLACE VIEW shop.again AS SELECT id, region FROM shop.orders", prepare=False)
    _do(ada, "ALTER VIEW shop.again SET SCHEMA public")
    _do(ada, "GRANT SELECT ON public.again TO eve")
    assert _answers(eve, "SELECT id FROM public.again") == [(2,)]
    _do(ada, "DROP VIEW public.again")
    assert _answers(ada, told) == []


def test_a_policy_that_looks_into_a_view_follows_its_names(ada: psycopg.Connection, eve: psycopg.Connection) -> None:
    _do(
        ada,
        "CREATE VIEW shop.w (place) AS SELECT region FROM shop.regions",
        "CREATE POLICY looks ON shop.orders USING (region IN (SELECT w.place FROM shop.w w))",
        "ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY",
        "GRANT SELECT ON shop.orders, shop.w TO eve",
        "ALTER VIEW shop.w RENAME COLUMN place TO there",
        "ALTER VIEW shop.w RENAME TO again",
        "CREATE VIEW shop.other AS SELECT 1 AS one",  # the mirror is made equal to what is kept
        "DROP VIEW shop.other",
    )
    assert _answers(eve, "SELECT id FROM shop.orders") == [(1,), (2,), (3,)]
    _do(ada, "DROP POLICY looks ON shop.orders", "ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY")


def test_views_that_read_a_view_are_given_its_rows_for_their_owner(
    ada: psycopg.Connection, eve: psycopg.Connection
) -> None:
    _do(
        ada,
        "CREATE VIEW shop.w AS SELECT id FROM shop.v",
        "GRANT SELECT ON shop.w TO eve",
    )
    assert _answers(eve, "SELECT * FROM shop.w") == [(1,), (2,), (3,), (4,)]  # of a superuser's
    _do(ada, "ALTER VIEW shop.w OWNER TO bob")
    assert _answers(eve, "SELECT * FROM shop.w") == [(2,)]  # bob's rights, and current_user is who asks
    _do(ada, "ALTER VIEW shop.v OWNER TO bob", "GRANT SELECT ON shop.orders TO bob")
    assert _answers(eve, "SELECT * FROM shop.w") == [(1,), (2,), (3,), (4,)]
    _do(ada, "ALTER VIEW shop.v FORCE ROW LEVEL SECURITY")
    assert _answers(eve, "SELECT * FROM shop.w") == [(2,)]
    _do(ada, "ALTER VIEW shop.w SET (security_invoker)")
    assert _answers(eve, "SELECT * FROM shop.w") == [(2,)]
    _do(ada, "ALTER VIEW shop.v SET (security_invoker)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        eve.execute("SELECT * FROM shop.w")
    _do(ada, "GRANT SELECT ON shop.orders TO eve")
    assert _answers(eve, "SELECT * FROM shop.w") == [(2,)]


def test_states_of_policies_of_views(ada: psycopg.Connection, eve: psycopg.Connection) -> None:
    _do(ada, "CREATE DRAFT POLICY few ON shop.v AS RESTRICTIVE USING (id > 2)")
    assert _answers(eve, "SELECT id FROM shop.v") == [(2,)]
    _do(ada, "ALTER POLICY few ON shop.v SHADOW")
    assert _answers(eve, "SELECT id FROM shop.v") == [(2,)]
    _do(ada, "ALTER POLICY few ON shop.v ENFORCE")
    assert _answers(eve, "SELECT id FROM shop.v") == []
    _do(ada, "DROP POLICY few ON shop.v")
    assert _answers(eve, "SELECT id FROM shop.v") == [(2,)]


def test_what_is_refused_of_views(ada: psycopg.Connection, eve: psycopg.Connection) -> None:
    for statement, state in (
        ("ALTER VIEW shop.orders ENABLE ROW LEVEL SECURITY", "42809"),
        ("ALTER VIEW ONLY shop.v ENABLE ROW LEVEL SECURITY", "42601"),
        ("ALTER VIEW shop.absent ENABLE ROW LEVEL SECURITY", "42P01"),
        ("CREATE POLICY mine ON shop.v USING (true)", "42710"),
        ("CREATE POLICY x ON shop.v USING (amount > 1)", "42703"),
        ("CREATE POLICY x ON shop.v USING (id)", "42804"),
        ("CREATE POLICY x ON shop.v USING (id IN (SELECT y.id FROM shop.v y))", "42P17"),
        ("CREATE POLICY x ON shop.v USING (owner = current_setting('a.b'))", "0A000"),
        ("CREATE OR REPLACE VIEW shop.v AS SELECT id, region, owner FROM shop.orders; DROP VIEW shop.absent", "42P01"),
    ):
        with pytest.raises(psycopg.Error) as caught:
            ada.execute(statement.encode(), prepare=False)
        assert caught.value.sqlstate == state, statement
    for statement in ("CREATE POLICY x ON shop.v USING (true)", "ALTER VIEW shop.v DISABLE ROW LEVEL SECURITY"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="must be owner of"):
            eve.execute(statement.encode(), prepare=False)
    notices: list[str] = []
    ada.add_notice_handler(lambda one: notices.append(str(one.message_primary)))
    _do(ada, "ALTER VIEW IF EXISTS shop.absent ENABLE ROW LEVEL SECURITY")
    assert notices == ['relation "absent" does not exist, skipping']
    assert _answers(eve, "SELECT id FROM shop.v") == [(2,)]


def test_a_view_goes_with_its_policies_whoever_drops_it(ada: psycopg.Connection, eve: psycopg.Connection) -> None:
    _do(
        ada,
        "CREATE VIEW shop.w AS SELECT id FROM shop.v",
        "CREATE POLICY few ON shop.w TO bob, eve USING (id IN (SELECT v.id FROM shop.v v))",
        "CREATE POLICY look ON shop.regions USING (EXISTS (SELECT FROM shop.v v))",
    )
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        ada.execute("DROP VIEW shop.v", prepare=False)
    assert _answers(eve, "SELECT id FROM shop.v") == [(2,)]
    _do(ada, "BEGIN", "DROP VIEW shop.v CASCADE", "ROLLBACK")
    assert len(_answers(ada, "SELECT policyname FROM pg_policies")) == 3
    _do(ada, "GRANT CREATE ON SCHEMA shop TO bob", "ALTER VIEW shop.w OWNER TO bob", "DROP OWNED BY bob")
    assert _answers(ada, "SELECT policyname, roles::text FROM pg_policies") == [
        ("look", "{public}"),
        ("mine", "{public}"),
    ]
    _do(ada, "CREATE POLICY his ON shop.v TO bob, eve USING (true)", "DROP OWNED BY bob")
    assert _answers(ada, "SELECT policyname, roles::text FROM pg_policies WHERE tablename = 'v'") == [
        ("his", "{eve}"),
        ("mine", "{public}"),
    ]
    _do(ada, "DROP VIEW shop.v CASCADE")
    assert _answers(ada, "SELECT policyname FROM pg_policies") == []


def test_policies_of_views_outlive_the_gateway_and_what_is_under_them(shop: SampleLake, clean: None) -> None:
    settings = Settings(server={"refresh_interval": "0"}, database="again")
    with serving(shop, settings) as first, first.connect(ADA) as ada:
        _do(ada, *_SHOP, "CREATE VIEW shop.w AS SELECT * FROM shop.v", "GRANT SELECT ON shop.w TO eve")
        _do(ada, "ALTER VIEW shop.w OWNER TO bob", "CREATE POLICY all_of_it ON shop.w USING (id < 9)")
        _do(ada, "ALTER VIEW shop.w ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    with serving(shop, settings) as second:
        with second.connect(EVE) as eve:
            assert _answers(eve, "SELECT id FROM shop.v") == [(2,)]
            assert _answers(eve, "SELECT id FROM shop.w") == [(2,)]
        with second.connect(ADA) as ada:
            _do(ada, "DROP VIEW shop.v CASCADE")


def test_policies_of_views_are_told(ada: psycopg.Connection, eve: psycopg.Connection) -> None:
    told = {
        (kind, name): (applies, why) for kind, name, applies, why in _answers(ada, "EXPLAIN POLICY FOR eve ON shop.v")
    }
    assert told["row policy", "mine"] == (True, "permissive, for ALL, to public: owner = 'eve'")
    assert str(told["row security", None][1]).endswith("as it is for ada, its owner in the tables that the view reads")
    [verdict] = _answers(ada, "CHECK ACCESS FOR eve ON shop.v")
    assert verdict[1:4] == (True, False, True)
    shown = [line for (line,) in eve.execute("EXPLAIN (VERBOSE, ANALYZE) SELECT * FROM shop.v WHERE id = 1")]
    assert shown[1:] == [
        "  The plan is shown to roles that see all of the tables.",
        "Scan shop.v  (view)",
        "  Policies apply",
    ]
