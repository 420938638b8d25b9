"""Roles, memberships, grants, settings, and the catalogue last seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NOW = sa.text("now()")


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "settings",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="settings_pkey"),
    )
    op.create_table(
        "roles",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("verifier", sa.Text),
        sa.Column("superuser", sa.Boolean, nullable=False),
        sa.Column("login", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("name", name="roles_pkey"),
        sa.CheckConstraint("verifier LIKE 'SCRAM-SHA-256$%'", name="roles_verifier_check"),
    )
    op.create_table(
        "memberships",
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("member", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("role", "member", name="memberships_pkey"),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name="memberships_role_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member"], ["roles.name"], name="memberships_member_fkey", ondelete="CASCADE"),
    )
    op.create_table(
        "grants",
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("privilege", sa.Text, nullable=False),
        sa.Column("grantor", sa.Text),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("role", "schema_name", "table_name", "privilege", name="grants_pkey"),
    )
    op.create_table(
        "catalogs",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("contents", sa.LargeBinary, nullable=False),
        sa.Column("saved", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("name", name="catalogs_pkey"),
    )
    op.execute("INSERT INTO settings (name, value) VALUES ('access_version', '1')")
