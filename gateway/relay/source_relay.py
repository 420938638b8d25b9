"""Statements that one source's server answers alone: its own bytes go to the client, and the engine has no part.

What is sent is the governed query (`connectors.postgres.whole_statement`), under the session's settings. Where anything
is not as the client was told (the server cannot read the statement, or has other types for its columns), nothing is
sent, and the engine answers as it does for all other statements.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from cachetools import LRUCache

from catalog.errors import SqlError
from catalog.remote_logins import RemoteLogin, RemoteLogins
from catalog.scans import Source
from catalog.sqlstate import SqlState
from connectors.postgres.errors import connection_lost, remote_error
from connectors.postgres.source import PostgresSource
from gateway.relay.server_login import LoginRefused, ServerTarget
from gateway.relay.source_connection import Execution, SourceConnection, SourceFailed, SourceLost
from gateway.relay.source_pools import SourcePools
from gateway.relay.source_target import source_target
from gateway.values.settings import OutputSettings
from gateway.wire import backend

_log = structlog.get_logger(__name__)
_FIRST_OWN_OID = 16384  # types that are made, not built in: a server's and the mirror's differ
_KEPT_UNFIT = 1024
# What a statement itself may be told to have done: the client's own expressions over rows that he sees.
_TOLD_IN_FULL = ("0A", "21", "22")
_COLUMNS_CHANGED = "RevalidateCachedQuery"  # the server's routine that ends "cached plan must not change result type"


@dataclass(frozen=True, slots=True)
class WholeStatement:
    """A governed query as a source's server is to answer it, with the rights of ``reader``: ``sql`` for people, and as
    it is sent.
    """

    source: str
    reader: str
    sql: str
    sent: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole statement to be executed. ``told`` are the columns that the client knows of. ``in_full``: nothing is
    hidden from who asks, so that errors of his own expressions may be told in the server's words.
    """

    whole: WholeStatement
    execution: Execution
    told: Sequence[backend.FieldDescription]
    settings: OutputSettings
    in_full: bool


class Sink(Protocol):
    """Where rows go."""

    def write(self, data: bytes) -> None:
        """Queue bytes of complete DataRow messages."""

    async def drain(self) -> None:
        """Wait until the client has read enough of what is queued."""


