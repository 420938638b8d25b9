"""The server's side of a connection: what is legal when, limits, errors, and independence of how bytes arrive."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import backend as b
from gateway.wire import frontend as f
from gateway.wire.connection import DEFAULT_MESSAGE_LIMIT, NEED_DATA, PAUSED, Connection, Signal, negotiate
from gateway.wire.errors import LocalProtocolError, RemoteProtocolError
from gateway.wire.fields import ENCODING
from gateway.wire.messages import BackendMessage, FrontendMessage, Message
from gateway.wire.state import DISCARDED, TRANSITIONS, State

STARTUP = f.StartupMessage(3 << 16, {"user": "ada", "database": "lake"})
ERROR = b.ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "42601", "M": "syntax error"})
FATAL = b.ErrorResponse({"S": "FATAL", "V": "FATAL", "C": "57P01", "M": "terminating connection"})
EXTENDED: list[FrontendMessage] = [
    f.Parse("", "select $1"),
    f.Bind("", "", (), (b"1",)),
    f.Describe("P", ""),
    f.Execute(""),
]


def ready(message_limit: int = DEFAULT_MESSAGE_LIMIT) -> Connection:
    """Return a connection behind its login."""
    connection = Connection(message_limit=message_limit)
    assert receive(connection, STARTUP) == [STARTUP]
    answer(connection, b.AuthenticationOk(), b.ParameterStatus("server_version", "18"))
    answer(connection, b.BackendKeyData(1, b"abcd"), b.ReadyForQuery())
    return connection


def receive(connection: Connection, *messages: FrontendMessage) -> list[FrontendMessage]:
    """Give the messages' bytes; return the events up to the signal."""
    connection.receive_data(b"".join(message.encode() for message in messages))
    return events(connection)


def events(connection: Connection) -> list[FrontendMessage]:
    found: list[FrontendMessage] = []
    while not isinstance(event := connection.next_event(), Signal):
        found.append(event)
    return found


def answer(connection: Connection, *messages: BackendMessage) -> bytes:
    return b"".join(map(connection.send, messages))


# Start


def test_login_with_sasl() -> None:
    connection = Connection()
    assert receive(connection, STARTUP) == [STARTUP]
    assert connection.next_event() is PAUSED
    answer(connection, b.AuthenticationSASL(("SCRAM-SHA-256",)))
    initial = f.SASLInitialResponse("SCRAM-SHA-256", b"n,,n=,r=x")
    assert receive(connection, initial) == [initial]
    answer(connection, b.AuthenticationSASLContinue(b"r=xy"))
    assert receive(connection, f.SASLResponse(b"c=biws")) == [f.SASLResponse(b"c=biws")]
    answer(connection, b.AuthenticationSASLFinal(b"v="), b.AuthenticationOk(), b.ReadyForQuery())
    assert connection.state is State.READY


def test_login_with_password() -> None:
    connection = Connection()
    receive(connection, STARTUP)
    answer(connection, b.AuthenticationCleartextPassword())
    assert receive(connection, f.PasswordMessage("secret")) == [f.PasswordMessage("secret")]
    assert connection.send(b.AuthenticationOk()) == b"R\0\0\0\x08\0\0\0\0"


def test_encryption_may_be_asked_for_once_each() -> None:
    connection = Connection()
    assert receive(connection, f.GSSENCRequest()) == [f.GSSENCRequest()]
    assert connection.send(b.EncryptionRefused()) == b"N"
    assert receive(connection, f.SSLRequest()) == [f.SSLRequest()]
    assert connection.send(b.EncryptionRefused()) == b"N"
    refused(connection, f.SSLRequest().encode(), "0A000", "unsupported frontend protocol 1234.5679: server supports")


def test_startup_under_tls() -> None:
    connection = Connection()
    receive(connection, f.SSLRequest())
    assert connection.send(b.SSLAccepted()) == b"S"
    assert connection.next_event() is PAUSED
    connection.encryption_started()
    refused(connection, f.SSLRequest().encode(), "0A000", "unsupported frontend protocol 1234.5679")
    connection = Connection(encrypted=True)
    assert receive(connection, STARTUP) == [STARTUP]


