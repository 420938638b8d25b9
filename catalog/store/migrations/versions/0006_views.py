"""Views that clients make: their definitions. Owners and privileges are where those of tables are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "views",
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("view_name", sa.Text, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("column_names", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("column_types", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("security_invoker", sa.Boolean, nullable=False),
        sa.Column("options", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("comment", sa.Text),
        sa.PrimaryKeyConstraint("schema_name", "view_name", name="views_pkey"),
    )
