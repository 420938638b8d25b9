"""Relations of the client's own session in the mirror: its temporary ones, and PostgreSQL's catalogues.

A statement that names them beside tables of the lake reads them there, in the client's transaction and with his
privileges. What columns they have, the mirror is asked; how their values travel is said here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from catalog.names import TableName, always_quoted
from catalog.tables import Column, Table
from connectors.postgres.shapes import ColumnShape
from connectors.postgres.types import PgType, RemoteType, remote_type

KIND = "session"
TEMPORARY_SCHEMA = "pg_temp"
_NO_SOURCE = ""  # no configured one has this name
_NUMERIC_SCALE = 18
# The engine knows these; whatever else comes as text is text to it.
_SPELLED = frozenset({"text", "uuid", "json", "jsonb"})
_COLUMNS = """
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, pg_catalog.format_type(t.oid, m.typmod), t.typname,
         t.typtype, t.typnamespace = 11, e.typname, e.typtype, e.typnamespace = 11, m.typmod) ORDER BY a.attnum)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type d ON d.oid = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND pg_catalog.starts_with(t.typname::pg_catalog.text, '_')
CROSS JOIN LATERAL (SELECT CASE d.typtype WHEN 'd' THEN d.typtypmod ELSE a.atttypmod END AS typmod) m
WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
"""
# What a view is: its owner, its query with all names of the lake in full, and what that reads.
_VIEW = """
CASE c.relkind WHEN 'v' THEN pg_catalog.json_build_array(
  pg_catalog.pg_get_userbyid(c.relowner), lakegate.temporary_definition(c.oid),
  (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(s.nspname, r.relname))
   FROM pg_catalog.pg_rewrite w
   JOIN pg_catalog.pg_depend d ON d.classid = 2618 AND d.objid = w.oid AND d.refclassid = 1259 AND d.refobjid <> c.oid
   JOIN pg_catalog.pg_class r ON r.oid = d.refobjid
   JOIN pg_catalog.pg_namespace s ON s.oid = r.relnamespace
   WHERE w.ev_class = c.oid)) END
"""
_RELATIONS = """
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, c.relname, c.relkind::pg_catalog.text, ({0}), {1}))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""
TEMPORARY_RELATIONS = f"{_RELATIONS.format(_COLUMNS, _VIEW)} WHERE c.relnamespace = pg_catalog.pg_my_temp_schema()"
"""Asks for all temporary relations of the session, indexes and sequences among them."""

NAMED_RELATION = f"{_RELATIONS.format(_COLUMNS, 'NULL')} WHERE c.oid = pg_catalog.to_regclass($1)"
"""Asks for the relation of one name."""


TYPE = """
SELECT pg_catalog.json_build_array(pg_catalog.format_type(t.oid, m.typmod), t.typname, t.typtype,
         t.typnamespace = 11, e.typname, e.typtype, e.typnamespace = 11, m.typmod)
FROM pg_catalog.pg_type d
JOIN pg_catalog.pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND pg_catalog.starts_with(t.typname::pg_catalog.text, '_')
CROSS JOIN LATERAL (SELECT CASE d.typtype WHEN 'd' THEN d.typtypmod ELSE $2::pg_catalog.int4 END AS typmod) m
WHERE d.oid = $1::pg_catalog.oid
"""
"""Asks for a type, by its oid and modifier."""


@dataclass(frozen=True, slots=True)
class SessionColumn:
    """A column: how it is selected (an expression in SQL over the relation's own columns), and its type's way."""

    name: str
    selected: str
    shape: ColumnShape
    is_computed: bool = False

    @property
    def type(self) -> RemoteType:
        """The way of the type."""
        return self.shape.type


@dataclass(frozen=True, slots=True)
class LakeView:
    """What a temporary view is that reads the lake: its query, with all names of the lake in full, and its owner."""

    definition: str
    owner: str


@dataclass(frozen=True, slots=True)
class SessionRelation:
    """A relation of a session. ``written`` names it there. ``schema`` is the real name of its schema. ``view`` is what
    a view is that reads the lake, and has no rows in the session.
    """

    table: Table
    written: str
    columns: tuple[SessionColumn, ...]
    kind: str = "r"
    schema: str = TEMPORARY_SCHEMA
    view: LakeView | None = None

    def column(self, name: str) -> SessionColumn:
        """Return the column of that name, which there is."""
        return next(one for one in self.columns if one.name == name)