@pytest.mark.parametrize("reply", [b.SSLAccepted(), b.EncryptionRefused()])
def test_bytes_behind_a_request_for_tls_are_refused(reply: BackendMessage) -> None:
    connection = Connection()
    connection.receive_data(f.SSLRequest().encode() + STARTUP.encode())
    assert connection.next_event() == f.SSLRequest()
    assert connection.next_event() is PAUSED
    assert connection.unread == STARTUP.encode()
    with pytest.raises(RemoteProtocolError, match="received unencrypted data after SSL request") as caught:
        connection.send(reply)
    assert caught.value.closes
    assert connection.unread == b""


def test_bytes_in_the_clear_during_the_handshake_are_refused() -> None:
    connection = Connection()
    receive(connection, f.SSLRequest())
    connection.send(b.SSLAccepted())
    with pytest.raises(RemoteProtocolError, match="received unencrypted data after SSL request"):
        connection.receive_data(STARTUP.encode())
    with pytest.raises(LocalProtocolError):
        connection.encryption_started()


def test_cancel_request_ends_the_connection() -> None:
    request = f.CancelRequest(7, bytes(range(32)))
    connection = Connection()
    assert receive(connection, request, STARTUP) == [request]
    assert connection.state is State.CLOSED


@pytest.mark.parametrize(
    ("data", "sqlstate", "message", "answered"),
    [
        (b"\x16\3\1\2\0\1", "08P01", "received a TLS handshake", False),
        (b"\x16", "08P01", "received a TLS handshake", False),
        (b"GET / HTTP/1.1\r\n\r\n", "08P01", "invalid length of startup packet", False),
        (b"\0\0\0\7\0\3\0", "08P01", "invalid length of startup packet", False),
        (b"\xff\xff\xff\xff", "08P01", "invalid length of startup packet", False),
        ((10000 + 5).to_bytes(4), "08P01", "invalid length of startup packet", False),
        (b"\0\0\0\x08\0\2\0\0", "0A000", "unsupported frontend protocol 2.0: server supports 3.0 to 3.2", True),
        (b"\0\0\1\x28\0\2\0\0" + bytes(288), "0A000", "unsupported frontend protocol 2.0", True),
        (b"\0\0\0\x09\0\4\0\0\0", "0A000", "unsupported frontend protocol 4.0", True),
        (b"\0\0\0\x09\0\3\0\0\0", "28000", "no PostgreSQL user name specified in startup packet", True),
        (b"\0\0\0\x0d\0\3\0\0user\0", "08P01", "invalid startup packet layout", True),
        (b"\0\0\0\x0f\0\3\0\0user\0a\0", "08P01", "invalid startup packet layout", True),
        (b"\0\0\0\x13\0\3\0\0user\0a\0\0x\0\0", "08P01", "invalid startup packet layout", True),
        (b"\0\0\0\x0c\4\xd2\x16\x2e\0\0\0\1", "08P01", "invalid length of cancel key", False),
    ],
)
def test_bad_startup_packets(data: bytes, sqlstate: str, message: str, answered: bool) -> None:
    error = refused(Connection(), data, sqlstate, message)
    assert error.answer is answered


def refused(connection: Connection, data: bytes, sqlstate: str, message: str) -> RemoteProtocolError:
    """Check that the data ends the connection with this error, after which one answer may still be sent."""
    with pytest.raises(RemoteProtocolError) as caught:
        connection.receive_data(data)
        events(connection)
    assert caught.value.sqlstate == sqlstate
    assert message in caught.value.message
    assert caught.value.closes
    states = [connection.state]
    assert connection.next_event() is PAUSED
    connection.receive_data(STARTUP.encode())
    assert connection.unread == b""
    connection.send(FATAL)
    assert [*states, connection.state] == [State.FAILED, State.CLOSED]
    return caught.value


