"""The metadata database itself: made and migrated where needed, reached through a small pool of connections."""

from __future__ import annotations

import sqlalchemy as sa

from catalog.server import Server

DATABASE = "lakegate"
NEWEST_REVISION = "0023"  # of the migrations beside this module
_POOL = 4
_MIGRATION_LOCK = 0x6C616B65  # "lake": gateways that start at once migrate one after the other


def open_engine(server: Server, database: str) -> sa.Engine:
    """Return an engine for the metadata database in its newest schema. Raises ServerError: it is out of reach, or
    newer than this version of Lakegate.
    """
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
        present = _revision(connection)
        if present != NEWEST_REVISION:
            from catalog.store.migrate import upgrade  # and Alembic with it: 12 MB that most starts do not need

            upgrade(connection, present)
    return engine


def _revision(connection: sa.Connection) -> str | None:
    """Return the migration that the schema stands at, None before the first."""
    if connection.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision
