"""What the mirror shows, kept in the mirror itself and changed with it: of which version the store's rows are, and how
often it was changed. So a gateway knows that another one has changed it since, and with newer rows than its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

_TABLE = "pg_catalog.lakegate_shown"  # beside PostgreSQL's own, where no list of tables shows it
_IS_ABSENT = f"SELECT pg_catalog.to_regclass('{_TABLE}') IS NULL"
_CREATE = f"""
SET LOCAL allow_system_table_mods = on;
CREATE TABLE {_TABLE} (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), change bigint NOT NULL, version bigint NOT NULL
);
REVOKE ALL ON {_TABLE} FROM PUBLIC;
INSERT INTO {_TABLE} (change, version) VALUES (0, 0);
"""
_READ = f"SELECT change, version FROM {_TABLE}"
_NOTE = f"UPDATE {_TABLE} SET change = change + 1, version = %s WHERE change = %s RETURNING change, version"


@dataclass(frozen=True, slots=True)
class Shown:
    """``change`` counts the changes of the mirror, ``version`` is that of the rows it shows (`AccessRows.version`)."""

    change: int
    version: int


def make_shown(connection: psycopg.Connection) -> None:
    """Make the record where it is absent."""
    if connection.execute(_IS_ABSENT).fetchone() == (True,):
        connection.execute(_CREATE.encode())


def read_shown(connection: psycopg.Connection) -> Shown:
    """Return what is shown. Read it under the mirror's lock: then nobody changes it before the transaction ends."""
    return _shown(connection.execute(_READ).fetchone())


def note_shown(connection: psycopg.Connection, before: Shown, version: int) -> Shown:
    """Note a change of the mirror, in its transaction. Raises psycopg.OperationalError where another one was made since
    ``before`` was read, as when the mirror's lock was lost under way.
    """
    return _shown(connection.execute(_NOTE, (version, before.change)).fetchone())


def _shown(row: tuple[int, int] | None) -> Shown:
    if row is None:
        raise psycopg.OperationalError("the mirror was changed by another gateway meanwhile")
    return Shown(*row)
