"""Schemas and tables of the mirror: what is there, and the least change that makes it equal to a catalogue.

A changed table is made anew. Each step is a savepoint's: what PostgreSQL refuses, or a client's lock holds up, is noted
and leaves the rest of the change as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from catalog.mirror.applied import Notes
from catalog.mirror.built_ins import BuiltIns
from catalog.mirror.definitions import get_foreign_key
from catalog.mirror.made import STATE_TABLE
from catalog.mirror.partitions import detach_partitions, partition_statements
from catalog.mirror.policies_of_views import take_policies
from catalog.mirror.scripts import (
    SHOWN_KINDS,
    is_name,
    joined,
    key_statements,
    literal,
    plain,
    quoted,
    table_script,
    with_comment,
)
from catalog.mirror.sequences import seal_sequences
from catalog.mirror.sizes import Size, hide_sizes, set_sizes
from catalog.names import TableName, always_quoted
from catalog.tables import Table

_BATCH = 50
_LIMIT = "54"  # the class of what is too much for PostgreSQL: columns, or what stands in each other
_LOCKED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
# As in every database, so that current_schema() has an answer; and the gateway's own.
_KEPT_SCHEMAS = frozenset({"public", "lakegate"})

_TABLES = f"""
SELECT n.nspname, c.relname, c.oid, s.fingerprint, c.relkind::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN {STATE_TABLE} s ON s.relation = c.oid
WHERE (c.relkind = 'r' OR (c.relkind = 'p' AND NOT c.relhasrules) OR s.relation IS NOT NULL)
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_SCHEMAS = """
SELECT n.nspname, pg_catalog.obj_description(n.oid, 'pg_namespace')
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
# "Not populated" is the wall: PostgreSQL refuses to scan such a relation, whoever asks, and plans and describes it as
# ever. Numbers of pages stay 0: no client reads by ranges of pages what has none.
# Everybody sees `pg_class`: numbers are told of tables that everybody may read.
_TOLD = """
(NOT {0}.relrowsecurity AND pg_catalog.has_table_privilege('public', {0}.oid, 'SELECT')
 AND pg_catalog.has_schema_privilege('public', {0}.relnamespace, 'USAGE'))
"""
_NUMBERS = f"""
UPDATE pg_catalog.pg_class c
SET relispopulated = false, relpages = 0, relallvisible = 0, reltuples = n.rows
FROM unnest(%s::oid[], %s::real[]) v (oid, told)
JOIN pg_catalog.pg_class t USING (oid),
     LATERAL (SELECT CASE WHEN {_TOLD.format("t")} THEN v.told ELSE -1 END) n (rows)
