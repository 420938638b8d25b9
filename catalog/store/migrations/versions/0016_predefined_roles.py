"""Memberships in roles that PostgreSQL has of itself, such as pg_read_all_data: of these the store has no row."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Let memberships name roles that are not the gateway's."""
    op.drop_constraint("memberships_role_fkey", "memberships", type_="foreignkey")
