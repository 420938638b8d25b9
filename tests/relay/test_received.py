"""What a server sends is taken in pieces that end where messages do, however it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop

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


def test_a_server_that_had_to_wait_is_read_from_again_when_all_is_taken() -> None:
    """What comes next may be awaited in a callback alone, not by `more`."""

    async def talk() -> bytes:
        loop, received = asyncio.get_running_loop(), Received()
        answered: asyncio.Future[bytes] = loop.create_future()
        row = b"D\0\x10\0\x04" + bytes(1 << 20)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(row + b"Z\0\0\0\x05I")
            await reader.readexactly(1)
            writer.write(b"the next answer")
            await reader.read()
            writer.close()

        def taken(data: bytes) -> bool:
            answered.set_result(data)
            return True

        async with asyncio.timeout(10), await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            transport, _ = await loop.create_connection(lambda: received, *server.sockets[0].getsockname())
            while len(received.data) < len(row) + 6:
                await asyncio.sleep(0.01)
            assert not transport.is_reading()
            assert received.take_rows() == row and received.take_message() == b"Z\0\0\0\x05I"
            received.on_first = taken
            transport.write(b"?")
            found = await answered
            transport.close()
            return found

    assert uvloop.run(talk()) == b"the next answer"
