"""Errors of a remote PostgreSQL in our own words: its SQLSTATE where that is safe, never its text, which may quote
values of rows, addresses and queries.
"""

from __future__ import annotations

import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState

_log = structlog.get_logger(__name__)

_REFRESH = "Refresh the source's catalogue."
_UNQUALIFIED = "If a function there names it without a schema: ALTER FUNCTION … SET search_path."
_MESSAGES: dict[str, tuple[str, str | None]] = {
    "22012": ("division by zero", None),
    "28000": ('source "{}" refused the gateway\'s login', "Check user and password in the source's dsn."),
    "28P01": ('source "{}" refused the gateway\'s login', "Check user and password in the source's dsn."),
    "3D000": ('the database of source "{}" does not exist', None),
    "3F000": ('a schema of source "{}" does not exist any more', _REFRESH),
    "40001": ('source "{}" cancelled the query because of a conflict', "Run the statement again."),
    "42501": ('the role of source "{}" may not read this table', "Grant it SELECT in the source."),
    "42704": (
        'columns of a table of source "{}" have just been changed',
        "Run the statement again.",
    ),  # see scan_queries
    "42703": ('a column of source "{}" does not exist any more', _REFRESH),
    "42P01": ('a table of source "{}" does not exist any more', f"{_REFRESH} {_UNQUALIFIED}"),
    "42883": ('a function of source "{}" is not found', _UNQUALIFIED),
    "53100": ('source "{}" has no disk space left', None),
    "53200": ('source "{}" is out of memory', None),
    "53300": ('source "{}" has too many connections', None),
    "55P03": ('source "{}" could not get a lock', "Run the statement again."),
    "57014": ('source "{}" cancelled the query', "It may have a statement_timeout of its own."),
}
_OF_MAPPING = (  # the same of a login that is not the gateway's
    'source "{}" refused the login of the user mapping',
    "ALTER USER MAPPING … OPTIONS (SET password …) gives it another password.",
)
_MESSAGES_OF_MAPPING: dict[str, tuple[str, str | None]] = {
    "28000": _OF_MAPPING,
    "28P01": _OF_MAPPING,
    "42501": ('the user mapped to source "{}" may not read this table', "Grant it SELECT in the source."),
}
_LOST = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04"})
_LOGIN_REFUSED = frozenset({"28000", "28P01"})


def is_lost(sqlstate: str | None) -> bool:
    """Say whether a failure is the end of its connection; libpq has no SQLSTATE for one that it noticed itself."""
    return not sqlstate or sqlstate in _LOST or sqlstate.startswith("08")


def remote_error(source: str, sqlstate: str | None, *, is_mapped: bool = False) -> SqlError:
    """Return what a client is told of a failure in ``source``; one without SQLSTATE is a lost connection.
    ``is_mapped``: the login was that of a user mapping.
    """
    _log.warning("source failed", source=source, sqlstate=sqlstate)
    if sqlstate is None or is_lost(sqlstate):
        return connection_lost(source)
    code = sqlstate
    known = SqlState(code) if code in SqlState._value2member_map_ else SqlState.FDW_ERROR
    if code in _MESSAGES:
        message, hint = (is_mapped and _MESSAGES_OF_MAPPING.get(code)) or _MESSAGES[code]
        if known is SqlState.UNDEFINED_OBJECT:
            return SqlError(SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE, message.format(source), hint=hint)
        state = SqlState.SQLSERVER_REJECTED_ESTABLISHMENT_OF_SQLCONNECTION if code in _LOGIN_REFUSED else known
        return SqlError(state, message.format(source), hint=hint)
    if code.startswith("53"):
        return SqlError(known, f'source "{source}" is out of resources')
    if code.startswith("22"):
        return SqlError(known, f'source "{source}" could not compute a value')
    return SqlError(
        SqlState.FDW_ERROR, f'source "{source}" could not run the query', detail=f"It reported SQLSTATE {code}."
    )


def unreachable(source: str, sqlstate: str | None = None, *, is_mapped: bool = False) -> SqlError:
    """Return the error of a connection that could not be made."""
    if sqlstate in _MESSAGES or (sqlstate or "").startswith("53"):
        return remote_error(source, sqlstate, is_mapped=is_mapped)
    _log.warning("source unreachable", source=source, sqlstate=sqlstate)
    message, hint = f'source "{source}" could not be reached', None
    if is_mapped:  # libpq does not tell why
        message += " with the login of the user mapping"
        hint = "It may have refused user or password, or not have asked for the password, which it has to."
    return SqlError(SqlState.SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, message, hint=hint)


def connection_lost(source: str) -> SqlError:
    """Return the error of a connection that broke while it was used."""
    return SqlError(
        SqlState.CONNECTION_FAILURE, f'the connection to source "{source}" was lost', hint="Run the statement again."
    )


def unreadable(source: str) -> SqlError:
    """Return the error of a value that the driver cannot bring into Arrow."""
    return SqlError(
        SqlState.DATA_EXCEPTION,
        f'source "{source}" holds a value that cannot be read',
        hint="Arrays that do not start at 1, and intervals that are infinite or longer than 292 years cannot; convert "
        "them in a view of the source.",
    )


def cancelled() -> SqlError:
    """Return the error of a statement that we cancelled."""
    return SqlError(SqlState.QUERY_CANCELED, "canceling statement due to user request")
