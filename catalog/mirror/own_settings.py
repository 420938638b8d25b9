"""``pg_settings`` shows the gateway's own settings beside PostgreSQL's, which leaves out what has a dot in its name."""

from __future__ import annotations

import psycopg

from catalog.names import quote_literal
from catalog.own_settings import OWN_SETTINGS

_ROWS = ", ".join(f"({', '.join(map(quote_literal, (one.name, one.description, one.usual)))})" for one in OWN_SETTINGS)
# One that nobody has set yet in this session is NULL, one that was reset may be empty.
_VIEW = f"""
SET LOCAL allow_system_table_mods = on;
CREATE OR REPLACE VIEW pg_catalog.pg_settings AS
SELECT a.* FROM pg_catalog.pg_show_all_settings() a
UNION ALL
SELECT o.name, v.value, NULL, 'Query Tuning / Planner Method Configuration', o.description, NULL, 'user', 'bool',
       CASE WHEN v.value = o.usual THEN 'default' ELSE 'session' END, NULL, NULL, NULL, o.usual, o.usual, NULL, NULL,
       false
FROM (VALUES {_ROWS}) o (name, description, usual)
CROSS JOIN LATERAL (
    SELECT coalesce(nullif(pg_catalog.current_setting(o.name, true), ''), o.usual) AS value) v
"""


def show_own_settings(connection: psycopg.Connection) -> None:
    """Make ``pg_settings`` show them. In a transaction."""
    connection.execute(_VIEW.encode())
