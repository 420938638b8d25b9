"""Every message survives a round trip, and no body makes a decoder do anything but decode or complain."""

from __future__ import annotations

import dataclasses
import inspect
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.wire import backend as b
from gateway.wire import frontend as f
from gateway.wire import login
from gateway.wire.errors import LocalProtocolError, RemoteProtocolError
from gateway.wire.messages import BackendMessage, FrontendMessage, Message

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NAME = TEXT.filter(bool)
DATA = st.binary(max_size=40)
INT16 = st.integers(-(2**15), 2**15 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)
UINT32 = st.integers(0, 2**32 - 1)
FORMATS = st.lists(INT16, max_size=5).map(tuple)
OIDS = st.lists(UINT32, max_size=5).map(tuple)
VALUES = st.lists(st.none() | DATA, max_size=5).map(tuple)
TARGET = st.sampled_from(["S", "P"])
FIELDS = st.dictionaries(st.sampled_from("SVCMDHPpqWstcdnFLR"), TEXT, max_size=8)
COLUMN = st.builds(b.FieldDescription, TEXT, UINT32, INT16, UINT32, INT16, INT32, INT16)
BINDS = st.builds(f.Bind, TEXT, TEXT, st.lists(INT16, max_size=1).map(tuple), VALUES, FORMATS)

MESSAGES: dict[type[Message], st.SearchStrategy[Message]] = {
    f.StartupMessage: st.builds(
        f.StartupMessage, st.integers(2**16, 5 * 2**16), st.dictionaries(NAME, TEXT, max_size=6)
    ),
    f.SSLRequest: st.just(f.SSLRequest()),
    f.GSSENCRequest: st.just(f.GSSENCRequest()),
    f.CancelRequest: st.builds(f.CancelRequest, UINT32, st.binary(min_size=1, max_size=256)),
    f.PasswordMessage: st.builds(f.PasswordMessage, TEXT),
    f.SASLInitialResponse: st.builds(f.SASLInitialResponse, TEXT, st.none() | DATA),
    f.SASLResponse: st.builds(f.SASLResponse, DATA),
    f.Query: st.builds(f.Query, TEXT),
    f.Parse: st.builds(f.Parse, TEXT, TEXT, OIDS),
    f.Bind: BINDS,
    f.Describe: st.builds(f.Describe, TARGET, TEXT),
    f.Execute: st.builds(f.Execute, TEXT, INT32),
    f.Close: st.builds(f.Close, TARGET, TEXT),
    f.Flush: st.just(f.Flush()),
    f.Sync: st.just(f.Sync()),
    f.Terminate: st.just(f.Terminate()),
    f.FunctionCall: st.builds(f.FunctionCall, UINT32, FORMATS, VALUES, INT16),
    f.CopyData: st.builds(f.CopyData, DATA),
    f.CopyDone: st.just(f.CopyDone()),
    f.CopyFail: st.builds(f.CopyFail, TEXT),
    b.SSLAccepted: st.just(b.SSLAccepted()),
    b.EncryptionRefused: st.just(b.EncryptionRefused()),
    b.AuthenticationOk: st.just(b.AuthenticationOk()),
    b.AuthenticationCleartextPassword: st.just(b.AuthenticationCleartextPassword()),
    b.AuthenticationSASL: st.builds(b.AuthenticationSASL, st.lists(NAME, max_size=3).map(tuple)),
    b.AuthenticationSASLContinue: st.builds(b.AuthenticationSASLContinue, DATA),
    b.AuthenticationSASLFinal: st.builds(b.AuthenticationSASLFinal, DATA),
    b.NegotiateProtocolVersion: st.builds(b.NegotiateProtocolVersion, UINT32, st.lists(TEXT, max_size=4).map(tuple)),
    b.ParameterStatus: st.builds(b.ParameterStatus, TEXT, TEXT),
    b.BackendKeyData: st.builds(b.BackendKeyData, UINT32, st.binary(min_size=4, max_size=256)),
    b.ReadyForQuery: st.builds(b.ReadyForQuery, st.sampled_from(["I", "T", "E"])),
    b.RowDescription: st.builds(b.RowDescription, st.lists(COLUMN, max_size=4).map(tuple)),
    b.DataRow: st.builds(b.DataRow, VALUES),
    b.ParameterDescription: st.builds(b.ParameterDescription, OIDS),
    b.CommandComplete: st.builds(b.CommandComplete, TEXT),
    b.ParseComplete: st.just(b.ParseComplete()),
    b.BindComplete: st.just(b.BindComplete()),
    b.CloseComplete: st.just(b.CloseComplete()),
    b.NoData: st.just(b.NoData()),
    b.PortalSuspended: st.just(b.PortalSuspended()),
    b.EmptyQueryResponse: st.just(b.EmptyQueryResponse()),
    b.FunctionCallResponse: st.builds(b.FunctionCallResponse, st.none() | DATA),
    b.ErrorResponse: st.builds(b.ErrorResponse, FIELDS),
    b.NoticeResponse: st.builds(b.NoticeResponse, FIELDS),
    b.NotificationResponse: st.builds(b.NotificationResponse, UINT32, TEXT, TEXT),
    b.CopyInResponse: st.builds(b.CopyInResponse, st.integers(0, 1), FORMATS),
    b.CopyOutResponse: st.builds(b.CopyOutResponse, st.integers(0, 1), FORMATS),
    b.CopyBothResponse: st.builds(b.CopyBothResponse, st.integers(0, 1), FORMATS),
    b.CopyData: st.builds(b.CopyData, DATA),
    b.CopyDone: st.just(b.CopyDone()),
}
DECODERS = [*MESSAGES]


