"""The demo's lake: Delta tables, Iceberg tables and a folder of plain files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from deltalake import WriterProperties, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

from gateway.demo.generate import read

_FILE_BYTES = 64 << 20
_ROW_GROUP_ROWS = 1 << 18
_ICEBERG_BATCH_ROWS = 4_000_000
NAMESPACE = "default"

_COMMENTS = {
    "lineitem": "Lines of orders: what was sold, for how much, and when it was shipped",
    "orders": "Orders of customers",
    "part": "Parts that are sold",
    "partsupp": "Which supplier has which part, how many, at what cost",
    "supplier": "Suppliers of parts",
}
# Invented figures: units of each currency for one US dollar in January 1992, and the drift of a month.
_CURRENCIES = {
    "EUR": (0.78, 0.0011),
    "GBP": (0.55, 0.0009),
    "JPY": (125.0, -0.0018),
    "CNY": (5.5, 0.0052),
    "BRL": (1.1, 0.004),
}
_HOLIDAYS = {"01-01": "New Year", "05-01": "Labour Day", "12-25": "Christmas Day", "12-26": "Boxing Day"}
_YEARS = range(1992, 1999)  # the years of TPC-H's orders


def write_delta(source: Path, location: Path) -> None:
    """Write a generated Parquet file as a Delta table; the folder's name is the table's."""
    write_deltalake(
        str(location),
        read(source),
        mode="overwrite",
        name=location.name,
        description=_COMMENTS[location.name],
        target_file_size=_FILE_BYTES,
        writer_properties=WriterProperties(compression="SNAPPY", max_row_group_size=_ROW_GROUP_ROWS),
    )


def catalog_properties(directory: Path) -> dict[str, str]:
    """Return the properties of the SQL catalogue below ``directory``."""
    return {
        "type": "sql",
        "uri": f"sqlite:///{directory / 'catalog.db'}",
        "warehouse": f"file://{directory / 'warehouse'}",
    }


def write_iceberg(source: Path, catalog: SqlCatalog, name: str) -> None:
    """Write a generated Parquet file as an Iceberg table, a snapshot for every few million rows."""
    reader = read(source)
    table = catalog.create_table(
        (NAMESPACE, name),
        schema=reader.schema,
        properties={
            "comment": _COMMENTS[name],
            "write.target-file-size-bytes": str(_FILE_BYTES),
            "write.parquet.row-group-limit": str(_ROW_GROUP_ROWS),
        },
    )
    batches: list[pa.RecordBatch] = []
    for batch in reader:
        batches.append(batch)
        if sum(len(held) for held in batches) >= _ICEBERG_BATCH_ROWS:
            table.append(pa.Table.from_batches(batches))
            batches.clear()
    if batches:
        table.append(pa.Table.from_batches(batches))


def write_files(directory: Path) -> None:
    """Write the two small tables of plain files: invented exchange rates (CSV) and holidays (NDJSON)."""
    directory.mkdir(parents=True, exist_ok=True)
    rates = ["month,currency,per_dollar"]
    for currency, (first, drift) in _CURRENCIES.items():
        for number, month in enumerate(f"{year}-{month:02d}-01" for year in _YEARS for month in range(1, 13)):
            rates.append(f"{month},{currency},{first * (1 + drift) ** number:.4f}")
    (directory / "exchange_rates.csv").write_text("\n".join(rates) + "\n", encoding="utf-8")
    holidays = [{"day": f"{year}-{day}", "name": name} for year in _YEARS for day, name in _HOLIDAYS.items()]
    lines = "".join(json.dumps(holiday) + "\n" for holiday in holidays)
    (directory / "holidays.ndjson").write_text(lines, encoding="utf-8")
