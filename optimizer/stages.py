"""What the stages of a statement hand on: `Resolved` → `Governed` → `Optimized` → `Fragmented`.

Each has a type of its own and wraps the query's tree (sqlglot's, in PostgreSQL's grammar) with what its stage learnt,
so a stage that is skipped is a type error. Trees are not changed once they are in a stage: a stage copies first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType

import pyarrow as pa
from sqlglot import exp

from catalog.names import TableName
from catalog.scans import Comparison, RemoteScan, Scan, Snapshot
from catalog.tables import Table


@dataclass(frozen=True, slots=True)
class Resolved:
    """A query in which every table, column and function is known: names are qualified, stars expanded, types set."""

    tree: exp.Query
    tables: Mapping[TableName, Table]
    search_path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Governed:
    """The same query over governed relations only: each base table stands in a derived table of its own,
    ``SELECT <columns> FROM base WHERE <filter>``, made by the policies.

    ``policies`` names, by table, those that filter or mask for the principal; tables without any are left out.
    ``shadows`` names those that would if they were in force.
    """

    tree: exp.Query
    tables: Mapping[TableName, Table]
    policies: Mapping[TableName, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    shadows: Mapping[TableName, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows a table has, how many of them meet a relation's own conditions, how many values a column has (None:
    not known), and whether an index begins with it.
    """

    table: float
    alone: float
    distinct: float | None
    is_indexed: bool


@dataclass(frozen=True, slots=True)
class DynamicFilter:
    """Keys by which a relation may be read: each of its rows that is of use has in ``column``, of its base table, a
    value of the one column of ``query``, which reads files alone and always has the same rows at the same versions.

    ``target`` is the relation's place among those of the tree, ``rows`` what is expected of it, ``keys`` how many are
    expected. ``tables`` are what the query reads. ``probe`` is some value of the column: where nearly all files may
    hold it, keys leave none out.
    """

    target: int
    column: str
    query: exp.Select
    tables: tuple[TableName, ...]
    rows: Rows
    keys: float
    probe: pa.Scalar | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Optimized:
    """A cheaper query with the same rows; ``trace`` names the rules that changed it, in order. ``late`` are the places,
    among the relations of the tree, of those whose conditions are worth evaluating before other columns are decoded.
    ``dynamic`` are worth asking before the tables that they filter are read.
    """

    tree: exp.Query
    tables: Mapping[TableName, Table]
    trace: tuple[str, ...] = ()
    policies: Mapping[TableName, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    late: frozenset[int] = frozenset()
    shadows: Mapping[TableName, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    dynamic: tuple[DynamicFilter, ...] = ()


AT_SERVER = "join at server"  # in the meta of a subquery that was made for a server's joins: its JoinAtServer


@dataclass(frozen=True, slots=True)
class JoinAtServer:
    """Tables that a server joins for a larger FROM: how people are told of them, and how many rows are expected."""

    name: str
    rows: float


@dataclass(frozen=True, slots=True)
class Kept:
    """A subquery or joins over one server's tables that the engine answers nevertheless, and why."""

    name: str
    reason: str


class Applied(Enum):
    """Who applies a condition."""

    BY_SOURCE = auto()
    BY_ENGINE = auto()  # it has no form that a source could take, or the source may compare otherwise
    BY_ENGINE_AND_FILES = auto()  # it also chooses files


@dataclass(frozen=True, slots=True)
class Condition:
    """A conjunct of a relation and who applies it."""

    tree: exp.Expr
    applied: Applied


NOT_COMPARED = "not a comparison of a column with constants"  # why a condition is left to the engine


@dataclass(frozen=True, slots=True)
class Fragment:
    """The part of a query that one source answers: a scan of one table at one snapshot.

    ``relation`` is the name that stands for it in the engine's query. ``pushed`` are the conjuncts the source applies
    itself, ``pruning`` those that only choose files, ``kept`` the conjuncts left to the engine, each with the reason.
    ``is_fenced`` says that the engine must read it from under a fence alone. ``bound`` are all of its conjuncts where
    one of them names a parameter, so that the scan is another with other values.
    """

    relation: str
    snapshot: Snapshot
    scan: Scan
    columns: tuple[str, ...]
    pushed: tuple[Comparison, ...] = ()
    pruning: tuple[Comparison, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    is_fenced: bool = False
    bound: tuple[Condition, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RemotePart:
    """A subquery that one server answers. ``place`` is its own among the queries of the optimized tree (`scopes`),
    ``name`` how people are told of it. ``outputs`` are its columns, over those of ``scan`` as ``part.c1 …``; ``tables``
    what it reads. ``parameters`` are constants in the query that stand for parameters of the statement, each with its
    number.
    """

    place: int
    name: str
    tables: tuple[TableName, ...]
    scan: RemoteScan
    outputs: tuple[exp.Expr, ...]
    parameters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    relation: str = ""  # the name that stands for it in the engine's query, once that is made


@dataclass(frozen=True, slots=True)
class Fragmented:
    """What each source runs, and the query that the engine runs over their relations. Of ``fragments`` there is one for
    each relation of the optimized tree; those at the places ``within`` are read by the servers' ``parts`` that they
    stand in, and not by themselves.
    """

    tree: exp.Query
    fragments: tuple[Fragment, ...]
    parts: tuple[RemotePart, ...] = ()
    within: frozenset[int] = frozenset()

    @property
    def read(self) -> tuple[Fragment, ...]:
        """The fragments that are read by themselves."""
        return tuple(part for place, part in enumerate(self.fragments) if place not in self.within)

    @property
    def scans(self) -> tuple[tuple[str, Scan], ...]:
        """What the engine reads, by the names of its query."""
        whole = tuple((part.relation, part.scan) for part in self.read)
        return (*whole, *((part.relation, part.scan) for part in self.parts))