@dataclass(frozen=True, slots=True)
class TemporaryNames:
    """The temporary relations of one session, as the mirror last told."""

    relations: tuple[SessionRelation, ...] = ()
    _by_name: Mapping[str, SessionRelation] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {one.table.name.name: one for one in self.relations})

    def __bool__(self) -> bool:
        return bool(self.relations)

    def get(self, schema: str, name: str) -> SessionRelation | None:
        """Return the relation of that name, in no schema or the session's temporary one."""
        found = self._by_name.get(name)
        return found if found is not None and schema in ("", TEMPORARY_SCHEMA, found.schema) else None


NO_NAMES = TemporaryNames()


def parse_relations(told: bytes | None, written: Callable[[str, str], str]) -> tuple[SessionRelation, ...]:
    """Return the relations that one of the questions above was answered with. ``written`` gives, for a schema and a
    name, what a query calls it.
    """
    rows: list[list[Any]] = json.loads(told) if told else []
    over_lake = _over_lake({(schema, name): view[2] or [] for schema, name, _, _, view in rows if view is not None})
    return tuple(
        replace(
            _relation(schema, name, kind, columns or [], written),
            view=LakeView(view[1], view[0]) if (schema, name) in over_lake else None,
        )
        for schema, name, kind, columns, view in rows
    )


def _over_lake(views: Mapping[tuple[str, str], list[list[str]]]) -> set[tuple[str, str]]:
    """Return the views, given with what they read, that read tables of the lake, maybe by way of others."""
    found: set[tuple[str, str]] = set()
    while True:
        more = {
            view
            for view, read in views.items()
            if any((schema, name) in found or not _is_of_session(schema) for schema, name in read)
        }
        if more == found:
            return found
        found = more


def _is_of_session(schema: str) -> bool:
    return schema.startswith("pg_") or schema == "information_schema"


def parse_type(told: bytes | None, expression: str) -> SessionColumn:
    """Return a column of the type that the question was answered with."""
    return session_column("", expression, json.loads(told or b"null"))


def temporary_name(_schema: str, name: str) -> str:
    """Return what a query calls a temporary relation."""
    return f"{TEMPORARY_SCHEMA}.{always_quoted(name)}"


def full_name(schema: str, name: str) -> str:
    """Return what a query calls a relation of a schema."""
    return f"{always_quoted(schema)}.{always_quoted(name)}"


def _relation(
    schema: str, name: str, kind: str, columns: list[list[Any]], written: Callable[[str, str], str]
) -> SessionRelation:
    found = tuple(session_column(row[0], always_quoted(row[0]), row[1:]) for row in columns)
    spoken = TEMPORARY_SCHEMA if schema.startswith(TEMPORARY_SCHEMA) else schema
    table = Table(TableName(spoken, name), _NO_SOURCE, KIND, (), tuple(_column(one) for one in found))
    return SessionRelation(table, written(schema, name), found, kind, schema)


def session_column(name: str, expression: str, told: list[Any]) -> SessionColumn:
    """Return a column of a type that the mirror told: its spelling, ``pg_type``'s name, kind and whether it is
    PostgreSQL's own, the same of its elements' type, and the type modifier.
    """
    spelled, typname, typtype, builtin, element_name, element_type, element_builtin, typmod = told
    element = None if element_name is None else PgType(element_name, element_type, bool(element_builtin))
    found = remote_type(PgType(typname, typtype, bool(builtin), element), typmod, spelled, _NUMERIC_SCALE)
    if typname == "oid":
        found = RemoteType("bigint", found.arrow, found.selected, found.order, found.compared, found.literal)
    elif found.arrow == pa.string() and not _is_known_text(found.sql_type):
        found = RemoteType("text", found.arrow, found.selected, found.order, found.compared, found.literal)
    elif pa.types.is_list(found.arrow) and typname == "_oid":
        found = RemoteType("bigint[]", found.arrow, found.selected)
    elif pa.types.is_list(found.arrow) and found.arrow.value_type == pa.string():
        found = RemoteType("text[]", found.arrow, found.selected)
    return SessionColumn(name, expression, ColumnShape(found))


def with_columns(relation: SessionRelation, columns: tuple[SessionColumn, ...]) -> SessionRelation:
    """Return a relation with more columns, computed by the session."""
    table = relation.table
    wider = Table(table.name, _NO_SOURCE, KIND, (), (*table.columns, *(_column(one) for one in columns)))
    return replace(relation, table=wider, columns=(*relation.columns, *columns))


def _is_known_text(spelled: str) -> bool:
    return spelled in _SPELLED or spelled.startswith(("character varying", "character("))


def _column(column: SessionColumn) -> Column:
    return Column(column.name, column.type.sql_type, column.type.arrow)
