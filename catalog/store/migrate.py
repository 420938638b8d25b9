"""Migrations of the metadata database, by Alembic."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from catalog.server import ServerError

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(connection: sa.Connection, present: str | None) -> None:
    """Bring the schema from the ``present`` revision to the newest, in the connection's transaction. Raises
    `ServerError`: this version does not have the present one.
    """
    config = alembic_config()
    if present is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(present)
        except CommandError:
            raise ServerError(
                f"the metadata database was brought to revision {present} by a newer version of Lakegate, "
                "which this version cannot read"
            ) from None
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def alembic_config() -> Config:
    """Return where Alembic finds the migrations."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
