"""The same lake in every kind of source: tables written with the format's own means, for the suite of behaviours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from catalog.scans import Source
from connectors.registry import open_source
from tests.connectors.conftest import RealServer, execute

SQL_TYPES = {
    "id": "bigint",
    "i": "integer",
    "f": "double precision",
    "b": "boolean",
    "t": "text",
    "n": "numeric(12,2)",
    "d": "date",
    "ts": "timestamp without time zone",
    "tz": "timestamp with time zone",
    "by": "bytea",
}
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("i", pa.int32()),
        ("f", pa.float64()),
        ("b", pa.bool_()),
        ("t", pa.string()),
        ("n", pa.decimal128(12, 2)),
        ("d", pa.date32()),
        ("ts", pa.timestamp("us")),
        ("tz", pa.timestamp("us", tz="UTC")),
        ("by", pa.binary()),
    ]
)
_ROWS = [
    (1, -(2**31), -1.5, True, "", Decimal("-9999999999.99"), date(1, 1, 1), datetime(1, 1, 1), b""),
    (
        2,
        0,
        0.0,
        False,
        'it\'s \\ "q"',
        Decimal("0.00"),
        date(1969, 12, 31),
        datetime(1969, 12, 31, 23, 59, 59),
        b"\x00",
    ),
    (3, None, None, None, None, None, None, None, None),
    (
        4,
        7,
        0.1,
        True,
        "Zürich 日本 🚲",
        Decimal("0.01"),
        date(2024, 2, 29),
        datetime(2024, 2, 29, 1, 2, 3, 456789),
        b"\xff",
    ),
    (5, 2**31 - 1, 1e300, False, "zebra", Decimal("9999999999.99"), date(9999, 12, 31), datetime(2199, 1, 1), b"'\\"),
    (6, 7, 2.5, None, "a\nb", Decimal("12.50"), date(2024, 3, 1), datetime(2024, 3, 1), b"\x01\x02"),
]
ROWS = pa.Table.from_pylist(
    [
        dict(zip(SCHEMA.names, (*row[:8], None if row[7] is None else row[7].replace(tzinfo=UTC), row[8]), strict=True))
        for row in _ROWS
    ],
    schema=SCHEMA,
)
FIRST, SECOND = ROWS.slice(0, 3), ROWS.slice(3)
MORE = pa.Table.from_pylist([{"id": 100, "t": "later"}], schema=SCHEMA)
OTHER = pa.table({"k": pa.array([1, 2], pa.int64())})


@dataclass(frozen=True, slots=True)
class Lake:
    """A source with tables ``types`` (`ROWS`), ``empty``, ``broken`` and, where the kind has namespaces, ``staff``
    in the namespace ``hr``. ``append`` adds `MORE` to ``types``; ``drop`` removes it; ``garble`` writes garbage
    where its metadata were (None: they cannot be reached).
    """

    settings: dict[str, object]
    source: Source
    append: Callable[[], object]
    drop: Callable[[], object]
    garble: Callable[[], object] | None


def delta(folder: Path, server: RealServer) -> Lake:
    """Return the lake as Delta tables."""
    types = folder / "types"
    write_deltalake(types, FIRST)
    write_deltalake(types, SECOND, mode="append")
    write_deltalake(folder / "empty", SCHEMA.empty_table())
    write_deltalake(folder / "hr" / "staff", OTHER)
    write_deltalake(folder / "broken", OTHER)
    (folder / "broken/_delta_log/00000000000000000000.json").write_text("nonsense")
    return _lake(
        {"kind": "delta", "location": str(folder)},
        lambda: write_deltalake(types, MORE, mode="append"),
        lambda: shutil.rmtree(types),
        lambda: (types / "_delta_log/00000000000000000000.json").write_text("nonsense"),
    )


def iceberg(folder: Path, server: RealServer) -> Lake:
    """Return the lake as Iceberg tables."""
    properties = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}
    catalog = SqlCatalog("lake", **properties)
    for namespace in ("default", "hr"):
        catalog.create_namespace(namespace)
    types = catalog.create_table("default.types", SCHEMA)
    types.append(FIRST)
    types.append(SECOND)
    catalog.create_table("default.empty", SCHEMA)
    catalog.create_table("hr.staff", OTHER.schema).append(OTHER)
    _metadata(catalog.create_table("default.broken", OTHER.schema)).unlink()
    return _lake(
        {"kind": "iceberg", "catalog": properties},
        lambda: catalog.load_table("default.types").append(MORE),
        lambda: catalog.drop_table("default.types"),
        lambda: _metadata(types.refresh()).write_text("nonsense"),
    )


def postgres(folder: Path, server: RealServer) -> Lake:
    """Return the lake as a database, read by a role that may not read the table ``broken``."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in SQL_TYPES.items())
    url = server.database(
        f'CREATE TABLE types ({columns}); CREATE TABLE "empty" ({columns}); CREATE TABLE broken (k int8);'
        "CREATE SCHEMA hr; CREATE TABLE hr.staff AS SELECT k::int8 FROM generate_series(1, 2) k",
        create="LOCALE 'C'",
    )
    _insert(url, ROWS)
    user = f"reader_of_{psycopg.conninfo.conninfo_to_dict(url)['dbname']}"
    execute(
        url,
        f"CREATE ROLE {user} LOGIN; GRANT USAGE ON SCHEMA hr TO {user};"
        f'GRANT SELECT ON types, "empty", hr.staff TO {user}',
    )
    return _lake(
        {"kind": "postgres", "dsn": psycopg.conninfo.make_conninfo(url, user=user)},
        lambda: _insert(url, MORE),
        lambda: execute(url, "DROP TABLE types"),
        None,
    )


def files(folder: Path, server: RealServer) -> Lake:
    """Return the lake as Parquet files."""
    (folder / "types").mkdir()
    pq.write_table(FIRST, folder / "types" / "1.parquet")
    pq.write_table(SECOND, folder / "types" / "2.parquet")
    pq.write_table(SCHEMA.empty_table(), folder / "empty.parquet")
    (folder / "broken.parquet").write_text("nonsense")
    return _lake(
        {"kind": "files", "location": str(folder)},
        lambda: pq.write_table(MORE, folder / "types" / "3.parquet"),
        lambda: shutil.rmtree(folder / "types"),
        lambda: (folder / "types" / "2.parquet").write_text("nonsense"),
    )


UNREACHABLE: dict[str, dict[str, object]] = {
    "delta": {"kind": "delta", "location": "/nowhere/at/all"},
    "iceberg": {
        "kind": "iceberg",
        "catalog": {"type": "sql", "uri": "sqlite:////nowhere/at/all.db", "warehouse": "/x"},
    },
    "postgres": {"kind": "postgres", "dsn": "postgresql://u:hunter2@127.0.0.1:1/x"},
    "files": {"kind": "files", "location": "/nowhere/at/all"},
}


def _lake(
    settings: dict[str, object],
    append: Callable[[], object],
    drop: Callable[[], object],
    garble: Callable[[], object] | None,
) -> Lake:
    return Lake(settings, open_source("lake", settings), append, drop, garble)


def _metadata(table: Table) -> Path:
    return Path(table.metadata_location.removeprefix("file://"))


def _insert(url: str, rows: pa.Table) -> None:
    marks = ", ".join(["%s"] * len(rows.schema))
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO types VALUES ({marks})".encode(), [tuple(row.values()) for row in rows.to_pylist()]
        )