def test_startup_with_bad_text() -> None:
    refused(Connection(), b"\0\0\0\x11\0\3\0\0user\0a\xff\0\0", "22021", "invalid byte sequence")


@pytest.mark.parametrize(
    ("minor", "parameters", "negotiated"),
    [
        (0, {}, None),
        (1, {}, None),
        (2, {}, None),
        (3, {}, b.NegotiateProtocolVersion(3 << 16 | 2)),
        (9999, {"_pq_.x": "1"}, b.NegotiateProtocolVersion(3 << 16 | 2, ("_pq_.x",))),
        (0, {"_pq_.x": "1", "_pq_.y": ""}, b.NegotiateProtocolVersion(3 << 16, ("_pq_.x", "_pq_.y"))),
    ],
)
def test_versions(minor: int, parameters: dict[str, str], negotiated: b.NegotiateProtocolVersion | None) -> None:
    connection = Connection()
    startup = f.StartupMessage(3 << 16 | minor, {"user": "ada", **parameters})
    assert receive(connection, startup) == [startup]
    assert negotiate(startup) == negotiated
    assert connection.protocol_version == 3 << 16 | min(minor, 2)
    assert connection.cancel_key_length == (4 if minor < 2 else 32)


def test_cancel_keys_are_short_before_3_2() -> None:
    connection = Connection()
    receive(connection, STARTUP)
    connection.send(b.AuthenticationOk())
    with pytest.raises(LocalProtocolError):
        connection.send(b.BackendKeyData(1, bytes(32)))
    connection = Connection()
    receive(connection, f.StartupMessage(3 << 16 | 2, {"user": "ada"}))
    connection.send(b.AuthenticationOk())
    assert connection.send(b.BackendKeyData(1, bytes(256))).endswith(bytes(256))


# Statements


def test_simple_query() -> None:
    connection = ready()
    assert receive(connection, f.Query("select 1"), f.Query("select 2")) == [f.Query("select 1")]
    assert connection.owes_ready
    answer(connection, b.RowDescription(()), b.DataRow(()), b.CommandComplete("SELECT 1"), b.ReadyForQuery())
    assert not connection.owes_ready
    assert events(connection) == [f.Query("select 2")]


def test_extended_query() -> None:
    connection = ready()
    assert receive(connection, *EXTENDED, f.Flush()) == [*EXTENDED, f.Flush()]
    answer(connection, b.ParseComplete(), b.BindComplete(), b.NoData(), b.CommandComplete("SET"))
    assert not connection.owes_ready
    assert receive(connection, f.Sync(), f.Query("x")) == [f.Sync()]
    assert connection.owes_ready
    answer(connection, b.ReadyForQuery())
    assert events(connection) == [f.Query("x")]


def test_after_an_error_all_up_to_sync_is_dropped() -> None:
    connection = ready()
    bad = f.Parse("bad", "selec")
    connection.receive_data(b"".join(message.encode() for message in (bad, *EXTENDED, f.Query("x"), f.Sync())))
    connection.receive_data(b"".join(message.encode() for message in (*EXTENDED, f.Sync())))
    assert connection.next_event() == bad
    connection.send(ERROR)
    assert connection.state is State.SKIPPING
    assert events(connection) == [f.Sync()]
    answer(connection, b.ReadyForQuery("E"))
    assert events(connection) == [*EXTENDED, f.Sync()]


def test_terminate_ends_skipping() -> None:
    connection = ready()
    receive(connection, f.Parse("", "selec"))
    connection.send(ERROR)
    assert receive(connection, f.Execute(""), f.Terminate(), f.Sync()) == [f.Terminate()]
    assert connection.state is State.CLOSED


def test_a_fatal_error_closes() -> None:
    connection = ready()
    connection.send(FATAL)
    assert connection.state is State.CLOSED
    with pytest.raises(LocalProtocolError):
        connection.send(b.ReadyForQuery())


