"""The metadata database itself: made and migrated where needed, reached through a small pool of connections."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from catalog.server import Server

DATABASE = "lakegate"
_MIGRATIONS = Path(__file__).parent / "migrations"
_POOL = 4
_MIGRATION_LOCK = 0x6C616B65  # "lake": gateways that start at once migrate one after the other


def open_engine(server: Server, database: str) -> sa.Engine:
    """Return an engine for the metadata database in its newest schema. Raises ServerError: it is out of reach."""
    server.ensure_database(database)
    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: server.connect(database),
        pool_size=_POOL,
        max_overflow=_POOL,
        pool_pre_ping=True,
    )
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        command.upgrade(_alembic(connection), "head")
    return engine


def _alembic(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
