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


class MirrorLost(SqlError):
    """The mirror's session has ended, and the client's with it. ``told``: the client was passed why. ``stopped``: an
    administrator's command ended it.
    """

    def __init__(self, *, told: bool, stopped: bool = False) -> None:
        if stopped:
            super().__init__(SqlState.ADMIN_SHUTDOWN, STOPPED, detail=WHY_STOPPED, hint=RUN_AGAIN)
        else:
            super().__init__(SqlState.CONNECTION_FAILURE, "the catalogue mirror closed its connection")
        self.told = told


class MirrorRefused(MirrorLost):
    """The mirror does not let the session in, though it would have when the client logged in."""

    def __init__(self, reason: SqlError) -> None:
        SqlError.__init__(self, reason.sqlstate, reason.message, detail=reason.detail, hint=reason.hint)
        self.told = False
