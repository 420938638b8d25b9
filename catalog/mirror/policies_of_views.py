"""Row policies of views, taken out of PostgreSQL's catalogues before their views go.

PostgreSQL has policies of tables alone, and does not drop what has them and is none. So they are taken away first, by
their rows.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg

from catalog.names import TableName

# Views that are dropped with some relations: those among them, and all that read them.
_GONE = """
WITH RECURSIVE gone (oid) AS (
    SELECT unnest({relations}) UNION
    SELECT w.ev_class FROM gone g
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = g.oid
    JOIN pg_catalog.pg_rewrite w ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid),
of_views AS (
    SELECT p.oid, p.polrelid FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    WHERE c.relkind IN ('v', 'm')),
policies AS (SELECT p.oid FROM of_views p WHERE p.polrelid IN (SELECT g.oid FROM gone g) {or_look}),
{taken}
SELECT
"""
_OR_LOOK = """
OR EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN gone g ON g.oid = d.refobjid
           WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
             AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
"""
_TAKEN = ", ".join(
    f"of_{catalogue} AS (DELETE FROM pg_catalog.{catalogue} x"
    f" WHERE {condition} AND x.{key} IN (SELECT p.oid FROM policies p))"
    for catalogue, key, condition in (
        ("pg_policy", "oid", "true"),
        ("pg_depend", "objid", "x.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass"),
        ("pg_description", "objoid", "x.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass"),
        (
            "pg_shdepend",
            "objid",
            "x.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass"
            " AND x.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = current_database())",
        ),
    )
)
_NAMED = """
ARRAY(SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest(%s::text[], %s::text[])))
"""
_BY_NAME = _GONE.format(relations=_NAMED, or_look=_OR_LOOK, taken=_TAKEN)
_BY_NUMBER = _GONE.format(relations="%s::oid[]", or_look="", taken=_TAKEN)


def take_policies(connection: psycopg.Connection, names: Collection[TableName]) -> None:
    """Take the policies of views that go when some relations are dropped with all that depends on them; also those of
    other views that look into what goes. They come back with what the gateway has of them.
    """
    if names:
        columns = [name.schema for name in names], [name.name for name in names]
        connection.execute(_BY_NAME.encode(), columns)


def take_policies_of_views(connection: psycopg.Connection, views: Collection[int]) -> None:
    """Take the policies of views that go when some of them (by their numbers) are dropped."""
    if views:
        connection.execute(_BY_NUMBER.encode(), ([*views],))
