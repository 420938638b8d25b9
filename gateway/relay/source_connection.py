"""One connection to a source's server, spoken to in its own protocol: the bytes of its rows go on as they come."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.relay.received import Received
from gateway.relay.server_login import Authentication, LoginRefused, ServerTarget, connect, startup
from gateway.wire import backend, frontend
from gateway.wire.bound_values import BoundValues

_SYNC = frontend.Sync().encode()
_EXECUTE = frontend.Execute("").encode()
_EXECUTE_AND_SYNC = _EXECUTE + _SYNC
_READY, _COMPLETE, _SUSPENDED, _COLUMNS, _ERROR = b"ZCsTE"
_DATA, _COPYING = frozenset(b"Dd"), frozenset(b"Hc")
_CACHED_PLAN = "0A000"  # a statement's columns have changed since it was prepared
_KEPT_STATEMENTS = 200  # prepared on one connection; the one that was used longest ago gives way
_READ_ONLY = {
    "application_name": "lakegate",
    "search_path": "pg_catalog",
    "default_transaction_read_only": "on",
    "client_min_messages": "error",
    "row_security": "on",
    "standard_conforming_strings": "on",  # as constants are written; a server may have another opinion
    "quote_all_identifiers": "off",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "timezone_abbreviations": "Default",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
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


class Sink(Protocol):
    """Where rows go."""

    def write(self, data: bytes) -> None:
        """Queue bytes of complete DataRow or CopyData messages."""

    def relay(self, message: bytes) -> None:
        """Queue the message that begins a COPY, or ends its data."""

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an execution ended: the tag of the last command that did, "" for none, and the columns that were described.
    ``suspended``: there may be more rows.
    """

    tag: str = ""
    suspended: bool = False
    fields: tuple[backend.FieldDescription, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows the command had; 0 where its tag has no number."""
        count = self.tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


class Nobody:
    """A sink for what has no rows."""

    def write(self, data: bytes) -> None:
        """Drop it."""

    def relay(self, message: bytes) -> None:
        """Drop it."""

    async def drain(self) -> None:
        """Go on."""


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
        self._told: dict[tuple[str, tuple[int, ...]], Sequence[backend.FieldDescription]] = {}
        self._made = 0
        self.has_cursors = False  # that may outlive their transaction
        self._busy = self._is_stale = self._in_transaction = False

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
        """Whether another statement may be sent, by whoever has it next."""
        received = self._received
        is_left = self._busy or self._is_stale or self._in_transaction or self.has_cursors or received.data
        return not (is_left or received.ended or self._transport.is_closing())

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction block is open, failed or not."""
        return self._in_transaction

    @property
    def is_busy(self) -> bool:
        """Whether the server has not ended what it was asked."""
        return self._busy and not self._received.ended

    def close(self) -> None:
        """Close at once: what the server says yet is for nobody, who may have begun something else by then."""
        self._received.on_first = self._received.on_end = None
        self._transport.abort()

    def has_prepared(self, execution: Execution, told: Sequence[backend.FieldDescription]) -> bool:
        """Whether the statement was prepared here for a client who was told these columns (`note_told`), in whichever
        formats.
        """
        known = self._told.get((execution.sql, execution.oids))
        if known is told:
            return True
        return known is not None and [one.type_oid for one in known] == [one.type_oid for one in told]

    def note_told(self, execution: Execution, told: Sequence[backend.FieldDescription]) -> None:
        """Remember that a prepared statement's columns are those that a client was told."""
        self._told[execution.sql, execution.oids] = told

    async def prepare(
        self, sql: str, oids: tuple[int, ...], *, is_lasting: bool = True
    ) -> tuple[str, tuple[backend.FieldDescription, ...]]:
        """Return a statement's name and its columns, known from before where it was prepared already; one that is not
        ``is_lasting`` is prepared each time. Raises SourceFailed, SourceLost.
        """
        known = self._statements.get((sql, oids))
        if known is not None and is_lasting:
            self._statements.move_to_end((sql, oids))
            return known
        self._made += 1
        name, close = f"s{self._made}", b""
        if known is not None:
            close = self._closing((sql, oids))
        elif len(self._statements) >= _KEPT_STATEMENTS:
            close = self._closing(next(iter(self._statements)))
        parse = frontend.Parse(name, sql, oids).encode() + frontend.Describe("S", name).encode()
        fields = (await self.exchange(close + parse, Nobody())).fields
        self._statements[sql, oids] = (name, fields)
        return name, fields

    def _closing(self, key: tuple[str, tuple[int, ...]]) -> bytes:
        """Forget a statement, and return the message that closes it."""
        name, _ = self._statements.pop(key)
        self._told.pop(key, None)
        return frontend.Close("S", name).encode()

    async def run(self, execution: Execution, sink: Sink) -> int:
        """Execute a prepared statement and pass its rows to ``sink``; return how many there were. Raises SourceFailed,
        SourceLost.
        """
        ended = await self.exchange(self.bind(execution) + _EXECUTE, sink)
        return ended.rows

    def begin(
        self,
        execution: Execution,
        values: BoundValues,
        raw: bytes,
        first: Callable[[bytes], bool],
        ended: Callable[[], None],
    ) -> None:
        """Send a prepared statement, with values that were cut out as they are (``raw``). ``first`` is offered what
        comes next; where that is all, and was taken, `take` is to be called, else `finish`. ``ended``: the connection
        has ended.
        """
        key = (execution.sql, execution.oids)
        name, _ = self._statements[key]
        self._statements.move_to_end(key)
        received = self._received
        received.on_first, received.on_end = first, ended
        self._busy = True
        self._transport.write(values.message(name, raw) + _EXECUTE_AND_SYNC)

    def take(self) -> None:
        """Note that what `begin` has offered was all of an answer."""
        self._received.on_end = None
        self._busy = False

    async def finish(self, sink: Sink) -> int:
        """As `run`, for what `begin` has sent."""
        self._received.on_first = self._received.on_end = None
        return (await self._ended(sink)).rows

    def bind(self, execution: Execution, portal: str = "") -> bytes:
        """Return the message that makes a portal of a prepared statement."""
        name, _ = self._statements[execution.sql, execution.oids]
        self._statements.move_to_end((execution.sql, execution.oids))
        return frontend.Bind(portal, name, execution.formats, execution.values, execution.result_formats).encode()

    async def exchange(self, messages: bytes, sink: Sink) -> Ended:
        """Send messages of the extended protocol, with Sync behind them, and pass on what comes of rows, many at once.
        Raises SourceFailed, SourceLost.
        """
        return await self._answered(messages + _SYNC, sink)

    async def query(self, sql: str, sink: Sink) -> Ended:
        """Send a statement by itself, which alone may have parameters without values, and pass on its rows. Raises
        SourceFailed, SourceLost.
        """
        return await self._answered(frontend.Query(sql).encode(), sink)

    async def _answered(self, messages: bytes, sink: Sink) -> Ended:
        self._send(messages)
        return await self._ended(sink)

    async def _ended(self, sink: Sink) -> Ended:
        received = self._received
        tag, suspended, failure = b"", False, None
        fields: tuple[backend.FieldDescription, ...] = ()
        while True:
            if data := received.take_rows():
                sink.write(data)
                await sink.drain()
            message = received.take_message()
            if message is None:
                if not await received.more():
                    raise SourceLost()
                continue
            kind = message[0]
            if kind == _READY:
                self._in_transaction = message[5:6] != b"I"
                break
            if kind == _COMPLETE:
                tag, suspended = message[5:-1], False
            elif kind in _DATA:
                sink.write(message)
                await sink.drain()
            elif kind in _COPYING:
                sink.relay(message)
            elif kind == _SUSPENDED:
                tag, suspended = b"", True
            elif kind == _COLUMNS:
                fields = backend.RowDescription.decode(message[5:]).fields
            elif kind == _ERROR:
                failure = _failure(message)
        self._busy = False
        if failure is not None:
            self._is_stale = self._is_stale or failure.sqlstate == _CACHED_PLAN
            raise failure
        return Ended(tag.decode(), suspended, fields)

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