def defined(module: ModuleType, kind: type) -> set[type]:
    return {
        item
        for name, item in vars(module).items()
        if inspect.isclass(item) and issubclass(item, kind) and item.__module__ == module.__name__
        if not name.startswith("_") and name != "AuthenticationMessage"
    }


def test_all_messages_are_covered() -> None:
    existing = defined(f, FrontendMessage) | defined(b, BackendMessage) | defined(login, BackendMessage)
    assert existing == set(MESSAGES)


@pytest.mark.parametrize("kind", DECODERS, ids=lambda kind: f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}")
def test_messages_are_frozen_and_slotted(kind: type[Message]) -> None:
    assert dataclasses.is_dataclass(kind) or issubclass(kind, login._OneByte)
    assert not any("__dict__" in vars(parent) for parent in kind.__mro__)


@given(st.one_of(*MESSAGES.values()))
@settings(max_examples=1500, deadline=None)
def test_round_trip(message: Message) -> None:
    data = message.encode()
    assert type(message).decode(body_of(message, data)) == message


def body_of(message: Message, data: bytes) -> bytes:
    """Check type byte and length of a whole message; return its body."""
    if isinstance(message, login._OneByte):
        return data
    at = len(message.type_byte)
    assert data[:at] == message.type_byte
    assert int.from_bytes(data[at : at + 4]) == len(data) - at
    return data[at + 4 :]


@given(st.one_of(*(MESSAGES[kind] for kind in defined(b, BackendMessage))))
@settings(max_examples=300, deadline=None)
def test_server_messages_are_told_apart_by_their_type(message: Message) -> None:
    data = message.encode()
    assert b.decode(data[0], data[5:]) == message


@given(st.sampled_from(DECODERS), st.one_of(*MESSAGES.values()), st.data())
@settings(max_examples=1500, deadline=None)
def test_no_body_but_decodes_or_breaks_the_protocol(kind: type[Message], seed: Message, data: st.DataObject) -> None:
    body = bytearray(seed.encode()[5:])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    decodes_or_breaks_the_protocol(kind, bytes(body))


@given(st.sampled_from(DECODERS), st.binary(max_size=64))
@example(f.StartupMessage, b"\0\3\0\0user\0\0")
@example(b.NegotiateProtocolVersion, b"\xff" * 8)
@settings(max_examples=1500, deadline=None)
def test_no_random_body_but_decodes_or_breaks_the_protocol(kind: type[Message], body: bytes) -> None:
    decodes_or_breaks_the_protocol(kind, body)