WHERE c.oid = v.oid AND c.relkind <> 'v' AND (c.relispopulated OR c.relpages <> 0 OR c.reltuples <> n.rows)
"""
_HIDE_NUMBERS = f"""
UPDATE pg_catalog.pg_class c SET reltuples = -1
FROM pg_catalog.pg_namespace n
WHERE n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND c.relkind IN ('r', 'p', 'm') AND c.reltuples <> -1 AND NOT {_TOLD.format("c")}
"""
# The trigger that refuses writing is the mirror's own affair: psql does not show internal ones.
_HIDDEN = "UPDATE pg_catalog.pg_trigger SET tgisinternal = true WHERE tgname = 'lakegate_wall' AND NOT tgisinternal"
_POPULATED = "UPDATE pg_catalog.pg_class SET relispopulated = true WHERE oid = ANY(%s::oid[]) AND NOT relispopulated"
_FOREIGN_KEYS = """
SELECT conrelid, conname FROM pg_catalog.pg_constraint WHERE contype = 'f'
"""


@dataclass(frozen=True, slots=True)
class Present:
    """A table or view of a source as it is; ``fingerprint`` is None for one whose making is not on record."""

    oid: int
    fingerprint: str | None
    relkind: str


def read_tables(connection: psycopg.Connection) -> dict[TableName, Present]:
    """Return all that the mirror has of sources."""
    rows = connection.execute(_TABLES).fetchall()
    return {TableName(schema, name): Present(oid, mark, kind) for schema, name, oid, mark, kind in rows}


def make_schemas(connection: psycopg.Connection, wanted: Mapping[str, str | None], notes: Notes) -> set[str]:
    """Make schemas and set their comments; return the names of those that could be made."""
    present: dict[str, str | None] = dict(connection.execute(_SCHEMAS).fetchall())
    usable = set(present)
    for name, comment in wanted.items():
        statements = []
        if name not in present:
            statements.append(f"CREATE SCHEMA {always_quoted(name)}")
        if (comment or None) != present.get(name) and (comment or name not in _KEPT_SCHEMAS):
            statements.append(f"COMMENT ON SCHEMA {always_quoted(name)} IS {literal(comment or None)}")
        if not is_name(name):
            notes.add(f"schema {name!r}", "PostgreSQL can have no such name")
        elif not statements or runs(connection, joined(statements), f"schema {name}", notes):
            usable.add(name)
    return usable


def drop_schemas(connection: psycopg.Connection, wanted: Iterable[str], notes: Notes) -> None:
    """Drop the schemas that no source has any more."""
    present = {name for name, _ in connection.execute(_SCHEMAS).fetchall()}
    for name in sorted(present - set(wanted) - _KEPT_SCHEMAS):
        runs(connection, f"DROP SCHEMA {always_quoted(name)} CASCADE", f"schema {name}", notes)


def drop_tables(
    connection: psycopg.Connection, tables: Mapping[TableName, Present], names: Iterable[TableName], notes: Notes
) -> set[TableName]:
    """Drop some of the present tables, with the foreign keys that reference them; return those that are gone."""
    names = [*names]
    take_policies(connection, names)
    kinds: dict[str, list[TableName]] = defaultdict(list)
    for name in names:
        kinds[SHOWN_KINDS[tables[name].relkind]].append(name)
    numbers = {name: tables[name].oid for name in names}
    return {name for kind, of_kind in kinds.items() for name in _dropped(connection, kind, of_kind, numbers, notes)}


def _dropped(
    connection: psycopg.Connection,
    kind: str,
    names: Sequence[TableName],
    numbers: Mapping[TableName, int],
    notes: Notes,
) -> set[TableName]:
    try:
        with connection.transaction():
            detach_partitions(connection, [numbers[name] for name in names])
            connection.execute(f"DROP {kind} {', '.join(map(quoted, names))} CASCADE".encode())
        return set(names)
    except psycopg.Error as error:
        if len(names) == 1:
            note(error, f"{kind.lower()} {names[0]}", notes)
            return set()
    half = len(names) // 2
    parts = (names[:half], names[half:])
    return {name for part in parts for name in _dropped(connection, kind, part, numbers, notes)}


def make_tables(connection: psycopg.Connection, tables: Sequence[Table], notes: Notes) -> set[TableName]:
    """Make tables with their keys and indexes, without foreign keys; return those that exist now."""
    known = BuiltIns(connection)
    made: set[TableName] = set()
    for start in range(0, len(tables), _BATCH):
        batch = tables[start : start + _BATCH]
        scripts = [[table_script(table, known, notes), *key_statements(table, known, notes)] for table in batch]
        try:
            with connection.transaction():
                connection.execute(joined([statement for script in scripts for statement in script]).encode())
            made.update(table.name for table in batch)
        except psycopg.Error:
            pairs = zip(batch, scripts, strict=True)
            made.update(table.name for table, script in pairs if _makes(connection, table, script, known, notes))
    return made


def make_foreign_keys(
    connection: psycopg.Connection, tables: Mapping[TableName, Table], made: set[TableName], notes: Notes
) -> None:
    """Add the foreign keys of new tables, and those of other tables that reference new ones."""
    keyed = [table for table in tables.values() if any(item.kind == "f" for item in table.constraints)]
    if not keyed or not made:
        return
    present = read_tables(connection)
    existing = set(connection.execute(_FOREIGN_KEYS).fetchall())
    for table in keyed:
        for constraint in table.constraints:
            key = get_foreign_key(constraint.definition) if constraint.kind == "f" else None
            if key is None or not is_name(constraint.name):
                if constraint.kind == "f" and table.name in made:
                    notes.add(table.name, f"constraint {constraint.name} is not shown")
                continue
            here, there = present.get(table.name), present.get(key.references)
            if here is None or there is None or (here.oid, constraint.name) in existing:
                continue
            connection.execute(_POPULATED, ([here.oid, there.oid],))  # PostgreSQL checks the key by a query
            add = f"ALTER TABLE {quoted(table.name)} ADD CONSTRAINT {always_quoted(constraint.name)} {key.definition}"
            runs(connection, with_comment(add, table, constraint), f"{table.name}, constraint {constraint.name}", notes)


def attach_partitions(connection: psycopg.Connection, tables: Mapping[TableName, Table], notes: Notes) -> None:
    """Make tables the partitions that they are, after all their keys are there."""
    if all(table.partition is None for table in tables.values()):
        return
    present = read_tables(connection)
    found = {present[name].oid: table for name, table in tables.items() if name in present}
    partitioned = {one.oid: found[one.oid] for one in present.values() if one.relkind == "p" and one.oid in found}
    for table, statement in partition_statements(connection, found, partitioned, notes):
        runs(connection, statement, f"{table.name}, as a partition", notes)


def set_numbers(connection: psycopg.Connection, tables: Mapping[TableName, Table]) -> None:
    """Set the estimated numbers of rows and the bytes, and put the wall around every table of the mirror."""
    present = read_tables(connection)
    rows = [_estimate(tables.get(name)) for name in present]
    connection.execute(_NUMBERS.encode(), ([table.oid for table in present.values()], rows))
    set_sizes(connection, (_size(one.oid, tables.get(name)) for name, one in present.items()))
    connection.execute(_HIDDEN)
    seal_sequences(connection)


def hide_numbers(connection: psycopg.Connection) -> None:
    """Take the numbers of rows and bytes where they would tell of rows that a role may not see."""
    connection.execute(_HIDE_NUMBERS.encode())
    hide_sizes(connection)


def _size(relation: int, table: Table | None) -> Size:
    return Size(relation) if table is None else Size(relation, table.bytes, table.rows)


def _estimate(table: Table | None) -> float:
    return -1.0 if table is None or table.rows is None else float(table.rows)  # -1: unknown, as before an ANALYZE


def _makes(connection: psycopg.Connection, table: Table, script: Sequence[str], known: BuiltIns, notes: Notes) -> bool:
    """Make one table of a batch that failed: whole, or with those of its keys and indexes that can be, and as a plain
    one where it cannot be partitioned, or have a generated column, a default or a sequence.
    """
    create, *rest = script
    simple = plain(table)
    is_made = runs(connection, create, f"table {table.name}", notes)
    if not is_made and simple != table:
        is_made = runs(connection, table_script(simple, known, notes), f"table {table.name}, plain", notes)
    if not is_made:
        return False
    for statement in rest:
        runs(connection, statement, f"{table.name}, a key or index", notes)
    return True


def runs(connection: psycopg.Connection, script: str | sql.Composed, subject: str, notes: Notes) -> bool:
    """Run a step in a savepoint; what PostgreSQL refuses, or a client's lock holds up, is noted."""
    try:
        with connection.transaction():
            connection.execute(script.encode() if isinstance(script, str) else script)
    except psycopg.Error as error:
        note(error, subject, notes)
        return False
    return True


def note(error: psycopg.Error, subject: str, notes: Notes) -> None:
    """Note why a step did not happen; an error that ends the whole change goes on its way."""
    is_refusal = isinstance(error, _LOCKED) or (error.sqlstate or "").startswith(_LIMIT)
    if isinstance(error, psycopg.OperationalError) and not is_refusal:
        raise error
    if isinstance(error, _LOCKED):
        notes.postpone(subject)
    else:
        notes.add(subject, error.diag.message_primary or "refused")
