"""Errors that the mirror tells, as the gateway raises them."""

from __future__ import annotations

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.wire import backend


def error_of(body: bytes, start: int) -> SqlError:
    """Return the error in an ErrorResponse of the mirror; ``start`` is where its statement begins."""
    fields = backend.ErrorResponse.decode(body).fields
    position = int(fields["P"]) + start if "P" in fields else None
    return SqlError(SqlState(fields["C"]), fields["M"], detail=fields.get("D"), hint=fields.get("H"), position=position)
