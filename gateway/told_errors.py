"""Errors as clients are told them."""

from __future__ import annotations

import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.sql.statements import Statement
from gateway.wire import backend

_PLACES = frozenset("FLR")  # fields of a report: file, line, routine


def error_response(error: SqlError, severity: str = "ERROR") -> backend.ErrorResponse:
    """Return an error as the message a client gets."""
    fields = {"S": severity, "V": severity, "C": str(error.sqlstate), "M": error.message}
    if error.detail:
        fields["D"] = error.detail
    if error.hint:
        fields["H"] = error.hint
    if error.position is not None:
        fields["P"] = str(error.position)
    if error.context is not None:
        fields["W"] = error.context
    return backend.ErrorResponse(fields)


def moved(error: SqlError, by: int) -> SqlError:
    """Return an error found in a part of a client's text that begins at ``by``."""
    position = None if error.position is None else error.position + by
    return SqlError(
        error.sqlstate,
        error.message,
        detail=error.detail,
        hint=error.hint,
        position=position,
        context=error.context,
    )


def told_error(message: bytes, start: int) -> bytes:
    """Return an error of the mirror as a client is told it: the position counts from the start of his whole text, and
    a table of the lake that the mirror was asked to read is one that only PostgreSQL's parser understood. The places in
    PostgreSQL's source are left out: they would tell its errors from the gateway's, and so what is hidden from what is
    absent.
    """
    found = backend.ErrorResponse.decode(message[5:]).fields
    fields = {key: value for key, value in found.items() if key not in _PLACES}
    if fields["C"] == SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE and "has not been populated" in fields["M"]:
        return error_response(
            SqlError(SqlState.FEATURE_NOT_SUPPORTED, "this form of query is not supported on lake tables")
        ).encode()
    if start and "P" in fields:
        fields["P"] = str(int(fields["P"]) + start)
    return backend.ErrorResponse(fields).encode()


def placed(data: bytes, start: int) -> bytes:
    """Return a message of the mirror with the position of an error counted from the start of the whole text."""
    return told_error(data, start) if data[:1] == b"E" else data


def not_here(statement: Statement) -> SqlError:
    """Return why a statement of access is not carried out beside others that it would have to stand or fall with."""
    return SqlError(
        SqlState.ACTIVE_SQL_TRANSACTION,
        f"{statement.head} cannot be executed together with other statements",
        hint="Send it alone, or between BEGIN and COMMIT.",
        position=statement.start + 1,
    )


class AlreadySent(SqlError):
    """The error has reached the client as the mirror's own message."""

    def __init__(self) -> None:
        super().__init__(SqlState.INTERNAL_ERROR, "already sent")


def internal_error() -> SqlError:
    """Return what a client is told of a fault of the gateway's own, which the log has in full."""
    known = structlog.contextvars.get_contextvars().get("statement", "unknown")
    detail = f"The gateway's log has it under this statement's correlation id: {known}."
    return SqlError(SqlState.INTERNAL_ERROR, "internal error", detail=detail)
