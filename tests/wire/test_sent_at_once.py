"""A statement that has come as a whole is known as one; all else is read message by message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.wire import backend as b
from gateway.wire import frontend as f
from gateway.wire.connection import Connection
from gateway.wire.fields import ENCODING
from gateway.wire.messages import FrontendMessage
from gateway.wire.sent_at_once import InTurn, SentAtOnce, get_sent_at_once, in_turn
from gateway.wire.state import State

PARSE, NAMED = f.Parse("", "select $1", (25,)), f.Parse("näme", "select $1")
BIND, BIND_NAMED = f.Bind("", "", (1,), (b"1", None), (0, 1)), f.Bind("", "näme", (), (b"x",))
DESCRIBE, EXECUTE, SYNC = f.Describe("P", ""), f.Execute(""), f.Sync()
END = (DESCRIBE, EXECUTE, SYNC)
WHOLE = [(PARSE, BIND, *END), (BIND, *END), (NAMED, BIND_NAMED, *END), (BIND_NAMED, *END)]
OTHERS: list[tuple[FrontendMessage, ...]] = [
    (PARSE, BIND_NAMED, *END),
    (NAMED, BIND, *END),
    (PARSE, *END),
    END,
    (BIND, EXECUTE, SYNC),
    (BIND, f.Describe("S", ""), EXECUTE, SYNC),
    (BIND, DESCRIBE, f.Execute("", 1), SYNC),
    (BIND, DESCRIBE, f.Execute("p"), SYNC),
    (f.Bind("p", ""), *END),
    (BIND, BIND, *END),
    (PARSE, PARSE, BIND, *END),
    (PARSE, BIND, DESCRIBE, EXECUTE),
    (PARSE, BIND, *END, SYNC),
    (BIND, *END, BIND, *END),
    (f.Query("select 1"), BIND, *END),
    (f.Close("S", ""), BIND, *END),
]


def encoded(messages: tuple[FrontendMessage, ...]) -> bytes:
    return b"".join(one.encode() for one in messages)


def ready(limit: int = 1 << 20) -> Connection:
    connection = Connection(message_limit=limit)
    connection.receive_data(f.StartupMessage(3 << 16, {"user": "ada"}).encode())
    connection.next_event()
    for message in (b.AuthenticationOk(), b.ReadyForQuery()):
        connection.send(message)
    return connection


@pytest.mark.parametrize("messages", WHOLE)
def test_what_drivers_send_for_one_query(messages: tuple[FrontendMessage, ...]) -> None:
    connection, data = ready(), encoded(messages)
    connection.receive_data(data)
    found = connection.get_sent_at_once()
    assert found is not None
    assert (found.parse, found.data, found.encode()) == (messages[0] if len(messages) == 5 else None, data, data)
    turns = in_turn(found)
    assert turns is not None
    assert (turns.messages, turns.encode()) == (messages[:-1], data)
    assert (SentAtOnce.decode(data), InTurn.decode(data)) == (found, turns)
    bind = messages[-4]
    assert isinstance(bind, f.Bind)
    assert found.bound_to("kept one") == encoded((replace(bind, statement="kept one"), *END))
    connection.take_sent_at_once()
    assert (connection.state, connection.unread) == (State.SYNCING, b"")
    connection.send(b.ErrorResponse({"S": "ERROR", "C": "42601", "M": "syntax error"}))
    connection.send(b.ReadyForQuery())
    assert connection.state is State.READY


@pytest.mark.parametrize("messages", OTHERS)
def test_other_messages(messages: tuple[FrontendMessage, ...]) -> None:
    assert get_sent_at_once(encoded(messages)) is None
    with pytest.raises(ValueError, match="not the messages"):
        SentAtOnce.decode(encoded(messages))


@pytest.mark.parametrize("messages", WHOLE)
def test_nothing_that_is_cut_or_damaged(messages: tuple[FrontendMessage, ...]) -> None:
    data = encoded(messages)
    assert [size for size in range(len(data)) if get_sent_at_once(data[:size]) is not None] == []
    for at in range(len(data)):
        changed = data[:at] + bytes((data[at] ^ 0x80,)) + data[at + 1 :]
        found = get_sent_at_once(changed)
        if found is not None:  # within a text or a parameter: its messages are as long as they were
            assert (
                [len(one.encode()) for one in (in_turn(found) or InTurn(())).messages]
                in (
                    [],  # a parameter's length or a count is malformed: who carries it out says so
                    [len(one.encode()) for one in messages[:-1]],
                )
            )


def test_where_bytes_may_be_read_in_two_ways() -> None:
    connection = ready()
    connection.receive_data(encoded(WHOLE[0]))
    token = ENCODING.set("latin-1")
    try:
        assert connection.get_sent_at_once() is None
    finally:
        ENCODING.reset(token)
    assert connection.get_sent_at_once() is not None


def test_one_behind_another_message_and_one_in_pieces() -> None:
    connection, data = ready(), encoded(WHOLE[0])
    connection.receive_data(f.Flush().encode() + data)
    assert (connection.get_sent_at_once(), connection.next_event()) == (None, f.Flush())
    assert connection.get_sent_at_once() is None
    pieces = ready()
    pieces.receive_data(data[:7])
    pieces.receive_data(data[7:])
    assert (pieces.get_sent_at_once(), pieces.next_event()) == (None, PARSE)


def test_one_that_is_too_long_or_before_the_session() -> None:
    small, data = ready(limit=30), encoded(WHOLE[0])
    small.receive_data(data)
    assert small.get_sent_at_once() is None
    fresh = Connection()
    fresh.receive_data(data)
    assert fresh.get_sent_at_once() is None


RUN = (DESCRIBE, EXECUTE)
PIPED: list[tuple[tuple[FrontendMessage, ...], bool]] = [
    ((BIND, *RUN, SYNC), True),
    ((BIND_NAMED, *RUN, BIND, *RUN), True),
    ((BIND, *RUN, SYNC, BIND, *END), True),
    ((BIND, *RUN), False),  # what comes behind it may ask for the portal
    ((BIND, *RUN, EXECUTE, SYNC), False),
    ((BIND, *RUN, DESCRIBE, SYNC), False),
    ((BIND, *RUN, f.Close("P", ""), SYNC), False),
    ((BIND, *RUN, f.Flush(), SYNC), False),
    ((BIND, *RUN, f.Parse("", "select 1"), SYNC), False),
    ((BIND, *RUN, f.Bind("p", ""), SYNC), False),
    ((BIND, EXECUTE, SYNC), False),
    ((BIND, DESCRIBE, f.Execute("", 1), SYNC), False),
    ((f.Bind("p", ""), *RUN, SYNC), False),
    ((PARSE, BIND, *RUN, SYNC), False),
    ((f.Query("select 1"), BIND, *RUN, SYNC), False),
]


@pytest.mark.parametrize(("messages", "is_piped"), PIPED)
def test_one_before_others(messages: tuple[FrontendMessage, ...], is_piped: bool) -> None:
    connection, data = ready(), encoded(messages)
    connection.receive_data(data)
    found = connection.take_piped()
    assert (found is not None) == is_piped
    if found is None:
        assert (connection.state, connection.unread) == (State.READY, data)
        return
    assert (found.messages, found.encode()) == (messages[:3], data[: found.size])
    assert (connection.state, connection.unread) == (State.EXTENDED, data[found.size :])
    assert connection.next_event() == messages[3]


def test_one_before_others_is_read_as_a_whole_or_not_at_all() -> None:
    data = encoded((BIND_NAMED, *RUN, BIND, *RUN))
    size = len(encoded((BIND_NAMED, *RUN)))
    for cut in range(len(data)):
        connection = ready()
        connection.receive_data(data[:cut])
        assert (connection.take_piped() is not None) == (cut > size + 5)
    small = ready(limit=size - 1)
    small.receive_data(data)
    assert small.take_piped() is None
    token = ENCODING.set("latin-1")
    try:
        other = ready()
        other.receive_data(data)
        assert other.take_piped() is None
    finally:
        ENCODING.reset(token)


@pytest.mark.parametrize("at", range(len(encoded((BIND_NAMED, *RUN)))))
def test_damage_is_left_to_who_reads_one_by_one(at: int) -> None:
    data = encoded((BIND_NAMED, *RUN, SYNC))
    connection = ready()
    connection.receive_data(data[:at] + bytes((data[at] ^ 0x80,)) + data[at + 1 :])
    found = connection.take_piped()
    if found is not None:  # within a text or a parameter
        assert [len(one.encode()) for one in found.messages] == [len(one.encode()) for one in (BIND_NAMED, *RUN)]


def test_an_error_among_others_skips_to_sync() -> None:
    connection = ready()
    connection.receive_data(encoded((BIND, *RUN, BIND_NAMED, *RUN, SYNC)))
    assert connection.take_piped() is not None
    connection.send(b.ErrorResponse({"S": "ERROR", "C": "22012", "M": "division by zero"}))
    assert connection.take_piped() is None
    assert connection.next_event() == SYNC
