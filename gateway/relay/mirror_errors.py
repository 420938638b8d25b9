"""Answers of the mirror as the gateway reads them: errors, and the values of a row."""

from __future__ import annotations

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.wire import backend


def error_of(body: bytes, start: int) -> SqlError:
    """Return the error in an ErrorResponse of the mirror; ``start`` is where its statement begins."""
    fields = backend.ErrorResponse.decode(body).fields
    position = int(fields["P"]) + start if "P" in fields else None
    return SqlError(SqlState(fields["C"]), fields["M"], detail=fields.get("D"), hint=fields.get("H"), position=position)


def values(message: bytes) -> list[bytes | None]:
    """Return the values in a DataRow message; None: NULL."""
    count, at = int.from_bytes(message[5:7], "big"), 7
    found: list[bytes | None] = []
    for _ in range(count):
        length = int.from_bytes(message[at : at + 4], "big", signed=True)
        at += 4
        found.append(None if length < 0 else message[at : at + length])
        at += max(length, 0)
    return found
