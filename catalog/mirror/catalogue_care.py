"""Statistics of the mirror's own catalogues, and their dead rows: after many tables were made, PostgreSQL plans what
tools ask of its catalogues for the few rows that were there before, and reads past what the making left behind.
Autovacuum would see to it a minute later; the first thing that a client does is to open the tree of tables.
"""

from __future__ import annotations

import psycopg
import structlog

from catalog.mirror.applied import Applied
from catalog.server import Server
from catalog.server_home import ServerError

_log = structlog.get_logger(__name__)
_MANY = 100  # tables
# Those to which each table gives rows. Pages at the end are kept: giving them back takes a lock that readers wait for.
_VACUUM = b"""
VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE false) pg_catalog.pg_class, pg_catalog.pg_attribute, pg_catalog.pg_type,
    pg_catalog.pg_attrdef, pg_catalog.pg_constraint, pg_catalog.pg_depend, pg_catalog.pg_description,
    pg_catalog.pg_index, pg_catalog.pg_trigger
"""


def care_for_catalogues(server: Server, database: str, applied: Applied) -> None:
    """Vacuum and analyze after a change of many tables. Takes some tenths of a second and holds up nobody who reads;
    what fails is logged, as the mirror is right without it.
    """
    if applied.created + applied.changed + applied.dropped < _MANY:
        return
    try:
        with server.connect(database, autocommit=True) as connection:
            connection.execute(_VACUUM)
    except (psycopg.Error, ServerError) as error:
        _log.warning("the mirror's catalogues could not be vacuumed", reason=str(error))
