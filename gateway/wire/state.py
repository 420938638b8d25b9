"""What is legal when: the server's side of a connection as one table.

Two rules keep this readable. Every transition is in ``TRANSITIONS``; nothing else decides what may be said. A message
counts when it is read or written, not when its work is done: reading Query leads to SIMPLE, in which the client must
wait, and only our ReadyForQuery leads back to READY.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from gateway.wire import backend as b
from gateway.wire import frontend as f
from gateway.wire.messages import Message


class State(Enum):
    """Where a connection stands. In a state that accepts no client message, the client waits for us."""

    __hash__ = object.__hash__  # Enum's is a function of Python, and each message asks for it several times

    STARTUP = "the first packet is awaited"
    SSL_REQUESTED = "we owe the answer to SSLRequest"
    GSSENC_REQUESTED = "we owe the answer to GSSENCRequest"
    HANDSHAKE = "TLS is being set up; nothing may come in the clear"
    STARTUP_ENCRYPTED = "the first packet under TLS is awaited"
    AUTHENTICATING = "we owe a request for a proof, or the result"
    CLEARTEXT = "a password in the clear is awaited"
    SASL_INITIAL = "the choice of a SASL mechanism is awaited"
    SASL = "we owe SASL data or the result"
    SASL_RESPONSE = "SASL data is awaited"
    STARTING = "the client is in; we owe settings, cancel key and ReadyForQuery"
    READY = "a statement is awaited"
    SIMPLE = "a Query or FunctionCall is being answered; we owe ReadyForQuery"
    EXTENDED = "between extended messages and their Sync"
    SKIPPING = "after an error between extended messages: all up to Sync is dropped"
    SYNCING = "Sync was read; we owe ReadyForQuery"
    COPY_IN = "COPY data is awaited, begun by a Query"
    COPY_IN_EXTENDED = "COPY data is awaited, begun by an Execute"
    COPY_OUT = "we send COPY data, begun by a Query"
    COPY_OUT_EXTENDED = "we send COPY data, begun by an Execute"
    COPY_BOTH = "COPY data flows both ways"
    FAILED = "the client broke the protocol; one ErrorResponse may be sent"
    CLOSED = "nothing may be said any more"


_UNASKED: Final = (b.NoticeResponse, b.NotificationResponse, b.ParameterStatus)
_ROWS: Final = (b.RowDescription, b.DataRow, b.CommandComplete, b.EmptyQueryResponse)
_EXTENDED_ANSWERS: Final = (
    *(b.ParseComplete, b.BindComplete, b.CloseComplete, b.ParameterDescription, b.NoData, b.PortalSuspended),
    *_ROWS,
    *_UNASKED,
)
_EXTENDED_REQUESTS: Final = (f.Parse, f.Bind, f.Describe, f.Execute, f.Close, f.Flush)

TRANSITIONS: Final[Mapping[State, Mapping[type[Message], State]]] = {
    State.STARTUP: {
        f.SSLRequest: State.SSL_REQUESTED,
        f.GSSENCRequest: State.GSSENC_REQUESTED,
        f.CancelRequest: State.CLOSED,
        f.StartupMessage: State.AUTHENTICATING,
        b.ErrorResponse: State.CLOSED,
    },
    State.SSL_REQUESTED: {
        b.SSLAccepted: State.HANDSHAKE,
        b.EncryptionRefused: State.STARTUP,
        b.ErrorResponse: State.CLOSED,
    },
    State.GSSENC_REQUESTED: {
        b.EncryptionRefused: State.STARTUP,
        b.ErrorResponse: State.CLOSED,
    },
    State.HANDSHAKE: {},
    State.STARTUP_ENCRYPTED: {
        f.CancelRequest: State.CLOSED,
        f.StartupMessage: State.AUTHENTICATING,
        b.ErrorResponse: State.CLOSED,
    },
    State.AUTHENTICATING: {
        b.NegotiateProtocolVersion: State.AUTHENTICATING,
        b.NoticeResponse: State.AUTHENTICATING,
        b.AuthenticationCleartextPassword: State.CLEARTEXT,
        b.AuthenticationSASL: State.SASL_INITIAL,
        b.AuthenticationOk: State.STARTING,
        b.ErrorResponse: State.CLOSED,
    },
    State.CLEARTEXT: {
        f.PasswordMessage: State.AUTHENTICATING,
        b.ErrorResponse: State.CLOSED,
    },
    State.SASL_INITIAL: {
        f.SASLInitialResponse: State.SASL,
        b.ErrorResponse: State.CLOSED,
    },
    State.SASL: {
        b.AuthenticationSASLContinue: State.SASL_RESPONSE,
        b.AuthenticationSASLFinal: State.AUTHENTICATING,
        b.AuthenticationOk: State.STARTING,  # of mechanisms that have no last data
        b.ErrorResponse: State.CLOSED,
    },
    State.SASL_RESPONSE: {
        f.SASLResponse: State.SASL,
        b.ErrorResponse: State.CLOSED,
    },
    State.STARTING: {
        b.ParameterStatus: State.STARTING,
        b.NoticeResponse: State.STARTING,
        b.BackendKeyData: State.STARTING,
        b.ReadyForQuery: State.READY,
        b.ErrorResponse: State.CLOSED,
    },
    State.READY: {
        f.Query: State.SIMPLE,
        f.FunctionCall: State.SIMPLE,
        **dict.fromkeys(_EXTENDED_REQUESTS, State.EXTENDED),
        f.Sync: State.SYNCING,
        f.Terminate: State.CLOSED,
        **dict.fromkeys(_UNASKED, State.READY),
        b.ErrorResponse: State.READY,  # unasked, as when a session is ended by a timeout
    },
    State.SIMPLE: {
        **dict.fromkeys((*_ROWS, *_UNASKED, b.FunctionCallResponse, b.ErrorResponse), State.SIMPLE),
        b.CopyInResponse: State.COPY_IN,
        b.CopyOutResponse: State.COPY_OUT,
        b.CopyBothResponse: State.COPY_BOTH,
        b.ReadyForQuery: State.READY,
    },
    State.EXTENDED: {
        **dict.fromkeys(_EXTENDED_REQUESTS, State.EXTENDED),
        f.Query: State.SIMPLE,  # PostgreSQL takes them without a Sync in between
        f.FunctionCall: State.SIMPLE,
        f.Sync: State.SYNCING,
        f.Terminate: State.CLOSED,
        **dict.fromkeys(_EXTENDED_ANSWERS, State.EXTENDED),
        b.CopyInResponse: State.COPY_IN_EXTENDED,
        b.CopyOutResponse: State.COPY_OUT_EXTENDED,
        b.ErrorResponse: State.SKIPPING,
    },
    State.SKIPPING: {
        f.Sync: State.SYNCING,
        f.Terminate: State.CLOSED,
        **dict.fromkeys(_UNASKED, State.SKIPPING),
        b.ErrorResponse: State.SKIPPING,  # unasked, as when a session is ended meanwhile
    },
    State.SYNCING: {  # a caller may read up to Sync before it answers, as a relay does
        **dict.fromkeys((*_EXTENDED_ANSWERS, b.ErrorResponse), State.SYNCING),
        **dict.fromkeys((b.CopyOutResponse, b.CopyData, b.CopyDone), State.SYNCING),
        b.CopyInResponse: State.COPY_IN_EXTENDED,  # the Sync is lost then: servers ignore it during COPY
        b.ReadyForQuery: State.READY,
    },
    State.COPY_IN: {
        f.CopyData: State.COPY_IN,
        f.CopyDone: State.SIMPLE,
        f.CopyFail: State.SIMPLE,
        f.Terminate: State.CLOSED,
        **dict.fromkeys(_UNASKED, State.COPY_IN),
        b.ErrorResponse: State.SIMPLE,
    },
    State.COPY_IN_EXTENDED: {
        f.CopyData: State.COPY_IN_EXTENDED,
        f.CopyDone: State.EXTENDED,
        f.CopyFail: State.EXTENDED,
        f.Terminate: State.CLOSED,
        **dict.fromkeys(_UNASKED, State.COPY_IN_EXTENDED),
        b.ErrorResponse: State.SKIPPING,
    },
    State.COPY_OUT: {
        **dict.fromkeys((b.CopyData, *_UNASKED), State.COPY_OUT),
        b.CopyDone: State.SIMPLE,
        b.ErrorResponse: State.SIMPLE,
    },
    State.COPY_OUT_EXTENDED: {
        **dict.fromkeys((b.CopyData, *_UNASKED), State.COPY_OUT_EXTENDED),
        b.CopyDone: State.EXTENDED,
        b.ErrorResponse: State.SKIPPING,
    },
    State.COPY_BOTH: {
        f.CopyData: State.COPY_BOTH,
        f.CopyDone: State.COPY_OUT,
        f.CopyFail: State.SIMPLE,
        f.Terminate: State.CLOSED,
        **dict.fromkeys((b.CopyData, *_UNASKED), State.COPY_BOTH),
        b.CopyDone: State.COPY_IN,
        b.ErrorResponse: State.SIMPLE,
    },
    State.FAILED: {b.ErrorResponse: State.CLOSED},
    State.CLOSED: {},
}

_COPY_MESSAGES: Final[tuple[type[Message], ...]] = (f.CopyData, f.CopyDone, f.CopyFail)

# Client messages that are legal but mean nothing: they are dropped unread and change no state.
DISCARDED: Final[Mapping[State, frozenset[type[Message]]]] = {
    # A client may still be sending when it has not yet heard that its COPY failed.
    State.READY: frozenset(_COPY_MESSAGES),
    State.EXTENDED: frozenset(_COPY_MESSAGES),
    State.SKIPPING: frozenset((*_COPY_MESSAGES, *_EXTENDED_REQUESTS, f.Query, f.FunctionCall)),
    # libpq sends these without having noticed that its statement is a COPY.
    State.COPY_IN: frozenset((f.Flush, f.Sync)),
    State.COPY_IN_EXTENDED: frozenset((f.Flush, f.Sync)),
}
