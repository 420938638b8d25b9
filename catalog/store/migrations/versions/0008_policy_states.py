"""States of policies, and the history of all that decides who may see what.

It is kept by triggers, so that no way of changing it goes past them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# What is recorded of each table: its kind, and what its rows are called, with columns in braces.
_RECORDED = {
    "roles": ("role", "{name}"),
    "memberships": ("membership", "{member} IN {role}"),
    "grants": ("privilege", "{privilege} ({column_name}) ON {schema_name}.{table_name} TO {role} BY {grantor}"),
    "object_grants": ("privilege", "{privilege} ({function_name}) TO {role} BY {grantor}"),
    "default_privileges": ("default privilege", "{privilege} IN {schema_name} TO {role} BY {creator}"),
    "table_rights": ("table", "{schema_name}.{table_name}"),
    "row_policies": ("row policy", "{name} ON {schema_name}.{table_name}"),
    "views": ("view", "{schema_name}.{view_name}"),
    "masking_policies": ("masking policy", "{name}"),
    "column_masks": ("mask", "{schema_name}.{table_name}.{column_name}"),
    "tags": ("tag", "{name}"),
    "tag_assignments": ("tag setting", "{tag} ON {schema_name}.{table_name}.{column_name}"),
    "tag_policies": ("tag mask", "{tag} FOR {value_type}"),
    "masking_secrets": ("masking secret", "{name}"),
    "api_keys": ("API key", "{id}"),
}
_EVENTS = {"api_keys": "INSERT OR DELETE OR UPDATE OF revoked"}  # their use is no change

# A row that is taken away and put back otherwise in one transaction has changed. What is secret is left out.
_NOTE = r"""
CREATE FUNCTION note_access_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    secrets text[] := ARRAY['verifier', 'value', 'digest', 'last_used'];
    called text := TG_ARGV[1];
    called_secret text;
    old_secret jsonb;
    new_secret jsonb;
    part record;
    paired access_history;
BEGIN
    IF TG_TABLE_NAME IN ('roles', 'user_mappings') THEN
        called_secret := CASE TG_TABLE_NAME WHEN 'roles' THEN 'verifier' ELSE 'password' END;
        old_secret := old_row -> called_secret;
        new_secret := new_row -> called_secret;
        old_row := old_row || jsonb_build_object('password', old_secret <> 'null');
        new_row := new_row || jsonb_build_object('password', CASE
            WHEN new_secret = 'null' THEN 'false'::jsonb
            WHEN old_secret IS DISTINCT FROM new_secret THEN '"new"' ELSE 'true' END);
    END IF;
    IF TG_TABLE_NAME <> 'tag_assignments' THEN
        old_row := old_row - secrets;
        new_row := new_row - secrets;
    END IF;
    IF old_row = new_row THEN
        RETURN NULL;
    END IF;
    FOR part IN SELECT * FROM jsonb_each_text(coalesce(new_row, old_row)) LOOP
        called := replace(called, '{' || part.key || '}', coalesce(part.value, ''));
    END LOOP;
    called := regexp_replace(called, ' \(\)| IN (?= TO)| BY $', '', 'g');
    called := regexp_replace(called, '\.+(?= |$)', '', 'g');
    IF TG_OP = 'INSERT' THEN
        UPDATE access_history SET after = new_row
        WHERE kind = TG_ARGV[0] AND object = called AND change = txid_current() AND after IS NULL
        RETURNING * INTO paired;
        IF FOUND THEN
            RETURN NULL;
        END IF;
        IF TG_TABLE_NAME = 'table_rights' AND (new_row ->> 'owner') IS NULL
           AND NOT (new_row ->> 'row_security')::boolean AND NOT (new_row ->> 'forced')::boolean THEN
            RETURN NULL;  -- a table that was not known before: nobody has changed anything
        END IF;
    END IF;
    INSERT INTO access_history (version, user_name, role, kind, object, revision, before, after)
    SELECT (SELECT value::bigint FROM settings WHERE name = 'access_version'),
           nullif(current_setting('lakegate.user', true), ''), nullif(current_setting('lakegate.role', true), ''),
           TG_ARGV[0], called, coalesce(max(revision), 0) + 1, old_row, new_row
    FROM access_history WHERE kind = TG_ARGV[0] AND object = called;
    RETURN NULL;
END $$
"""
_REFUSE = """
CREATE FUNCTION refuse_history_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.change = txid_current() THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the history of access is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""
_HISTORY = """
CREATE VIEW lakegate.policy_history AS
SELECT h.version, h.at, h.user_name, h.role, h.kind, h.object, h.revision,
       CASE WHEN h.before IS NULL THEN 'created' WHEN h.after IS NULL THEN 'dropped' ELSE 'changed' END AS action,
       h.before::text AS before, h.after::text AS after
FROM public.access_history h
"""
_AUDIT_LOG = """
CREATE OR REPLACE VIEW lakegate.audit_log AS
SELECT e.node::text AS node, e.sequence, e.at, e.class,
       r.event, r.phase, r.intent, r.instance, r.connection, r.statement,
       r."user" AS user_name, r.role, r.roles, r.claims::text AS claims, r.address, r.application_name, r.database,
       r.text, r.resumed, r.lane, r.tables, r.columns::text AS columns, r.snapshots::text AS snapshots, r.policies,
       r.rows, r.bytes, r.duration_ms, r.sqlstate, r.detail::text AS detail, r.shadow_policies
FROM public.audit_entries e
LEFT JOIN LATERAL jsonb_to_record(e.entry::jsonb) AS r(
    event text, phase text, intent bigint, instance text, connection text, statement text,
    "user" text, role text, roles text[], claims jsonb, address text, application_name text, database text,
    text text, resumed boolean, lane text, tables text[], columns jsonb, snapshots jsonb, policies text[],
    rows bigint, bytes bigint, duration_ms double precision, sqlstate text, detail jsonb, shadow_policies text[])
    ON true
"""


def upgrade() -> None:
    """Add the states, the history with its triggers, and what auditors read."""
    for table in ("row_policies", "masking_policies"):
        op.add_column(table, sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'enforced'")))
    op.execute(
        """
        CREATE TABLE public.access_history (
            id bigint GENERATED BY DEFAULT AS IDENTITY CONSTRAINT access_history_pkey PRIMARY KEY,
            version bigint NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            user_name text,
            role text,
            kind text NOT NULL,
            object text NOT NULL,
            revision bigint NOT NULL,
            before jsonb,
            after jsonb,
            change bigint NOT NULL DEFAULT txid_current()
        )
        """
    )
    op.create_index("access_history_object_idx", "access_history", ["kind", "object", "revision"], schema="public")
    op.execute(_NOTE)
    op.execute(_REFUSE)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON access_history"
        " FOR EACH ROW EXECUTE FUNCTION refuse_history_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON access_history"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_history_change()"
    )
    for table, (kind, called) in _RECORDED.items():
        events = _EVENTS.get(table, "INSERT OR UPDATE OR DELETE")
        op.execute(
            f"CREATE TRIGGER note_change AFTER {events} ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION note_access_change('{kind}', '{called}')"
        )
    op.execute(_HISTORY)
    op.execute(_AUDIT_LOG)
