"""The engine as everybody else sees it: a query in plain data goes in, record batches come out, or a client's messages
where the engine makes them. It is in this process (`engine`), in worker processes (`workers`), and what lets statements
in one after another stands before both (`admitting`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from catalog.scans import Scan
from catalog.whole_numbers import InWholeNumbers
from gateway.counts import CacheState
from gateway.execute.operators import Operator
from gateway.rights import Rights


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Limits of the engine. ``memory_limit`` in bytes for all statements together; above it they spill or fail."""

    memory_limit: int
    spill_directory: Path
    target_partitions: int
    batch_size: int = 8192
    small_tables_memory: int = 64 << 20  # bytes; 0: none is kept
    hot_columns_memory: int = 0  # bytes; 0: none are kept


Measured = Callable[[Operator, frozenset[str]], None]
"""Told of a plan's operators, and of the scans whose rows were in memory."""


@dataclass(frozen=True, slots=True)
class EngineQuery:
    """What the engine is asked: SQL over named relations, and the scan behind each name.

    ``is_plain_scan`` says that it hands on the rows of one table as they are read: its files are then read one after
    another, which is fast enough for any client and takes a third of the memory. ``is_brief`` says that it ends soon:
    its first rows are waited for in the thread that plans. ``bytes`` is the size of the tables as they are stored, None
    where it is not known. ``fenced`` are relations that must be read from under a fence, ``calls`` what PostgreSQL is
    to evaluate. ``is_explained`` says that the plan over the files is wanted, wherever the rows are, ``compares`` that
    parameters do nothing but be compared with columns, so that a plan is the same for all their values.
    ``is_over_files`` says that columns in memory are not to be used, ``withholds_values`` that its errors tell no
    values: some may be hidden from who asks. ``measured`` is told, in a thread and after the rows were read to their
    end, what the operators have counted; worker processes do not tell. ``rights`` are those that it was planned with,
    to be looked at where it has waited. ``merges`` says that joins are to sort both of their sides, which spills, where
    they would otherwise hash one of them, which cannot. ``in_whole_numbers`` is another form of it, for relations whose
    columns are in memory.
    """

    sql: str
    scans: tuple[tuple[str, Scan], ...]
    is_plain_scan: bool = False
    is_brief: bool = False
    bytes: int | None = None
    fenced: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    is_explained: bool = False
    is_over_files: bool = False
    compares: bool = False
    measured: Measured | None = field(default=None, compare=False)
    withholds_values: bool = False
    rights: Rights | None = field(default=None, compare=False)
    merges: bool = False
    in_whole_numbers: InWholeNumbers | None = None


_HOT = "hot_columns"
Prepare = Callable[[], EngineQuery]
Blocks = tuple[int, Sequence[memoryview]]
"""How many rows there are, and buffers of their messages; each buffer ends where a message ends."""


class Encoder(Protocol):
    """Makes messages of batches of one schema, in any thread."""

    def fits(self, schema: pa.Schema) -> bool:
        """Whether batches of ``schema`` have the types that this was made for."""

    def encode(self, batch: pa.RecordBatch) -> list[memoryview]:
        """Return the messages of all rows, in order. Raises SqlError."""


class Form(Protocol):
    """What a client is to be sent for rows. Plain data that can be hashed, for it goes to worker processes."""

    def encoder(self, schema: pa.Schema) -> Encoder:
        """Return what makes the messages of batches of ``schema``. Raises SqlError."""

    def __hash__(self) -> int:
        """Equal forms are one."""


MakeForm = Callable[[], Form | None]


def batches_alone() -> Form | None:
    """Ask for record batches."""
    return None


class Messages(Protocol):
    """The rows of a running statement as messages: they are read once."""

    @property
    def whole(self) -> Blocks | None:
        """All rows of a statement that has ended by now, None while there may be more."""

    def blocks(self) -> AsyncIterator[Blocks]:
        """Yield the rows. What is yielded should be let go of soon: its memory may be what the next rows wait for."""


class RunningStatement(Protocol):
    """A statement that runs, or rows that the gateway itself has made: they are read once. Closing stops the work."""

    @property
    def messages(self) -> Messages | None:
        """The rows in the form that was asked for, where the engine makes them so. There are no batches then."""

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


class Start(Protocol):
    """`EnginePort.start`."""

    def __call__(self, prepare: Prepare, parameters: Sequence[pa.Scalar] = ()) -> Awaitable[RunningStatement]:
        """Plan a query and begin to run it."""


class EnginePort(Protocol):
    """What executes statements."""

    async def start(
        self, prepare: Prepare, parameters: Sequence[pa.Scalar] = (), form: MakeForm = batches_alone
    ) -> RunningStatement:
        """Plan a query and begin to run it; what is returned must be closed. ``prepare`` gives the query; it may block
        and is called in a thread. ``form`` gives what the rows are to become; an engine may leave that to its caller.
        """

    def holds(self, query: EngineQuery) -> bool:
        """Whether the rows of all that a query reads are in this process's memory. From any thread."""

    def is_at_hand(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> bool:
        """Whether `at_once` would have rows, as far as can be seen now."""

    def at_once(self, query: EngineQuery, parameters: Sequence[pa.Scalar]) -> RunningStatement | None:
        """Execute a light query here and now, if its rows are in memory and it was planned before; None where it is to
        be started as any other, and where it fails. It has waited for nothing, and takes no place. Where all rows are
        there already nothing is left to be closed.
        """

    async def explain(self, query: EngineQuery, parameters: Sequence[pa.Scalar], analyze: bool) -> str:
        """Return the engine's own physical plan as text; with ``analyze`` it runs and carries metrics."""

    @property
    def checks(self) -> Mapping[str, tuple[Callable[[], Awaitable[object]], bool]]:
        """What of it may be down: checks that raise then, and whether nothing can be executed without."""

    @property
    def caches(self) -> Mapping[str, CacheState]:
        """What it keeps in this process, by names for metrics."""

    def close(self) -> None:
        """Give back threads and processes."""


async def explained(start: Start, query: EngineQuery, parameters: Sequence[pa.Scalar], analyze: bool) -> str:
    """Do what `EnginePort.explain` says with a query that is started as any other."""
    head = "EXPLAIN ANALYZE " if analyze else "EXPLAIN "
    other = query.in_whole_numbers
    other = replace(other, sql=head + other.sql) if other is not None else None
    asked = replace(query, sql=head + query.sql, is_plain_scan=False, is_explained=True, in_whole_numbers=other)
    running = await start(lambda: asked, parameters)
    lines: list[str] = []
    try:
        async for batch in running.batches():
            kinds, plans = batch.column(0).to_pylist(), batch.column(1).to_pylist()
            lines += [plan for kind, plan in zip(kinds, plans, strict=True) if kind != "logical_plan"]
    finally:
        await running.close()
    return "\n".join(lines).rstrip()


def hot_row(files: Mapping[str, int]) -> dict[str, str]:
    """Return what a plan tells of scans whose columns were in memory, with the number of files that these are of."""
    return {"plan_type": _HOT, "plan": "\n".join(f"{_HOT} {name} {number}" for name, number in files.items())}


def without_hot(plan: str) -> tuple[str, dict[str, int]]:
    """Return the text of `EnginePort.explain` without what `hot_row` has told, and that."""
    lines = plan.split("\n")
    told = [line.split(" ") for line in lines if line.startswith(_HOT)]
    return "\n".join(line for line in lines if not line.startswith(_HOT)), {name: int(files) for _, name, files in told}