@pytest.mark.parametrize(
    ("message", "state", "after_error"),
    [
        (b"Q\0\0\0\x06\xff\0", State.SIMPLE, State.SIMPLE),
        (b"P\0\0\0\x09\0\xff\0\0\0", State.EXTENDED, State.SKIPPING),
        (b"S\0\0\0\5x", State.SYNCING, State.SYNCING),
    ],
)
def test_a_malformed_message_is_an_error_like_any_other(message: bytes, state: State, after_error: State) -> None:
    connection = ready()
    connection.receive_data(message + f.Sync().encode())
    with pytest.raises(RemoteProtocolError) as caught:
        connection.next_event()
    assert not caught.value.closes
    assert connection.state is state
    connection.send(ERROR)
    assert connection.state is after_error
    if not connection.owes_ready:
        assert events(connection) == [f.Sync()]
    connection.send(b.ReadyForQuery())
    assert connection.state is State.READY


# COPY


@pytest.mark.parametrize("extended", [False, True])
def test_copy_in(extended: bool) -> None:
    connection = ready()
    receive(connection, *(EXTENDED if extended else [f.Query("copy t from stdin")]))
    connection.send(b.CopyInResponse(0, (0,)))
    data: list[FrontendMessage] = [f.CopyData(b"1\n"), f.CopyData(b"2\n"), f.CopyDone()]
    assert receive(connection, f.Flush(), f.Sync(), *data) == data
    answer(connection, b.CommandComplete("COPY 2"))
    assert connection.state is (State.EXTENDED if extended else State.SIMPLE)


@pytest.mark.parametrize("extended", [False, True])
def test_rest_of_a_failed_copy_is_dropped(extended: bool) -> None:
    connection = ready()
    receive(connection, *(EXTENDED if extended else [f.Query("copy t from stdin")]))
    connection.send(b.CopyInResponse(0, (0,)))
    receive(connection, f.CopyData(b"x"))
    connection.send(ERROR)
    if not extended:
        connection.send(b.ReadyForQuery())
    following: FrontendMessage = f.Sync() if extended else f.Query("select 1")
    assert receive(connection, f.CopyData(b"y"), f.CopyDone(), following) == [following]


def test_copy_fail() -> None:
    connection = ready()
    receive(connection, f.Query("copy t from stdin"))
    connection.send(b.CopyInResponse(1, ()))
    assert receive(connection, f.CopyFail("no")) == [f.CopyFail("no")]
    answer(connection, ERROR, b.ReadyForQuery())


def test_copy_out_makes_the_client_wait() -> None:
    connection = ready()
    receive(connection, *EXTENDED)
    answer(connection, b.CopyOutResponse(0, (0,)), b.CopyData(b"1\n"))
    assert receive(connection, f.Sync()) == []
    assert connection.next_event() is PAUSED
    answer(connection, b.CopyDone(), b.CommandComplete("COPY 1"))
    assert events(connection) == [f.Sync()]


def test_wrong_message_during_copy() -> None:
    connection = ready()
    receive(connection, f.Query("copy t from stdin"))
    connection.send(b.CopyInResponse(0, ()))
    refused(connection, f.Query("x").encode(), "08P01", "unexpected message type 0x51 during COPY from stdin")


# Relay


def test_relayed_answers_move_the_state() -> None:
    connection = ready()
    receive(connection, f.Query("select 1"))
    for type_byte in b"TDCZ":
        connection.relayed(type_byte)
    assert connection.state is State.READY
    receive(connection, *EXTENDED)
    connection.relayed(ord("E"))
    assert receive(connection, f.Execute(""), f.Sync()) == [f.Sync()]
    for type_byte in b"1Z":
        connection.relayed(type_byte)
    assert connection.state is State.READY
    receive(connection, *EXTENDED, f.Sync())
    connection.relayed(ord("G"))
    end: list[FrontendMessage] = [f.CopyDone(), f.Sync()]
    assert receive(connection, *end) == end


