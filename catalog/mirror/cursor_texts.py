"""Cursors over the lake as ``pg_cursors`` shows them: with the statement that the client has sent.

The mirror keeps each as a cursor without rows, whose query stands between two marks. The view leaves these out.
"""

from __future__ import annotations

import psycopg

from catalog.names import quote_literal

OPENING = "SELECT * FROM (SELECT * FROM ( /*lakegate*/\n"
CLOSING = '\n/*lakegate*/ ) AS "lakegate" OFFSET 0) AS "lakegate" WHERE false'
"""What stands around a query of the lake in the mirror's cursor: that has the query's columns, and reads nothing. For
OFFSET PostgreSQL plans the query apart from what is around it, and for WHERE false it does not plan it at all.
"""
_VIEW = f"""
SET LOCAL allow_system_table_mods = on;
CREATE OR REPLACE VIEW pg_catalog.pg_cursors AS
SELECT c.name,
       pg_catalog.replace(pg_catalog.replace(c.statement, E{quote_literal(OPENING)}, ''), E{quote_literal(CLOSING)}, '')
         AS statement,
       c.is_holdable, c.is_binary, c.is_scrollable, c.creation_time
FROM pg_catalog.pg_cursor() c
"""


def show_cursor_texts(connection: psycopg.Connection) -> None:
    """Make ``pg_cursors`` leave out what stands around the queries. In a transaction."""
    connection.execute(_VIEW.encode())
