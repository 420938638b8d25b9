"""Hints in a statement's comment choose plans and never rows; who gives one is told where it is not followed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.gateway import BOB, RunningGateway

QUERY = """SELECT {hint} count(*), sum(l_quantity)
FROM sales.lineitem l, sales.orders o, crm.customer c, crm.nation n
WHERE l_orderkey = o_orderkey AND c_custkey = o_custkey AND n_nationkey = c_nationkey
AND c_name = 'Customer#000000001'"""
Notices = list[tuple[str | None, str | None, str | None]]


@pytest.fixture
def ada(gateway: RunningGateway) -> Iterator[psycopg.Connection]:
    with gateway.connect() as connection:
        connection.execute("SET lakegate.feedback = off")
        yield connection


@pytest.fixture
def notices(ada: psycopg.Connection) -> Notices:
    return heard(ada)


def heard(connection: psycopg.Connection) -> Notices:
    found: Notices = []
    connection.add_notice_handler(lambda told: found.append((told.severity, told.message_primary, told.message_detail)))
    return found


def hinted(hint: str) -> str:
    return QUERY.format(hint=f"/*+ {hint} */")


def explained(connection: psycopg.Connection, query: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"EXPLAIN VERBOSE {query}".encode()).fetchall()]


def order(connection: psycopg.Connection, query: str) -> list[str]:
    """Return the tables in the order in which the engine is told to join them."""
    sql = next(line for line in explained(connection, query) if line.startswith("  SQL: "))
    return re.findall(r"FROM (?:crm|sales)\.(\w+)", sql)


def became(connection: psycopg.Connection, query: str) -> dict[str, list[str]]:
    """Return the hints by what EXPLAIN says of them."""
    found: dict[str, list[str]] = {}
    head = ""
    for line in explained(connection, query):
        if line.endswith(" hint:"):
            head = line
            found[head.removesuffix(" hint:")] = []
        elif head and line.startswith("  "):
            found[head.removesuffix(" hint:")].append(line.strip())
        else:
            head = ""
    return found


@pytest.mark.parametrize(
    ("leading", "expected"),
    [
        ("Leading(n l o c)", None),
        ("Leading((((l o) c) n))", ["nation", "customer", "orders", "lineitem"]),
        ("Leading(((n c) (l o)))", ["orders", "lineitem", "customer", "nation"]),
        ("Leading((n (c (o l))))", ["lineitem", "orders", "customer", "nation"]),
        ("Leading(l o)", None),
    ],
)
def test_the_order_of_joins(
    ada: psycopg.Connection, notices: Notices, leading: str, expected: list[str] | None
) -> None:
    usual = ada.execute(QUERY.format(hint="").encode()).fetchall()
    assert ada.execute(hinted(leading).encode()).fetchall() == usual
    found = order(ada, hinted(leading))
    assert expected is None or found == expected
    if leading == "Leading(l o)":
        assert abs(found.index("lineitem") - found.index("orders")) == 1
    assert became(ada, hinted(leading)) == {"used": [leading], "not used": [], "duplication": [], "error": []}
    shown = next(line for line in explained(ada, hinted(leading)) if "Join order" in line)
    assert [{"l": "lineitem", "o": "orders", "c": "customer", "n": "nation"}[one] for one in
            re.findall(r"\b[locn]\b", shown.partition("  (cost")[0])] == found  # fmt: skip
    assert notices == []


def test_what_is_not_hinted_is_as_ever(ada: psycopg.Connection) -> None:
    usual = explained(ada, QUERY.format(hint=""))
    assert not any("hint:" in line for line in usual)
    assert order(ada, hinted("Leading((((l o) c) n))")) != order(ada, QUERY.format(hint=""))
    assert order(ada, QUERY.format(hint="")) == order(ada, QUERY.format(hint="/* Leading((((l o) c) n)) */"))


def test_rows_are_corrected(ada: psycopg.Connection) -> None:
    query = QUERY.replace(", crm.nation n", "").replace("AND n_nationkey = c_nationkey", "")

    def expected(hint: str) -> float:
        shown = next(line for line in explained(ada, query.format(hint=hint)) if "Join order" in line)
        found = re.search(r"([0-9,]+) rows expected", shown)
        assert found is not None
        return float(found[1].replace(",", ""))

    assert expected("/*+ Rows(l o c #777) */") == 777
    guessed = expected("/*+ Rows(l o c *1) */")
    assert expected("/*+ Rows(l o c +1000) */") == pytest.approx(guessed + 1000, abs=1)
    assert expected("/*+ Rows(l o c *5) */") == pytest.approx(guessed * 5, rel=0.1)
    far = query.format(hint="/*+ Rows(o c #9e9) */")
    assert became(ada, far)["used"] == ["Rows(o c #9e9)"]
    shown = next(line for line in explained(ada, far) if "Join order" in line)
    assert "(o l)" in shown or "(l o)" in shown  # another join comes first


def test_methods(ada: psycopg.Connection, notices: Notices) -> None:
    query = hinted("Leading(((l o) (n c))) HashJoin(l o) NoNestLoop(c n) MergeJoin(l o n c) HashJoin(l c)")
    found = became(ada, query)
    assert {*found["used"]} == {"Leading(((l o) (n c)))", "HashJoin(l o)", "NoNestLoop(c n)"}
    assert found["not used"] == [
        "MergeJoin(l o n c)  (the engine joins by hashing wherever columns are equal)",
        "HashJoin(l c)  (these tables are not joined by themselves in the order that was chosen: "
        "ask for it by Leading)",
    ]
    notices.clear()
    ada.execute(query.encode())
    assert [told[:2] for told in notices] == [
        ("INFO", "hint is not used: MergeJoin(l o n c)"),
        ("INFO", "hint is not used: HashJoin(l c)"),
    ]
    assert notices[0][2] == "The engine joins by hashing wherever columns are equal."


def test_mistakes_are_told(ada: psycopg.Connection, notices: Notices) -> None:
    ada.execute(
        hinted("Leading(l o) SeqScan(l) Set(work_mem '1GB') Leading(o l) HashJoin(x y) Hash(l o) Rows(l o #1)").encode()
    )
    assert notices == [
        ("INFO", 'hint syntax error at or near "Hash(l o) Rows(l o #1)"', 'Unrecognized hint keyword "Hash".'),
        ("INFO", "hint is not used: Leading(l o)", "A later hint says otherwise."),
        ("INFO", "hint is not used: SeqScan(l)", "How a table is read is its source's to say."),
        ("INFO", "hint is not used: Set(work_mem '1GB')", "Plans of the gateway do not depend on this setting."),
        ("INFO", "hint is not used: HashJoin(x y)", "No FROM whose joins may be ordered has all of these names."),
    ]


def test_settings_are_the_statements_alone(ada: psycopg.Connection) -> None:
    query = QUERY.replace(", crm.nation n", "").replace("AND n_nationkey = c_nationkey", "")
    query = query.format(hint="/*+ Set(lakegate.join_reordering off) */")
    assert order(ada, query) == ["lineitem", "orders", "customer"]
    assert became(ada, query)["used"] == ["Set(lakegate.join_reordering off)"]
    assert ada.execute("SHOW lakegate.join_reordering").fetchone() == ("on",)
    whole = "SELECT {} count(*) FROM crm.customer c JOIN crm.nation n ON n_nationkey = c_nationkey"
    assert explained(ada, whole.format(""))[0].startswith("Whole statement")
    here = explained(ada, whole.format("/*+ Set(lakegate.pushdown off) Leading((n c)) */"))
    assert here[0] == "Engine query"
    ada.execute("SET lakegate.pushdown = off")
    assert explained(ada, whole.format("/*+ Set(lakegate.pushdown on) */"))[0].startswith("Whole statement")


def test_servers_join_as_they_do(ada: psycopg.Connection, notices: Notices) -> None:
    joined = "FROM crm.customer c JOIN crm.nation n ON n_nationkey = c_nationkey"
    ada.execute(f"/*+ Leading(n c) */ SELECT count(*) {joined}".encode())
    assert notices == [("INFO", "hint is not used: Leading(n c)", "Source crm answers the statement alone.")]
    lines = explained(ada, f"SELECT /*+ Leading(n c) */ 1 {joined}")
    assert "  Leading(n c)  (source crm answers the statement alone)" in lines


def test_prepared_statements_and_cursors(ada: psycopg.Connection) -> None:
    written = ["nation", "customer", "orders", "lineitem"]
    hint = hinted("Leading((((l o) c) n))")
    ada.execute(f"PREPARE hinted AS {hint}".encode())
    assert order(ada, "EXECUTE hinted") == written
    parameters = hint.replace("'Customer#000000001'", "%s")
    usual = ada.execute(QUERY.format(hint="").encode()).fetchall()
    assert ada.execute(parameters.encode(), ("Customer#000000001",)).fetchall() == usual
    with ada.transaction(), ada.cursor("some") as cursor:
        cursor.execute(hint.encode())
        assert cursor.fetchall() == usual


def test_nothing_is_told_that_hidden_rows_decide(gateway: RunningGateway, ada: psycopg.Connection) -> None:
    hint = "/*+ HashJoin(a c) Leading(x y) SeqScan(a) */"
    query = f"""SELECT {hint} count(*) FROM sales.orders a JOIN sales.orders b USING (o_orderkey)
        JOIN sales.orders c USING (o_orderkey)"""
    ada.execute("ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY")
    try:
        with gateway.connect(BOB) as bob:
            notices = heard(bob)
            bob.execute(query.encode())
            assert {told[1] for told in notices} == {
                "hint is not used: Leading(x y)",
                "hint is not used: SeqScan(a)",
            }
            assert not any("hint" in line for line in explained(bob, query))
    finally:
        ada.execute("ALTER TABLE sales.orders DISABLE ROW LEVEL SECURITY")
