"""Sequences that give columns of sources their values: the mirror has them, as clients look for them.

They are of names, which are quoted, and numbers. None is of use: its owner may read it, nobody else anything, and it is
not populated, as tables are not. Privileges that a client gives on all sequences of a schema are taken back.
"""

from __future__ import annotations

import psycopg

from catalog.names import TableName, always_quoted, quote_literal
from catalog.tables import Column, OwnedSequence, Table

_IDENTITY = {"a": "ALWAYS", "d": "BY DEFAULT"}
_TYPES = frozenset({"smallint", "integer", "bigint"})
OWNED = """
(c.relkind = 'S' AND EXISTS (
    SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
      AND d.refclassid = d.classid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') AND NOT t.relispopulated))
"""
"""Whether ``c`` of ``pg_class`` belongs to a column of a table of the mirror."""

_READ = "ARRAY[pg_catalog.makeaclitem(c.relowner, c.relowner, 'SELECT', false)]"
_SEAL = f"""
UPDATE pg_catalog.pg_class c SET relacl = {_READ}, relispopulated = false
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND (c.relispopulated OR c.relacl IS DISTINCT FROM {_READ})
  AND {OWNED}
"""


def get_sequence(column: Column, type_name: str) -> OwnedSequence | None:
    """Return the sequence of a column that is shown with this type, where it can be shown."""
    sequence = column.sequence
    is_known = sequence is not None and type_name in _TYPES and sequence.type_name in _TYPES
    return sequence if is_known else None


def words_of_column(sequence: OwnedSequence, table: TableName) -> str:
    """Return what a column has behind its type."""
    name = _quoted(sequence, table)
    if not sequence.identity:
        return f"DEFAULT pg_catalog.nextval({quote_literal(name)}::pg_catalog.regclass)"
    return f"GENERATED {_IDENTITY[sequence.identity]} AS IDENTITY (SEQUENCE NAME {name} {_numbers(sequence)})"


def statements_before(sequence: OwnedSequence, table: TableName) -> list[str]:
    """Return what goes before the table is made; the sequence of an identity column is made with it."""
    if sequence.identity:
        return []
    return [f"CREATE SEQUENCE {_quoted(sequence, table)} AS {sequence.type_name} {_numbers(sequence)}"]


def statements_after(sequence: OwnedSequence, table: Table, column: Column) -> list[str]:
    """Return what follows when the table is made."""
    if sequence.identity:
        return []
    owner = ".".join(map(always_quoted, (table.name.schema, table.name.name, column.name)))
    return [f"ALTER SEQUENCE {_quoted(sequence, table.name)} OWNED BY {owner}"]


def seal_sequences(connection: psycopg.Connection) -> None:
    """Take every use of the mirror's sequences from everybody; the tables are behind their wall by now."""
    connection.execute(_SEAL.encode())


def _quoted(sequence: OwnedSequence, table: TableName) -> str:
    return f"{always_quoted(table.schema)}.{always_quoted(sequence.name)}"


def _numbers(sequence: OwnedSequence) -> str:
    return (
        f"INCREMENT BY {sequence.increment:d} MINVALUE {sequence.least:d} MAXVALUE {sequence.most:d}"
        f" START WITH {sequence.start:d} CACHE {sequence.cache:d}{' CYCLE' if sequence.cycles else ''}"
    )
