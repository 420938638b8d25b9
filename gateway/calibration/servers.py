"""Rows sent and computed by a PostgreSQL source, over the network that is between."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import pyarrow as pa

from catalog.scans import RemoteScan
from connectors.postgres.source import PostgresSource
from gateway.calibration.joins import fastest

_ROWS = 300_000


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """Nanoseconds of a row: sent by a server and decoded here, and grouped by the server instead."""

    sent: float
    computed: float


def measured_server(source: PostgresSource, scale: float) -> MeasuredServer:
    """Have a source's server make rows, send them, and group them. Raises SqlError."""
    rows = max(1000, round(_ROWS * scale))
    series = f"pg_catalog.generate_series(1::pg_catalog.int8, {rows}) AS made (n)"
    grouped = f"(SELECT made.n % 1000 AS g, pg_catalog.count(*) AS c FROM {series} GROUP BY 1) AS grouped"
    made = fastest(
        lambda: _read(source, f"SELECT pg_catalog.count(*) AS a, 0::pg_catalog.int8 AS b FROM {series}"), perf_counter
    )
    sent = fastest(lambda: _read(source, f"SELECT made.n AS a, made.n AS b FROM {series}"), perf_counter)
    computed = fastest(
        lambda: _read(source, f"SELECT pg_catalog.count(*) AS a, pg_catalog.max(grouped.c) AS b FROM {grouped}"),
        perf_counter,
    )
    return MeasuredServer(max(0.0, sent - made) / rows, max(0.0, computed - made) / rows)


def _read(source: PostgresSource, query: str) -> int:
    schema = pa.schema([("a", pa.int64()), ("b", pa.int64())])
    streams = source.open(RemoteScan(source.name, schema, (query,)))
    try:
        return sum(batch.num_rows for open_stream in streams.opens for batch in open_stream(None).batches())
    finally:
        streams.close()
