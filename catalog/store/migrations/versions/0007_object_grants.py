"""Privileges on the database and on functions, default privileges for schemas, and comments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables, and for which kind of object a default privilege is."""
    op.create_table(
        "object_grants",
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("privilege", sa.Text, nullable=False),
        sa.Column("function_name", sa.Text, nullable=False, server_default=""),
        sa.Column("grantor", sa.Text, nullable=False, server_default=""),
        sa.Column("grantable", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("held", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.PrimaryKeyConstraint("role", "privilege", "function_name", "grantor", name="object_grants_pkey"),
    )
    op.create_table(
        "comments",
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False, server_default=""),
        sa.Column("column_name", sa.Text, nullable=False, server_default=""),
        sa.Column("policy_name", sa.Text, nullable=False, server_default=""),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("schema_name", "table_name", "column_name", "policy_name", name="comments_pkey"),
    )
