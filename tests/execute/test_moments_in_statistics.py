"""Constants of dates and timestamps leave out files only as PostgreSQL reads them: what it cuts off or rounds does not
count.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from gateway.configuration.config import Config, DeltaSource
from gateway.rehearsal.stage import open_stage

START = datetime(2024, 1, 1)
MOMENTS = [START + timedelta(hours=hours) for hours in (0, 6, 12, 23, 24, 30)]
CONDITIONS = (
    "ts >= date '2024-01-01 10:00:00'",
    "ts < date '2024-01-02 10:00'",
    "ts = date '2024-01-02 06:00:00'",
    "ts BETWEEN date '2024-01-01 01:00' AND date '2024-01-02 23:00'",
    "ts IN (date '2024-01-01 05:00', date '2024-01-02 05:00')",
    "ts = timestamp(0) '2024-01-01 05:59:59.6'",
    "ts >= '2024-01-02 00:00:00.4'::timestamp(0)",
    "ts <= '2024-01-01 23:59:59.7'::timestamp(0)",
    "ts >= date '2024-01-02'",
    "ts = timestamp '2024-01-02 06:00'",
    "d >= '2024-01-02'",
    "d = date '2024-01-02 10:00'",
    "d < timestamp(0) '2024-01-01 23:59:59.6'",
)


async def answers(folder: Path) -> list[tuple[list[str], list[str]]]:
    """Return for each condition the rows of a table with one in each file, and those of PostgreSQL."""
    config = Config().model_copy(update={"sources": {"s": DeltaSource(location=str(folder))}})
    listed = ", ".join(f"({at}, timestamp '{one}', date '{one.date()}')" for at, one in enumerate(MOMENTS))
    tables = ("s.t", f"(VALUES {listed}) AS t (id, ts, d)")
    found = []
    async with open_stage(config) as stage:
        for condition in CONDITIONS:
            queries = [f"SELECT id FROM {table} WHERE {condition} ORDER BY id" for table in tables]
            lake, postgres = [[str(row[0]) for row in (await stage.ask(query)).rows] for query in queries]
            found.append((lake, postgres))
    return found


def test_files_are_left_out_as_postgresql_reads_constants(tmp_path: Path) -> None:
    for at, moment in enumerate(MOMENTS):
        columns = {"id": pa.array([at]), "ts": pa.array([moment], pa.timestamp("us")), "d": pa.array([moment.date()])}
        write_deltalake(tmp_path / "t", pa.table(columns), mode="append")
    found = dict(zip(CONDITIONS, asyncio.run(answers(tmp_path)), strict=True))
    wrong = {condition: rows for condition, rows in found.items() if rows[0] != rows[1]}
    assert wrong == {}
    assert all(postgres for _, postgres in found.values())