# Limits


@pytest.mark.parametrize("type_byte", b"DECHSXf")
def test_small_messages_have_a_small_limit(type_byte: int) -> None:
    refused(
        ready() if type_byte != ord("f") else copying(),
        bytes([type_byte]) + (10001).to_bytes(4),
        "08P01",
        "invalid message length",
    )


def copying() -> Connection:
    connection = ready()
    receive(connection, f.Query("copy t from stdin"))
    connection.send(b.CopyInResponse(0, ()))
    return connection


@pytest.mark.parametrize("length", [0, 3, 0x3FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_impossible_lengths(length: int) -> None:
    error = refused(ready(), b"Q" + length.to_bytes(4), "08P01", "invalid message length")
    assert not error.answer  # PostgreSQL closes without a word


def test_a_statement_behind_an_error_is_dropped_with_all_up_to_sync() -> None:
    connection = ready()
    receive(connection, f.Execute("nothing"))
    assert receive(connection, f.Query("select 1")) == [f.Query("select 1")]
    answer(connection, ERROR)  # to the Execute
    connection.skip()
    assert receive(connection, f.Query("select 2"), f.Parse("", "x"), f.Sync()) == [f.Sync()]
    with pytest.raises(LocalProtocolError):
        connection.skip()


def test_authentication_has_its_own_limit() -> None:
    connection = Connection()
    receive(connection, STARTUP)
    connection.send(b.AuthenticationSASL(("SCRAM-SHA-256",)))
    refused(connection, b"p" + (65536).to_bytes(4), "08P01", "invalid message length")


@pytest.mark.parametrize("data", [f.Query("x").encode(), f.Terminate().encode(), b"\0" * 5])
def test_nothing_but_authentication_before_the_login(data: bytes) -> None:
    connection = Connection()
    receive(connection, STARTUP)
    connection.send(b.AuthenticationSASL(("SCRAM-SHA-256",)))
    refused(connection, data, "08P01", f"expected SASL response, got message type {data[0]}")


def test_malformed_authentication_closes() -> None:
    connection = Connection()
    receive(connection, STARTUP)
    connection.send(b.AuthenticationSASL(("SCRAM-SHA-256",)))
    refused(connection, b"p\0\0\0\5x", "08P01", "invalid string in message")


@pytest.mark.parametrize("kind", [f.Query("x" * 5000), f.Parse("", "x" * 5000), f.Bind("", "", (), (bytes(5000),))])
@pytest.mark.parametrize("step", [1, 100, 100_000])
def test_a_message_beyond_the_limit_is_dropped(kind: FrontendMessage, step: int) -> None:
    connection = ready(message_limit=1000)
    data = kind.encode() + f.Sync().encode()
    errors, found = [], []
    for at in range(0, len(data), step):
        connection.receive_data(data[at : at + step])
        assert len(connection.unread) <= max(1000, step)
        try:
            found += events(connection)
        except RemoteProtocolError as error:
            errors.append(error)
            assert connection.state is (State.SIMPLE if isinstance(kind, f.Query) else State.EXTENDED)
            connection.send(ERROR)
            if connection.owes_ready:
                connection.send(b.ReadyForQuery())
            found += events(connection)
    assert [(error.sqlstate, error.closes) for error in errors] == [("54000", False)]
    assert found == [f.Sync()]


def test_a_claimed_length_allocates_nothing() -> None:
    connection = ready(message_limit=0x3FFFFFFE)
    tracemalloc.start()
    connection.receive_data(b"Q" + (0x3FFFFFFE).to_bytes(4) + b"x" * 100)
    assert connection.next_event() is NEED_DATA
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


# The table


def test_table_covers_every_state() -> None:
    assert set(TRANSITIONS) == set(State)
    reached = {State.STARTUP} | {state for rules in TRANSITIONS.values() for state in rules.values()}
    # Two states are entered by what the network layer tells, FAILED by a broken protocol.
    assert set(State) - reached == {State.STARTUP_ENCRYPTED, State.FAILED}


def test_discarded_messages_have_no_transition() -> None:
    for state, dropped in DISCARDED.items():
        assert not dropped & set(TRANSITIONS[state])


def test_no_two_client_messages_of_a_state_share_a_type() -> None:
    for state, rules in TRANSITIONS.items():
        types = [kind.type_byte for kind in (*rules, *DISCARDED.get(state, ())) if issubclass(kind, FrontendMessage)]
        types = [type_byte for type_byte in types if type_byte]
        assert len(types) == len(set(types)), state


LEGAL_SIMPLE = {"Q", "F", "P", "B", "D", "E", "C", "H", "S", "X", "d", "c", "f"}


@pytest.mark.parametrize(
    ("state", "legal"),
    [
        (State.READY, LEGAL_SIMPLE),
        (State.EXTENDED, LEGAL_SIMPLE),
        (State.SKIPPING, LEGAL_SIMPLE),
        (State.COPY_IN, {"d", "c", "f", "H", "S", "X"}),
    ],
)
def test_every_other_type_is_refused(state: State, legal: set[str]) -> None:
    for type_byte in range(256):
        connection = copying() if state is State.COPY_IN else ready()
        if state in (State.EXTENDED, State.SKIPPING):
            receive(connection, EXTENDED[0])
        if state is State.SKIPPING:
            connection.send(ERROR)
        connection.receive_data(bytes([type_byte]) + (4).to_bytes(4))
        try:
            connection.next_event()
            closes = False
        except RemoteProtocolError as error:
            closes = error.closes
        assert closes is (chr(type_byte) not in legal), (state, type_byte)


@pytest.mark.parametrize(
    ("messages", "illegal"),
    [
        ([], b.ReadyForQuery()),
        ([], b.RowDescription(())),
        ([], b.AuthenticationOk()),
        ([f.Query("x")], b.ParseComplete()),
        ([f.Query("x")], b.CopyData(b"")),
        (EXTENDED, b.ReadyForQuery()),
        (EXTENDED, b.SSLAccepted()),
    ],
)
def test_what_we_may_not_say(messages: Iterable[FrontendMessage], illegal: BackendMessage) -> None:
    connection = ready()
    receive(connection, *messages)
    before = connection.state
    with pytest.raises(LocalProtocolError, match=type(illegal).__name__):
        connection.send(illegal)
    assert connection.state is before


# Bytes as they come

SCRIPT: list[Message] = [
    *(f.SSLRequest(), b.EncryptionRefused(), STARTUP, b.AuthenticationSASL(("SCRAM-SHA-256",))),
    *(f.SASLInitialResponse("SCRAM-SHA-256", b"x"), b.AuthenticationSASLContinue(b"y"), f.SASLResponse(b"z")),
    *(b.AuthenticationSASLFinal(b"v"), b.AuthenticationOk(), b.BackendKeyData(1, b"abcd"), b.ReadyForQuery()),
    *(f.Query("select 'é'"), b.RowDescription(()), b.CommandComplete("SELECT 0"), b.ReadyForQuery()),
    *(*EXTENDED, f.Flush(), b.ParseComplete(), b.BindComplete(), b.PortalSuspended(), f.Close("P", ""), f.Sync()),
    *(b.CloseComplete(), b.ReadyForQuery("T"), f.Query("copy"), b.CopyInResponse(0, ()), f.CopyData(b"1" * 300)),
    *(f.CopyDone(), b.CommandComplete("COPY 1"), b.ReadyForQuery(), f.Terminate()),
]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_pieces_do_not_matter(sizes: list[int]) -> None:
    assert play(sizes) == play([1_000_000]) == [m for m in SCRIPT if isinstance(m, FrontendMessage)]


def test_byte_by_byte() -> None:
    assert play([1]) == [message for message in SCRIPT if isinstance(message, FrontendMessage)]


def play(sizes: list[int]) -> list[FrontendMessage]:
    """Play the script: client bytes come in pieces of these sizes, over and over, as far as the client may send."""
    connection = Connection()
    found: list[FrontendMessage] = []
    pending = b""
    for number, message in enumerate(SCRIPT):
        if isinstance(message, FrontendMessage):
            pending += message.encode()
            following = SCRIPT[number + 1] if number + 1 < len(SCRIPT) else None
            if isinstance(following, FrontendMessage):
                continue
            at = turn = 0
            while at < len(pending):
                size = sizes[turn % len(sizes)]
                connection.receive_data(pending[at : at + size])
                found += events(connection)
                at, turn = at + size, turn + 1
            pending = b""
        elif isinstance(message, BackendMessage):
            connection.send(message)
    return found


GARBAGE = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.builds(
            lambda kind, body: bytes([kind]) + (len(body) + 4).to_bytes(4) + body,
            st.sampled_from(b"QPBDECHSXFdcfp"),
            st.binary(max_size=20),
        ),
        st.sampled_from([message.encode() for message in SCRIPT if isinstance(message, FrontendMessage)]),
    ),
    max_size=12,
).map(b"".join)


