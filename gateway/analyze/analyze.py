"""ANALYZE carried out: tables of the lake are read, and what was found is kept for those who plan, here and on other
gateways.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlglot import exp

from catalog.analyzed import Analyzed
from catalog.names import TableName
from catalog.scans import Snapshot
from catalog.statistics import TableStatistics
from catalog.tables import Column, Table
from gateway.analyze.choice import Chosen
from gateway.analyze.rows import read_statistics
from gateway.lake import Lake
from gateway.wire import backend
from optimizer.stages import Fragment, Fragmented

Keep = Callable[[TableName, Analyzed], Awaitable[None]]
Noted = Callable[[Fragmented], None]


@dataclass(frozen=True, slots=True)
class Analyzing:
    """What it takes to analyze. ``keep`` keeps what was found, ``noted`` is told what is read."""

    lake: Lake
    keep: Keep
    noted: Noted


async def analyze(chosen: Chosen, work: Analyzing, *, verbose: bool) -> AsyncGenerator[backend.NoticeResponse]:
    """Read the chosen tables, one after another; yield what the client is told meanwhile."""
    for reason in chosen.skipped:
        yield _notice("WARNING", reason)
    for table, columns, combined in chosen.tables:
        if verbose:
            yield _notice("INFO", f'analyzing "{table.name}"')
        told = await _analyze(table, columns, work, combined=combined)
        if verbose and chosen.owned(table.name):
            yield _notice("INFO", told)


async def _analyze(table: Table, columns: tuple[Column, ...], work: Analyzing, *, combined: bool) -> str:
    """Read one table; return what VERBOSE tells of it."""
    lake, loop = work.lake, asyncio.get_running_loop()
    pinned = await loop.run_in_executor(lake.threads, lake.pin, [table])
    snapshot = pinned.snapshots[table.name]
    names = tuple(column.name for column in columns)
    scan = await loop.run_in_executor(lake.threads, lake.sources[table.source].scan, snapshot, names, ())
    work.noted(Fragmented(exp.select(), (Fragment(str(table.name), snapshot, scan, names),)))
    found, sampled = await read_statistics(lake.engine, snapshot, scan, columns, combined=combined)
    await work.keep(table.name, _beside(found, lake.analyzed(table.name), table, snapshot))
    rows = found.statistics.rows
    return f'"{table.name.name}": {rows:.0f} rows of version {snapshot.version}; {sampled} rows in sample'


def _beside(found: Analyzed, before: Analyzed | None, table: Table, snapshot: Snapshot) -> Analyzed:
    """Return what was found with what is known of other columns from before, as far as it is of the same version."""
    if before is None or before.version != snapshot.version:
        return found
    known = {column.name for column in table.columns}
    others = {name: one for name, one in before.statistics.columns.items() if name in known}
    columns = MappingProxyType({**others, **found.statistics.columns})
    counted = {names: count for names, count in before.statistics.combined.items() if names <= known}
    combined = MappingProxyType({**counted, **found.statistics.combined})
    statistics = TableStatistics(rows=found.statistics.rows, columns=columns, combined=combined)
    return replace(found, statistics=statistics)


def _notice(severity: str, message: str) -> backend.NoticeResponse:
    code = "00000" if severity == "INFO" else "01000"
    return backend.NoticeResponse({"S": severity, "V": severity, "C": code, "M": message})
