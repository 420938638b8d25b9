"""Scans as plain data: what a connector tells the engine to read, with nothing in it that belongs to one process.

A lake table becomes a `FileScan`, a table of a server a `RemoteScan`. The engine (``gateway.execute``) turns both into
relations of DataFusion; worker processes may be sent them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import pyarrow as pa

from catalog.statistics import TableStatistics
from catalog.tables import Discovery, Table


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The version of a table that a statement reads: a Delta version, an Iceberg snapshot id, a file set's hash.

    ``rows`` and ``bytes`` describe that version where the source knows them. ``state`` is the connector's own handle
    (file lists, manifests); it is not looked into elsewhere.
    """

    table: Table
    version: str
    rows: int | None = None
    bytes: int | None = None
    state: object = field(default=None, compare=False, repr=False)

    @property
    def standing(self) -> object | None:
        """What is one object for each version as long as the table stands, None where the version's name is enough: a
        Delta table that is made anew counts its versions from 0 again.
        """
        return self.state if self.table.kind in _STANDING else None


_STANDING = frozenset({"delta", "iceberg"})


@dataclass(frozen=True, slots=True)
class Physical:
    """A column read from the files under the name they give it."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A column that the files do not hold: a partition value, or NULL for a column added later."""

    value: pa.Scalar


@dataclass(frozen=True, slots=True)
class EqualityDelete:
    """Files whose rows delete the rows of a group that are equal in ``columns`` (physical name in the group -> name in
    the delete file); NULL equals NULL.
    """

    files: tuple[str, ...]
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files that are read alike: one format, one physical schema, one set of partition values.

    ``files`` are absolute paths or object-store URLs. ``columns`` has one entry for each column of the table, in its
    order. ``schema`` is the physical schema where the connector knows it. Deleted rows come as positions
    (``deleted_positions``: columns ``file`` as in ``files``, and ``position``, int64) and as equality deletes.
    ``immutable`` says that the format never writes a file again under the same name.
    """

    format: str  # parquet, csv, json, avro, arrow
    files: tuple[str, ...]
    columns: tuple[Physical | Constant, ...]
    schema: pa.Schema | None = None
    deleted_positions: pa.Table | None = field(default=None, compare=False)
    equality_deletes: tuple[EqualityDelete, ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of the format: CSV's delimiter …
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class FileScan:
    """The exact files of one snapshot (after pruning). ``key`` is equal only for equal contents, so that the engine
    may keep what it made of it. ``storage`` holds the object store's options. With ``late`` the query's conditions are
    to be evaluated before other columns are decoded (`optimizer.late_materialization`). ``read`` are the columns that
    the statement names, none where that is not known; ``compared`` those of them that a condition compares with texts.
    """

    key: str
    schema: pa.Schema
    groups: tuple[FileGroup, ...]
    files_known: int  # files of the snapshot before pruning
    storage: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    late: bool = False
    read: tuple[str, ...] = field(default=(), compare=False)
    compared: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class RemoteScan:
    """Queries of one source that together yield the rows of a scan, each a partition that is streamed on its own.

    ``schema`` is what the stream yields once ``connectors.postgres.stream`` has cast it. ``source`` names the source
    whose connector opens it; connection strings stay out of this value, it is shown by EXPLAIN. ``rows`` is how many
    rows it yields at the most as far as the source knows, None where it does not. ``reader`` is the role with whose
    rights the table is read, and so with whose login at the source if it has one. ``guard`` is an expression by
    which each query is to fail, before its first row, where the columns are not those that were planned any more; it is
    no part of what EXPLAIN shows. ``infinite``: infinite dates and timestamps may be among the values, as the highest
    and lowest numbers of their types; else they are errors.
    """

    source: str
    schema: pa.Schema
    queries: tuple[str, ...]
    rows: int | None = None
    reader: str | None = None
    guard: str | None = field(default=None, repr=False)
    infinite: bool = False


@dataclass(frozen=True, slots=True)
class SessionScan:
    """A query of the client's own session in the mirror, whose rows are read before the engine plans. ``infinite`` is
    as in `RemoteScan`.
    """

    query: str
    schema: pa.Schema
    infinite: bool = False


@dataclass(frozen=True, slots=True)
class ReadyScan:
    """Rows that are there; ``batches`` is None of those that will be, where a statement is but planned."""

    schema: pa.Schema
    batches: tuple[pa.RecordBatch, ...] | None = field(repr=False)


Scan = FileScan | RemoteScan | SessionScan | ReadyScan


@dataclass(frozen=True, slots=True)
class Comparison:
    """A conjunct that a scan may use to read less: ``column operator values``. Values are scalars of the column's
    Arrow type. ``operator`` is one of ``= <> < <= > >= in is_null is_not_null``; the last two have no values.
    Connectors may ignore it (the engine checks again) except where they promised it in `Source.takes`.
    """

    column: str
    operator: str
    values: tuple[pa.Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Keys:
    """The values, sorted, distinct and without NULL, one of which a column has in every row that is of use: they come
    from the other side of a join, which the engine compares again. So a scan may send more rows, and never fewer.
    ``values`` are of the column's Arrow type.
    """

    column: str
    values: pa.Array = field(compare=False, repr=False)


class Source(Protocol):
    """A configured source. Every method blocks and is called in a thread; errors are `catalog.errors.SqlError` with a
    message that names the source and the thing.
    """

    name: str
    kind: str

    def discover(self) -> Discovery:
        """Return all tables; raise where the source cannot be reached."""

    def pin(self, table: Table) -> Snapshot:
        """Return the table's current version."""

    def scan(
        self,
        snapshot: Snapshot,
        columns: tuple[str, ...],
        comparisons: tuple[Comparison, ...],
        keys: tuple[Keys, ...] = (),
    ) -> Scan:
        """Return what to read for these columns (in this order) of a snapshot, pruned by the comparisons. A `FileScan`
        always carries all columns of the table. A `RemoteScan` applies every comparison that `takes` accepts.
        ``keys`` leave out what they can: where they are of no help the scan is the same as without.
        """

    def takes(self, table: Table, comparison: Comparison) -> bool:
        """Say whether `scan` applies this comparison exactly as PostgreSQL would, so that nobody need check again."""

    def statistics(self, table: Table) -> TableStatistics:
        """Return what the source knows of the table's rows now, from metadata alone; its data are not read."""

    def close(self) -> None:
        """Give back connections and threads."""
