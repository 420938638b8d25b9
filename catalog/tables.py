"""What exists: tables, columns and their origin, as one immutable catalogue that a statement is resolved against."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import pyarrow as pa

from catalog.names import TableName

_NAME = re.compile(r'"((?:[^"]|"")+)"|([^",() ]+)')
_PRIMARY_KEY = re.compile(rf"PRIMARY KEY \((?P<names>(?:{_NAME.pattern})(?:, (?:{_NAME.pattern}))*)\)")


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum of a source: its name there and its labels in their order."""

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnedSequence:
    """The sequence that gives a column its values. ``identity`` is ``a`` (always) or ``d`` (by default), as in
    ``pg_attribute.attidentity``, or empty where it is the column's default (``serial``).
    """

    name: str
    identity: str
    type_name: str
    start: int
    increment: int
    least: int
    most: int
    cache: int = 1
    cycles: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column as clients see it and as scans deliver it.

    ``sql_type`` is PostgreSQL's spelling with modifiers (``numeric(15,2)``, ``integer[]``); the mirror is made from it.
    ``arrow_type`` is what a scan of the table yields. ``identity`` stays the same when the column is renamed, and is no
    other column's, of this table or of one made later under its name; None where the source knows names alone.
    ``enumeration`` is what values of a column shown as text are labels of. ``default`` is what the source writes for a
    column that is not said, to be shown; where ``generated`` is ``s`` (stored) or ``v`` (virtual), as in
    ``pg_attribute.attgenerated``, the expression that it is generated from. ``sequence`` is the one that belongs to it.
    """

    name: str
    sql_type: str
    arrow_type: pa.DataType
    nullable: bool = True
    comment: str | None = None
    identity: str | None = None
    enumeration: Enumeration | None = None
    default: str | None = None
    generated: str = ""
    sequence: OwnedSequence | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table as PostgreSQL writes it: ``definition`` is what ``pg_get_constraintdef`` returns, with
    referenced tables named as clients see them. ``kind`` is one of ``p``, ``u``, ``f``, ``c`` as in
    ``pg_constraint.contype``.
    """

    name: str
    kind: str
    definition: str
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class IndexKey:
    """What an index is sorted by or looked up by: a column's name, or else an expression as PostgreSQL writes it.
    ``collation`` and ``operator_class`` name PostgreSQL's own, where they are not those of the column and of its type.
    """

    column: str | None
    expression: str = ""
    collation: str | None = None
    operator_class: str | None = None
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An index that belongs to no constraint; one with a ``predicate`` has some rows alone."""

    name: str
    keys: tuple[IndexKey, ...]
    unique: bool = False
    method: str = "btree"
    included: tuple[str, ...] = ()
    nulls_distinct: bool = True
    predicate: str | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """Of which table another one is a partition, by its name for clients, and for which rows, as PostgreSQL writes it
    (``FOR VALUES IN ('a')``).
    """

    of: TableName
    bound: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a source. ``remote`` locates it there (a URI, a namespace and name) and means something to its
    connector alone. ``rows`` and ``bytes`` are estimates, None where the source does not say. ``relkind`` is what
    clients see it as, ``r``, ``v`` or ``m`` as in ``pg_class``; ``definition`` is a view's query as its source
    writes it. ``partitioned_by`` is a partitioned table's key as ``pg_get_partkeydef`` returns it.
    """

    name: TableName
    source: str
    kind: str  # the source's kind: delta, iceberg, postgres, files
    remote: tuple[str, ...]
    columns: tuple[Column, ...]
    comment: str | None = None
    rows: int | None = None
    bytes: int | None = None
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    layout: str | None = None  # how its files lie, in words: "partitioned by day, sorted by id"
    relkind: str = "r"
    definition: str | None = None
    partitioned_by: str | None = None
    partition: Partition | None = None

    def column(self, name: str) -> Column | None:
        """Return the column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def primary_key(self) -> frozenset[str]:
        """The names of its columns; none where the table has no primary key."""
        found = (_PRIMARY_KEY.match(one.definition) for one in self.constraints if one.kind == "p")
        listed = next((match["names"] for match in found if match is not None), "")
        return frozenset(quoted.replace('""', '"') or plain for quoted, plain in _NAME.findall(listed))

    @property
    def description(self) -> str | None:
        """The comment that clients see: the source's own, and how the table's files lie."""
        if self.layout is None:
            return self.comment
        return f"{self.comment} ({self.layout})" if self.comment else self.layout[:1].upper() + self.layout[1:]


def layout_of(partitions: Iterable[str], sort: Iterable[str] = ()) -> str | None:
    """Return a table's layout in words, of the columns or expressions that its files are parted and sorted by."""
    words = (("partitioned by", ", ".join(partitions)), ("sorted by", ", ".join(sort)))
    return ", ".join(f"{verb} {what}" for verb, what in words if what) or None


def visible_part(table: Table, columns: frozenset[str] | None) -> Table:
    """Return a table with the columns of these names alone; None leaves all."""
    if columns is None:
        return table
    return replace(table, columns=tuple(column for column in table.columns if column.name in columns))


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a source holds now. ``broken`` names tables that exist but cannot be read, each with the reason."""

    source: str
    tables: tuple[Table, ...]
    schemas: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))  # name -> comment
    broken: Mapping[TableName, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Catalog:
    """All tables of all sources at one moment. ``version`` grows with every change; ``failures`` gives, by source, why
    it could not be reached; a failed source keeps the tables last seen.
    """

    version: int
    tables: Mapping[TableName, Table]
    schemas: Mapping[str, str | None]
    broken: Mapping[TableName, str] = field(default_factory=lambda: MappingProxyType({}))
    failures: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sources: tuple[str, ...] = ()

    def get_table(self, name: TableName) -> Table | None:
        """Return the table of that name, or None."""
        return self.tables.get(name)
