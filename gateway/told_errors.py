"""Errors as clients are told them."""

from __future__ import annotations

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.wire import backend


def error_response(error: SqlError, severity: str = "ERROR") -> backend.ErrorResponse:
    """Return an error as the message a client gets."""
    fields = {"S": severity, "V": severity, "C": str(error.sqlstate), "M": error.message}
    if error.detail:
        fields["D"] = error.detail
    if error.hint:
        fields["H"] = error.hint
    if error.position is not None:
        fields["P"] = str(error.position)
    return backend.ErrorResponse(fields)


def moved(error: SqlError, by: int) -> SqlError:
    """Return an error found in a part of a client's text that begins at ``by``."""
    position = None if error.position is None else error.position + by
    return SqlError(error.sqlstate, error.message, detail=error.detail, hint=error.hint, position=position)


def told_error(message: bytes, start: int) -> bytes:
    """Return an error of the mirror as a client is told it: the position counts from the start of his whole text, and
    a table of the lake that the mirror was asked to read is one that only PostgreSQL's parser understood.
    """
    fields = dict(backend.ErrorResponse.decode(message[5:]).fields)
    if fields["C"] == SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE and "has not been populated" in fields["M"]:
        return error_response(
            SqlError(SqlState.FEATURE_NOT_SUPPORTED, "this form of query is not supported on lake tables")
        ).encode()
    if not start or "P" not in fields:
        return message
    return backend.ErrorResponse(fields | {"P": str(int(fields["P"]) + start)}).encode()
