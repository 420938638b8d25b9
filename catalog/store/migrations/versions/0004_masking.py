"""Masking policies, the columns they are on, tags and masking secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0004"
down_revision = "0003"

_NOW = sa.text("now()")


def upgrade() -> None:
    """Make the tables of masks and tags."""
    op.create_table(
        "masking_policies",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("parameters", ARRAY(sa.Text), nullable=False),
        sa.Column("types", ARRAY(sa.Text), nullable=False),
        sa.Column("returns", sa.Text, nullable=False),
        sa.Column("expression", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("name", name="masking_policies_pkey"),
    )
    op.create_table(
        "column_masks",
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("column_name", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("arguments", ARRAY(sa.Text), nullable=False),
        sa.Column("identities", ARRAY(sa.Text), nullable=False),
        sa.PrimaryKeyConstraint("schema_name", "table_name", "column_name", name="column_masks_pkey"),
        _policy("column_masks"),
    )
    op.create_table(
        "tags",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("allowed_values", ARRAY(sa.Text)),
        sa.PrimaryKeyConstraint("name", name="tags_pkey"),
    )
    op.create_table(
        "tag_assignments",
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("column_name", sa.Text, nullable=False),
        sa.Column("identity", sa.Text),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tag", "schema_name", "table_name", "column_name", name="tag_assignments_pkey"),
        sa.ForeignKeyConstraint(["tag"], ["tags.name"], name="tag_assignments_tag_fkey"),
    )
    op.create_table(
        "tag_policies",
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("value_type", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tag", "value_type", name="tag_policies_pkey"),
        sa.ForeignKeyConstraint(["tag"], ["tags.name"], name="tag_policies_tag_fkey"),
        _policy("tag_policies"),
    )
    op.create_table(
        "masking_secrets",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
        sa.PrimaryKeyConstraint("name", name="masking_secrets_pkey"),
    )


def _policy(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["policy"], ["masking_policies.name"], name=f"{table}_policy_fkey", onupdate="CASCADE"
    )
