"""What statements took, as people see it: views in the mirror's schema ``lakegate``.

Superusers of the gateway and members of ``pg_read_all_stats`` see all. Others see what they ran themselves, logged in
and acting as now. They are told how many rows that had only where it cannot depend on a login's claims, others
each time, and plans only where these cannot depend on what is hidden from them.
Of what others ran they are not told that it was: PostgreSQL hides the text alone, but numbers tell of rows, too.

The gateway brings the rows from its store before it passes on a statement that names a view.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple

import psycopg
from psycopg import sql

from catalog.history import Told
from catalog.mask_library import SCHEMA
from catalog.mirror.stat_statements import stat_statements
from catalog.predefined_roles import READ_ALL_STATS, holds_group
from catalog.store.store import SUPERUSERS

WORSE = 1.2
"""Times that even the fastest run with a plan takes longer than those with the one before took on average: then the
change was for the worse.
"""
OFTEN = 10
"""Runs of a statement, from which on it may be worth to keep its rows."""
SLOW = 100
"""Milliseconds that it takes, or that a plan takes longer than the one before, for advice to be given."""
FEW = 10_000
"""Rows, of which more are not worth keeping."""
_ADVICE = "pg_catalog.lakegate_advice"
_PINS = "pg_catalog.lakegate_plan_pins"
_ALONE = """
    RAISE EXCEPTION 'pin_plan() and unpin_plan() are supported as SELECT lakegate.pin_plan(''query'', ''hints'') alone'
      USING ERRCODE = '0A000', DETAIL = 'Their arguments are plain constants.';
"""
_RUNS = "pg_catalog.lakegate_statement_runs"  # beside PostgreSQL's own, where no list of tables shows it
_MINE = """r.user_oid = pg_catalog.quote_ident(session_user)::pg_catalog.regrole
           AND r.role_oid = pg_catalog.quote_ident(current_user)::pg_catalog.regrole
           AND NOT (SELECT lakegate.lakegate_simulates())"""
_SEEN = f"""
    SELECT r.*, sees.everything OR NOT r.is_personal AS tells_rows,
           sees.everything OR NOT r.hides_plan AS tells_plan
    FROM {_RUNS} r CROSS JOIN LATERAL (
        SELECT pg_catalog.pg_has_role('{SUPERUSERS}', 'USAGE') OR {holds_group(READ_ALL_STATS)} AS everything) sees
    WHERE sees.everything OR ({_MINE})"""
# Roles by number, too: one that is made later may have the name of one that has gone.
_CREATE = f"""
CREATE UNLOGGED TABLE {_RUNS} (
    user_oid oid, role_oid oid, user_name text, role text, is_personal boolean, hides_plan boolean, queryid bigint,
    planid bigint, query text, plan text, calls bigint, total float8, least float8, most float8, squares float8,
    rows bigint, first timestamptz, last timestamptz);
REVOKE ALL ON {_RUNS} FROM PUBLIC;
CREATE VIEW {SCHEMA}.plan_history WITH (security_barrier) AS
SELECT s.user_name, s.role, s.queryid, s.planid, s.query, s.plan, s.calls, s.total AS total_exec_time,
       s.least AS min_exec_time, s.most AS max_exec_time, s.total / s.calls AS mean_exec_time,
       sqrt(greatest(0, s.squares / s.calls - (s.total / s.calls) ^ 2)) AS stddev_exec_time,
       CASE WHEN s.tells_rows THEN s.rows END AS rows, s.first AS first_call, s.last AS last_call
FROM ({_SEEN}) s
WHERE s.tells_plan;
CREATE VIEW {SCHEMA}.statement_history WITH (security_barrier) AS
SELECT s.user_name, s.role, s.queryid, min(s.query) AS query,
       CASE WHEN bool_and(s.tells_plan) THEN count(DISTINCT s.planid) END AS plans,
       sum(s.calls)::bigint AS calls, sum(s.total) AS total_exec_time, min(s.least) AS min_exec_time,
       max(s.most) AS max_exec_time, sum(s.total) / sum(s.calls)::float8 AS mean_exec_time,
       sqrt(greatest(0, sum(s.squares) / sum(s.calls)::float8 - (sum(s.total) / sum(s.calls)::float8) ^ 2))
         AS stddev_exec_time,
       CASE WHEN bool_and(s.tells_rows) THEN sum(s.rows)::bigint END AS rows,
       min(s.first) AS first_call, max(s.last) AS last_call
FROM ({_SEEN}) s
GROUP BY s.user_name, s.role, s.queryid;
CREATE VIEW {SCHEMA}.plan_changes WITH (security_barrier) AS
SELECT c.user_name, c.role, c.queryid, c.query, c.at, c.plan_before, c.plan_after, c.calls_before, c.calls_after,
       c.mean_before, c.mean_after, c.mean_after / nullif(c.mean_before, 0) AS factor,
       c.least_after > {WORSE} * c.mean_before AS is_regression, c.is_current
FROM (
    SELECT p.user_name, p.role, p.queryid, p.query, p.first_call AS at, lag(p.plan) OVER w AS plan_before,
           p.plan AS plan_after, lag(p.calls) OVER w AS calls_before, p.calls AS calls_after,
           lag(p.mean_exec_time) OVER w AS mean_before, p.mean_exec_time AS mean_after,
           p.min_exec_time AS least_after, p.last_call = max(p.last_call) OVER every AS is_current
    FROM {SCHEMA}.plan_history p
    WINDOW every AS (PARTITION BY p.user_name, p.role, p.queryid), w AS (every ORDER BY p.first_call, p.planid)
) c
WHERE c.plan_before IS NOT NULL;
CREATE UNLOGGED TABLE {_ADVICE} (
    kind text, schema_name name, table_name name, reason text, statement text);
