"""The same GRANTs in the mirror as in the gateway, so that every question about privileges has its true answer.

A superuser of the gateway has SELECT on each table, and none of a superuser's other rights in the mirror.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set

import psycopg
from psycopg import sql

from catalog.mirror.scripts import quoted
from catalog.names import TableName, always_quoted
from catalog.store.rows import ALL_TABLES, PUBLIC, SELECT, AccessRows

_BATCH = 500
_READERS = """
SELECT n.nspname, c.relname,
       ARRAY(SELECT CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END
             FROM pg_catalog.aclexplode(c.relacl) a WHERE a.privilege_type = 'SELECT' AND a.grantee <> c.relowner)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_SCHEMA_USERS = """
SELECT n.nspname,
       ARRAY(SELECT CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END
             FROM pg_catalog.aclexplode(n.nspacl) a WHERE a.privilege_type = 'USAGE' AND a.grantee <> n.nspowner)
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public', 'lakegate')
"""


def change_privileges(connection: psycopg.Connection, access: AccessRows, usable: Set[str]) -> None:
    """Grant and revoke what differs, over the tables and schemas that the mirror has now. ``usable`` are its roles."""
    wanted = _Wanted(access, usable)
    given: dict[str, list[str]] = defaultdict(list)  # role -> tables
    taken: dict[str, list[str]] = defaultdict(list)
    schema_users: dict[str, set[str]] = defaultdict(set)
    for schema, table, present in connection.execute(_READERS).fetchall():
        name = TableName(schema, table)
        readers = wanted.readers(name)
        schema_users[schema] |= readers
        _differ(quoted(name), readers, set(present), given, taken)
    _run(connection, "GRANT SELECT ON TABLE {} TO {}", given)
    _run(connection, "REVOKE SELECT ON TABLE {} FROM {}", taken)

    given.clear()
    taken.clear()
    for schema, present in connection.execute(_SCHEMA_USERS).fetchall():
        users = schema_users[schema] | wanted.schema_readers(schema)
        _differ(always_quoted(schema), users, set(present), given, taken)
    _run(connection, "GRANT USAGE ON SCHEMA {} TO {}", given)
    _run(connection, "REVOKE USAGE ON SCHEMA {} FROM {}", taken)


class _Wanted:
    """Who may read what, by table and by schema."""

    def __init__(self, access: AccessRows, usable: Set[str]) -> None:
        self._everything = frozenset(role.name for role in access.roles if role.superuser and role.name in usable)
        self._by_table: dict[TableName, set[str]] = defaultdict(set)
        self._by_schema: dict[str, set[str]] = defaultdict(set)
        for grant in access.grants:
            if grant.privilege != SELECT or not (grant.role == PUBLIC or grant.role in usable):
                continue
            if grant.table == ALL_TABLES:
                self._by_schema[grant.schema].add(grant.role)
            else:
                self._by_table[TableName(grant.schema, grant.table)].add(grant.role)

    def readers(self, name: TableName) -> set[str]:
        return {*self._by_table.get(name, ()), *self.schema_readers(name.schema)}

    def schema_readers(self, schema: str) -> set[str]:
        return {*self._by_schema.get(schema, ()), *self._everything}


def _differ(
    subject: str,
    wanted: Set[str],
    present: Set[str],
    given: Mapping[str, list[str]],
    taken: Mapping[str, list[str]],
) -> None:
    for role in wanted - present:
        given[role].append(subject)
    for role in present - wanted:
        taken[role].append(subject)


def _run(connection: psycopg.Connection, statement: str, changes: Mapping[str, Iterable[str]]) -> None:
    for role, subjects in sorted(changes.items()):
        names = sorted(subjects)
        grantee = sql.SQL("PUBLIC") if role == PUBLIC else sql.Identifier(role)
        for start in range(0, len(names), _BATCH):
            batch = sql.SQL(", ".join(names[start : start + _BATCH]))
            connection.execute(sql.SQL(statement).format(batch, grantee))