class _Lines:
    """The rows of an EXPLAIN."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        self._data += data

    async def drain(self) -> None:
        pass

    def read(self) -> list[str]:
        found, at = [], 0
        while at < len(self._data):
            end = at + 1 + int.from_bytes(self._data[at + 1 : at + 5], "big")
            found.append(self._data[at + 11 : end].decode())  # after the type, two lengths and the number of columns
            at = end
        return found


class SourceRelay:
    """One for a process."""

    def __init__(self, sources: Mapping[str, Source], logins: RemoteLogins, failed: Callable[[SqlError], None]) -> None:
        self._sources = sources
        self._failed = failed  # told of what servers say
        self._logins = logins
        self._pools = SourcePools()
        self._loop = asyncio.get_running_loop()
        for name in sources:
            logins.follow(name, self._logins_changed)
        self._unfit: LRUCache[tuple[str, str, tuple[int, ...]], bool] = LRUCache(_KEPT_UNFIT)

    async def send(self, asked: Asked, client: Sink) -> int | None:
        """Have the server answer and pass its rows on; return how many. None: nothing was sent, and the engine is to
        answer. Raises SqlError.
        """
        key = (asked.whole.source, asked.execution.sql, asked.execution.oids)
        if key in self._unfit:
            return None
        async with self._connected(asked) as connection:
            if connection is None:
                return None
            if not await _fits(connection, asked):
                self._unfit[key] = True
                return None
            return await connection.run(asked.execution, client.write, client.drain)

    async def explain(self, asked: Asked, *, analyze: bool, verbose: bool) -> list[str] | None:
        """Return the lines of the server's own EXPLAIN; None where it does not take the statement. Raises SqlError."""
        options = f"ANALYZE {analyze}, VERBOSE {verbose}"
        text = asked.execution.sql if analyze else asked.whole.sql
        execution = replace(asked.execution, sql=f"EXPLAIN ({options}) {text}", result_formats=())
        lines = _Lines()
        async with self._connected(asked) as connection:
            if connection is None:
                return None
            try:
                await connection.prepare(execution.sql, execution.oids)
            except SourceFailed:
                return None  # the engine explains what it does instead
            await connection.run(execution, lines.write, lines.drain)
        return lines.read()

    @asynccontextmanager
    async def _connected(self, asked: Asked) -> AsyncIterator[SourceConnection | None]:
        """Give a connection under the session's settings; None where there is none to be had. What the server says is
        raised as SqlError.
        """
        whole = asked.whole
        source = self._sources[whole.source]
        assert isinstance(source, PostgresSource)
        login = self._logins.get(whole.source, whole.reader)
        target, settings = source_target(source.conninfo(login)), _as_settings(asked.settings)
        connection = await self._pools.take(target, settings) if target is not None else None
        if connection is None or target is None:  # the engine's driver says why
            yield None
            return
        try:
            yield connection
        except SourceFailed as failure:
            told = _told(whole.source, failure, in_full=asked.in_full, is_mapped=login is not None)
            self._failed(told)
            raise told from None
        except SourceLost:
            raise connection_lost(whole.source) from None
        finally:
            self._end(target, settings, connection)

    def _logins_changed(self, _logins: Collection[RemoteLogin]) -> None:
        """A login that is mapped no more keeps no connection. Called in any thread."""
        self._loop.call_soon_threadsafe(self._pools.close)

    def close(self) -> None:
        """Close all idle connections."""
        self._pools.close()

    def _end(self, target: ServerTarget, settings: Mapping[str, str], connection: SourceConnection) -> None:
        if connection.is_busy:  # it was broken off: the server is to stop
            stopping = asyncio.get_running_loop().create_task(_stop(connection))
            _STOPPING.add(stopping)
            stopping.add_done_callback(_STOPPING.discard)
        else:
            self._pools.give_back(target, settings, connection)


_STOPPING: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


async def _stop(connection: SourceConnection) -> None:
    try:
        await connection.abandon()
    except (OSError, TimeoutError, LoginRefused):
        _log.warning("a source could not be told to stop a statement")


async def _fits(connection: SourceConnection, asked: Asked) -> bool:
    """Whether the server reads the statement, with the columns that the client was told."""
    try:
        _, fields = await connection.prepare(asked.execution.sql, asked.execution.oids)
    except SourceFailed as failure:
        _log.info("a source does not take a whole statement", sqlstate=failure.sqlstate)
        return False
    return len(fields) == len(asked.told) and all(
        one.type_oid == other.type_oid or min(one.type_oid, other.type_oid) >= _FIRST_OWN_OID
        for one, other in zip(fields, asked.told, strict=True)
    )


def _told(source: str, failure: SourceFailed, *, in_full: bool, is_mapped: bool) -> SqlError:
    state = failure.sqlstate
    if failure.fields.get("R") == _COLUMNS_CHANGED:  # what the guard says, too
        state = str(SqlState.UNDEFINED_OBJECT)
    elif in_full and state.startswith(_TOLD_IN_FULL) and state in SqlState._value2member_map_:
        return SqlError(SqlState(state), failure.fields.get("M", ""), hint=failure.fields.get("H"))
    return remote_error(source, state, is_mapped=is_mapped)


def _as_settings(settings: OutputSettings) -> dict[str, str]:
    return {
        "TimeZone": settings.time_zone,
        "DateStyle": settings.date_style,
        "IntervalStyle": settings.interval_style,
        "extra_float_digits": str(settings.extra_float_digits),
        "bytea_output": settings.bytea_output,
        "client_encoding": "UTF8",
    }
