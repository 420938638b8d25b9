"""Tags that officers took off views' columns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "tag_removals",
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("view_name", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("column_name", sa.Text, nullable=False),
        sa.Column("made_of", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tag", "schema_name", "view_name", "identity", name="tag_removals_pkey"),
        sa.ForeignKeyConstraint(["tag"], ["tags.name"], name="tag_removals_tag_fkey", ondelete="CASCADE"),
    )
    op.execute(
        "CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON tag_removals"
        " FOR EACH ROW EXECUTE FUNCTION note_access_change('tag removal',"
        " '{tag} ON {schema_name}.{view_name}.{column_name}')"
    )