def decodes_or_breaks_the_protocol(kind: type[Message], body: bytes) -> None:
    try:
        message = kind.decode(body)
    except RemoteProtocolError as error:
        assert len(error.sqlstate) == 5
        return
    # What decodes says the same again; only what a peer may write in several ways can differ in its bytes.
    try:
        data = message.encode()
    except LocalProtocolError:
        assert kind in (b.CopyInResponse, b.CopyOutResponse, b.CopyBothResponse)
        return
    assert kind.decode(body_of(message, data)) == message


@pytest.mark.parametrize(
    ("kind", "body", "sqlstate", "message"),
    [
        (f.Query, b"select 1", "08P01", "invalid string in message"),
        (f.Query, b"select 1\0more", "08P01", "invalid message format"),
        (f.Query, b"select '\xff'\0", "22021", 'invalid byte sequence for encoding "UTF8": 0xff'),
        (f.Query, b"\xe2\x28\xa1\0", "22021", 'invalid byte sequence for encoding "UTF8": 0xe2 0x28 0xa1'),
        (f.Query, b"\xed\xa0\x80\0", "22021", 'invalid byte sequence for encoding "UTF8": 0xed 0xa0 0x80'),
        (f.Parse, b"\0select 1\0\0", "08P01", "insufficient data left in message"),
        (f.Parse, b"\0select 1\0\0\2\0\0\0\1", "08P01", "insufficient data left in message"),
        (f.Bind, b"\0\0\0\0\0\1\xff\xff\xff\xfe\0\0", "08P01", "insufficient data left in message"),
        (f.Bind, b"\0\0\0\0\0\1\x7f\xff\xff\xff\0\0", "08P01", "insufficient data left in message"),
        (b.DataRow, b"\0\1\0\0\0\5abcd", "08P01", "insufficient data left in message"),
        (f.Describe, b"X\0", "08P01", "invalid DESCRIBE message subtype 88"),
        (f.Close, b"X\0", "08P01", "invalid CLOSE message subtype 88"),
        (f.Sync, b"x", "08P01", "invalid message format"),
        (f.SASLInitialResponse, b"SCRAM-SHA-256\0\xff\xff\xff\xfe", "08P01", "invalid message format"),
        (f.CancelRequest, bytes(4 + 4), "08P01", "invalid length of cancel key"),
        (f.CancelRequest, bytes(4 + 4 + 257), "08P01", "invalid length of cancel key"),
    ],
)
def test_malformed_bodies(kind: type[Message], body: bytes, sqlstate: str, message: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        kind.decode(body)
    assert (caught.value.sqlstate, caught.value.message, caught.value.closes) == (sqlstate, message, False)


@pytest.mark.parametrize(
    "message",
    [
        b.CommandComplete("SELECT\0 1"),
        b.ParameterStatus("application_name", "\ud800"),
        b.RowDescription((b.FieldDescription("a", 0, 0, 2**32, 4, -1),)),
        b.ParameterDescription((-1,)),
        b.ParameterDescription((0,) * 65536),
        b.DataRow((None,) * 65536),
        b.BackendKeyData(1, b"abc"),
        b.ErrorResponse({"": "x"}),
        b.AuthenticationSASL(("",)),
    ],
)
def test_what_cannot_be_written_is_our_bug(message: Message) -> None:
    with pytest.raises(LocalProtocolError):
        message.encode()


def test_an_error_can_always_be_told() -> None:
    data = b.ErrorResponse({"S": "ERROR", "M": "bad value \0 and \ud800"}).encode()
    assert data[5:] == b"SERROR\0Mbad value \\0 and \\ud800\0\0"


def test_secrets_are_not_shown() -> None:
    shown = repr([f.PasswordMessage("hunter2"), f.SASLResponse(b"hunter2"), b.BackendKeyData(1, b"hunter2")])
    assert "hunter2" not in shown
