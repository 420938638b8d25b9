"""Privileges on sources, as foreign servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the source's name; who could make user mappings by USAGE on the source's schema still may."""
    op.add_column("object_grants", sa.Column("server_name", sa.Text, nullable=False, server_default=""))
    op.drop_constraint("object_grants_pkey", "object_grants")
    op.create_primary_key(
        "object_grants_pkey", "object_grants", ["role", "privilege", "function_name", "grantor", "server_name"]
    )
    op.execute("DROP TRIGGER note_change ON object_grants")
    op.execute(
        "CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON object_grants"
        " FOR EACH ROW EXECUTE FUNCTION note_access_change('privilege',"
        " '{privilege} ({function_name}{server_name}) TO {role} BY {grantor}')"
    )
    op.execute(
        "INSERT INTO object_grants (role, privilege, server_name)"
        " SELECT DISTINCT m.role, 'USAGE', m.source FROM user_mappings m JOIN roles r ON r.name = m.role"
        " WHERE m.role IS NOT NULL AND NOT r.superuser"
    )
