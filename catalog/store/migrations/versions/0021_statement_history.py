"""What statements over the lake took, by plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "statement_history",
        sa.Column("catalog", sa.Text, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("is_personal", sa.Boolean, nullable=False),
        sa.Column("hides_plan", sa.Boolean, nullable=False),
        sa.Column("queryid", sa.BigInteger, nullable=False),
        sa.Column("planid", sa.BigInteger, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("total", sa.Double, nullable=False),
        sa.Column("least", sa.Double, nullable=False),
        sa.Column("most", sa.Double, nullable=False),
        sa.Column("squares", sa.Double, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("first", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            *("catalog", "user_name", "role", "is_personal", "hides_plan", "queryid", "planid"),
            name="statement_history_pkey",
        ),
        _of_role("user_name"),
        _of_role("role"),
    )
    op.create_index("statement_history_last_idx", "statement_history", ["catalog", "last"])


def _of_role(column: str) -> sa.ForeignKeyConstraint:
    name = f"statement_history_{column}_fkey"
    return sa.ForeignKeyConstraint([column], ["roles.name"], name=name, ondelete="CASCADE", onupdate="CASCADE")
