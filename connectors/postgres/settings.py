"""Settings of a PostgreSQL source: its connection string, taken apart and checked, and limits."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_GIBIBYTE = 1 << 30

# What a connection string may say. Left out on purpose: options (sets anything), service and passfile (read files that
# the string's author may not), replication.
_ALLOWED = frozenset(
    {
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "connect_timeout",
        "application_name",
        "target_session_attrs",
        "load_balance_hosts",
        "sslmode",
        "sslnegotiation",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslrootcert",
        "sslcrl",
        "sslcertmode",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "channel_binding",
        "require_auth",
        "gssencmode",
        "krbsrvname",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    }
)
# A peer that vanished without a word is noticed within about half a minute.
_DEFAULTS = {
    "application_name": "lakegate",
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_FORCED = {"client_encoding": "UTF8"}


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """Limits of a PostgreSQL source.

    ``parallel_scan_bytes``: tables at least this large are read by several connections on one snapshot.
    ``parallel_scans``: how many connections at most. ``numeric_scale``: digits after the point with which ``numeric``
    without a precision is read; a value with more digits, or more than ``38 - numeric_scale`` before the point, is an
    error. ``idle_connections``: how many stay open between statements.
    """

    parallel_scan_bytes: int = _GIBIBYTE
    parallel_scans: int = 4
    numeric_scale: int = 18
    idle_connections: int = 8

    def __post_init__(self) -> None:
        limits = (("parallel_scan_bytes", 1 << 62), ("parallel_scans", 64), ("idle_connections", 1000))
        for name, most in limits:
            if not 1 <= getattr(self, name) <= most:
                raise SqlError(SqlState.INVALID_PARAMETER_VALUE, f"{name} must be between 1 and {most}")
        if not 0 <= self.numeric_scale <= 38:
            raise SqlError(SqlState.INVALID_PARAMETER_VALUE, "numeric_scale must be between 0 and 38")


def connection_string(source: str, dsn: str) -> str:
    """Return ``dsn`` (a URI or key=value pairs) with the defaults of a gateway. Raises for what it may not say; the
    message names the key, never a value.
    """
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.Error:  # its text may quote the string, password and all
        raise SqlError(
            SqlState.FDW_INVALID_STRING_FORMAT, f'the dsn of source "{source}" is not a PostgreSQL connection string'
        ) from None
    refused = sorted(set(given) - _ALLOWED)
    if refused:
        raise SqlError(
            SqlState.FDW_INVALID_OPTION_NAME,
            f'the dsn of source "{source}" may not set {", ".join(refused)}',
            hint=f"Allowed are {', '.join(sorted(_ALLOWED))}.",
        )
    return make_conninfo("", **{**_DEFAULTS, **given, **_FORCED})
