"""Discovery of a PostgreSQL database: relations, columns, keys, indexes and sizes from its catalogues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from catalog.names import TableName, always_quoted, schema_for
from catalog.tables import Column, Constraint, Discovery, Enumeration, Index, IndexKey, OwnedSequence, Partition, Table
from connectors.postgres import catalogue_queries as queries
from connectors.postgres.errors import remote_error, unreachable
from connectors.postgres.settings import PostgresOptions
from connectors.postgres.shapes import ColumnShape, RelationShape
from connectors.postgres.types import PgType, remote_type

_TID_RANGE_SCANS = 140000  # server_version_num
_DESCENDING, _NULLS_FIRST = 1, 2  # bits of pg_index.indoption
_VIEWS = "vm"  # a partitioned or foreign table is one table to whoever reads it
Remote = tuple[str, str]
Row = tuple[Any, ...]


_DEFAULT_COLLATION = 100  # of PostgreSQL: the database's own


@dataclass(frozen=True, slots=True)
class Found:
    """What a database holds: as everyone sees it, and as this connector needs it, by schema and name there."""

    discovery: Discovery
    shapes: Mapping[Remote, RelationShape]


@dataclass(frozen=True, slots=True)
class _Domain:
    base: int
    typmod: int
    spelled: str


@dataclass(slots=True)
class _Catalogues:
    """The answers of all queries, by relation."""

    relations: list[Row]
    schemas: list[Row]
    types: dict[int, PgType]
    domains: dict[int, _Domain]
    collations: dict[int, tuple[bool, bool]]
    columns: dict[int, list[Row]] = field(default_factory=dict)
    constraints: dict[int, list[Row]] = field(default_factory=dict)
    indexes: dict[int, list[Row]] = field(default_factory=dict)
    enumerations: dict[int, Enumeration] = field(default_factory=dict)
    sequences: dict[tuple[int, int], OwnedSequence] = field(default_factory=dict)  # by relation and number of column
    server_version: int = 0
    column_shapes: dict[tuple[int, int, int], ColumnShape] = field(default_factory=dict)  # by type, modifier, collation


def discover(source: str, conninfo: str, options: PostgresOptions, only: Remote | None = None) -> Found:
    """Read the catalogues in one snapshot; with ``only``, about that relation alone. Raises SqlError."""
    try:
        connection = psycopg.connect(conninfo, autocommit=True)
    except psycopg.Error as failure:
        raise unreachable(source, failure.sqlstate) from None
    try:
        with connection:
            found = _read(connection, only)
    except psycopg.Error as failure:
        raise remote_error(source, failure.sqlstate) from None
    return _found(source, found, options)


def _read(connection: psycopg.Connection[Row], only: Remote | None) -> _Catalogues:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(
            "SELECT pg_catalog.set_config('search_path', '', true), "
            "pg_catalog.set_config('quote_all_identifiers', 'off', true), "
            "pg_catalog.set_config('standard_conforming_strings', 'on', true), "
            "pg_catalog.set_config('datestyle', 'ISO, MDY', true), "
            "pg_catalog.set_config('intervalstyle', 'postgres', true), "
            "pg_catalog.set_config('bytea_output', 'hex', true)"
        )

        def rows(query: str, **parameters: object) -> list[Row]:
            return cursor.execute(query, parameters or None).fetchall()

        relations = rows(queries.RELATIONS, only=None if only is None else list(only))
        readable = [row[0] for row in relations if row[4]]
        of_types = rows(queries.TYPES)
        types, domains = _types(of_types)
        found = _Catalogues(
            relations, rows(queries.SCHEMAS), types, domains, {row[0]: row[1:] for row in rows(queries.COLLATIONS)}
        )
        found.enumerations = {row[0]: Enumeration(row[-2], tuple(row[-1])) for row in of_types if row[-1] is not None}
        found.columns = _by_relation(rows(queries.COLUMNS, relations=readable))
        found.constraints = _by_relation(rows(queries.CONSTRAINTS, relations=readable))
        found.indexes = _by_relation(rows(queries.INDEXES, relations=readable))
        owned = rows(queries.SEQUENCES, relations=readable)
        found.sequences = {(relation, number): OwnedSequence(*told) for relation, number, *told in owned}
        found.server_version = connection.info.server_version
        cursor.execute("COMMIT")
    return found


def _by_relation(rows: Iterable[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for relation, *rest in rows:
        grouped[relation].append(tuple(rest))
    return grouped


def _types(rows: list[Row]) -> tuple[dict[int, PgType], dict[int, _Domain]]:
    plain = {oid: PgType(name, kind, builtin) for oid, name, kind, builtin, *_ in rows}
    domains = {
        oid: _Domain(base, typmod, spelled) for oid, _, kind, _, _, base, typmod, spelled, *_ in rows if kind == "d"
    }
    types = dict(plain)
    for oid, name, kind, builtin, element, *_ in rows:
        if element:
            types[oid] = PgType(name, kind, builtin, plain.get(element, PgType("record", "c", False)))
    return types, domains


def _found(source: str, found: _Catalogues, options: PostgresOptions) -> Found:
    names = _client_names(source, found.relations)
    readable_names = {row[1:3]: names[row[1:3]] for row in found.relations if row[4]}
    tables, broken, shapes = [], {}, {}
    for oid, namespace, name, kind, readable, comment, rows, size, blocks, definition, key, *part in found.relations:
        remote = (namespace, name)
        if not readable:
            broken[names[remote]] = f'the role of source "{source}" may not read it'
            continue
        columns, shape = _columns(oid, found, options)
        shapes[remote] = RelationShape(kind, shape, blocks, size or 0, found.server_version >= _TID_RANGE_SCANS)
        visible = {column.name for column in columns}
        tables.append(
            Table(
                name=names[remote],
                source=source,
                kind="postgres",
                remote=remote,
                columns=columns,
                comment=comment,
                rows=rows,
                bytes=size,
                constraints=tuple(_constraints(found.constraints.get(oid, []), readable_names, visible)),
                indexes=tuple(_indexes(found.indexes.get(oid, []), visible)),
                relkind=kind if kind in _VIEWS else "r",
                definition=definition,
                partitioned_by=key,
                partition=_partition(readable_names, *part),
            )
        )
    schemas: dict[str, str | None] = {}
    for namespace, comment in found.schemas:
        schemas.setdefault(schema_for(source, namespace), comment)
    for table in tables:
        schemas.setdefault(table.name.schema, None)
    return Found(Discovery(source, tuple(tables), schemas, broken), shapes)


def _partition(
    names: Mapping[Remote, TableName], namespace: str | None, parent: str | None, bound: str | None
) -> Partition | None:
    of = names.get((namespace, parent)) if namespace is not None and parent is not None else None
    return None if of is None or bound is None else Partition(of, bound)


def _client_names(source: str, relations: list[Row]) -> dict[Remote, TableName]:
    """Name every relation. ``public`` comes first and the schema called like the source shares its name with it: where
    both have a table, the second one's goes by the long form of the schema's name.
    """
    names: dict[Remote, TableName] = {}
    taken: set[TableName] = set()
    for _, namespace, name, *_ in relations:
        wanted = TableName(schema_for(source, namespace), name)
        if wanted in taken:
            wanted = TableName(f"{source}_{namespace}", name)
        taken.add(wanted)
        names[namespace, name] = wanted
    return names


def _columns(
    relation: int, found: _Catalogues, options: PostgresOptions
) -> tuple[tuple[Column, ...], dict[str, ColumnShape]]:
    columns, shapes = [], {}
    for name, oid, typmod, not_null, spelled, comment, collation, number, *told in found.columns.get(relation, []):
        key = (oid, typmod, collation)
        shape = found.column_shapes.get(key)
        if shape is None:
            shape = found.column_shapes[key] = _column_shape(oid, typmod, spelled, collation, found, options)
        way = shape.type
        enumeration = found.enumerations.get(_base_type(oid, found))
        identity = f"{relation}/{number}"
        told.append(found.sequences.get((relation, number)))
        columns.append(Column(name, way.sql_type, way.arrow, not not_null, comment, identity, enumeration, *told))
        shapes[name] = shape
    return tuple(columns), shapes


def _base_type(oid: int, found: _Catalogues) -> int:
    while oid in found.domains:
        oid = found.domains[oid].base
    return oid


def _column_shape(
    oid: int, typmod: int, spelled: str, collation: int, found: _Catalogues, options: PostgresOptions
) -> ColumnShape:
    while oid in found.domains:
        domain = found.domains[oid]
        oid, typmod, spelled = domain.base, domain.typmod, domain.spelled
    way = remote_type(found.types.get(oid, PgType("record", "c", False)), typmod, spelled, options.numeric_scale)
    byte_order, deterministic = found.collations.get(collation, (False, True))
    return ColumnShape(way, byte_order, deterministic, 0 if collation == _DEFAULT_COLLATION else collation)


def _constraints(rows: list[Row], names: Mapping[Remote, TableName], visible: set[str]) -> Iterable[Constraint]:
    for name, kind, definition, columns, namespace, referenced, spelled, comment in rows:
        if not visible.issuperset(columns):
            continue
        if kind == "f":
            target = names.get((namespace, referenced))
            if target is None:
                continue
            old, new = f" REFERENCES {spelled}(", f" REFERENCES {_quoted(target)}("
            yield Constraint(name, kind, definition.replace(old, new, 1), comment)
        else:
            yield Constraint(name, kind, definition, comment)


def _indexes(rows: list[Row], visible: set[str]) -> Iterable[Index]:
    for name, unique, method, distinct, predicate, count, columns, expressions, classes, collations, options in rows:
        if not visible.issuperset(one for one in columns if one is not None):
            continue
        found = zip(columns[:count], expressions[:count], collations, classes, options, strict=True)
        keys = (
            IndexKey(column, text, collation, of_class, bool(bits & _DESCENDING), bool(bits & _NULLS_FIRST))
            for column, text, collation, of_class, bits in found
        )
        yield Index(name, tuple(keys), unique, method, tuple(columns[count:]), distinct, predicate)


def _quoted(table: TableName) -> str:
    return f"{always_quoted(table.schema)}.{always_quoted(table.name)}"
