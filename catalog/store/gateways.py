"""Which gateways serve a lake at this moment, and of which sources: told by the names of the connections on which they
listen for changes, so that one that has ended is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import psycopg

from catalog.store.listener import NAME

# A client's own connections are other users', whatever they call themselves.
_OTHERS = """
SELECT count(DISTINCT application_name) FROM pg_catalog.pg_stat_activity
WHERE usename = current_user AND datname = pg_catalog.current_database()
  AND pg_catalog.starts_with(application_name, %s) AND application_name <> %s
"""


def connection_name(lake: str, sources: Iterable[str]) -> str:
    """Return what the connection of a gateway is called that serves a lake (its database) of these sources."""
    return f"{_prefix(lake)}{_digest(*sorted(sources))}"


def serves_otherwise(connection: psycopg.Connection, lake: str, sources: Iterable[str]) -> bool:
    """Whether some gateway serves the same lake of other sources."""
    row = connection.execute(_OTHERS, (_prefix(lake), connection_name(lake, sources))).fetchone()
    return row is not None and row[0] > 0


def _prefix(lake: str) -> str:
    return f"{NAME} {_digest(lake)} "


def _digest(*texts: str) -> str:
    return sha256("\0".join(texts).encode()).hexdigest()[:12]
