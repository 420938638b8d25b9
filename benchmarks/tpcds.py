"""TPC-DS's 99 queries: what planning takes, stage by stage, beside the time in which DuckDB runs them.

DuckDB has the rows in tables of its own, in memory: a bound rather than a peer.
"""

from __future__ import annotations

import itertools
import statistics
import time
from functools import partial

import duckdb
from sqlglot import exp

from benchmarks import tpcds_data
from benchmarks.measure import timed
from benchmarks.report import Floor, Section, Table
from benchmarks.setting import Setting
from catalog.names import TableName
from catalog.principals import Principal
from catalog.tables import Catalog, Column
from catalog.tables import Table as LakeTable
from gateway import garbage_collection
from gateway.sql.engine_dialect.before_qualify import parse
from gateway.sql.engine_dialect.render import render
from gateway.sql.policy_text import policy_reader
from gateway.sql.resolve import Names, references, resolve
from optimizer.optimize import optimize
from policies.access import Access
from policies.govern import govern
from policies.policy_reader import KeptRelations

_SCALE = 0.1  # of TPC-H's
_PLANNING_MS = 15.0
_STAGES = ("parse", "resolve", "govern", "optimize", "render")
_ROLE = Principal("bench", frozenset({"bench"}), superuser=True)


def run(setting: Setting) -> Section:
    """Plan each query in this process, as the gateway does, stage by stage."""
    scale = 0.01 if setting.quick else _SCALE * setting.scale
    with tpcds_data.generated(scale) as data:
        names = _names(data)
        garbage_collection.leave_little()  # as the gateway does when it has started
        rows = {number: _planned(text, names, 3) for number, text in tpcds_data.queries().items()}
        ran = {number: timed(partial(_fetch, data, text)) for number, text in tpcds_data.queries().items()}
    totals = {number: sum(stages) for number, stages in rows.items()}
    lines = [
        (
            f"Q{number}",
            *(f"{stage:.2f}" for stage in rows[number]),
            f"{totals[number]:.2f}",
            f"{ran[number] * 1000:.1f}",
        )
        for number in rows
    ]
    medians = [statistics.median(stages[at] for stages in rows.values()) for at in range(len(_STAGES))]
    median = statistics.median(totals.values())
    lines.append(("median", *(f"{one:.2f}" for one in medians), f"{median:.2f}", ""))
    floors = (Floor("TPC-DS: planning a query, median", median, _PLANNING_MS, "ms"),)
    notes = (
        "Processor time, the least of three; nothing is kept between them. Statistics of tables are not asked.",
        f"DuckDB runs each query once over its own tables at scale {scale:g}.",
    )
    columns = ("", *(f"{stage}, ms" for stage in _STAGES), "planning, ms", "DuckDB runs it, ms")
    return Section("TPC-DS: planning", (Table(columns, tuple(lines)),), floors, notes, {"stages": rows, "duckdb": ran})


def _fetch(data: duckdb.DuckDBPyConnection, text: str) -> None:
    data.execute(text).fetchall()


def lake_tables(data: duckdb.DuckDBPyConnection) -> dict[TableName, LakeTable]:
    """Return the tables as the catalogue knows them."""
    tables = {}
    for name in tpcds_data.table_names(data):
        fields = tpcds_data.rows(data, name).schema
        columns = tuple(Column(field.name, tpcds_data.sql_type(field), field.type) for field in fields)
        tables[TableName("public", name)] = LakeTable(TableName("public", name), "files", "files", (name,), columns)
    return tables


def _names(data: duckdb.DuckDBPyConnection) -> Names:
    return Names(Catalog(1, lake_tables(data), {"public": None}), frozenset(), ("public",), lambda name: True)


def _planned(text: str, names: Names, repetitions: int) -> list[float]:
    """Return the least milliseconds of each stage."""
    return [min(each) for each in zip(*(_stages(text, names) for _ in range(repetitions)), strict=True)]


def _stages(text: str, names: Names) -> list[float]:
    moments = [time.thread_time()]
    tree = parse(text)
    moments.append(time.thread_time())
    assert isinstance(tree, exp.Query)
    resolved = resolve(tree, references(tree, names), names)
    moments.append(time.thread_time())
    governed = govern(resolved, _ROLE, Access(), policy_reader(names, KeptRelations()))
    moments.append(time.thread_time())
    optimized = optimize(governed)
    moments.append(time.thread_time())
    render(optimized.tree)
    moments.append(time.thread_time())
    return [(end - start) * 1000 for start, end in itertools.pairwise(moments)]
