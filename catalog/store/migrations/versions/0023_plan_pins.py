"""Plans that are pinned to statements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "plan_pins",
        sa.Column("catalog", sa.Text, nullable=False),
        sa.Column("queryid", sa.BigInteger, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("hints", sa.Text, nullable=False),
        sa.Column("tables", JSONB, nullable=False),
        sa.Column("pinned_by", sa.Text),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("catalog", "queryid", name="plan_pins_pkey"),
        sa.ForeignKeyConstraint(
            ["pinned_by"], ["roles.name"], name="plan_pins_pinned_by_fkey", ondelete="SET NULL", onupdate="CASCADE"
        ),
    )
