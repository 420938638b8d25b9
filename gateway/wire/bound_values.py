"""The values of a Bind message that has come at once (`gateway.wire.sent_at_once`), cut out as they are: for a
statement whose formats are known they need no decoding to be sent on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.wire.fields import INT16, INT32, UINT16, UINT32, numbers
from gateway.wire.sent_at_once import END

_Formats = tuple[tuple[int, ...], tuple[int, ...]]
_LENGTH: Final = 4  # bytes before a value
_NULL: Final = -1
_SIZE_BEHIND: Final = len(END) + 1  # bytes of messages at once that Bind's length does not count
NAME_AT: Final = 6
"""Where the statement's name begins in a Bind message, behind its header and the unnamed portal."""
_BIND: Final = ord("B")
_packed: Final = UINT32.pack


class BoundValues:
    """Cuts them out of messages for a statement with so many parameters. ``written`` are the formats of parameters and
    of columns in the messages, ``sent`` those in the ones that go on.
    """

    __slots__ = ("_before", "_behind", "_count", "_last", "_sent_before", "_sent_behind")

    def __init__(self, count: int, written: _Formats, sent: _Formats) -> None:
        self._count = count
        self._before, self._behind = _around(count, written)
        self._behind += END
        self._sent_before, self._sent_behind = _around(count, sent)
        self._last: tuple[str | None, int, bytes] = (None, 0, b"")  # of the last statement that values were sent for

    def cut(self, data: bytes, named: int) -> bytes | None:
        """Return the values of a Bind message at once, whose statement's name ends at ``named``; None where it is not
        written in these formats.
        """
        before, behind, size = self._before, self._behind, len(data)
        begin, end = named + 1 + len(before), size - len(behind)
        if begin > end or not data.startswith(before, named + 1) or not data.endswith(behind):
            return None
        return data[begin:end] if int.from_bytes(data[1:5], "big") == size - _SIZE_BEHIND else None

    def split(self, raw: bytes) -> list[bytes | None] | None:
        """Return each of the values; None where they are not so many, or something else is behind them."""
        if self._count == 1 and int.from_bytes(raw[:_LENGTH], "big") == len(raw) - _LENGTH:
            return [raw[_LENGTH:]]  # mostly
        at, found = 0, list[bytes | None]()
        while at < len(raw):
            size = int.from_bytes(raw[at : at + _LENGTH], "big", signed=True)
            at += _LENGTH
            found.append(None if size == _NULL else raw[at : at + size])
            if size < _NULL:
                return None
            at += max(size, 0)
        return found if at == len(raw) and len(found) == self._count else None

    def message(self, name: str, raw: bytes) -> bytes:
        """Return the Bind message that goes on, with values that were cut out, for a statement of this name."""
        last, size, before = self._last
        if last != name:
            before = b"\0%b\0%b" % (name.encode("ascii"), self._sent_before)
            size = _LENGTH + len(before) + len(self._sent_behind)
            self._last = name, size, before
        return b"B%b%b%b%b" % (_packed(size + len(raw)), before, raw, self._sent_behind)


def _around(count: int, formats: _Formats) -> tuple[bytes, bytes]:
    parameters, columns = formats
    return numbers(INT16, parameters) + UINT16.pack(count), numbers(INT16, columns)


def name_at_once(data: bytes) -> tuple[str, int] | None:
    """Return the statement's name of a Bind message that may have come at once, and where it ends; None for any other
    message, and for a name that is not in ASCII. What is behind the name `BoundValues.cut` looks at.
    """
    ends = name_end(data)
    if ends is None:
        return None
    name = data[NAME_AT:ends]
    return (name.decode("ascii"), ends) if name.isascii() else None


def name_end(data: bytes) -> int | None:
    """Return where the statement's name of such a message ends, which begins at `NAME_AT`; None for any other one."""
    ends = data.find(0, NAME_AT)
    return None if ends < 0 or data[0] != _BIND or data[NAME_AT - 1] else ends


def raw_values(values: Sequence[bytes | None]) -> bytes:
    """Return values as a Bind message has them."""
    return b"".join([INT32.pack(_NULL) if one is None else INT32.pack(len(one)) + one for one in values])
