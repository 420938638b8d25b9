r"""psql: every backslash command that reads, with what PostgreSQL itself answers beside it.

Of a table both say the same, to the letter; lists of the whole database differ by what is in it, but not in their
headings, and none ends in an error that PostgreSQL does not tell the same psql.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.clients.conftest import HEAVY, PSQL, Shop
from tests.clients.programs import get_psql, missing
from tests.gateway import ADA

pytestmark = PSQL

# Of the tables of the schema, which both have: the same text.
SAME = (
    r"\d shop.orders",
    r"\d+ shop.orders",
    r"\d shop.lineitem",
    r"\d+ shop.types",
    r"\d shop.customer",
    r"\d shop.prices",
    r"\d+ shop.prices",
    r"\d shop.numbered",
    r"\d shop.numbered_id_seq",
    r"\ds shop.*",
    r"\d shop.nation",
    r"\d+ shop.types_document",
    r"\d shop.visits",
    r"\d+ shop.visits",
    r"\d shop.visits_new",
    r"\d shop.visits_shop",
    r"\d shop.visits_pkey",
    r"\dP shop.*",
    r"\dt shop.vis*",
    r"\d shop.nation_orders",
    r"\dv shop.*",
    r"\dm shop.*",
    r"\d shop.orders_pkey",
    r"\d+ shop.orders_custkey",
    r"\di shop.*",
    r"\d shop.nothing",
    r"\dd shop.*",
    r"\df pg_catalog.date_trunc",
    r"\df+ pg_catalog.lower",
    r"\do pg_catalog.||",
    r"\dT pg_catalog.int*",
    r"\dT+ pg_catalog.money",
    r"\dC text",
    r"\dC+ date",
    r"\da pg_catalog.string_agg",
    r"\dA",
    r"\dA+",
    r"\dAc btree int*",
    r"\dAf hash",
    r"\dAo gin array_ops",
    r"\dAp brin int4_minmax_ops",
    r"\db",
    r"\dc utf8_to_*",
    r"\dF",
    r"\dFd",
    r"\dFp",
    r"\dFt",
    r"\dF+ simple",
    r"\dL",
    r"\dO pg_catalog.C*",
    r"\dO+ pg_catalog.ucs*",
    r"\dS pg_catalog.pg_class",
    r"\d+ pg_catalog.pg_stat_wal",
    r"\df pg_catalog.pg_*_size",
    r"\du pg_monitor",
    r"\drg pg_monitor",
    r"\sf pg_catalog.round(double precision, integer)",
    r"\sv pg_catalog.pg_tables",
    r"\dconfig work_mem",
    r"\dconfig+ datestyle",
    r"\encoding",
    r"\l nothing",
    r"\dX",
    r"\dl",
    r"\lo_list",
    r"\dES",
    "\\setenv EDITOR true\n\\ef pg_catalog.round(double precision, integer)\n\\p",
    "\\setenv EDITOR true\n\\ev pg_catalog.pg_tables\n\\p",
    "\\copy shop.region to pstdout",
    "\\copy shop.region from nowhere.csv",
    "\\g | cat\nselect * from shop.region order by 1 \\g | cat",
    "select n_name from shop.nation where n_nationkey = :key \\g",
    "\\unset x\nselect count(*) as n from shop.orders \\gset\n\\echo :n :ROW_COUNT :SQLSTATE :ERROR",
    "\\pset format unaligned\nselect * from shop.types order by id;",
    "\\gset x_\nselect n_name from shop.nation where n_nationkey = 6 \\gset x_\n\\echo :x_n_name",
    r"select * from shop.orders \gdesc",
    r"select o_orderstatus, o_shippriority, count(*) from shop.orders group by 1, 2 order by 1 \crosstabview",
    r"select count(*) from shop.orders \watch c=2 i=0.01",
    r"select o_orderkey from shop.orders where o_custkey = $1 order by 1 \bind 8 \g",
    r"select c_name from shop.customer where c_custkey = $1 \parse st"
    "\n"
    r"\bind_named st 7 \g"
    "\n"
    r"\close_prepared st",
    "\\startpipeline\nselect 1 \\bind \\sendpipeline\nselect 2 \\bind \\sendpipeline\n\\endpipeline",
    "\\set FETCH_COUNT 700\nselect l_orderkey, l_linenumber from shop.lineitem order by 1, 2;",
    "\\set ON_ERROR_ROLLBACK on\nbegin;\nselect nothing;\nselect count(*) from shop.orders;\ncommit;",
    "select o_orderkey,\n  nothing from shop.orders;\n\\errverbose",
    "select 1 as a \\; select 2 as b;",
    "\\x auto\nselect * from shop.region order by 1;",
    "\\timing on\n\\timing off\nselect 1 \\gx",
    "\\if true\nselect 'yes';\n\\else\nselect 'no';\n\\endif",
    "select 'select ' || n_nationkey from shop.nation where n_nationkey < 2 order by n_nationkey \\gexec",
    "begin;\nselect 1 / 0;\nselect 1;\nrollback;",
    "table shop.region order by 1;",
    "\\copy (select * from shop.region order by 1) to stdout with csv",
    "copy (select * from shop.region order by 1) to stdout;",
    "copy shop.prices to stdout;\ncopy prices to stdout (format csv, header, force_quote (label));",
    "copy shop.prices (net, gross) to stdout;\ncopy shop.prices to stdout (format csv, force_quote (gross));",
    "select * from shop.prices order by net;",
    "select * from shop.visits order by at;\nselect * from shop.visits_shop where at = '2023-01-01';",
    "set datestyle = 'German';\nselect o_orderdate from shop.orders where o_orderkey = 1;\nreset datestyle;",
    "values (1, 'a'), (2, null);",
)
# Lists of what is in the database: the same headings.
LISTS = (
    r"\d",
    r"\d+",
    r"\dt",
    r"\dt+",
    r"\dtS",
    r"\dt shop.*",
    r"\dt+ shop.*",
    r"\dv",
    r"\dv+",
    r"\dm",
    r"\ds",
    r"\dE",
    r"\dn",
    r"\dn+",
    r"\dp",
    r"\dp shop.*",
    r"\z shop.orders",
    r"\ddp",
    r"\du",
    r"\du+",
    r"\dg",
    r"\drg",
    r"\drds",
    r"\l",
    r"\l+",
    r"\df",
    r"\dfS",
    r"\dx",
    r"\dx+",
    r"\dy",
    r"\des",
    r"\det",
    r"\deu",
    r"\dew",
    r"\dD",
    r"\dDS",
    r"\dRp",
    r"\dRs",
    r"\dP",
    r"\dPi",
    r"\dt *.*",
    r"\d *.orders",
    r"\dO",
    r"\dT",
    r"\dTS",
    r"\do",
    r"\dconfig",
    r"\conninfo",
    r"\dti shop.*",
    r"\dts+",
)
# What a view of a source selects is told in the source's words: with qualified names.
VIEWS = (r"\d+ shop.nation_orders", r"\sv shop.nation_orders")
_VARIES = re.compile(r"\b(1[67]|[2-9]\d)\d{3}\b|\d+ (bytes|kB|MB)|shop_lake|\w{3} \w{3} +\d.* \(every.*\)")


@pytest.fixture(scope="module", params=(15, 16, 17, 18))
def program(request: pytest.FixtureRequest, shop: Shop) -> Path:
    """A psql of each version: 18 is that of the tests' own server."""
    if request.param == 18:
        assert shop.server.server.programs is not None
        return shop.server.server.programs / "psql"
    return get_psql(request.param) or missing(f"psql {request.param}")


