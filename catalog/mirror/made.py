"""The mirror's record of what it made of the sources: of which fingerprint, and as what kind of relation.

Beside PostgreSQL's own catalogues, where no list of tables shows it.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from catalog.mirror.scripts import quoted
from catalog.names import TableName
from catalog.tables import Table

STATE_TABLE = "pg_catalog.lakegate_mirror"
OF_A_SOURCE = f"EXISTS (SELECT FROM {STATE_TABLE} s WHERE s.relation = c.oid)"
"""Whether ``pg_class c`` was made for a relation of a source: clients' own views are not."""

_IS_ABSENT = f"SELECT pg_catalog.to_regclass('{STATE_TABLE}') IS NULL"
_CREATE = f"""
SET LOCAL allow_system_table_mods = on;
CREATE TABLE {STATE_TABLE} (relation oid PRIMARY KEY, fingerprint text NOT NULL);
REVOKE ALL ON {STATE_TABLE} FROM PUBLIC;
"""
_HAS_KINDS = f"""
SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = '{STATE_TABLE}'::pg_catalog.regclass AND a.attname = 'relkind'
"""
_ADD_KINDS = f"""
SET LOCAL allow_system_table_mods = on;
ALTER TABLE {STATE_TABLE} ADD COLUMN relkind "char" NOT NULL DEFAULT 'r', ADD COLUMN definition text;
"""
_FORGET = f"DELETE FROM {STATE_TABLE} s WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = s.relation)"
_REMEMBER = f"""
INSERT INTO {STATE_TABLE} (relation, fingerprint, relkind, definition)
SELECT pg_catalog.to_regclass(v.name), v.fingerprint, v.relkind::"char", v.definition
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) v (name, fingerprint, relkind, definition)
WHERE pg_catalog.to_regclass(v.name) IS NOT NULL
ON CONFLICT (relation) DO UPDATE
SET fingerprint = excluded.fingerprint, relkind = excluded.relkind, definition = excluded.definition
"""


def make_record(connection: psycopg.Connection) -> None:
    """Make the record where it is absent, or is that of an older gateway."""
    if connection.execute(_IS_ABSENT).fetchone() == (True,):
        connection.execute(_CREATE.encode())
    if connection.execute(_HAS_KINDS).fetchone() is None:
        connection.execute(_ADD_KINDS.encode())


def remember(connection: psycopg.Connection, tables: Mapping[TableName, Table], marks: Mapping[TableName, str]) -> None:
    """Keep the fingerprints (``marks``) of tables that were made, with their kinds and definitions."""
    connection.execute(_FORGET)
    if marks:
        made = [tables[name] for name in marks]
        definitions = [None if one.definition is None else storable(one.definition) for one in made]
        columns = ([quoted(name) for name in marks], [*marks.values()], [one.relkind for one in made], definitions)
        connection.execute(_REMEMBER, columns)


def storable(text: str) -> str:
    """Return a source's text as PostgreSQL can hold it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
