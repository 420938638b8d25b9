"""States of row policies, which PostgreSQL does not know: kept in the mirror itself, changed in the same transactions.

A policy without a state is in force.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from catalog.store.rows import PolicyState

TABLE = "pg_catalog.lakegate_policy_states"  # beside PostgreSQL's own, where no list of tables shows it
_IS_ABSENT = f"SELECT pg_catalog.to_regclass('{TABLE}') IS NULL"
_CREATE = f"""
SET LOCAL allow_system_table_mods = on;
CREATE TABLE {TABLE} (policy oid PRIMARY KEY, state text NOT NULL);
REVOKE ALL ON {TABLE} FROM PUBLIC;
"""
_FORGET = f"""
DELETE FROM {TABLE} s
WHERE s.policy = {{}} OR NOT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.oid = s.policy)
"""
_NOTE = f"INSERT INTO {TABLE} (policy, state) SELECT {{}}, {{}}"
_POLICY = "(SELECT p.oid FROM pg_catalog.pg_policy p WHERE p.polrelid = {} AND p.polname = {})"


def make_policy_states(connection: psycopg.Connection) -> None:
    """Make the record where it is absent."""
    if connection.execute(_IS_ABSENT).fetchone() == (True,):
        connection.execute(_CREATE.encode())


def find_table(connection: psycopg.Connection, table: str) -> int | None:
    """Return the oid of a table by its name as SQL writes it, in the search path of whoever the connection acts for."""
    row = connection.execute("SELECT pg_catalog.to_regclass(%s)::pg_catalog.oid::bigint", (table,)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def number_of_table(connection: psycopg.Connection, table: str) -> int:
    """Return what `find_table` does. Raises SqlError 42P01 where there is none."""
    found = find_table(connection, table)
    if found is None:
        raise SqlError(SqlState.UNDEFINED_TABLE, f"relation {table} does not exist")
    return found


def state_noted(table: sql.Composable, policy: str, state: PolicyState) -> sql.Composed:
    """Return the statements that note a policy's state; ``table`` gives the oid of its table."""
    number = sql.SQL(_POLICY).format(table, sql.Literal(policy))
    forget = sql.SQL(_FORGET).format(number)
    if state is PolicyState.ENFORCED:
        return sql.Composed([forget])
    return forget + sql.SQL("; ") + sql.SQL(_NOTE).format(number, sql.Literal(state.value))
