"""What SQL's own statements give and take: attributes of roles, options of memberships, privileges on columns, who gave
them, default privileges, owners of tables and row security policies.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NO, _YES, _EMPTY = sa.text("false"), sa.text("true"), sa.text("''")


def upgrade() -> None:
    """Widen the tables of roles and grants, and add those of policies and owners."""
    for name, default in (("create_role", _NO), ("bypass_row_security", _NO), ("inherit", _YES)):
        op.add_column("roles", sa.Column(name, sa.Boolean, nullable=False, server_default=default))
    op.add_column("roles", sa.Column("valid_until", sa.DateTime(timezone=True)))
    _widen_memberships()
    _widen_grants()
    _add_default_privileges()
    _add_tables()


def _widen_memberships() -> None:
    for name, default in (("admin", _NO), ("inherit", _YES), ("set_role", _YES)):
        op.add_column("memberships", sa.Column(name, sa.Boolean, nullable=False, server_default=default))
    op.add_column("memberships", sa.Column("grantor", sa.Text, nullable=False, server_default=_EMPTY))
    op.drop_constraint("memberships_pkey", "memberships")
    op.create_primary_key("memberships_pkey", "memberships", ["role", "member", "grantor"])
    for table, column in (("memberships", "role"), ("memberships", "member"), ("api_keys", "role")):
        name = f"{table}_{column}_fkey"  # a role may get another name
        op.drop_constraint(name, table)
        op.create_foreign_key(name, table, "roles", [column], ["name"], ondelete="CASCADE", onupdate="CASCADE")


def _widen_grants() -> None:
    op.add_column("grants", sa.Column("column_name", sa.Text, nullable=False, server_default=_EMPTY))
    op.add_column("grants", sa.Column("grantable", sa.Boolean, nullable=False, server_default=_NO))
    op.execute("UPDATE grants SET grantor = ''")  # all were the superusers', who act for the owner
    op.alter_column("grants", "grantor", nullable=False, server_default=_EMPTY)
    op.drop_constraint("grants_pkey", "grants")
    key = ["role", "schema_name", "table_name", "privilege", "column_name", "grantor"]
    op.create_primary_key("grants_pkey", "grants", key)
    # So far who might read a table might use its schema; now that is a privilege of its own, as in PostgreSQL.
    op.execute(
        "INSERT INTO grants (role, schema_name, table_name, privilege)"
        " SELECT DISTINCT role, schema_name, '', 'USAGE' FROM grants"
    )


def _add_default_privileges() -> None:
    op.create_table(
        "default_privileges",
        sa.Column("creator", sa.Text, nullable=False, server_default=_EMPTY),
        sa.Column("schema_name", sa.Text, nullable=False, server_default=_EMPTY),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("privilege", sa.Text, nullable=False),
        sa.Column("grantable", sa.Boolean, nullable=False, server_default=_NO),
        sa.PrimaryKeyConstraint("creator", "schema_name", "role", "privilege", name="default_privileges_pkey"),
    )


def _add_tables() -> None:
    op.create_table(
        "table_rights",
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("row_security", sa.Boolean, nullable=False, server_default=_NO),
        sa.Column("forced", sa.Boolean, nullable=False, server_default=_NO),
        sa.PrimaryKeyConstraint("schema_name", "table_name", name="table_rights_pkey"),
        sa.ForeignKeyConstraint(
            ["owner"], ["roles.name"], name="table_rights_owner_fkey", ondelete="SET NULL", onupdate="CASCADE"
        ),
    )
    op.create_table(
        "row_policies",
        sa.Column("schema_name", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("permissive", sa.Boolean, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("using_expression", sa.Text),
        sa.Column("check_expression", sa.Text),
        sa.PrimaryKeyConstraint("schema_name", "table_name", "name", name="row_policies_pkey"),
    )
