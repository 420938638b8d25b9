"""Default privileges for more than tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Say of each default privilege what it is for; the history names that too."""
    op.add_column("default_privileges", sa.Column("objects", sa.Text, nullable=False, server_default="TABLES"))
    op.add_column("default_privileges", sa.Column("held", sa.Boolean, nullable=False, server_default=sa.text("true")))
    op.drop_constraint("default_privileges_pkey", "default_privileges")
    op.create_primary_key(
        "default_privileges_pkey", "default_privileges", ["creator", "schema_name", "role", "privilege", "objects"]
    )
    op.execute("DROP TRIGGER note_change ON default_privileges")
    op.execute(
        "CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON default_privileges"
        " FOR EACH ROW EXECUTE FUNCTION note_access_change('default privilege',"
        " '{privilege} ON {objects} IN {schema_name} TO {role} BY {creator}')"
    )
