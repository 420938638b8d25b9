"""Sources as the mirror shows them, as foreign servers, and user mappings, in ``pg_user_mappings`` and by ``\\deu``:
for whom, at which source.

They are PostgreSQL's own, of a wrapper that reads nothing, and without options: what a login is stays in the store.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

_WRAPPER = "lakegate"
_PRESENT = """
SELECT CASE WHEN m.umuser = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(m.umuser) END, s.srvname
FROM pg_catalog.pg_user_mapping m
JOIN pg_catalog.pg_foreign_server s ON s.oid = m.umserver
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = %s
"""
_SERVERS = """
SELECT s.srvname FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = %s
"""
_HAS_WRAPPER = "SELECT EXISTS (SELECT FROM pg_catalog.pg_foreign_data_wrapper WHERE fdwname = %s)"

Mapped = tuple[str | None, str]  # a role (None: PUBLIC) and a source


def read_user_mappings(connection: psycopg.Connection) -> set[Mapped]:
    """Return for whom there are mappings."""
    return {(role, source) for role, source in connection.execute(_PRESENT, (_WRAPPER,)).fetchall()}


def change_user_mappings(
    connection: psycopg.Connection, mapped: Collection[Mapped], roles: Collection[str], sources: Collection[str]
) -> None:
    """Make and drop servers for sources, and mappings; those of roles that the mirror does not have are left out."""
    wanted = {(role, source) for role, source in mapped if role is None or role in roles}
    present = read_user_mappings(connection)
    needed = {*sources, *(source for _, source in wanted)}
    servers = {name for (name,) in connection.execute(_SERVERS, (_WRAPPER,)).fetchall()}
    if (wanted, needed) == (present, servers):
        return
    for role, source in sorted(present - wanted, key=repr):
        connection.execute(_statement("DROP USER MAPPING FOR {} SERVER {}", role, source))
    if connection.execute(_HAS_WRAPPER, (_WRAPPER,)).fetchone() != (True,):
        connection.execute(sql.SQL("CREATE FOREIGN DATA WRAPPER {}").format(sql.Identifier(_WRAPPER)))
    for source in sorted(needed - servers):
        made = sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER {}")
        connection.execute(made.format(sql.Identifier(source), sql.Identifier(_WRAPPER)))
    for role, source in sorted(wanted - present, key=repr):
        connection.execute(_statement("CREATE USER MAPPING FOR {} SERVER {}", role, source))
    for source in sorted(servers - needed):
        connection.execute(sql.SQL("DROP SERVER {}").format(sql.Identifier(source)))


def _statement(text: str, role: str | None, source: str) -> sql.Composed:
    whom = sql.SQL("PUBLIC") if role is None else sql.Identifier(role)
    return sql.SQL(text).format(whom, sql.Identifier(source))
