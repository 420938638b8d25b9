"""An empty database in which PostgreSQL evaluates functions for the gateway, and the role that may do nothing else.

The role may execute the functions listed here: built-in scalar functions whose result depends on their arguments alone,
and on settings of time and text. PostgreSQL refuses it all others, whatever a statement says: those that read settings,
files, large objects or catalogues, that wait, lock, or have an effect. It cannot connect to any other database of the
gateway's, and in this one there is nothing to read.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from catalog.gathering_functions import COLUMNS, DISTINCT, OF_ARRAYS, ORDERED_SETS, SCHEMA, definitions
from catalog.gathering_functions import names as gathering_names
from catalog.order_functions import NAMES as ORDER_NAMES
from catalog.order_functions import definitions as order_definitions
from catalog.server import Server

DATABASE = "lakegate_functions"
ROLE = "lakegate_functions"
TYPES = (
    *("bool", "bytea", "char", "name", "int8", "int2", "int4", "text", "oid", "json", "point", "lseg", "path", "box"),
    *("polygon", "line", "circle", "cidr", "inet", "macaddr", "macaddr8", "float4", "float8", "money", "bpchar"),
    *("varchar", "date", "time", "timestamp", "timestamptz", "interval", "timetz", "bit", "varbit", "numeric", "uuid"),
    *("tsvector", "tsquery", "jsonb", "jsonpath", "int4range", "int8range", "numrange", "tsrange", "tstzrange"),
    *("daterange", "int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange"),
    "datemultirange",
)
"""Types whose values are nothing but values, by ``pg_type.typname``."""

_POLYMORPHIC = (
    *("any", "anyarray", "anyelement", "anynonarray", "anyrange", "anymultirange", "anycompatible"),
    *("anycompatiblearray", "anycompatiblenonarray", "anycompatiblerange", "anycompatiblemultirange", "regconfig"),
)
# Stable because of the session's settings, which the gateway sets: time zone, forms of output, text search.
_STABLE = (
    *("array_to_json", "array_to_string", "age", "concat", "concat_ws", "date_add", "convert", "convert_from"),
    *("convert_to", "date_bin", "date_part"),
    *("date_subtract", "date_trunc", "extract", "format", "json_array_element", "json_build_array"),
    *("json_build_object", "json_object", "jsonb_build_array", "jsonb_build_object", "jsonb_path_exists_tz"),
    *("jsonb_path_match_tz", "jsonb_path_query_array_tz", "jsonb_path_query_first_tz", "make_timestamptz"),
    *(
        "pg_input_is_valid",
        "phraseto_tsquery",
        "plainto_tsquery",
        "quote_literal",
        "quote_nullable",
        "textsend",
        "timezone",
        "to_char",
    ),
    *("to_date", "to_json", "to_jsonb", "to_number", "to_timestamp", "to_tsquery", "to_tsvector", "ts_headline"),
    *(
        "websearch_to_tsquery",
        "json_to_tsvector",
        "jsonb_to_tsvector",
        "json_strip_nulls",
        "jsonb_strip_nulls",
        "overlaps",
        "array_to_tsvector",
    ),
)
# What statements of the gateway's own are made of.
_OWN = "'unnest(anyarray)', 'array_agg(anynonarray)', 'string_agg(bytea,bytea)', 'generate_series(integer,integer)'"
_ALLOWED = """
SELECT p.oid, p.oid::pg_catalog.regprocedure::text, p.proname
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
  AND p.prokind = 'f' AND NOT p.proretset
  AND p.prolang IN (SELECT l.oid FROM pg_catalog.pg_language l WHERE l.lanname IN ('internal', 'sql'))
  AND (p.provolatile = 'i' OR p.provolatile = 's' AND (
         p.proname = ANY (%(stable)s)
         OR p.oid IN (SELECT o.oprcode FROM pg_catalog.pg_operator o)
         OR p.oid IN (SELECT c.castfunc FROM pg_catalog.pg_cast c)))
  AND p.proname !~ '^(pg_(?!size_|input_is_valid)|txid_|lo_|has_|to_reg|_pg_|binary_upgrade)'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[] || p.prorettype) a
    JOIN pg_catalog.pg_type t ON t.oid = a LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    WHERE coalesce(e.typname, t.typname) <> ALL (%(types)s))
ORDER BY 2
"""
# How values are read and written: casts of constants through other types are computed by calls of these when their
# statement is planned. Nobody calls them by name.
_READING = """
SELECT p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.oid IN (
    SELECT pg_catalog.unnest(ARRAY[t.typinput, t.typoutput]::pg_catalog.oid[]) FROM pg_catalog.pg_type t
    WHERE t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typname = ANY (%(types)s))
ORDER BY 1
"""
_GATHERED = """
SELECT p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
  AND (p.proretset AND p.proname = ANY (%s) OR p.prokind = 'a' AND p.proname = ANY (%s))
