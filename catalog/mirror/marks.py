"""The mark of roles that the gateway made: all others of the server are not its to change.

It must be the same in all databases of the server, must not be a role's own to set, and must leave its comment free.
So it stands beside the comments in ``pg_shdescription``, under the number of this catalogue itself, where no COMMENT
writes: ``shobj_description(oid, 'pg_shdescription')`` tells it. DROP ROLE leaves it behind, and pg_dumpall leaves it
out, so each change of the mirror sees to both.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg

from catalog.store.store import MIRROR_MARK

_MARK = """
INSERT INTO pg_catalog.pg_shdescription (objoid, classoid, description)
SELECT r.oid, 'pg_catalog.pg_shdescription'::pg_catalog.regclass, %s
FROM pg_catalog.pg_authid r WHERE r.rolname = ANY(%s)
"""
_FORGET = """
DELETE FROM pg_catalog.pg_shdescription d
WHERE d.classoid = 'pg_catalog.pg_shdescription'::pg_catalog.regclass
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_authid r WHERE r.oid = d.objoid)
"""


def mark_roles(connection: psycopg.Connection, names: Collection[str]) -> None:
    """Mark roles as the gateway's. They must not have the mark."""
    if names:
        connection.execute(_MARK, (MIRROR_MARK, [*names]))


def forget_dropped_roles(connection: psycopg.Connection) -> None:
    """Drop the marks of roles that are gone: another role could get their number one day."""
    connection.execute(_FORGET)