@given(GARBAGE, st.sampled_from(["startup", "sasl", "ready", "copy"]), st.booleans())
@settings(max_examples=2000, deadline=None)
def test_garbage_breaks_the_protocol_and_nothing_else(data: bytes, phase: str, answering: bool) -> None:
    whole = digest([data], phase, answering)
    assert whole == digest([data[at : at + 1] for at in range(len(data))], phase, answering)


def digest(pieces: list[bytes], phase: str, answering: bool) -> list[object]:
    """Feed the pieces as a session would that answers each statement, or fails each; return what was seen."""
    connection = in_phase(phase)
    seen: list[object] = []
    for piece in pieces:
        try:
            connection.receive_data(piece)
        except RemoteProtocolError as error:  # only while TLS is being set up, which no session here starts
            raise AssertionError from error
        while True:
            try:
                event = connection.next_event()
            except RemoteProtocolError as error:
                seen.append((error.sqlstate, error.message, error.closes))
                connection.send(FATAL if error.closes else ERROR)
                end_statement(connection)
                continue
            if isinstance(event, Signal):
                break
            seen.append(event)
            if not answering and connection.state is State.EXTENDED:
                connection.send(ERROR)
            if isinstance(event, f.SSLRequest | f.GSSENCRequest):
                # Answered when a client has been silent; what would wait behind it is tested elsewhere.
                return seen
            end_statement(connection)
    return seen


