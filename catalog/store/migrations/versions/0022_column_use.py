"""How statements read tables, by the columns that they compare."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "column_use",
        sa.Column("catalog", sa.Text, nullable=False),
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("column_name", sa.Text, nullable=False),
        sa.Column("scans", sa.Double, nullable=False),
        sa.Column("known", sa.Double, nullable=False),
        sa.Column("read", sa.Double, nullable=False),
        sa.Column("kept", sa.Double, nullable=False),
        sa.Column("files", sa.BigInteger),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("expected", sa.Double),
        sa.Column("found", sa.Double),
        sa.Column("misjudged", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("catalog", "schema_name", "table_name", "column_name", name="column_use_pkey"),
    )
