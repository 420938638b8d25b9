"""How many rows parts of plans had when they were run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0016"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "plan_feedback",
        sa.Column("catalog", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("rows", sa.Double, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tables", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("catalog", "digest", name="plan_feedback_pkey"),
    )
    op.create_index("plan_feedback_at_idx", "plan_feedback", ["catalog", "at"])
