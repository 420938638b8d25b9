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

import structlog
from cachetools import LRUCache

from catalog.errors import SqlError
from catalog.names import always_quoted
from catalog.remote_logins import RemoteLogin, RemoteLogins
from catalog.scans import Source
from connectors.postgres.source import PostgresSource
from gateway.relay.source_connection import Execution, Sink, SourceConnection, SourceFailed, SourceLost
from gateway.relay.source_lease import Lease, Place, command
from gateway.relay.source_pools import SourcePools
from gateway.relay.source_portal import SourcePortal
from gateway.relay.source_target import source_target
from gateway.rights import Rights
from gateway.values.settings import OutputSettings
from gateway.wire import backend

_log = structlog.get_logger(__name__)
_FIRST_OWN_OID = 16384  # types that are made, not built in: a server's and the mirror's differ
_KEPT_UNFIT = 1024
_KEPT_PLACES = 256
_NOT_TAKEN = ("0A", "42")  # classes of SQLSTATE: what a server has not


@dataclass(frozen=True, slots=True)
class WholeStatement:
    """A governed query as a source's server is to answer it, with the rights of ``reader``: ``sql`` for people, and as
    it is sent. ``is_lasting``: it means the same whenever it is prepared.
    """

    source: str
    reader: str
    sql: str
    sent: str
    is_lasting: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole statement to be executed. ``told`` are the columns that the client knows of. ``in_full``: nothing is
    hidden from who asks, so that errors of his own expressions may be told in the server's words. ``rights`` are those
    that it was planned with: they are looked at when there is a connection.
    """

    whole: WholeStatement
    execution: Execution
    told: Sequence[backend.FieldDescription]
    settings: OutputSettings
    in_full: bool
    rights: Rights

    @property
    def key(self) -> tuple[str, str, tuple[int, ...]]:
        """What a server takes or does not."""
        return self.whole.source, self.execution.sql, self.execution.oids


class _Begun:
    """Passes on the data of a COPY, and knows whether it has begun."""

    def __init__(self, client: Sink) -> None:
        self.begun = False
        self.write, self.drain = client.write, client.drain
        self._client = client

    def relay(self, message: bytes) -> None:
        self.begun = True
        self._client.relay(message)


class _Lines:
    """The rows of an EXPLAIN."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        self._data += data

    def relay(self, message: bytes) -> None:
        pass

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
        self._knows_unfit = False
        self._places: LRUCache[tuple[str, str, OutputSettings], tuple[RemoteLogin | None, Place]] = LRUCache(
            _KEPT_PLACES
        )

    async def send(self, asked: Asked, client: Sink) -> int | None:
        """Have the server answer and pass its rows on; return how many. None: nothing was sent, and the engine is to
        answer. Raises SqlError.
        """
        lease = self._idle_lease(asked) or await self._lease(asked)
        if lease is None:
            return None
        try:
            connection = lease.connection
            if not _is_prepared(connection, asked) and not await self._takes(connection, asked):
                return None
            await asked.rights.require()
            return await connection.run(asked.execution, client)
        except (SourceFailed, SourceLost) as failure:
            raise lease.as_sql_error(failure) from None
        finally:
            lease.end()

    def get_prepared(self, asked: Asked, place: Place) -> SourceConnection | None:
        """Return an idle connection where a statement is prepared already, with the columns that the client was told,
        for `execute`, to be given back. ``place`` was the statement's (`get_place`), under the same logins.
        """
        connection = place.pool.get_idle()
        if connection is None:
            return None
        is_prepared = asked.whole.is_lasting and connection.has_prepared(asked.execution, asked.told)
        if not is_prepared or (self._knows_unfit and asked.key in self._unfit):
            place.pool.keep(connection)
            return None
        return connection

    async def execute(self, lease: Lease, execution: Execution, client: Sink) -> int:
        """Execute a statement that `get_prepared` has found, and pass its rows on; return how many. Raises SqlError."""
        try:
            return await lease.connection.run(execution, client)
        except (SourceFailed, SourceLost) as failure:
            raise lease.as_sql_error(failure) from None

    async def finish(self, lease: Lease, client: Sink) -> int:
        """As `execute`, for a statement that was begun on the connection itself."""
        try:
            return await lease.connection.finish(client)
        except (SourceFailed, SourceLost) as failure:
            raise lease.as_sql_error(failure) from None

    async def copy(self, asked: Asked, options: str, client: Sink) -> int | None:
        """As `send`, for ``COPY … TO STDOUT`` with ``options`` as SQL writes them."""
        async with self._connected(asked) as connection:
            if connection is None or not await self._takes(connection, asked):
                return None
            await asked.rights.require()
            sink = _Begun(client)
            names = ", ".join(always_quoted(one.name) for one in asked.told)
            query = f"SELECT * FROM ({asked.execution.sql}) AS copied ({names})" if names else asked.execution.sql
            text = f"COPY ({query}) TO STDOUT WITH ({options})"
            try:
                return (await connection.exchange(command(text), sink)).rows
            except SourceFailed as failure:
                if not sink.begun and failure.sqlstate.startswith(_NOT_TAKEN):
                    return None  # of an older server, which has not all of the options
                raise

    async def open(self, asked: Asked, declared: tuple[str, str] | None) -> SourcePortal | None:
        """Open a portal for portions of the rows, or a cursor that is DECLAREd with these words before and behind
        CURSOR; None as in `send`. Raises SqlError.
        """
        lease = await self._lease(asked)
        portal: SourcePortal | None = None
        try:
            if lease is None:
                return None
            with lease.told():
                if not await self._takes(lease.connection, asked):
                    return None
                await asked.rights.require()
            if declared is None:
                portal = SourcePortal(lease, asked.execution)
            else:
                made, fields = await SourcePortal.declare(lease, asked.execution, declared)
                portal = made if _are_as_told(fields, asked) else None
            return portal
        finally:
            if portal is None and lease is not None:
                lease.end()

    async def explain(self, asked: Asked, options: str, *, analyze: bool) -> list[str] | None:
        """Return the lines of the server's own EXPLAIN with these options; None where it does not take the statement.
        Raises SqlError.
        """
        text = asked.execution.sql if analyze else asked.whole.sql
        execution = replace(asked.execution, sql=f"EXPLAIN ({options}) {text}", result_formats=())
        lines = _Lines()
        async with self._connected(asked) as connection:
            if connection is None:
                return None
            try:
                await connection.prepare(execution.sql, execution.oids, is_lasting=asked.whole.is_lasting)
            except SourceFailed:
                return None  # the engine explains what it does instead
            await asked.rights.require()
            await connection.run(execution, lines)
        return lines.read()

    async def explain_generic(self, asked: Asked, options: str) -> list[str] | None:
        """Return the lines of the server's EXPLAIN for whatever values the parameters have; None where it makes none.
        Raises SqlError.
        """
        sql = f"EXPLAIN ({options}, GENERIC_PLAN) {asked.whole.sql}"
        lines = _Lines()
        async with self._connected(asked) as connection:
            if connection is None:
                return None
            try:
                await connection.prepare(sql, asked.execution.oids)  # which also says that it is one statement
                await connection.query(sql, lines)
            except SourceFailed:
                return None
        return lines.read()

    @asynccontextmanager
    async def _connected(self, asked: Asked) -> AsyncIterator[SourceConnection | None]:
        """Give a connection under the session's settings; None where there is none to be had. What the server says is
        raised as SqlError.
        """
        lease = await self._lease(asked)
        if lease is None:
            yield None
            return
        try:
            with lease.told():
                yield lease.connection
        finally:
            lease.end()

    def _idle_lease(self, asked: Asked) -> Lease | None:
        """Return a connection that is there, where it may be asked."""
        place = self.get_place(asked)
        connection = place.pool.get_idle() if place is not None else None
        return None if connection is None or place is None else Lease(place, connection, in_full=asked.in_full)

    async def _lease(self, asked: Asked) -> Lease | None:
        place = self.get_place(asked)
        connection = await place.pool.take() if place is not None else None
        if connection is None or place is None:  # the engine's driver says why
            return None
        return Lease(place, connection, in_full=asked.in_full)

    def get_place(self, asked: Asked) -> Place | None:
        """Return where to ask; None where the server cannot be, or does not take the statement."""
        if asked.key in self._unfit:
            return None
        whole = asked.whole
        key = (whole.source, whole.reader, asked.settings)
        login = self._logins.get(whole.source, whole.reader)
        known = self._places.get(key)
        if known is not None and known[0] is login:
            return known[1]
        source = self._sources[whole.source]
        assert isinstance(source, PostgresSource)
        target = source_target(source.conninfo(login))
        if target is None:
            return None
        pool = self._pools.pool(target, _as_settings(asked.settings))
        place = Place(whole.source, pool, login is not None, self._failed)
        self._places[key] = login, place
        return place

    async def _takes(self, connection: SourceConnection, asked: Asked) -> bool:
        """Whether the server reads the statement, with the columns that the client was told."""
        try:
            sql, oids = asked.execution.sql, asked.execution.oids
            _, fields = await connection.prepare(sql, oids, is_lasting=asked.whole.is_lasting)
        except SourceFailed as failure:
            _log.info("a source does not take a whole statement", sqlstate=failure.sqlstate)
            self._note_unfit(asked)
            return False
        if not _are_as_told(fields, asked):
            self._note_unfit(asked)
            return False
        connection.note_told(asked.execution, asked.told)
        return True

    def _note_unfit(self, asked: Asked) -> None:
        self._unfit[asked.key] = self._knows_unfit = True

    def _logins_changed(self, _logins: Collection[RemoteLogin]) -> None:
        """A login that is mapped no more keeps no connection. Called in any thread."""
        self._loop.call_soon_threadsafe(self.close)

    def close(self) -> None:
        """Close all idle connections."""
        self._places.clear()
        self._pools.close()


def _is_prepared(connection: SourceConnection, asked: Asked) -> bool:
    return asked.whole.is_lasting and connection.has_prepared(asked.execution, asked.told)


def _are_as_told(fields: Sequence[backend.FieldDescription], asked: Asked) -> bool:
    return len(fields) == len(asked.told) and all(
        one.type_oid == other.type_oid or min(one.type_oid, other.type_oid) >= _FIRST_OWN_OID
        for one, other in zip(fields, asked.told, strict=True)
    )


def _as_settings(settings: OutputSettings) -> dict[str, str]:
    return {
        "TimeZone": settings.time_zone,
        "DateStyle": settings.date_style,
        "IntervalStyle": settings.interval_style,
        "extra_float_digits": str(settings.extra_float_digits),
        "bytea_output": settings.bytea_output,
        "client_encoding": "UTF8",
    }
