"""What a row security policy's condition may hold: tables of the lake, and functions that nobody's settings change.

PostgreSQL has checked names and types. Its own parse of the condition (``pg_node_tree``) names what it uses by number,
so that nothing here depends on how a text reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import LiteralString

import psycopg

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_TOUCHED = """
SELECT p.polrelid::bigint, c.relname, pg_catalog.concat(p.polqual::text, p.polwithcheck::text)
FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
WHERE p.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
"""
_OF_TABLES = """
SELECT p.polrelid::bigint, pg_catalog.concat(p.polqual::text, p.polwithcheck::text)
FROM pg_catalog.pg_policy p WHERE p.polrelid = ANY(%s::oid[])
UNION ALL
SELECT w.ev_class::bigint, w.ev_action::text FROM pg_catalog.pg_rewrite w WHERE w.ev_class = ANY(%s::oid[])
"""
_STRANGE_TABLES = """
SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%s::oid[])
  AND (c.relkind NOT IN ('r', 'v', 'm', 'p') OR n.nspname ~ '^pg_' OR n.nspname IN ('information_schema', 'lakegate'))
"""
# What never changes cannot tell who asks or what he has set. Of the others these do not either.
_REFUSED_FUNCTIONS = """
SELECT p.oid::pg_catalog.regprocedure::text, p.proname
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid = ANY(%s::oid[]) AND NOT (
    (n.nspname = 'pg_catalog' AND (p.provolatile = 'i' OR p.proname = ANY(%s)))
    OR (n.nspname = 'lakegate' AND p.proname IN ('principal', 'claim', 'is_member')))
ORDER BY 1 LIMIT 1
"""
_STABLE = [
    *("now", "transaction_timestamp", "statement_timestamp", "date_part", "date_trunc", "extract", "timezone", "age"),
    *("to_char", "to_date", "to_number", "to_timestamp", "make_timestamptz", "make_interval", "concat", "concat_ws"),
    *("format", "array_to_string", "string_to_array", "to_json", "to_jsonb", "row_to_json", "json_build_object"),
    *("jsonb_build_object", "json_build_array", "jsonb_build_array", "json_agg", "jsonb_agg", "array_to_json"),
    *("string_agg", "generate_series"),
]
_TABLES = re.compile(r":relid (\d+)")
_CALLS = re.compile(r":funcid (\d+) :funcresulttype \d+ :funcretset \w+ :funcvariadic \w+ :funcformat [03]\b")
_AGGREGATES = re.compile(r":(?:aggfnoid|winfnoid) (\d+)")
_SYSTEM_COLUMNS = re.compile(r":varattno -(\d)\b")
_MATCHES: Mapping[str, LiteralString] = {
    "~": "SELECT ''::text OPERATOR(pg_catalog.~) %s::text",
    "SIMILAR TO": "SELECT ''::text SIMILAR TO %s::text",
}
_NAMES = {1: "ctid", 2: "xmin", 3: "cmin", 4: "xmax", 5: "cmax", 6: "tableoid"}  # PostgreSQL's access/sysattr.h


def check_policies(connection: psycopg.Connection) -> None:
    """Raise SqlError where a policy that this transaction wrote uses what it may not, or leads back to its table."""
    for table, name, tree in connection.execute(_TOUCHED).fetchall():
        _check_columns(tree)
        tables = _numbers(_TABLES, tree)
        _check_tables(connection, tables)
        _check_functions(connection, _numbers(_CALLS, tree) | _numbers(_AGGREGATES, tree))
        if table in _reached(connection, tables):
            raise SqlError(
                SqlState.INVALID_OBJECT_DEFINITION,
                f'infinite recursion detected in policy for relation "{name}"',
            )


def check_patterns(connection: psycopg.Connection, patterns: Iterable[tuple[str, str]]) -> None:
    """Raise SqlError, 2201B or 2200C, for a text that is no pattern of its operator's, ``~`` or ``SIMILAR TO``."""
    for operator, pattern in sorted(patterns):
        try:
            with connection.transaction():
                connection.execute(_MATCHES[operator], (pattern,))
        except (psycopg.errors.InvalidRegularExpression, psycopg.errors.InvalidUseOfEscapeCharacter) as error:
            message = error.diag.message_primary or "invalid regular expression"
            raise SqlError(SqlState(str(error.sqlstate)), message) from error


def _check_columns(tree: str) -> None:
    found = _numbers(_SYSTEM_COLUMNS, tree)
    if found:
        message = f'system column "{_NAMES[min(found)]}" is not allowed in policies'
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, message, hint="Tables of the lake have no system columns.")


def _check_tables(connection: psycopg.Connection, tables: Iterable[int]) -> None:
    row = connection.execute(_STRANGE_TABLES, ([*tables],)).fetchone()
    if row is not None:
        hint = "A policy may look things up in tables and views of the lake."
        raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f'relation "{row[0]}" is not allowed in policies', hint=hint)


def _check_functions(connection: psycopg.Connection, functions: Iterable[int]) -> None:
    row = connection.execute(_REFUSED_FUNCTIONS, ([*functions], _STABLE)).fetchone()
    if row is None:
        return
    signature, name = row
    hint = None
    if name == "current_setting":
        hint = "What a client can set decides nothing. Use current_user, lakegate.claim() or lakegate.is_member()."
    elif name == "pg_has_role":
        hint = "Use lakegate.is_member()."
    raise SqlError(SqlState.FEATURE_NOT_SUPPORTED, f"function {signature} is not allowed in policies", hint=hint)


def _reached(connection: psycopg.Connection, tables: set[int]) -> set[int]:
    """Return the tables that are read when some are, by way of their policies and of the queries of views."""
    reached: set[int] = set()
    while tables - reached:
        new = tables - reached
        reached |= new
        for _, tree in connection.execute(_OF_TABLES, ([*new], [*new])).fetchall():
            tables = tables | _numbers(_TABLES, tree)
    return reached


def _numbers(pattern: re.Pattern[str], tree: str) -> set[int]:
    return {int(number) for number in pattern.findall(tree)} - {0}
