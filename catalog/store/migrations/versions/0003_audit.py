"""The audit: entries in monthly partitions, the heads of their chains, and the view that auditors read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# A row may only lose its entry, and that only where retention says so; everything else about it stays.
_REFUSE = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('lakegate.audit_retention', true) = 'on'
       AND (NEW.node, NEW.sequence, NEW.filed, NEW.at, NEW.class, NEW.previous, NEW.hash)
           IS NOT DISTINCT FROM (OLD.node, OLD.sequence, OLD.filed, OLD.at, OLD.class, OLD.previous, OLD.hash)
       AND OLD.entry IS NOT NULL AND NEW.entry IS NULL AND NEW.retired_by IS NOT NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Every column but the first four comes out of the text that the hash covers.
_VIEW = """
CREATE VIEW lakegate.audit_log AS
SELECT e.node::text AS node, e.sequence, e.at, e.class,
       r.event, r.phase, r.intent, r.instance, r.connection, r.statement,
       r."user" AS user_name, r.role, r.roles, r.claims::text AS claims, r.address, r.application_name, r.database,
       r.text, r.resumed, r.lane, r.tables, r.columns::text AS columns, r.snapshots::text AS snapshots, r.policies,
       r.rows, r.bytes, r.duration_ms, r.sqlstate, r.detail::text AS detail
FROM public.audit_entries e
LEFT JOIN LATERAL jsonb_to_record(e.entry::jsonb) AS r(
    event text, phase text, intent bigint, instance text, connection text, statement text,
    "user" text, role text, roles text[], claims jsonb, address text, application_name text, database text,
    text text, resumed boolean, lane text, tables text[], columns jsonb, snapshots jsonb, policies text[],
    rows bigint, bytes bigint, duration_ms double precision, sqlstate text, detail jsonb) ON true
"""


def upgrade() -> None:
    """Make the tables, the trigger that refuses changes, and the view."""
    op.create_table(
        "audit_entries",
        sa.Column("filed", sa.Date, nullable=False),
        sa.Column("node", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("class", sa.Text, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("entry", sa.Text),
        sa.Column("retired_by", sa.Text),
        sa.PrimaryKeyConstraint("filed", "node", "sequence", name="audit_entries_pkey"),
        postgresql_partition_by="RANGE (filed)",
    )
    op.create_index("audit_entries_at_idx", "audit_entries", ["at"], postgresql_using="brin")
    op.create_table(
        "audit_heads",
        sa.Column("node", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.PrimaryKeyConstraint("node", name="audit_heads_pkey"),
    )
    op.execute("CREATE SCHEMA audit_months")
    op.execute("CREATE SCHEMA lakegate")
    op.execute(_REFUSE)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_entries"
        " FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )
    op.execute(_VIEW)
