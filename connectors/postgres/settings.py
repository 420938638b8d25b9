"""Settings of a PostgreSQL source: its connection string, taken apart and checked, and limits."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from catalog.errors import SqlError
from catalog.remote_logins import RemoteLogin
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


# What a dsn may say of who the gateway is, beside its name.
_OWN_IDENTITY = ("password", "sslcert", "sslkey", "sslpassword", "krbsrvname")
_BY_PASSWORD = frozenset({"scram-sha-256", "md5", "password"})


def login_conninfo(conninfo: str, login: RemoteLogin) -> str:
    """Return a source's connection string for another login than the gateway's.

    With a password the source must ask for it: a source that trusts the gateway's address or certificate would let in
    whoever is named. Without one it is a superuser who has said that the source may.
    """
    given = conninfo_to_dict(conninfo)
    if login.password is None:
        given.pop("password", None)
        return make_conninfo("", **{**given, "user": login.user})
    given = {key: value for key, value in given.items() if key not in _OWN_IDENTITY}
    methods = set(str(given.get("require_auth", "")).split(","))
    by_password = ",".join(sorted(methods if methods <= _BY_PASSWORD else _BY_PASSWORD))
    proof = {"require_auth": by_password, "sslcertmode": "disable", "gssencmode": "disable"}
    return make_conninfo("", **{**given, **proof, "user": login.user, "password": login.password})


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
