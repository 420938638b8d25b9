"""The schema ``lakegate`` of the mirror: the library of masks as functions, and the functions that say who asks."""

from __future__ import annotations

import hashlib

import psycopg

from catalog.mask_library import BUCKETS, KEYED, MASKS, NULL_MASK, SCHEMA, Mask

_FIRST = "lakegate.mask_email(text)"  # its comment says of which version all are
_STATE = f"pg_catalog.obj_description(pg_catalog.to_regprocedure('{_FIRST}')::oid, 'pg_proc')"
# Functions of the same names and arguments that are there already stay as they are.
_CONTEXT = {
    "principal()": "CREATE FUNCTION lakegate.principal() RETURNS text LANGUAGE sql STABLE RETURN session_user::text",
    "claim(text)": "CREATE FUNCTION lakegate.claim(name text) RETURNS text LANGUAGE sql STABLE RETURN NULL::text",
    "is_member(text)": """
        CREATE FUNCTION lakegate.is_member(role text) RETURNS boolean LANGUAGE sql STABLE RETURN EXISTS (
            SELECT FROM pg_catalog.pg_roles r
            WHERE r.rolname = role AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))
    """,
}
_NULL = f"""
CREATE OR REPLACE FUNCTION {SCHEMA}.{NULL_MASK}(value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT nullif(value, value) $$
"""
_BUCKETS = f"""
CREATE OR REPLACE FUNCTION {SCHEMA}.{BUCKETS}(value anycompatible, bounds anycompatiblearray) RETURNS anycompatible
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT max(b) FROM pg_catalog.unnest(bounds) b WHERE b <= value $$
"""


def make_mask_functions(connection: psycopg.Connection) -> None:
    """Make what is absent or differs from this version's. Nobody but the mirror's owner may call a mask with a
    secret; PostgreSQL has no answer for one anyway.
    """
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
    connection.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC".encode())
    for signature, statement in _CONTEXT.items():
        query = "SELECT pg_catalog.to_regprocedure(%s) IS NULL"
        row = connection.execute(query, (f"{SCHEMA}.{signature}",)).fetchone()
        if row is not None and row[0]:
            connection.execute(statement.encode())
    statements = [_NULL, _BUCKETS, *map(_function, MASKS), *(part for name in sorted(KEYED) for part in _keyed(name))]
    mark = hashlib.sha256("\n".join(statements).encode()).hexdigest()[:16]
    comment = f"of the library of masks {mark}"
    row = connection.execute(f"SELECT {_STATE} IS DISTINCT FROM %s".encode(), (comment,)).fetchone()
    if row is not None and row[0]:
        for statement in statements:
            connection.execute(statement.encode())
        connection.execute(f"COMMENT ON FUNCTION {_FIRST} IS '{comment}'".encode())


def _function(mask: Mask) -> str:
    names = (*mask.settings, "value") if mask.name == "mask_date_trunc" else ("value", *mask.settings)
    required = len(names) - len(mask.defaults)
    defaults = [""] * required + [f" DEFAULT {default}" for default in mask.defaults]
    parameters = (f"{name} {kind}{default}" for name, kind, default in zip(names, mask.types, defaults, strict=True))
    body = mask.body.format(**{name: name for name in mask.settings})
    return (
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.{mask.name}({', '.join(parameters)}) RETURNS {mask.value_type}"
        f" LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {body}"
    )


def _keyed(name: str) -> tuple[str, str]:
    return (
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.{name}(value text, secret text) RETURNS text"
        " LANGUAGE sql STABLE PARALLEL SAFE RETURN NULL::text",
        f"REVOKE EXECUTE ON FUNCTION {SCHEMA}.{name}(text, text) FROM PUBLIC",
    )