def psql(program: Path, dsn: str, text: str) -> str:
    """Return what psql prints, errors with it."""
    done = subprocess.run(
        [program, "-X", "-d", dsn, "-v", "VERBOSITY=default", "-P", "pager=off"],
        input=text + "\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout


def both(program: Path, shop: Shop, *texts: str) -> list[tuple[str, str, str]]:
    """Run texts in one psql for each server; return each with what both printed."""
    separated = "set search_path = shop;\n" + "\n".join(f"\\echo =====\n\\r\n{text}" for text in texts)
    ours = psql(program, shop.gateway.dsn(ADA), separated).split("=====\n")[1:]
    peers = psql(program, shop.peer_dsn(), separated).split("=====\n")[1:]
    assert len(ours) == len(peers) == len(texts)
    return list(zip(texts, ours, peers, strict=True))


def plain(text: str) -> str:
    """Return an output without what two servers may tell differently: oids, sizes, times, places in source, owners."""
    lines = [line.strip() for line in text.splitlines() if not line.startswith(("Query buffer reset", "LOCATION:"))]
    kept = "\n".join(re.sub(r" +", " ", line) if "|" in line else line for line in lines if not set(line) <= set("-+ "))
    return _VARIES.sub("…", kept).replace("shop_owner", "lakegate").rstrip()


def test_what_is_said_of_the_same_tables_is_the_same(program: Path, shop: Shop) -> None:
    # In psql 15 \watch has no end.
    texts = [text for text in SAME if r"\watch" not in text or program != get_psql(15)]
    wrong = [
        f"{text}\n--- gateway\n{ours}\n--- PostgreSQL\n{peers}"
        for text, ours, peers in (
            (text, plain(ours), plain(peers)) for text, ours, peers in both(program, shop, *texts)
        )
        if ours != peers
    ]
    assert not wrong, "\n\n".join(wrong)


def test_lists_have_the_same_headings_and_no_errors(program: Path, shop: Shop) -> None:
    wrong = []
    for text, ours, peers in both(program, shop, *LISTS):
        heads = [[re.sub(r" +", " ", line) for line in one.splitlines() if "|" in line][:1] for one in (ours, peers)]
        if "ERROR" in ours and plain(ours) == plain(peers):  # an older psql does not know all of PostgreSQL 18
            continue
        if "ERROR" in ours or ("Did not find" not in ours + peers and heads[0] != heads[1]):
            wrong.append(f"{text}\n--- gateway\n{ours[:500]}\n--- PostgreSQL\n{peers[:500]}")
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("text", VIEWS)
def test_queries_of_views_are_the_sources(program: Path, shop: Shop, text: str) -> None:
    (_, ours, peers), *_ = both(program, shop, text)
    assert "JOIN" in peers
    assert plain(ours).replace("shop.", "") == plain(peers).replace("shop.", "")


def test_the_lakes_bytes_and_layouts_are_in_the_list_of_tables(program: Path, shop: Shop) -> None:
    printed = psql(program, shop.gateway.dsn(ADA), r"\dt+ sales.*")
    assert re.search(r"lineitem .*\| [\d.]+ (kB|MB) *\| Lines of orders", printed)


@pytest.mark.parametrize("text", ["select count(*) from shop.orders \\watch 0.05\n", f"{HEAVY};\n"])
def test_ctrl_c_ends_what_runs(program: Path, shop: Shop, text: str) -> None:
    """It ends the whole script of a psql without a terminal, with one `test_psql_terminal` goes on."""
    with subprocess.Popen(
        [program, "-X", "-d", shop.gateway.dsn(ADA), "-P", "pager=off"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"\\echo begun\n{text}")
        process.stdin.flush()
        assert process.stdout.readline() == "begun\n"
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
    if r"\watch" in text:
        assert printed.count("1500") > 2, printed[-500:]
    else:
        assert "canceling statement due to user request" in printed, printed[-500:]
