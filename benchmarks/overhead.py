"""What the gateway adds to the engine: small statements through it, and DataFusion called directly on the files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import psycopg
import pyarrow as pa
from datafusion import SessionConfig, SessionContext
from deltalake import DeltaTable
from pyiceberg.catalog.sql import SqlCatalog

from benchmarks.measure import in_turn
from benchmarks.report import Floor, Section, Table, spread
from benchmarks.setting import Setting
from gateway.configuration.config import IcebergSource
from gateway.demo.dataset import Layout
from gateway.demo.lake_tables import NAMESPACE

_PARTITIONS = 2
_STATEMENTS = {
    "point query": ("sales.orders", "SELECT * FROM {} WHERE o_orderkey = 4711"),
    "small aggregate": (
        "supply.supplier",
        "SELECT s_nationkey, count(*), sum(s_acctbal) FROM {} GROUP BY s_nationkey ORDER BY s_nationkey",
    ),
    "first rows": ("supply.supplier", "SELECT s_suppkey, s_name FROM {} LIMIT 5"),
}


def run(setting: Setting) -> Section:
    """Measure each statement both ways in turn."""
    rounds, inner = (10, 5) if setting.quick else (40, 5)
    direct = _engine(setting.layout)
    lines, floors = [], []
    data: dict[str, object] = {}
    with setting.gateway.connect() as ours:
        for name, (table, text) in _STATEMENTS.items():
            subjects: dict[str, Callable[[], object]] = {
                "gateway": partial(_ask, ours, text.format(table)),
                "datafusion": partial(_ask_directly, direct, text.format(table.replace(".", "_"))),
            }
            taken = in_turn(subjects, rounds, warm_up=3, inner=inner)
            added = (taken["gateway"].median - taken["datafusion"].median) * 1000
            lines.append((name, spread(taken["gateway"], 1000), spread(taken["datafusion"], 1000), f"{added:.2f}"))
            floors.append(Floor(f"{name}: added to DataFusion's time", added, 2.0, "ms"))
            data[name] = {each: timings.plain() for each, timings in taken.items()}
    columns = ("statement", "gateway, ms: median (min – max)", "DataFusion, ms", "added, ms")
    notes = ("DataFusion plans and runs each statement in this process over the same files, with as many partitions.",)
    return Section("Overhead", (Table(columns, tuple(lines)),), tuple(floors), notes, data)


def _ask(connection: psycopg.Connection, text: str) -> list[tuple[object, ...]]:
    return connection.execute(text.encode(), prepare=False).fetchall()


def _ask_directly(context: SessionContext, text: str) -> list[pa.RecordBatch]:
    return context.sql(text).collect()


def _engine(layout: Layout) -> SessionContext:
    context = SessionContext(SessionConfig().with_target_partitions(_PARTITIONS))
    supply = layout.sources["supply"]
    assert isinstance(supply, IcebergSource)
    catalog = SqlCatalog("supply", **supply.properties())
    supplier = catalog.load_table((NAMESPACE, "supplier"))
    files = {
        "sales_orders": DeltaTable(str(layout.directory / "sales" / "orders")).file_uris(),
        "supply_supplier": [task.file.file_path for task in supplier.scan().plan_files()],
    }
    catalog.close()
    for table, paths in files.items():
        locations = ", ".join(f"'{path}'" for path in paths)
        context.sql(f"CREATE EXTERNAL TABLE {table} STORED AS PARQUET LOCATION ({locations})").collect()
    return context
