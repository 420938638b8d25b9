"""User mappings: with which login a role reads a source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "user_mappings",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("role", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("password", sa.Text),
        sa.PrimaryKeyConstraint("id", name="user_mappings_pkey"),
        sa.ForeignKeyConstraint(
            ["role"], ["roles.name"], name="user_mappings_role_fkey", ondelete="CASCADE", onupdate="CASCADE"
        ),
        sa.UniqueConstraint("role", "source", name="user_mappings_role_key", postgresql_nulls_not_distinct=True),
    )
    op.execute(
        "CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON user_mappings"
        " FOR EACH ROW EXECUTE FUNCTION note_access_change('user mapping', '{role} AT {source}')"
    )