def end_statement(connection: Connection) -> None:
    if connection.owes_ready:
        connection.send(b.ReadyForQuery())


def in_phase(phase: str) -> Connection:
    if phase == "ready":
        return ready()
    if phase == "copy":
        return copying()
    connection = Connection()
    if phase == "sasl":
        receive(connection, STARTUP)
        connection.send(b.AuthenticationSASL(("SCRAM-SHA-256",)))
    return connection


def test_the_last_message_is_there_as_it_came() -> None:
    connection = ready()
    connection.receive_data(b"".join(message.encode() for message in EXTENDED))
    for message in EXTENDED:
        event = connection.next_event()
        assert not isinstance(event, Signal)
        assert connection.bytes_of(event) == message.encode()
    first = f.Parse("", "select \xe4")
    encoding = ENCODING.set("latin-1")
    try:
        assert connection.bytes_of(first) == first.encode() == b"P\0\0\0\x10\0select \xe4\0\0\0"
    finally:
        ENCODING.reset(encoding)


@pytest.mark.parametrize("size", [1, 1 << 14, 1 << 15])
def test_what_came_is_not_mistaken_for_another_message(size: int) -> None:
    connection, query = ready(), f.Query("x" * size)
    (event,) = receive(connection, query)
    assert connection.bytes_of(event) == query.encode()
    assert connection.bytes_of(f.Query("y")) == f.Query("y").encode()