"""
_TYPE_NAMES = """
SELECT t.oid, pg_catalog.format_type(t.oid, NULL)
FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND coalesce(e.typname, t.typname) = ANY (%(types)s)
"""
_MARK = "SELECT pg_catalog.shobj_description(d.oid, 'pg_database') FROM pg_catalog.pg_database d WHERE d.datname = %s"
_VERSION = "8"  # of what `_close` does
_LOCK = 0x66756E63  # "func": gateways that start at once do it one after the other
_SETTINGS = {
    "default_transaction_read_only": "on",
    "search_path": f"pg_catalog,{SCHEMA}",
    "statement_timeout": "60s",
    "client_connection_check_interval": "1s",  # a worker process of the gateway's that was killed cancels nothing
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "jit": "off",
}

# Not settings of the role, which everybody could read.
_OPTIONS = " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in _SETTINGS.items())
_DISK = "ALTER DATABASE {} SET temp_file_limit TO '1GB'"  # for a superuser to set


@dataclass(frozen=True, slots=True)
class FunctionDatabase:
    """Where functions are evaluated: keyword arguments for ``psycopg.connect``, the names of the functions that may be
    called, and how SQL writes each type, by oid.
    """

    parameters: Mapping[str, Any] = field(repr=False)
    names: frozenset[str]
    types: Mapping[int, str]


def open_function_database(server: Server, secret: bytes) -> FunctionDatabase:
    """Make the database and its role where they are absent, and return them. Raises ServerError or psycopg.Error."""
    server.ensure_database(DATABASE)
    password = hmac.new(secret, ROLE.encode(), hashlib.sha256).hexdigest()
    with server.connect(DATABASE) as connection:
        connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", (_LOCK,))
        allowed = connection.execute(_ALLOWED, _arguments()).fetchall()
        reading = connection.execute(_READING, {"types": [*TYPES]}).fetchall()
        signatures = sorted({*(signature for _, signature, _ in allowed), *(signature for (signature,) in reading)})
        _ensure_role(connection, password)
        mark = _mark(signatures)
        known = connection.execute(_MARK, (DATABASE,)).fetchone()
        if known is None or known[0] != mark:
            _close(connection, signatures)
            comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
            connection.execute(comment.format(sql.Identifier(DATABASE), sql.Literal(mark)))
        types: dict[int, str] = dict(connection.execute(_TYPE_NAMES, {"types": [*TYPES]}).fetchall())
    names = frozenset(name for _, _, name in allowed) | gathering_names() | ORDER_NAMES
    parameters = server.connection_parameters(DATABASE, ROLE, password)
    return FunctionDatabase({**parameters, "options": _OPTIONS}, names, types)


def _arguments() -> dict[str, list[str]]:
    return {"stable": [*_STABLE], "types": [*TYPES, *_POLYMORPHIC]}


def _mark(signatures: list[str]) -> str:
    content = repr((_VERSION, sorted(_SETTINGS.items()), signatures)).encode()
    return f"functions for the gateway, {hashlib.sha256(content).hexdigest()[:16]}"


def _ensure_role(connection: psycopg.Connection, password: str) -> None:
    known = connection.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (ROLE,)).fetchone()
    statement = sql.SQL(
        "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS PASSWORD {}"
    )
    verb = sql.SQL("CREATE" if known is None else "ALTER")
    connection.execute(statement.format(verb, sql.Identifier(ROLE), sql.Literal(password)))


def _close(connection: psycopg.Connection, signatures: list[str]) -> None:
    """Take everything from everybody, and give the role what it needs."""
    role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
    connection.execute("REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA pg_catalog, information_schema FROM PUBLIC")
    connection.execute(sql.SQL("REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA pg_catalog FROM {}").format(role))
    connection.execute("REVOKE SELECT ON ALL TABLES IN SCHEMA pg_catalog, information_schema FROM PUBLIC")
    connection.execute("REVOKE ALL ON SCHEMA public, information_schema FROM PUBLIC")
    connection.execute("REVOKE USAGE ON LANGUAGE plpgsql, sql FROM PUBLIC")
    own = connection.execute(
        f"SELECT f::pg_catalog.regprocedure::text FROM pg_catalog.unnest(ARRAY[{_OWN}]) f".encode()
    ).fetchall()
    granted = ", ".join([*signatures, *(signature for (signature,) in own)])
    connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(granted), role))
    _gather(connection, role)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
    connection.execute(sql.SQL(_DISK).format(database))


def _gather(connection: psycopg.Connection, role: sql.Identifier) -> None:
    """Make the functions that gather rows, and let the role call them and what they call."""
    schema = sql.Identifier(SCHEMA)
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    for definition in [*definitions(), *order_definitions()]:
        connection.execute(definition.encode())
    connection.execute(sql.SQL("REVOKE ALL ON ALL ROUTINES IN SCHEMA {} FROM PUBLIC").format(schema))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
    connection.execute(sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {} TO {}").format(schema, role))
    called = connection.execute(_GATHERED, ([*COLUMNS], [*DISTINCT.values(), *OF_ARRAYS, *ORDERED_SETS])).fetchall()
    granted = ", ".join(signature for (signature,) in called)
    connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(sql.SQL(granted), role))
