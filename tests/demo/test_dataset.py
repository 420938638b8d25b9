"""The demo's data, really laid out: what readers of each format find in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from psycopg.conninfo import make_conninfo
from pyiceberg.catalog import load_catalog

from catalog import server
from gateway.configuration.config import DeltaSource, FilesSource, IcebergSource, PostgresSource, load
from gateway.demo import state
from gateway.demo.dataset import Layout, lay_out
from gateway.demo.generate import DemoError

SCALE = 0.01


@pytest.fixture(scope="module")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Make an empty database with an owner of its own, in an embedded PostgreSQL; returns its connection string."""
    data_dir = tmp_path_factory.mktemp("state")
    running = server.start(data_dir)

    def make(name: str) -> str:
        running.create_database(name, f"{name}_owner", "x")
        return make_conninfo("", **running.connection_parameters(name, f"{name}_owner", "x"))

    try:
        yield make
    finally:
        running.stop()
        server.remove(data_dir)


@pytest.fixture(scope="module")
def layout(new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Layout:
    steps: list[str] = []
    made = lay_out(tmp_path_factory.mktemp("demo"), SCALE, new_database("crm"), steps.append)
    assert made.made
    assert [step.partition(":")[0] for step in steps] == [
        "generating TPC-H at scale 0.01",
        "crm",
        *["sales"] * 2,
        *["supply"] * 3,
        "files",
    ]
    return made


def test_delta_tables_have_the_rows_and_no_field_ids(layout: Layout) -> None:
    table = DeltaTable(layout.directory / "sales" / "lineitem")
    data = table.to_pyarrow_table()
    assert len(data) == 60175
    assert data.schema.field("l_extendedprice").type == pa.decimal128(15, 2)
    assert data["l_quantity"][0].as_py() == Decimal("17.00")
    for uri in table.file_uris():
        for field in pq.ParquetFile(uri).schema_arrow:
            assert b"PARQUET:field_id" not in (field.metadata or {}), field.name
    assert len(DeltaTable(layout.directory / "sales" / "orders").to_pyarrow_table()) == 15000


def test_iceberg_tables_are_in_the_catalogue_of_the_settings(layout: Layout) -> None:
    source = layout.sources["supply"]
    assert isinstance(source, IcebergSource)
    catalog = load_catalog("supply", **source.properties())
    rows = {name: len(catalog.load_table(name).scan().to_arrow()) for name in catalog.list_tables("default")}
    catalog.close()
    assert rows == {("default", "part"): 2000, ("default", "partsupp"): 8000, ("default", "supplier"): 100}


def test_postgresql_has_keys_indexes_comments_and_statistics(layout: Layout) -> None:
    with psycopg.connect(layout.crm_dsn) as connection:

        def values(query: str) -> list[object]:
            return [row[0] for row in connection.execute(query)]

        assert values("SELECT count(*) FROM customer JOIN nation ON n_nationkey = c_nationkey") == [1500]
        assert values("SELECT count(*) FROM region JOIN nation ON n_regionkey = r_regionkey") == [25]
        assert values("SELECT pg_typeof(c_acctbal)::text || c_acctbal FROM customer WHERE c_custkey = 1") == [
            "numeric711.56"
        ]
        kinds = values(
            "SELECT contype::text FROM pg_constraint"
            " WHERE contype IN ('p', 'f') AND connamespace = 'public'::regnamespace ORDER BY 1"
        )
        assert kinds == ["f", "f", "p", "p", "p"]
        assert values("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'") == [8]
        assert values("SELECT obj_description('customer'::regclass)") == ["Customers, each of one nation"]
        assert values("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'customer'") == [True]
        assert values("SELECT reltuples FROM pg_class WHERE oid = 'customer'::regclass") == [1500]


def test_files_are_plain_text(layout: Layout) -> None:
    rates = (layout.directory / "files" / "exchange_rates.csv").read_text().splitlines()
    assert (rates[0], len(rates)) == ("month,currency,per_dollar", 1 + 5 * 84)
    days = [json.loads(line) for line in (layout.directory / "files" / "holidays.ndjson").read_text().splitlines()]
    assert {"day": "1992-01-01", "name": "New Year"} in days


def test_nothing_is_made_twice(layout: Layout) -> None:
    steps: list[str] = []
    again = lay_out(layout.directory, SCALE, layout.crm_dsn, steps.append)
    assert not again.made
    assert steps == []


def test_the_configuration_written_leads_to_the_same_sources(layout: Layout) -> None:
    config = load(state.write_config(layout.directory, layout, 5433, 8433))
    assert {name: source.plain_settings() for name, source in config.sources.items()} == {
        name: source.plain_settings() for name, source in layout.sources.items()
    }
    assert [type(source) for source in config.sources.values()] == [
        DeltaSource,
        IcebergSource,
        PostgresSource,
        FilesSource,
    ]
    assert state.config_path(layout.directory).stat().st_mode & 0o077 == 0


def test_the_password_is_kept(tmp_path: Path) -> None:
    first = state.password(tmp_path)
    assert len(first) >= 12
    assert state.password(tmp_path) == first


def test_an_interrupted_layout_is_made_anew(new_database: Callable[[str], str], tmp_path: Path) -> None:
    directory, dsn = tmp_path / "demo", new_database("interrupted")

    def interrupt(step: str) -> None:
        if step.startswith("supply"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lay_out(directory, 0.001, dsn, interrupt)
    assert (directory / "sales").exists()
    steps: list[str] = []
    made = lay_out(directory, 0.001, dsn, steps.append)
    assert made.made
    assert not any(step.startswith("crm") for step in steps)  # that part was complete
    assert len(DeltaTable(directory / "sales" / "orders").to_pyarrow_table()) == 1500
    assert not (directory / "generated").exists()


def test_another_scale_is_laid_out_anew(new_database: Callable[[str], str], tmp_path: Path) -> None:
    dsn = new_database("scales")
    for scale, customers in ((0.001, 150), (0.002, 300)):
        assert lay_out(tmp_path / "demo", scale, dsn, lambda _step: None).made
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT count(*) FROM customer").fetchone() == (customers,)


def test_other_data_is_never_removed(new_database: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "sales").mkdir()
    precious = tmp_path / "sales" / "precious.txt"
    precious.write_text("mine")
    dsn = new_database("precious")
    with pytest.raises(DemoError, match=r"not the demo's"):
        lay_out(tmp_path, 0.001, dsn, lambda _step: None)
    assert precious.read_text() == "mine"
    (tmp_path / "sales").rename(tmp_path / "elsewhere")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE customer (mine text)")
    with pytest.raises(DemoError, match=r"not the demo's"):
        lay_out(tmp_path, 0.001, dsn, lambda _step: None)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM customer").fetchone() == (0,)
