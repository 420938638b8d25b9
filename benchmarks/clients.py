"""Two clients that read a result as fast as they can: libpq, and a socket that only counts bytes."""

from __future__ import annotations

import select
import socket
from struct import Struct

import psycopg
from psycopg import pq

from benchmarks.gateway_process import BenchmarkError

_READ_BYTES = 1 << 18
_READY = b"Z\x00\x00\x00\x05I"  # ReadyForQuery, idle
_COMPLETE_BYTES = 10  # of ParseComplete and BindComplete, before the first row
_HEAD_BYTES = 200
_LENGTH, _FORMATS = Struct(">I"), Struct(">HH")


def read_by_libpq(connection: psycopg.Connection, query: str, result_format: int) -> int:
    """Run a query through ``PQexecParams``, the whole result held by libpq; return its rows."""
    result = connection.pgconn.exec_params(query.encode(), None, result_format=result_format)
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise BenchmarkError(result.error_message.decode(errors="replace"))
    rows = result.ntuples
    result.clear()
    return rows


def read_by_socket(connection: psycopg.Connection, query: str, result_format: int) -> int:
    """Run a query over a logged-in connection, past libpq and without looking into the rows; return the bytes read.

    Raises BenchmarkError where the server answers with an error.
    """
    with socket.fromfd(connection.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM) as raw:
        raw.setblocking(True)
        try:
            raw.sendall(_messages(query, result_format))
            return _count(raw)
        finally:
            raw.setblocking(False)  # as libpq has it: the descriptor is a copy of the same socket


def _messages(query: str, result_format: int) -> bytes:
    parse = b"\0" + query.encode() + b"\0" + b"\0\0"
    bind = b"\0\0" + b"\0\0" + b"\0\0" + _FORMATS.pack(1, result_format)
    execute = b"\0" + _LENGTH.pack(0)
    parts = ((b"P", parse), (b"B", bind), (b"E", execute), (b"S", b""))
    return b"".join(kind + _LENGTH.pack(len(body) + 4) + body for kind, body in parts)


def _count(raw: socket.socket) -> int:
    view = memoryview(bytearray(_READ_BYTES))
    total, head, tail = 0, b"", b""
    while True:
        size = raw.recv_into(view)
        if size == 0:
            raise BenchmarkError("the server closed the connection")
        if len(head) < _HEAD_BYTES:
            head += bytes(view[:_HEAD_BYTES][:size])
        total += size
        tail = (tail + bytes(view[max(0, size - len(_READY)) : size]))[-len(_READY) :]
        # The same bytes inside of a row, at the very end of what was received and with nothing behind them, would end
        # the reading early; the count of bytes would show it.
        if tail == _READY and not select.select([raw], [], [], 0)[0]:
            break
    if b"E" in (head[:1], head[_COMPLETE_BYTES : _COMPLETE_BYTES + 1]):
        raise BenchmarkError(f"the server refused: {head!r}")
    return total
