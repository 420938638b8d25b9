"""Partitions of sources: partitioned tables of the mirror, and the tables that are their partitions.

What stands in a key or a bound is let through only if it is names and constants; all other tables stay plain ones. The
wall holds: a scan of a partitioned table is one of its partitions, and PostgreSQL leaves out those alone in which no
row can be.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import psycopg

from catalog.mirror.applied import Notes
from catalog.names import always_quoted
from catalog.tables import Table

_NAME = r'(?:[a-z_][a-z0-9_$]*|"(?:[^"\0]|"")+")'
_KEY = re.compile(rf"(?P<way>RANGE|LIST|HASH) \((?P<names>{_NAME}(?:, {_NAME})*)\)", re.ASCII)
_EACH_NAME = re.compile(_NAME, re.ASCII)
_VALUE = r"(?:'(?:[^'\\\0]|'')*'|-?[0-9]{1,40}(?:\.[0-9]{1,40})?|MINVALUE|MAXVALUE|NULL|true|false)"
_VALUES = rf"\({_VALUE}(?:, {_VALUE})*\)"
_BOUND = re.compile(
    rf"DEFAULT|FOR VALUES (?:FROM {_VALUES} TO {_VALUES}|IN {_VALUES}"
    r"|WITH \(modulus [0-9]{1,9}, remainder [0-9]{1,9}\))",
    re.ASCII,
)
_PARTITIONS = """
SELECT i.inhrelid, i.inhparent::pg_catalog.regclass::text, i.inhrelid::pg_catalog.regclass::text
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relispartition AND c.relkind IN ('r', 'p')
"""
_DETACHED = f"{_PARTITIONS} WHERE i.inhparent = ANY(%s::oid[])"


def get_key(text: str, columns: Collection[str]) -> str | None:
    """Return the key of a partitioned table, of columns alone, or None where it is anything else."""
    match = _KEY.fullmatch(text)
    names = [] if match is None else [_unquoted(name) for name in _EACH_NAME.findall(match["names"])]
    if match is None or not set(names) <= set(columns):
        return None
    return f"{match['way']} ({', '.join(map(always_quoted, names))})"


def get_bound(text: str) -> str | None:
    """Return the bound of a partition, of constants alone, or None where it is anything else."""
    return text if _BOUND.fullmatch(text) else None


def partition_statements(
    connection: psycopg.Connection, tables: Mapping[int, Table], partitioned: Mapping[int, Table], notes: Notes
) -> list[tuple[Table, str]]:
    """Return what makes tables the partitions that they are not yet. Both mappings are by number in the mirror; those
    of ``partitioned`` are partitioned tables there.
    """
    attached = {partition for partition, _, _ in connection.execute(_PARTITIONS.encode()).fetchall()}
    parents = {table.name for table in partitioned.values()}
    found = []
    for number, table in tables.items():
        partition = table.partition
        if partition is None or number in attached or partition.of not in parents:
            continue
        bound = get_bound(partition.bound)
        if bound is None:
            notes.add(table.name, f"is not shown as a partition of {partition.of}")
            continue
        parent, child = (f"{always_quoted(one.schema)}.{always_quoted(one.name)}" for one in (partition.of, table.name))
        found.append((table, f"ALTER TABLE {parent} ATTACH PARTITION {child} {bound}"))
    return found


def detach_partitions(connection: psycopg.Connection, parents: Collection[int]) -> None:
    """Make the partitions of some tables tables of their own: they would be dropped with these."""
    for _, parent, child in connection.execute(_DETACHED.encode(), ([*parents],)).fetchall():
        connection.execute(f"ALTER TABLE {parent} DETACH PARTITION {child}".encode())


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
