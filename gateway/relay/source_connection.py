"""One connection to a source's server, spoken to in its own protocol: the bytes of its rows go on as they come."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.relay.received import Received
from gateway.relay.server_login import Authentication, LoginRefused, ServerTarget, connect, startup
from gateway.wire import backend, frontend

_CACHED_PLAN = "0A000"  # a statement's columns have changed since it was prepared
_KEPT_STATEMENTS = 200  # prepared on one connection; the one that was used longest ago gives way
_READ_ONLY = {
    "application_name": "lakegate",
    "search_path": "pg_catalog",
    "default_transaction_read_only": "on",
    "client_min_messages": "error",
    "row_security": "on",
}


class SourceFailed(Exception):
    """The server answered with an error; ``fields`` are those of its ErrorResponse."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("the source failed")
        self.fields = fields

    @property
    def sqlstate(self) -> str:
        """The server's SQLSTATE."""
        return self.fields.get("C", "")


class SourceLost(Exception):
    """The connection has ended."""


@dataclass(frozen=True, slots=True)
class Execution:
    """A statement with its parameters as the client sent them. ``oids`` are their types."""

    sql: str
    oids: tuple[int, ...] = ()
    formats: tuple[int, ...] = ()
    values: tuple[bytes | None, ...] = ()
    result_formats: tuple[int, ...] = ()


class SourceConnection:
    """A logged-in, read-only connection. Not safe for several tasks at once. ``is_usable`` is False once it has failed
    in the midst of something.
    """

    def __init__(self, target: ServerTarget, received: Received, transport: asyncio.Transport) -> None:
        self._target = target
        self._received = received
        self._transport = transport
        self._key = (0, b"")
        self._statements: OrderedDict[tuple[str, tuple[int, ...]], tuple[str, tuple[backend.FieldDescription, ...]]]
        self._statements = OrderedDict()
        self._made = 0
        self._busy = self._is_stale = False

    @classmethod
    async def open(cls, target: ServerTarget, settings: Mapping[str, str]) -> SourceConnection:
        """Connect and log in. Raises LoginRefused, OSError, TimeoutError."""
        async with asyncio.timeout(target.timeout or None):
            received = Received()
            connection = cls(target, received, await connect(target, received))
            try:
                await connection._log_in(settings)
            except BaseException:
                connection.close()
                raise
        return connection

    @property
    def is_usable(self) -> bool:
        """Whether another statement may be sent."""
        return not (
            self._busy or self._is_stale or self._received.ended or self._received.data or self._transport.is_closing()
        )

    @property
    def is_busy(self) -> bool:
        """Whether the server has not ended what it was asked."""
        return self._busy and not self._received.ended

    def close(self) -> None:
        """Close at once."""
        self._transport.abort()

    async def prepare(self, sql: str, oids: tuple[int, ...]) -> tuple[str, tuple[backend.FieldDescription, ...]]:
        """Return a statement's name and its columns, known from before where it was prepared already. Raises
        SourceFailed, SourceLost.
        """
        known = self._statements.get((sql, oids))
        if known is not None:
            self._statements.move_to_end((sql, oids))
            return known
        self._made += 1
        name, close = f"s{self._made}", b""
        if len(self._statements) >= _KEPT_STATEMENTS:
            close = frontend.Close("S", self._statements.popitem(last=False)[1][0]).encode()
        fields: tuple[backend.FieldDescription, ...] = ()
        parse = frontend.Parse(name, sql, oids).encode() + frontend.Describe("S", name).encode()
        self._send(close + parse + frontend.Sync().encode())
        failure = None
        while (message := await self._message())[:1] != b"Z":
            if message[:1] == b"T":
                fields = backend.RowDescription.decode(message[5:]).fields
            elif message[:1] == b"E":
                failure = _failure(message)
        self._busy = False
        if failure is not None:
            raise failure
        self._statements[sql, oids] = (name, fields)
        return name, fields

    async def run(
        self, execution: Execution, sink: Callable[[bytes], None], drain: Callable[[], Awaitable[None]]
    ) -> int:
        """Execute a prepared statement and pass its DataRow messages to ``sink``, many at once; return how many rows
        there were. ``drain`` is awaited as often. Raises SourceFailed, SourceLost.
        """
        name, _ = self._statements[execution.sql, execution.oids]
        bind = frontend.Bind("", name, execution.formats, execution.values, execution.result_formats)
        self._send(bind.encode() + frontend.Execute("").encode() + frontend.Sync().encode())
        rows, failure = 0, None
        while True:
            if data := self._received.take_rows():
                sink(data)
                await drain()
                continue
            message = await self._message()
            kind = message[:1]
            if kind == b"Z":
                break
            if kind == b"D":
                sink(message)
                await drain()
            elif kind == b"C":
                count = message[5:-1].rpartition(b" ")[2]
                rows = int(count) if count.isdigit() else 0  # EXPLAIN has none
            elif kind == b"E":
                failure = _failure(message)
        self._busy = False
        if failure is not None:
            self._is_stale = failure.sqlstate == _CACHED_PLAN
            raise failure
        return rows

    async def abandon(self) -> None:
        """Have the server stop what it runs for this connection, and close."""
        self.close()
        received = Received()
        async with asyncio.timeout(self._target.timeout or None):
            transport = await connect(self._target, received)
            process_id, secret = self._key
            transport.write(frontend.CancelRequest(process_id, secret).encode())
            while await received.more():
                pass  # the server closes without an answer
            transport.close()

    async def _log_in(self, settings: Mapping[str, str]) -> None:
        authentication = Authentication(self._target)
        self._send(startup(self._target, {**_READ_ONLY, **settings}))
        while True:
            message = await self._message()
            kind = message[:1]
            if kind == b"R":
                answer = authentication.answer(message)
                if answer:
                    self._send(answer)
            elif kind == b"K":
                key = backend.BackendKeyData.decode(message[5:])
                self._key = (key.process_id, key.secret_key)
            elif kind == b"E":
                raise LoginRefused(_failure(message).sqlstate)
            elif kind == b"Z":
                self._busy = False
                return

    def _send(self, data: bytes) -> None:
        self._busy = True
        self._transport.write(data)

    async def _message(self) -> bytes:
        while (message := self._received.take_message()) is None:
            if not await self._received.more():
                raise SourceLost()
        return message


def _failure(message: bytes) -> SourceFailed:
    return SourceFailed(backend.ErrorResponse.decode(message[5:]).fields)
