"""psql: what a person types first."""

from __future__ import annotations

import subprocess

import pytest

from tests.clients.conftest import PSQL
from tests.gateway import BOB, PASSWORD, RunningGateway, SampleLake

pytestmark = PSQL


class Psql:
    """psql 18, with a text as its input."""

    def __init__(self, gateway: RunningGateway, lake: SampleLake) -> None:
        assert lake.server.programs is not None
        self._program = lake.server.programs / "psql"
        self._gateway = gateway

    def __call__(self, text: str, *options: str, user: str = "ada") -> str:
        """Return what psql prints, errors included."""
        done = subprocess.run(
            [self._program, "-X", *options, "-d", self._gateway.dsn(user)],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout


@pytest.fixture(scope="module")
def psql(gateway: RunningGateway, lake: SampleLake) -> Psql:
    return Psql(gateway, lake)


def test_describing_a_lake_table(psql: Psql) -> None:
    printed = psql(r"\d sales.lineitem")
    assert 'Table "sales.lineitem"' in printed
    assert "l_quantity      | numeric(15,2) |           | not null |" in printed
    assert "l_shipdate      | date " in printed


def test_describing_a_table_with_keys_indexes_and_comments(psql: Psql) -> None:
    printed = psql(r"\d+ crm.customer")
    assert '"customer_pkey" PRIMARY KEY, btree (c_custkey)' in printed
    assert '"customer_mktsegment" btree (c_mktsegment)' in printed
    assert "FOREIGN KEY (c_nationkey) REFERENCES" in printed
    assert "Balance of the account in US dollars" in printed


def test_lists(psql: Psql) -> None:
    assert "Lines of orders" in psql(r"\dt+ sales.*")
    assert "lake " in psql(r"\l")
    schemas = psql(r"\dn")
    assert all(f" {name} " in schemas for name in ("crm", "sales", "supply", "files"))
    assert " bob " in psql(r"\du")
    assert "(0 rows)" in psql(r"\df")
    assert "pg_catalog | date_trunc" in psql(r"\df pg_catalog.date_trunc")
    assert "customer_nationkey" in psql(r"\di crm.*")
    assert "bob=r/" in psql(r"\dp crm.customer")


def test_tables_of_all_sources_are_found_without_their_schema(psql: Psql) -> None:
    printed = psql(r"\d")
    assert all(f" {name} " in printed for name in ("lineitem", "part", "customer", "holidays"))
    assert psql("select count(*) from nation join region on r_regionkey = n_regionkey", "-At") == "25\n"


def test_queries(psql: Psql) -> None:
    federated = """
        select n_name, count(*) from crm.customer
        join crm.nation on n_nationkey = c_nationkey join sales.orders on o_custkey = c_custkey
        where o_orderdate < date '1992-02-01' group by 1 order by 2 desc, 1 limit 1
    """
    name, count = psql(federated, "-At").strip().split("|")
    assert name.isupper()
    assert int(count) > 1
    assert psql("select 1; select count(*) from small.none; select 2", "-At") == "1\n0\n2\n"
    assert psql("select n from small.numbers where n < 3 order by n desc", "--csv") == "n\n2\n1\n"
    assert psql("select * from small.kinds where id = 3", "-At", "-P", "null=?") == "3" + "|?" * 15 + "\n"


def test_gdesc_and_expanded_and_fetch_count(psql: Psql) -> None:
    assert "price  | numeric(15,2)" in psql(r"select price from small.kinds \gdesc")
    assert "-[ RECORD 1 ]" in psql("\\x\nselect n from small.numbers where n = 1")
    assert psql("\\set FETCH_COUNT 2\nselect n from small.numbers where n < 6 order by n", "-At") == "1\n2\n3\n4\n5\n"
    assert psql("select n from small.numbers where n = $1 \\bind 7 \\g", "-At") == "7\n"


def test_errors_point_at_their_place(psql: Psql) -> None:
    assert psql("select n,\n  m from small.numbers").splitlines()[:3] == [
        'ERROR:  column "m" does not exist',
        "LINE 2:   m from small.numbers",
        "          ^",
    ]
    assert "LINE 1: select * frm small.numbers\n" in psql("select * frm small.numbers")
    unknown = psql("select * from lineitm")
    assert "LINE 1: select * from lineitm\n                      ^" in unknown
    assert 'HINT:  Perhaps you meant "sales.lineitem".' in unknown


def test_explain(psql: Psql) -> None:
    printed = psql("explain select count(*) from sales.lineitem join crm.customer on c_custkey = l_orderkey", "-At")
    assert "Scan sales.lineitem  (source sales, delta, version 0)" in printed
    assert 'Remote SQL: SELECT "c_custkey" FROM "public"."customer"' in printed
    assert "Files: 1 of 1" in printed


def test_a_role_sees_and_reads_what_it_was_granted(psql: Psql) -> None:
    assert psql("select count(*) from crm.region", "-At", user=BOB) == "5\n"
    assert 'relation "sales.lineitem" does not exist' in psql("select * from sales.lineitem", user=BOB)
    tables = psql("select table_schema, table_name from information_schema.tables where table_schema = 'sales'",
                  "-At", user=BOB)  # fmt: skip
    assert tables == "sales|orders\n"


def test_the_password_is_not_in_what_is_printed(psql: Psql) -> None:
    assert PASSWORD not in psql(r"\conninfo")
