"""Where and how a source's server is reached without libpq, read from its connection string.

Only what this client can honour exactly: a string that asks for more (several hosts, Kerberos, channel binding) has no
target, and the source is read through its driver as ever.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from gateway.relay.server_login import PASSWORD_METHODS, ServerTarget

_PLAIN = frozenset({"disable", "allow"})  # libpq tries "allow" without encryption first
_VERIFIED = frozenset({"verify-ca", "verify-full"})
_UNDERSTOOD = {  # of what a source's string may say, what may not be otherwise
    "target_session_attrs": {"any"},
    "load_balance_hosts": {"disable"},
    "sslnegotiation": {"postgres"},
    "channel_binding": {"prefer", "disable"},
    "gssencmode": {"prefer", "disable"},
}
_UNKNOWN = (
    *("sslcrl", "sslcrldir", "ssl_min_protocol_version", "ssl_max_protocol_version", "hostaddr", "sslpassword"),
    *("options", "service", "replication"),
)
_SOCKET_OPTIONS = {  # by what libpq calls them; some systems have not all of them
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}
_ROOTS = Path("~/.postgresql/root.crt")


@lru_cache(maxsize=256)
def source_target(conninfo: str) -> ServerTarget | None:
    """Return what a connection string says, or None where it asks for what only libpq can do."""
    given = {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    host = given.get("host", "")
    named = all(given.get(name) for name in ("host", "user", "dbname"))
    several = "," in host or "," in given.get("port", "")
    odd = any(given.get(name, next(iter(values))) not in values for name, values in _UNDERSTOOD.items())
    if not named or several or odd or any(given.get(name) for name in _UNKNOWN):
        return None
    wanted = {one for one in given.get("require_auth", "").split(",") if one}
    if not wanted <= PASSWORD_METHODS:
        return None
    sslmode = "disable" if host.startswith("/") else given.get("sslmode", "prefer")
    context = None if sslmode in _PLAIN else _context(sslmode, given)
    if context is None and sslmode not in _PLAIN:
        return None
    return ServerTarget(
        host,
        int(given.get("port") or 5432),
        given["dbname"],
        given["user"],
        given.get("password"),
        sslmode,
        context,
        frozenset(wanted) or PASSWORD_METHODS,
        bool(wanted),
        float(given.get("connect_timeout") or 10),
        _socket_options(given),
    )


def _socket_options(given: Mapping[str, str]) -> tuple[tuple[int, int, int], ...]:
    """Return what a socket is told, so that a peer which vanished without a word is noticed. 0 is the system's own."""
    is_kept = int(given.get("keepalives") or 1) != 0
    wanted = {name: int(given.get(name) or 0) for name in _SOCKET_OPTIONS if is_kept or name == "tcp_user_timeout"}
    known = {name: getattr(socket, _SOCKET_OPTIONS[name], None) for name, value in wanted.items() if value > 0}
    found = [(socket.IPPROTO_TCP, option, wanted[name]) for name, option in known.items() if option is not None]
    return ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *found) if is_kept else tuple(found)


def _context(sslmode: str, given: Mapping[str, str]) -> ssl.SSLContext | None:
    """Return how the server is verified, as libpq does; None where the files cannot be read, and libpq is to say so."""
    roots = given.get("sslrootcert") or (str(_ROOTS.expanduser()) if _ROOTS.expanduser().is_file() else "")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = sslmode == "verify-full"
    try:
        if roots == "system":
            context.load_default_certs()
            context.check_hostname = True
        elif roots and (sslmode in _VERIFIED or sslmode == "require"):
            context.load_verify_locations(roots)
        elif sslmode in _VERIFIED:
            return None
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if given.get("sslcert") and given.get("sslcertmode") != "disable":
            context.load_cert_chain(given["sslcert"], given.get("sslkey"))
    except (OSError, ssl.SSLError):
        return None
    return context
