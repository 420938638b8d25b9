"""Settings with which sessions begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "role_settings",
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("of_database", sa.Boolean, nullable=False),
        sa.Column("settings", sa.ARRAY(sa.Text), nullable=False),
        sa.PrimaryKeyConstraint("role", "of_database", name="role_settings_pkey"),
    )
    op.execute(
        "CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON role_settings"
        " FOR EACH ROW EXECUTE FUNCTION note_access_change('settings', '{role}')"
    )
