"""Lists of roles and privileges in ``information_schema``, whole for superusers. One of the gateway is none of the
server's (`catalog.mirror.roles`), and PostgreSQL's views would list what is his own alone.
"""

from __future__ import annotations

import re

import psycopg

from catalog.store.store import SUPERUSERS

_LISTS = (
    *("enabled_roles", "applicable_roles", "table_privileges", "column_privileges", "routine_privileges"),
    *("usage_privileges", "udt_privileges"),  # the others are made of these
)
_DEFINITION = "SELECT pg_catalog.pg_get_viewdef(pg_catalog.to_regclass('information_schema.' || %s))"
_IS_MEMBER = re.compile(r"pg_has_role\([^(),]+, 'USAGE'::text\)")
_IS_SUPERUSER = f"pg_has_role('{SUPERUSERS}'::name, 'USAGE'::text)"


def make_privilege_lists(connection: psycopg.Connection) -> None:
    """Make the views where they are PostgreSQL's still."""
    connection.execute("SET LOCAL allow_system_table_mods = on")
    for name in _LISTS:
        row = connection.execute(_DEFINITION, (name,)).fetchone()
        if row is None or row[0] is None or SUPERUSERS in row[0]:
            continue
        definition = _IS_MEMBER.sub(lambda found: f"({found[0]} OR {_IS_SUPERUSER})", row[0])
        made = f"CREATE OR REPLACE VIEW information_schema.{name} AS {definition}"
        connection.execute(made.encode())
