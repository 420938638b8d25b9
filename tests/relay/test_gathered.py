"""What is gathered arrives whole and in its order, over a connection of the loop's own."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.relay.gathered import Gathered
from gateway.relay.received import Received


async def _connected() -> tuple[Gathered, socket.socket]:
    ours, theirs = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().create_connection(Received, sock=ours)
    theirs.setblocking(False)
    return Gathered(transport), theirs


async def _received(theirs: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += await asyncio.get_running_loop().sock_recv(theirs, 1 << 20)
    return found


def test_one_step_is_sent_at_once() -> None:
    async def work() -> None:
        gathered, theirs = await _connected()
        with theirs:
            for _ in range(2):
                for part in (b"parse", memoryview(b"bind"), b"sync"):
                    gathered.write(part)
                with pytest.raises(BlockingIOError):
                    theirs.recv(1)
                assert await asyncio.get_running_loop().sock_recv(theirs, 100) == b"parsebindsync"
            gathered.close()

    asyncio.run(work())


@pytest.mark.parametrize("size", [1, 1 << 14, 1 << 20])
def test_all_that_was_written_is_sent_before_the_end(size: int) -> None:
    async def work() -> None:
        gathered, theirs = await _connected()
        with theirs:
            parts = [b"first", b"x" * size, b"last"]
            for part in parts:
                gathered.write(part)
            gathered.close()
            assert gathered.is_closing()
            assert await _received(theirs, size + 9) == b"".join(parts)
            assert await asyncio.get_running_loop().sock_recv(theirs, 1) == b""

    asyncio.run(work())
