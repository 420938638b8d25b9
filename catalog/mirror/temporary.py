"""What the wall leaves open in the mirror: the temporary relations of a client's own session, and nothing else.

Three event triggers see to it, whatever the gateway relays. Before a command, all but those that could be about a
temporary table, view, sequence or index are refused by their kind, so nobody makes functions, types, triggers, rules
or policies. After it, every object that it made or changed must be in the session's temporary schema, and none but
views may depend on anything of the lake: the mirror's own changes must not find a client's object in their way, and
views go with what they read. What is dropped must have been temporary.
"""

from __future__ import annotations

import psycopg

MOST_RELATIONS = 400
"""Temporary relations of one session, their indexes and sequences included: each holds a lock that all sessions share
until its transaction ends."""

_COMMANDS = (
    *("CREATE TABLE", "CREATE TABLE AS", "SELECT INTO", "CREATE VIEW", "CREATE INDEX", "CREATE SEQUENCE"),
    *("ALTER TABLE", "ALTER VIEW", "ALTER INDEX", "ALTER SEQUENCE"),
    *("DROP TABLE", "DROP VIEW", "DROP INDEX", "DROP SEQUENCE"),
)
_LISTED = ", ".join(f"'{command}'" for command in _COMMANDS)
_FIRST_NORMAL_OID = 16384  # PostgreSQL's own objects have lower ones
_SCRIPT = f"""
CREATE OR REPLACE FUNCTION lakegate.refuse_ddl() RETURNS event_trigger LANGUAGE plpgsql SET search_path = '' AS $$
  BEGIN
    IF TG_TAG NOT IN ({_LISTED}) THEN
      RAISE EXCEPTION '% is not supported', TG_TAG USING ERRCODE = '0A000';
    END IF;
  END $$;
CREATE OR REPLACE FUNCTION lakegate.check_temporary() RETURNS event_trigger LANGUAGE plpgsql SET search_path = '' AS $$
  DECLARE
    mine CONSTANT pg_catalog.oid := pg_catalog.pg_my_temp_schema();
    found pg_catalog.text;
  BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() d
               WHERE d.schema_name IS DISTINCT FROM 'pg_temp') THEN
      RAISE EXCEPTION '% is supported for temporary tables alone', TG_TAG USING ERRCODE = '0A000';
    END IF;
    IF (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c WHERE c.relnamespace = mine) > {MOST_RELATIONS}
       OR (SELECT pg_catalog.count(*) FROM pg_catalog.pg_lock_status() l
           WHERE l.pid = lakegate.lakegate_own_backend_pid() AND l.mode = 'AccessExclusiveLock'
          ) > {2 * MOST_RELATIONS} THEN
      RAISE EXCEPTION 'too many temporary tables' USING ERRCODE = '54000',
        DETAIL = 'A session may have {MOST_RELATIONS} temporary relations, indexes and sequences included.';
    END IF;
    SELECT pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) INTO found
    FROM pg_catalog.pg_class c
    CROSS JOIN LATERAL (
      SELECT 1259 AS kind, c.oid AS object
      UNION ALL SELECT 2618, r.oid FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid
      UNION ALL SELECT 2604, a.oid FROM pg_catalog.pg_attrdef a WHERE a.adrelid = c.oid
      UNION ALL SELECT 2606, k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid
    ) o
    JOIN pg_catalog.pg_depend d ON d.classid = o.kind AND d.objid = o.object
    LEFT JOIN pg_catalog.pg_class other ON d.refclassid = 1259 AND other.oid = d.refobjid
    LEFT JOIN pg_catalog.pg_type kind ON d.refclassid = 1247 AND kind.oid = d.refobjid
    WHERE c.oid IN (SELECT e.objid FROM pg_catalog.pg_event_trigger_ddl_commands() e)
      AND d.refobjid >= {_FIRST_NORMAL_OID}
      AND ((d.refclassid = 1259 AND other.relnamespace <> mine)
           OR (d.refclassid = 1247 AND kind.typnamespace <> mine)
           OR d.refclassid = 1255)
      AND NOT (c.relkind = 'v' AND EXISTS (
        SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^(pg_|information_schema$|lakegate$)'
        AND n.oid = coalesce(other.relnamespace, kind.typnamespace)))
    LIMIT 1;
    IF found IS NOT NULL THEN
      RAISE EXCEPTION 'a temporary relation cannot depend on the lake: %', found USING ERRCODE = '0A000',
        HINT = 'CREATE TEMPORARY TABLE ... AS copies rows of the lake.';
    END IF;
  END $$;
CREATE OR REPLACE FUNCTION lakegate.temporary_definition(view pg_catalog.oid) RETURNS pg_catalog.text
LANGUAGE plpgsql STABLE STRICT SET search_path = '' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET extra_float_digits = 1 SET quote_all_identifiers = off AS $$
  BEGIN RETURN pg_catalog.rtrim(lakegate.lakegate_own_viewdef(view), ';'); END $$;
CREATE OR REPLACE FUNCTION lakegate.check_dropped() RETURNS event_trigger LANGUAGE plpgsql SET search_path = '' AS $$
  BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() d
               WHERE d.classid = 1259 AND NOT d.is_temporary) THEN
      RAISE EXCEPTION '% is supported for temporary tables alone', TG_TAG USING ERRCODE = '0A000';
    END IF;
  END $$;
"""
_TRIGGERS = {
    "lakegate_wall": ("ddl_command_start", "refuse_ddl"),
    "lakegate_temporary": ("ddl_command_end", "check_temporary"),
    "lakegate_dropped": ("sql_drop", "check_dropped"),
}
# The files of temporary relations begin with the number of the backend whose they are.
_BYTES = """
SELECT coalesce(pg_catalog.sum((pg_catalog.pg_stat_file(d.folder || '/' || f.name, true)).size), 0)
FROM (SELECT 'base/' || o.oid AS folder FROM pg_catalog.pg_database o
      WHERE o.datname = pg_catalog.current_database()) d,
     pg_catalog.pg_stat_get_backend_idset() AS b (id),
     pg_catalog.pg_ls_dir(d.folder) AS f (name)
WHERE pg_catalog.pg_stat_get_backend_pid(b.id) = %s AND pg_catalog.starts_with(f.name, 't' || b.id || '_')
"""
_PRESENT = "SELECT evtname FROM pg_catalog.pg_event_trigger"


def temporary_bytes(connection: psycopg.Connection, process: int) -> int:
    """Return how much the temporary relations of a server process take on disk, those of its open transaction
    included, which no catalogue shows to others.
    """
    row = connection.execute(_BYTES, (process,)).fetchone()
    return int(row[0]) if row is not None else 0


def make_wall(connection: psycopg.Connection) -> None:
    """Make the event triggers where they are absent, and their functions anew: another version's may differ."""
    connection.execute(_SCRIPT.encode())
    present = {name for (name,) in connection.execute(_PRESENT).fetchall()}
    for name, (event, function) in _TRIGGERS.items():
        if name not in present:
            connection.execute(
                f"CREATE EVENT TRIGGER {name} ON {event} EXECUTE FUNCTION lakegate.{function}()".encode()
            )
