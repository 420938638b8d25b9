"""What can go wrong on the wire: our own misuse of the protocol, or the peer's."""

from __future__ import annotations

# The codes that this layer itself finds, by PostgreSQL's condition names.
PROTOCOL_VIOLATION = "08P01"
FEATURE_NOT_SUPPORTED = "0A000"
CHARACTER_NOT_IN_REPERTOIRE = "22021"
INVALID_AUTHORIZATION_SPECIFICATION = "28000"
PROGRAM_LIMIT_EXCEEDED = "54000"


class ProtocolError(Exception):
    """The protocol was broken; only its two kinds are raised. ``sqlstate`` is PostgreSQL's five-character code."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message


class LocalProtocolError(ProtocolError):
    """We asked for something that the protocol does not allow: a bug on this side, never the peer's doing."""

    def __init__(self, message: str) -> None:
        super().__init__("XX000", message)


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol.

    ``closes``: the stream cannot be followed any further, report FATAL and close; otherwise report ERROR and go on.
    ``answer``: False where PostgreSQL closes without a word, because the peer may not even speak this protocol.
    """

    def __init__(self, sqlstate: str, message: str, *, closes: bool = False, answer: bool = True) -> None:
        super().__init__(sqlstate, message)
        self.closes = closes
        self.answer = answer


def malformed(message: str) -> RemoteProtocolError:
    """Return the error for a message whose body does not have its form; the stream itself stays in step."""
    return RemoteProtocolError(PROTOCOL_VIOLATION, message)
