"""Prepared statements as ``pg_prepared_statements`` shows them: the client's, without those of the gateway's own."""

from __future__ import annotations

import psycopg

from catalog.names import quote_literal

OWN_PREFIX = "lakegate own "
"""With what the names begin that the gateway gives to statements of its own in a client's session of the mirror."""

_VIEW = f"""
SET LOCAL allow_system_table_mods = on;
CREATE OR REPLACE VIEW pg_catalog.pg_prepared_statements AS
SELECT p.* FROM pg_catalog.pg_prepared_statement() p
WHERE NOT pg_catalog.starts_with(p.name, {quote_literal(OWN_PREFIX)})
"""


def show_clients_statements(connection: psycopg.Connection) -> None:
    """Make ``pg_prepared_statements`` leave out the gateway's own. In a transaction."""
    connection.execute(_VIEW.encode())
