"""What ANALYZE has found of tables' rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "analyzed_tables",
        sa.Column("catalog", sa.Text, nullable=False),
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("statistics", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("catalog", "schema_name", "table_name", name="analyzed_tables_pkey"),
    )
