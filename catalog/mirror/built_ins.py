"""What the mirror's PostgreSQL has of itself: its types and functions, asked once for each change of tables."""

from __future__ import annotations

import psycopg

_TYPE_QUERY = """
SELECT pg_catalog.format_type(t.oid, pg_catalog.to_regtypemod(%(name)s))
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE t.oid = pg_catalog.to_regtype(%(name)s) AND t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
  AND t.typtype IN ('b', 'r', 'm') AND coalesce(e.typtype, 'b') IN ('b', 'r', 'm')
"""
# 16384 is FirstNormalObjectId. What the gateway has put into pg_catalog is above it.
_FUNCTION_QUERY = """
SELECT p.proname FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
GROUP BY p.proname
HAVING pg_catalog.bool_and(p.oid < 16384 AND p.prokind = 'f' AND NOT p.proretset AND p.provolatile <> 'v')
"""


class BuiltIns:
    """PostgreSQL's own types and functions. Of types only the answer goes into a script, never what a source has
    written.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._types: dict[str, str | None] = {}
        self._functions: frozenset[str] | None = None

    def get_type(self, name: str) -> str | None:
        """Return PostgreSQL's spelling of a type, or None where the mirror has no such type."""
        if name not in self._types:
            self._types[name] = self._ask(name)
        return self._types[name]

    def has_function(self, name: str) -> bool:
        """Whether this names functions of PostgreSQL's own alone, none of them volatile, an aggregate or of rows."""
        if self._functions is None:
            self._functions = frozenset(row[0] for row in self._connection.execute(_FUNCTION_QUERY))
        return name in self._functions

    def _ask(self, name: str) -> str | None:
        try:
            with self._connection.transaction():
                row = self._connection.execute(_TYPE_QUERY, {"name": name}).fetchone()
        except (psycopg.errors.SyntaxError, psycopg.errors.DataError, psycopg.errors.UndefinedObject):
            return None  # not even the form of a type
        return row[0] if row is not None else None
