"""A catalogue and sources in memory for plan scripts: TPC-H's tables by name, no data."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pyarrow as pa

from catalog.names import TableName
from catalog.principals import Principal
from catalog.scans import Comparison, FileGroup, FileScan, Keys, Physical, RemoteScan, Scan, Snapshot
from catalog.statistics import UNKNOWN, ColumnStatistics, TableStatistics
from catalog.store.rows import (
    AccessRows,
    ColumnMask,
    Grant,
    MaskingPolicy,
    Role,
    RowPolicy,
    TableRights,
    TagAssignment,
    TagPolicy,
    TagRow,
    ViewRow,
)
from catalog.tables import Catalog, Column, Discovery, Table
from gateway.sql.resolve import Names
from policies.access import Access

_ARROW = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "date": pa.date32(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "numeric(15,2)": pa.decimal128(15, 2),
    "double precision": pa.float64(),
}


def table(name: str, kind: str, columns: str) -> Table:
    """Return a table from ``schema.name`` and ``column type, …`` (types in PostgreSQL's spelling, ``;`` between)."""
    schema, own = name.split(".")
    made = []
    for column in columns.split(";"):
        label, sql_type = column.strip().split(" ", 1)
        made.append(Column(label, sql_type, _ARROW[sql_type]))
    return Table(TableName(schema, own), schema, kind, (name,), tuple(made))


TABLES = (
    table(
        "sales.lineitem",
        "delta",
        "l_orderkey bigint; l_partkey bigint; l_suppkey bigint; "
        "l_quantity numeric(15,2); l_shipdate date; l_comment text",
    ),
    table("sales.orders", "delta", "o_orderkey bigint; o_custkey bigint; o_orderdate date; o_totalprice numeric(15,2)"),
    table("supply.part", "iceberg", "p_partkey bigint; p_name text; p_size integer"),
    table("crm.customer", "postgres", "c_custkey bigint; c_name text; c_nationkey integer; c_acctbal numeric(15,2)"),
    table("crm.nation", "postgres", "n_nationkey integer; n_name text"),
    table("crm.contact", "postgres", "id bigint; mail text; born date"),
    table("crm.secret", "postgres", "id bigint; payload text"),
    table("files.Rates", "files", "day date; rate double precision"),
)
CATALOG = Catalog(
    1,
    MappingProxyType({one.name: one for one in TABLES}),
    MappingProxyType({"sales": None, "supply": None, "crm": None, "files": None}),
    broken=MappingProxyType({TableName("sales", "torn"): "the log has no version 0"}),
    failures=MappingProxyType({"hr": "connection refused"}),
    sources=("sales", "supply", "crm", "files", "hr"),
)
VIEWS = (  # of boss, who sees everything, but for the last
    ViewRow(
        "public", "contacts", "SELECT contact.id, contact.mail, length(contact.mail) AS size FROM crm.contact",
        (("id", "bigint"), ("mail", "text"), ("size", "integer")),
    ),
    ViewRow(
        "public", "again", "SELECT upper(contacts.mail) AS mail FROM public.contacts WHERE (contacts.id > 5)",
        (("mail", "text"),),
    ),
    ViewRow(
        "public", "asked",
        "SELECT contacts.mail, count(contacts.size) AS n FROM public.contacts GROUP BY contacts.mail",
        (("mail", "text"), ("n", "bigint")), security_invoker=True,
    ),
    ViewRow("public", "own", "SELECT contact.mail FROM crm.contact", (("mail", "text"),)),
)  # fmt: skip
PRINCIPALS = {
    name: Principal(name, frozenset({name, *roles}), claims=MappingProxyType(claims))
    for name, roles, claims in (
        ("analyst", (), {}),
        ("tina", ("tenant",), {"nation": "7", "level": 3}),
        ("otto", ("tenant", "officer"), {}),
    )
}
ACCESS = Access.from_rows(
    AccessRows(
        1,
        roles=(Role("boss", superuser=True), Role("analyst")),
        grants=(
            *(Grant("public", one.name.schema, one.name.name) for one in TABLES if one.name.name != "secret"),
            *(Grant("public", row.schema, row.name) for row in VIEWS),
        ),
        tables=(
            *(TableRights(row.schema, row.name, "analyst" if row.name == "own" else "boss") for row in VIEWS),
            TableRights("crm", "customer", row_security=True),
            TableRights("sales", "orders", row_security=True),
            TableRights("supply", "part", row_security=True),
            TableRights("crm", "nation"),
            TableRights("files", "Rates", row_security=True),
        ),
        row_policies=(
            RowPolicy("crm", "customer", "all", roles=("analyst",), using="true"),
            RowPolicy(
                "crm", "customer", "own nation", roles=("tenant",),
                using="((c_nationkey)::text = lakegate.claim('nation'::text))",
            ),
            RowPolicy("crm", "customer", "officers", roles=("officer",), using="lakegate.is_member('officer'::text)"),
            RowPolicy("sales", "orders", "all", roles=("analyst",), using="true"),
            RowPolicy(
                "sales", "orders", "of my customers", roles=("tenant",),
                using="(o_custkey IN ( SELECT c.c_custkey FROM crm.customer c WHERE (c.c_name = CURRENT_USER)))",
            ),
            RowPolicy(
                "sales", "orders", "recent", permissive=False,
                using="((o_orderdate >= '1995-01-01'::date) OR lakegate.is_member('analyst'::text))",
            ),
            RowPolicy("supply", "part", "all", roles=("analyst",), using="true"),
            RowPolicy(
                "supply", "part", "sizes", roles=("tenant",),
                using="(p_size = ANY (ARRAY[1, 2, 3]))",
            ),
            RowPolicy("crm", "nation", "off", using="false"),
            RowPolicy("files", "Rates", "analysts", roles=("analyst",), using="true"),
            RowPolicy("files", "Rates", "gone", roles=("tenant",), using="(no_such_column = 1)"),
        ),
        masking_policies=(
            MaskingPolicy(
                "name", (("value", "text"), ("nation", "integer")), "text",
                "CASE WHEN lakegate.is_member('tenant'::text) THEN (\"left\"(value, 1) || '***'::text) ELSE value END",
            ),
            MaskingPolicy(
                "initial", (("value", "text"),), "text",
                "CASE WHEN lakegate.is_member('officer'::text) THEN value ELSE \"left\"(value, 1) END",
            ),
        ),
        column_masks=(ColumnMask("crm", "customer", "c_name", "name", ("c_name", "c_nationkey")),),
        tags=(TagRow("personal"),),
        tag_assignments=(TagAssignment("personal", "yes", "crm", "contact"),),
        tag_policies=(TagPolicy("personal", "text", "initial"),),
        views=VIEWS,
    )
)  # fmt: skip


def names(search_path: tuple[str, ...] = ("public",)) -> Names:
    """Return what names mean to the analyst."""
    system, views = frozenset({"pg_class", "pg_attribute"}), ACCESS.views.tables
    return Names(CATALOG, system, search_path, lambda name: name.name != "secret", views=views)


def _counted(rows: float, **columns: tuple[pa.Scalar, pa.Scalar, float | None]) -> TableStatistics:
    """Statistics of a table; of a column its least and greatest value, and how many it has where that is known."""
    known = {name: ColumnStatistics(distinct, 0.0, low, high) for name, (low, high, distinct) in columns.items()}
    return TableStatistics(rows, None, MappingProxyType(known))


def _keys(most: int, distinct: float | None = None) -> tuple[pa.Scalar, pa.Scalar, float | None]:
    return pa.scalar(1), pa.scalar(most), distinct


def _dates(first: str, last: str) -> tuple[pa.Scalar, pa.Scalar, float | None]:
    return pa.scalar(date.fromisoformat(first)), pa.scalar(date.fromisoformat(last)), None


STATISTICS = MappingProxyType(
    {
        TableName("sales", "lineitem"): _counted(
            6_001_215,
            l_orderkey=_keys(6_000_000),
            l_partkey=_keys(200_000),
            l_quantity=(pa.scalar(Decimal("1.00")), pa.scalar(Decimal("50.00")), None),
            l_shipdate=_dates("1992-01-02", "1998-12-01"),
        ),
        TableName("sales", "orders"): _counted(
            1_500_000,
            o_orderkey=_keys(6_000_000),
            o_custkey=_keys(149_999),
            o_orderdate=_dates("1992-01-01", "1998-08-02"),
        ),
        TableName("supply", "part"): _counted(200_000, p_partkey=_keys(200_000), p_size=_keys(50)),
        TableName("crm", "customer"): _counted(
            150_000, c_custkey=_keys(150_000, 150_000), c_nationkey=(pa.scalar(0), pa.scalar(24), 25)
        ),
        TableName("crm", "nation"): _counted(
            25,
            n_nationkey=(pa.scalar(0), pa.scalar(24), 25),
            n_name=(pa.scalar("ALGERIA"), pa.scalar("VIETNAM"), 25),
        ),
    }
)


class MemorySource:
    """A source without rows: it takes what a PostgreSQL source would, or prunes as a lake source would."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind

    def discover(self) -> Discovery:
        """Not asked in plan scripts."""
        raise NotImplementedError

    def pin(self, table: Table) -> Snapshot:
        """Every table is at version 7."""
        return Snapshot(table, "7", rows=100)

    def scan(
        self,
        snapshot: Snapshot,
        columns: tuple[str, ...],
        comparisons: tuple[Comparison, ...],
        keys: tuple[Keys, ...] = (),
    ) -> Scan:
        """Say what was asked."""
        table = snapshot.table
        schema = pa.schema([(column.name, column.arrow_type) for column in table.columns])
        if self.kind != "postgres":
            group = FileGroup("parquet", ("a.parquet",), tuple(Physical(column.name) for column in table.columns))
            return FileScan("key", schema, (group,), 3)
        where = " AND ".join(
            f"{one.column} {one.operator} {','.join(str(value.as_py()) for value in one.values)}" for one in comparisons
        )
        query = f"SELECT {', '.join(columns)} FROM {table.name}" + (f" WHERE {where}" if where else "")
        return RemoteScan(self.name, pa.schema([schema.field(column) for column in columns]), (query,))

    def takes(self, table: Table, comparison: Comparison) -> bool:
        """Text is compared for equality only."""
        column = table.column(comparison.column)
        assert column is not None
        return self.kind == "postgres" and (column.sql_type != "text" or comparison.operator in ("=", "in"))

    def statistics(self, table: Table) -> TableStatistics:
        """Nothing is known."""
        return UNKNOWN

    def close(self) -> None:
        """Nothing is open."""


SOURCES = {
    "sales": MemorySource("sales", "delta"),
    "supply": MemorySource("supply", "iceberg"),
    "crm": MemorySource("crm", "postgres"),
    "files": MemorySource("files", "files"),
}
