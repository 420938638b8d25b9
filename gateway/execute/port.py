"""The engine as everybody else sees it: a query in plain data goes in, record batches come out. It is in this process
(`engine`), in worker processes (`workers`), and what lets statements in one after another stands before both
(`admission`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from catalog.scans import Scan


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Limits of the engine. ``memory_limit`` in bytes for all statements together; above it they spill or fail."""

    memory_limit: int
    spill_directory: Path
    target_partitions: int
    batch_size: int = 8192


@dataclass(frozen=True, slots=True)
class EngineQuery:
    """What the engine is asked: SQL over named relations, and the scan behind each name.

    ``is_plain_scan`` says that it hands on the rows of one table as they are read: its files are then read one after
    another, which is fast enough for any client and takes a third of the memory. ``is_brief`` says that it ends soon:
    its first rows are waited for in the thread that plans. ``bytes`` is the size of the tables as they are stored, None
    where it is not known. ``fenced`` are relations that must be read from under a fence, ``calls`` what PostgreSQL is
    to evaluate.
    """

    sql: str
    scans: tuple[tuple[str, Scan], ...]
    is_plain_scan: bool = False
    is_brief: bool = False
    bytes: int | None = None
    fenced: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()


Prepare = Callable[[], EngineQuery]


class RunningStatement(Protocol):
    """A statement that runs: its batches are read once. Closing stops its work."""

    @property
    def schema(self) -> pa.Schema:
        """The schema that the plan promises; batches may have other layouts of the same types."""

    @property
    def whole(self) -> Sequence[pa.RecordBatch] | None:
        """All batches of a statement that has ended by now, None while there may be more."""

    def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield the record batches."""

    async def close(self) -> None:
        """Stop the work and give back what it holds."""


Start = Callable[[Prepare, Sequence[pa.Scalar]], Awaitable[RunningStatement]]


class EnginePort(Protocol):
    """What executes statements."""

    async def start(self, prepare: Prepare, parameters: Sequence[pa.Scalar] = ()) -> RunningStatement:
        """Plan a query and begin to run it; what is returned must be closed. ``prepare`` gives the query; it may block
        and is called in a thread.
        """

    async def explain(self, query: EngineQuery, parameters: Sequence[pa.Scalar], analyze: bool) -> str:
        """Return the engine's own physical plan as text; with ``analyze`` it runs and carries metrics."""

    @property
    def checks(self) -> Mapping[str, tuple[Callable[[], Awaitable[object]], bool]]:
        """What of it may be down: checks that raise then, and whether nothing can be executed without."""

    def close(self) -> None:
        """Give back threads and processes."""


async def explained(start: Start, query: EngineQuery, parameters: Sequence[pa.Scalar], analyze: bool) -> str:
    """Do what `EnginePort.explain` says with a query that is started as any other."""
    head = "EXPLAIN ANALYZE " if analyze else "EXPLAIN "
    running = await start(lambda: replace(query, sql=head + query.sql, is_plain_scan=False), parameters)
    lines: list[str] = []
    try:
        async for batch in running.batches():
            kinds, plans = batch.column(0).to_pylist(), batch.column(1).to_pylist()
            lines += [plan for kind, plan in zip(kinds, plans, strict=True) if kind != "logical_plan"]
    finally:
        await running.close()
    return "\n".join(lines).rstrip()
