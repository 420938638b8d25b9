"""What a server sends is taken in pieces that end where messages do, however it arrives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.relay.received import Received

_MESSAGES = (
    b"T\0\0\0\x06\0\0",
    b"D\0\0\0\x06\0\0",
    b"D\0\0\0\x05x",
    b"d\0\0\0\x04",
    b"C\0\0\0\x06a\0",
    b"Z\0\0\0\x05I",
)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("take", [Received.take_rows, Received.take_described_rows])
def test_all_is_taken_in_order(take: Callable[[Received], bytes], size: int) -> None:
    received, taken = Received(), []
    data = b"".join(_MESSAGES)
    for at in range(0, len(data), size):
        received.data_received(data[at : at + size])
        while piece := take(received) or received.take_message():
            taken.append(piece)
    assert b"".join(taken) == data and not received.data
    starts = {sum(map(len, _MESSAGES[:number])) for number in range(len(_MESSAGES))}
    assert {sum(map(len, taken[:number])) for number in range(len(taken))} <= starts


def test_a_description_comes_with_the_rows_behind_it_and_alone_without() -> None:
    description, first, second, third, *_ = _MESSAGES
    received = Received()
    received.data_received(b"".join(_MESSAGES))
    assert received.take_rows() == b""
    assert received.take_described_rows() == description + first + second + third
    assert received.take_described_rows() == b""
    received = Received()
    received.data_received(description + first[:-1])
    assert received.take_described_rows() == description
    assert received.take_described_rows() == b""
