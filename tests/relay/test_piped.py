"""Statements that come one behind the other, of which one Sync is behind all: what is answered, byte for byte."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import pq

from gateway.wire import frontend
from gateway.wire.messages import FrontendMessage

_TITLE = "SELECT id, title FROM origin.things WHERE id = $1"
_DIVIDED = "SELECT 12 / (id - 2) FROM origin.things WHERE id = $1"
_OTHERS = {"s": "SET work_mem = '8MB'", "w": "SHOW work_mem", "b": "BEGIN", "c": "COMMIT", "r": "ROLLBACK"}
_RUN = (frontend.Describe("P", ""), frontend.Execute(""))
_SYNC = frontend.Sync()


def _bound(name: str, value: bytes) -> tuple[FrontendMessage, ...]:
    return frontend.Bind("", name, (), (value,), (0,)), *_RUN


@contextmanager
def _raw(connection: psycopg.Connection) -> Iterator[socket.socket]:
    with socket.socket(fileno=socket.dup(connection.pgconn.socket)) as raw:
        raw.setblocking(True)
        raw.settimeout(20)
        yield raw


def _answers(raw: socket.socket, messages: tuple[FrontendMessage, ...]) -> list[tuple[bytes, bytes]]:
    """Send messages; return those that are answered, up to as many ReadyForQuery as there are Syncs."""
    raw.sendall(b"".join(one.encode() for one in messages))
    return _read(raw, messages.count(_SYNC))


def _read(raw: socket.socket, awaited: int) -> list[tuple[bytes, bytes]]:
    data, found = b"", list[tuple[bytes, bytes]]()
    while awaited:
        received = raw.recv(1 << 16)
        assert received, found
        data += received
        while len(data) >= 5 and len(data) > (size := int.from_bytes(data[1:5], "big")):
            message, data = data[: size + 1], data[size + 1 :]
            found.append(_comparable(message[:1], message[5:]))
            awaited -= message[:1] == b"Z"
    return found


def _comparable(kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Of an error its SQLSTATE counts, of a description the names: tables have other numbers here and there."""
    if kind == b"E":
        return kind, next(part for part in body.split(b"\0") if part[:1] == b"C")
    if kind == b"T":
        return kind, body[2:].split(b"\0", 1)[0]
    return kind, body


def _prepare(connection: psycopg.Connection, **texts: str) -> None:
    for name, text in texts.items():
        assert connection.pgconn.prepare(name.encode(), text.encode()).status == pq.ExecStatus.COMMAND_OK


PIPELINES: list[tuple[FrontendMessage, ...]] = [
    (*_bound("t", b"1"), *_bound("t", b"2"), *_bound("t", b"9"), *_bound("t", b"3"), _SYNC),
    (*_bound("t", b"1"), *_bound("d", b"1"), *_bound("d", b"2"), *_bound("t", b"1"), _SYNC, *_bound("t", b"2"), _SYNC),
    (*_bound("t", b"1"), _SYNC, *_bound("t", b"2"), _SYNC, *_bound("d", b"3"), _SYNC),
    (*_bound("t", b"1"), *_bound("none", b"1"), *_bound("t", b"1"), _SYNC),
    (*_bound("t", b"1"), *_bound("t", b"x"), *_bound("t", b"1"), _SYNC),
    (*_bound("t", b"1"), frontend.Execute(""), *_bound("t", b"1"), _SYNC),
    (*_bound("t", b"1"), frontend.Describe("P", ""), *_bound("t", b"2"), _SYNC),
    (*_bound("t", b"1"), frontend.Close("P", ""), *_bound("t", b"2"), _SYNC),
    (
        *_bound("t", b"1"),
        frontend.Parse("n", "SELECT 7"),
        frontend.Bind("", "n", (), ()),
        *_RUN,
        *_bound("t", b"2"),
        _SYNC,
    ),
    (*_bound("t", b"1"), frontend.Flush(), *_bound("t", b"2"), _SYNC),
    (frontend.Bind("", "s", (), ()), *_RUN, *_bound("t", b"1"), frontend.Bind("", "w", (), ()), *_RUN, _SYNC),
    (*_bound("t", b"1"), frontend.Bind("p", "t", (), (b"2",), (0,)), frontend.Execute("p"), *_bound("t", b"3"), _SYNC),
    (frontend.Bind("", "b", (), ()), *_RUN, *_bound("t", b"1"), frontend.Bind("", "c", (), ()), *_RUN, _SYNC),
    (
        *(frontend.Bind("", "b", (), ()), *_RUN, *_bound("d", b"2"), *_bound("t", b"1"), _SYNC, *_bound("t", b"1")),
        *(_SYNC, frontend.Bind("", "r", (), ()), *_RUN, _SYNC, *_bound("t", b"1"), *_bound("t", b"2"), _SYNC),
    ),
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_answers_are_postgresqls(
    through: psycopg.Connection, direct: psycopg.Connection, pipeline: tuple[FrontendMessage, ...]
) -> None:
    answers = []
    for connection in (through, direct):
        _prepare(connection, t=_TITLE, d=_DIVIDED, **_OTHERS)
        with _raw(connection) as raw:
            answers.append([_answers(raw, pipeline) for _ in range(4)])
    assert answers[0] == answers[1]


def test_bytes_that_come_in_two_parts(through: psycopg.Connection, direct: psycopg.Connection) -> None:
    messages = b"".join(one.encode() for one in PIPELINES[1])
    found = []
    for connection in (through, direct):
        _prepare(connection, t=_TITLE, d=_DIVIDED)
        answers = []
        with _raw(connection) as raw:
            _answers(raw, PIPELINES[1])
            for cut in range(1, len(messages), 17):
                raw.sendall(messages[:cut])
                time.sleep(0.002)
                raw.sendall(messages[cut:])
                answers.append(_read(raw, 2))
        found.append(answers)
    assert found[0] == found[1]
