"""PostgreSQL's functions of sizes tell the lake's bytes, in the catalogue and in psql."""

from __future__ import annotations

from tests.gateway import BOB, EVE, RunningGateway, SampleLake

TABLES = ("sales.lineitem", "supply.part", "files.exchange_rates", "crm.customer", "small.none")


def test_sizes_of_tables_are_those_of_the_lake(gateway: RunningGateway, lake: SampleLake) -> None:
    folder = lake.folder / "tpch"
    with gateway.connect() as ada, lake.server.connect("crm") as crm:
        sizes = {
            name: ada.execute(
                "select pg_table_size(oid), pg_relation_size(oid), pg_total_relation_size(oid),"
                " pg_relation_size(oid, 'main')"
                " from pg_class where oid = %s::regclass", (name,)
            ).fetchone()
            for name in TABLES
        }  # fmt: skip
        remote = crm.execute("select pg_table_size('customer')").fetchone()
    assert all(one is not None and len(set(one)) == 1 for one in sizes.values())
    parquet = sum(file.stat().st_size for file in folder.rglob("lineitem/*.parquet"))
    assert sizes["sales.lineitem"] == (parquet,) * 4
    assert sizes["files.exchange_rates"] == ((next(folder.rglob("exchange_rates.csv"))).stat().st_size,) * 4
    assert remote is not None and sizes["crm.customer"] is not None
    assert sizes["crm.customer"][0] >= remote[0] * 0.9
    assert sizes["small.none"] == (0,) * 4


def test_the_database_is_as_large_as_its_tables(gateway: RunningGateway) -> None:
    with gateway.connect() as ada:
        row = ada.execute(
            "select pg_database_size(current_database()),"
            " pg_database_size((select oid from pg_database where datname = 'lake')),"
            " (select sum(pg_table_size(oid)) from pg_class where relkind = 'r' and relnamespace::regnamespace::text"
            " in (select nspname from pg_namespace where nspname !~ '^(pg_|information|lakegate)'))"
        ).fetchone()
    assert row is not None
    assert row[0] == row[1] == row[2] > 1_000_000


def test_sizes_of_what_the_lake_has_not(gateway: RunningGateway) -> None:
    with gateway.connect(BOB) as bob:
        row = bob.execute(
            "select pg_table_size('pg_class') > 8192, pg_relation_size('pg_class_oid_index') > 0, pg_table_size(null),"
            " pg_table_size(4294967295), pg_indexes_size('crm.customer') >= 0"
        ).fetchone()
    assert row == (True, True, None, None, True)


def test_estimates_of_rows_are_told_of_tables_for_everybody(gateway: RunningGateway) -> None:
    """All roles see the same `pg_class`."""
    query = "select c.relname, c.reltuples::int from pg_class c where c.oid = any (%s::regclass[])"
    to_all = "on sales.lineitem, crm.customer, small.none"
    with gateway.connect() as ada, gateway.connect(EVE) as eve:
        assert {rows for _, rows in ada.execute(query, ([*TABLES],)).fetchall()} == {-1}
        try:
            ada.execute("grant usage on schema sales, crm, small to public")
            ada.execute(f"grant select {to_all} to public".encode())
            rows: dict[str, int] = dict(eve.execute(query, ([*TABLES[:1], *TABLES[3:]],)).fetchall())
            assert rows["lineitem"] > 50_000
            assert rows["customer"] > 1000
            assert rows["none"] == 0
        finally:
            ada.execute(f"revoke select {to_all} from public".encode())
            ada.execute("revoke usage on schema sales, crm, small from public")
        assert {rows for _, rows in ada.execute(query, ([*TABLES],)).fetchall()} == {-1}


def test_sizes_are_told_to_who_may_read_the_whole_table(gateway: RunningGateway) -> None:
    query = "select pg_table_size(c.oid), pg_total_relation_size(c.oid), pg_relation_size(c.oid) from pg_class c"
    query += " where c.relname = 'exchange_rates'"
    with gateway.connect() as ada, gateway.connect(EVE) as eve:
        known = ada.execute(query.encode()).fetchone()
        assert known is not None and known[0] > 0
        assert eve.execute(query.encode()).fetchone() == (0, 0, 0)
        assert eve.execute("select pg_database_size(current_database())").fetchone() == (0,)
        ada.execute("grant select on files.exchange_rates to eve")
        assert eve.execute(query.encode()).fetchone() == known
        assert eve.execute("select pg_database_size(current_database())").fetchone() == known[:1]
        ada.execute("revoke select on files.exchange_rates from eve")
        ada.execute("grant select (currency) on files.exchange_rates to eve")
        assert eve.execute(query.encode()).fetchone() == (0, 0, 0)
        ada.execute("revoke select (currency) on files.exchange_rates from eve")


def test_row_security_takes_sizes_away_at_once(gateway: RunningGateway) -> None:
    """They come back when the table is read anew."""
    told = (
        "select c.reltuples::int, pg_table_size(c.oid), pg_total_relation_size(c.oid), pg_relation_size(c.oid),"
        " (select s.bytes from pg_catalog.lakegate_told_sizes s where s.relation = c.oid)"
        " from pg_class c where c.oid = 'crm.region'::regclass"
    )
    database = "select pg_database_size(current_database())"
    with gateway.connect() as ada, gateway.connect(BOB) as bob:
        open_to_all, whole = bob.execute(told).fetchone(), bob.execute(database).fetchone()
        assert open_to_all is not None and open_to_all[1] > 0
        ada.execute("alter table crm.region enable row level security")
        try:
            assert bob.execute(told).fetchone() == ada.execute(told).fetchone() == (-1, 0, 0, 0, 0)
            assert whole is not None and bob.execute(database).fetchone() == (whole[0] - open_to_all[1],)
        finally:
            ada.execute("alter table crm.region disable row level security")


def test_statistics_of_tables_tell_the_rows_to_who_may_read_them_all(gateway: RunningGateway) -> None:
    query = "select n_live_tup from pg_stat_user_tables where schemaname = 'crm' and relname = 'region'"
    with gateway.connect() as ada, gateway.connect(BOB) as bob, gateway.connect(EVE) as eve:
        assert ada.execute(query).fetchone() == bob.execute(query).fetchone() == (5,)
        assert eve.execute(query).fetchone() == (0,)
        ada.execute("alter table crm.region enable row level security")
        try:
            assert ada.execute(query).fetchone() == (0,)
        finally:
            ada.execute("alter table crm.region disable row level security")
