"""Cuts the answers of a real server at message borders, so that a relay can pass them on byte for byte.

Nothing is decoded, and rows are not even cut: a run of DataRow or CopyData messages comes back as one piece, and
passes on before its last message is complete, so a value of any size needs no room.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from gateway.wire.errors import PROTOCOL_VIOLATION, RemoteProtocolError

DATA_ROW: Final = 0x44  # D
COPY_DATA: Final = 0x64  # d
MESSAGE_LIMIT: Final = 64 * 1024 * 1024  # bytes of a message that has to be kept until it is whole

_length_at: Final = Struct(">I").unpack_from


class Splitter:
    """Splits one server's stream. Pieces are views of the given blocks, which must not be changed afterwards."""

    __slots__ = ("_passing", "_passing_type", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._passing = 0
        self._passing_type = DATA_ROW

    @property
    def at_border(self) -> bool:
        """Whether all that was split so far ends with a whole message, so that another may be put in behind it."""
        return not self._passing and not self._rest

    def split(self, block: bytes) -> list[tuple[int, memoryview]]:
        """Return what the block completes, in order: (type byte, bytes).

        Type ``DATA_ROW`` or ``COPY_DATA`` stands for any number of such messages, cut anywhere at both ends; every
        other piece is one whole message. Raises ``RemoteProtocolError`` when the stream is out of step.
        """
        if self._rest:
            self._rest += block
            if len(self._rest) < self._wanted():
                return []
            block = bytes(self._rest)
            self._rest = bytearray()
        view = memoryview(block)
        pieces: list[tuple[int, memoryview]] = []
        at = self._pass_on(view, pieces)
        end = len(block)
        while at + 5 <= end:
            type_byte = block[at]
            if type_byte in (DATA_ROW, COPY_DATA):
                at = self._run(type_byte, view, at, pieces)
                continue
            following = at + 1 + _checked(_length_at(block, at + 1)[0], MESSAGE_LIMIT)
            if following > end:
                break
            pieces.append((type_byte, view[at:following]))
            at = following
        if at < end:
            self._rest += view[at:]
        return pieces

    def _wanted(self) -> int:
        """Return how many bytes the rest must have before it is worth a look."""
        if len(self._rest) < 5 or self._rest[0] in (DATA_ROW, COPY_DATA):
            return 5
        return 1 + _checked(_length_at(self._rest, 1)[0], MESSAGE_LIMIT)

    def _pass_on(self, view: memoryview, pieces: list[tuple[int, memoryview]]) -> int:
        """Add the remaining bytes of a row that began in an earlier block; return the offset behind them."""
        size = min(self._passing, len(view))
        if size:
            pieces.append((self._passing_type, view[:size]))
            self._passing -= size
        return size

    def _run(self, type_byte: int, view: memoryview, start: int, pieces: list[tuple[int, memoryview]]) -> int:
        """Add the run of messages of this type that starts here; return the offset behind it."""
        end = len(view)
        last_header = end - 5
        at = start
        while at <= last_header and view[at] == type_byte:
            length = _length_at(view, at + 1)[0]
            if length < 4:
                raise _out_of_step()
            at += 1 + length
        if at > end:
            self._passing = at - end
            self._passing_type = type_byte
            at = end
        pieces.append((type_byte, view[start:at]))
        return at


def _checked(length: int, limit: int) -> int:
    if not 4 <= length <= limit:
        raise _out_of_step()
    return length


def _out_of_step() -> RemoteProtocolError:
    return RemoteProtocolError(PROTOCOL_VIOLATION, "the server's answer is out of step", closes=True)
