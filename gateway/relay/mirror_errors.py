"""Answers of the mirror as the gateway reads them: errors, and the values of a row."""

from __future__ import annotations

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from gateway.wire import backend

STOPPED = "terminating connection due to administrator command"
WHY_STOPPED = "The transaction may have held up a change of who may read what for more than 2 s."
RUN_AGAIN = "Connect and run the transaction again."


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


def is_stop(message: bytes) -> bool:
    """Whether a message is the word that an administrator has ended the session."""
    return message[:1] == b"E" and b"\0C57P01\0" in message


def explained(message: bytes) -> bytes:
    """Return what the mirror says at its end; where it was told to end, with what may be the reason."""
    if not is_stop(message):
        return message
    fields = backend.ErrorResponse.decode(message[5:]).fields
    return backend.ErrorResponse({**fields, "D": WHY_STOPPED, "H": RUN_AGAIN}).encode()