REVOKE ALL ON {_ADVICE} FROM PUBLIC;
CREATE VIEW {SCHEMA}.advice WITH (security_barrier) AS
SELECT a.kind, pg_catalog.format('%I.%I', a.schema_name, a.table_name) AS object, a.reason, a.statement
FROM {_ADVICE} a
JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.table_name
WHERE pg_catalog.pg_has_role('{SUPERUSERS}', 'USAGE') OR pg_catalog.pg_has_role(c.relowner, 'USAGE')
   OR {holds_group(READ_ALL_STATS)}
UNION ALL
SELECT 'materialization', h.query, pg_catalog.format(
           'It ran %s times as %I and took %s ms each time, %s s in all, for %s rows: keep these in a table.',
           h.calls, h.role, round(h.mean_exec_time), round(h.total_exec_time / 1000), h.rows / h.calls), NULL
FROM {SCHEMA}.statement_history h
WHERE h.calls >= {OFTEN} AND h.mean_exec_time >= {SLOW} AND h.rows <= {FEW} * h.calls
UNION ALL
SELECT 'plan regression', p.query, pg_catalog.format(
           'It takes %s ms as %I with the plan "%s", and took %s ms with "%s" before: %s times as long.',
           round(p.mean_after), p.role, p.plan_after, round(p.mean_before), p.plan_before,
           round(p.factor::numeric, 1)), NULL
FROM {SCHEMA}.plan_changes p
WHERE p.is_regression AND p.is_current AND p.mean_after - p.mean_before >= {SLOW};
CREATE UNLOGGED TABLE {_PINS} (
    by_oid oid, queryid bigint, query text, hints text, tables text[], pinned_by text, at timestamptz, changed text);
REVOKE ALL ON {_PINS} FROM PUBLIC;
CREATE VIEW {SCHEMA}.pinned_plans WITH (security_barrier) AS
SELECT p.queryid, p.query, p.hints, p.tables, p.pinned_by, p.at, p.changed IS NULL AS is_valid,
       p.changed || ' is not as it was when the plan was pinned' AS reason
FROM {_PINS} p
WHERE p.by_oid = pg_catalog.quote_ident(session_user)::pg_catalog.regrole
   OR pg_catalog.pg_has_role('{SUPERUSERS}', 'USAGE') OR {holds_group(READ_ALL_STATS)};
GRANT SELECT ON {SCHEMA}.plan_history, {SCHEMA}.statement_history, {SCHEMA}.plan_changes, {SCHEMA}.advice,
                {SCHEMA}.pinned_plans TO PUBLIC;
CREATE OR REPLACE FUNCTION {SCHEMA}.pin_plan(query text, hints text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$ BEGIN {_ALONE} END $$;
CREATE OR REPLACE FUNCTION {SCHEMA}.unpin_plan(query text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$ BEGIN {_ALONE} END $$;
CREATE OR REPLACE FUNCTION {SCHEMA}.unpin_plan(queryid bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$ BEGIN {_ALONE} END $$;
{stat_statements(_SEEN)}
"""
_MARK = hashlib.sha256(_CREATE.encode()).hexdigest()  # of the version that has made them
_MARKED = "SELECT pg_catalog.obj_description(pg_catalog.to_regclass(%s), 'pg_class')"
_COPY = f"COPY {_RUNS} FROM STDIN"
_LOCK = f"LOCK TABLE {_RUNS} IN EXCLUSIVE MODE"  # of two gateways both would add theirs
_CLEAR = f"DELETE FROM {_RUNS}; DELETE FROM {_ADVICE}; DELETE FROM {_PINS}"
_COPY_PINS = f"COPY {_PINS} FROM STDIN"
_COPY_ADVICE = f"COPY {_ADVICE} FROM STDIN"
_ROLES = "SELECT rolname, oid FROM pg_catalog.pg_authid"


def make_history_views(connection: psycopg.Connection) -> None:
    """Make the table and the views where they are absent, or those of another version. In a transaction."""
    if connection.execute(_MARKED, (_RUNS,)).fetchone() == (_MARK,):
        return
    connection.execute("SET LOCAL allow_system_table_mods = on")
    connection.execute(f"DROP TABLE IF EXISTS {_RUNS}, {_ADVICE}, {_PINS} CASCADE".encode())
    connection.execute(_CREATE.encode())
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.SQL(_RUNS), sql.Literal(_MARK)))


def fill_history_views(connection: psycopg.Connection, told: Told) -> None:
    """Make the views show what is told of statements. In a transaction."""
    connection.execute(_LOCK)
    connection.execute(_CLEAR)
    numbers: dict[str, int] = dict(connection.execute(_ROLES).fetchall())
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for key, runs in told.runs.items():
            copy.write_row((numbers.get(key.user), numbers.get(key.role), *astuple(key), *astuple(runs)))
    with connection.cursor() as cursor, cursor.copy(_COPY_ADVICE) as copy:
        for one in told.advice:
            copy.write_row((one.kind, one.table.schema, one.table.name, one.reason, one.statement))
    with connection.cursor() as cursor, cursor.copy(_COPY_PINS) as copy:
        for each in told.pins:
            pin, changed = each.pin, None if each.changed is None else str(each.changed)
            by = numbers.get(pin.by or "")
            copy.write_row((by, pin.queryid, pin.query, pin.hints, [*map(str, pin.tables)], pin.by, pin.at, changed))
