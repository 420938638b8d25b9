"""The relay's splitter passes every byte on, finds every message that is not a row, and keeps nothing of a row."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import backend as b
from gateway.wire.errors import RemoteProtocolError
from gateway.wire.messages import Message
from gateway.wire.splitter import COPY_DATA, DATA_ROW, MESSAGE_LIMIT, Splitter

ROWS = (DATA_ROW, COPY_DATA)
MESSAGES = st.lists(
    st.one_of(
        st.builds(b.DataRow, st.lists(st.none() | st.binary(max_size=30), max_size=4).map(tuple)),
        st.builds(b.CopyData, st.binary(max_size=30)),
        st.builds(b.ParameterStatus, st.just("TimeZone"), st.sampled_from(["UTC", "D" * 40])),
        st.builds(b.CommandComplete, st.just("SELECT 1")),
        st.builds(b.ReadyForQuery),
    ),
    max_size=20,
)


@given(MESSAGES, st.lists(st.integers(1, 60), min_size=1, max_size=10))
@settings(max_examples=400, deadline=None)
def test_all_bytes_pass_and_messages_are_found(messages: list[Message], sizes: list[int]) -> None:
    stream = b"".join(message.encode() for message in messages)
    splitter = Splitter()
    pieces: list[tuple[int, bytes]] = []
    at = turn = 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        pieces += [(kind, bytes(piece)) for kind, piece in splitter.split(stream[at : at + size])]
        at, turn = at + size, turn + 1
    assert b"".join(piece for _, piece in pieces) == stream
    assert splitter.at_border
    whole = [message.encode() for message in messages if message.type_byte[0] not in ROWS]
    assert [piece for kind, piece in pieces if kind not in ROWS] == whole
    assert runs([kind for kind, _ in pieces]) == runs([message.type_byte[0] for message in messages])


def runs(kinds: list[int]) -> list[int]:
    """Return the types with each run of rows as one."""
    return [kind for number, kind in enumerate(kinds) if kind not in ROWS or number == 0 or kinds[number - 1] != kind]


def test_a_run_of_rows_is_one_piece_without_a_copy() -> None:
    block = b.DataRow((b"1", None)).encode() * 1000
    [(kind, piece)] = Splitter().split(block)
    assert kind == DATA_ROW
    assert piece.obj is block
    assert piece == block


def test_a_large_row_passes_before_it_is_complete() -> None:
    splitter = Splitter()
    row = b.DataRow((bytes(1_000_000),)).encode()
    [(kind, piece)] = splitter.split(row[:1000])
    assert (kind, len(piece)) == (DATA_ROW, 1000)
    assert not splitter.at_border
    [(_, rest), (kind, ready)] = splitter.split(row[1000:] + b.ReadyForQuery().encode())
    assert len(rest) == len(row) - 1000
    assert (kind, bytes(ready)) == (ord("Z"), b.ReadyForQuery().encode())
    assert splitter.at_border


@pytest.mark.parametrize(
    "data", [b"Z\0\0\0\3", b"D\0\0\0\0", b"C" + (MESSAGE_LIMIT + 1).to_bytes(4), b"E\xff\xff\xff\xff"]
)
@pytest.mark.parametrize("step", [1, 5])
def test_a_stream_out_of_step_is_noticed(data: bytes, step: int) -> None:
    splitter = Splitter()
    with pytest.raises(RemoteProtocolError) as caught:
        for at in range(0, len(data), step):
            splitter.split(data[at : at + step])
    assert caught.value.closes
