"""Comments on roles and on the database.

Roles of the gateway were marked by their comments, which are the clients' now: the marks move (`catalog.mirror.marks`).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_MARK = "a role of the gateway"


def upgrade() -> None:
    """Move the marks; add the role that a comment is on."""
    op.execute(
        "INSERT INTO pg_catalog.pg_shdescription (objoid, classoid, description)"
        " SELECT d.objoid, 'pg_catalog.pg_shdescription'::regclass, d.description FROM pg_catalog.pg_shdescription d"
        f" WHERE d.classoid = 'pg_catalog.pg_authid'::regclass AND d.description = '{_MARK}' AND NOT EXISTS ("
        "   SELECT FROM pg_catalog.pg_shdescription m WHERE m.objoid = d.objoid"
        "   AND m.classoid = 'pg_catalog.pg_shdescription'::regclass)"
    )
    op.execute(
        "DELETE FROM pg_catalog.pg_shdescription d"
        f" WHERE d.classoid = 'pg_catalog.pg_authid'::regclass AND d.description = '{_MARK}'"
    )
    op.add_column("comments", sa.Column("role_name", sa.Text, nullable=False, server_default=""))
    op.drop_constraint("comments_pkey", "comments")
    op.create_primary_key(
        "comments_pkey", "comments", ["schema_name", "table_name", "column_name", "policy_name", "role_name"]
    )
