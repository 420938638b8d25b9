"""A source's connection taken from its pool for a statement, until it is given back in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from catalog.errors import SqlError
from catalog.sqlstate import SqlState
from connectors.postgres.errors import connection_lost, remote_error
from gateway.relay.server_login import LoginRefused
from gateway.relay.source_connection import Nobody, SourceConnection, SourceFailed, SourceLost
from gateway.relay.source_pools import SourcePool
from gateway.wire import frontend

_log = structlog.get_logger(__name__)
# What a statement itself may be told to have done: the client's own expressions over rows that he sees.
_TOLD_IN_FULL = ("0A", "21", "22")
_COLUMNS_CHANGED = "RevalidateCachedQuery"  # the server's routine that ends "cached plan must not change result type"
_TASKS: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection belongs. ``failed`` is told of what servers say."""

    source: str
    pool: SourcePool
    is_mapped: bool
    failed: Callable[[SqlError], None]


class Lease:
    """A connection that nobody else uses until `end`. ``in_full``: errors are told to who sees everything."""

    __slots__ = ("_in_full", "_place", "connection")

    def __init__(self, place: Place, connection: SourceConnection, *, in_full: bool) -> None:
        self._place = place
        self._in_full = in_full
        self.connection = connection

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raise what the server says as SqlError."""
        try:
            yield
        except (SourceFailed, SourceLost) as failure:
            raise self.as_sql_error(failure) from None

    def as_sql_error(self, failure: SourceFailed | SourceLost) -> SqlError:
        """Return what the server said as it is told."""
        if isinstance(failure, SourceLost):
            return connection_lost(self._place.source)
        error = self._told(failure)
        self._place.failed(error)
        return error

    def end(self) -> None:
        """Give the connection back. Where it has not ended what it was asked, the server is told to stop, and it is
        closed; of what is left of a transaction it is freed first. Both go on by themselves.
        """
        connection = self.connection
        if connection.is_usable:
            self._place.pool.keep(connection)
        elif connection.is_busy:
            connection.close()
            _start(_stop(connection))
        elif connection.in_transaction or connection.has_cursors:
            _start(self._free())
        else:
            self._place.pool.give_back(connection)

    async def _free(self) -> None:
        connection = self.connection
        try:
            async with asyncio.timeout(self._place.pool.target.timeout or None):
                await connection.exchange(command("ROLLBACK") + command("CLOSE ALL"), Nobody())
        except (SourceFailed, SourceLost, TimeoutError):
            connection.close()
            return
        connection.has_cursors = False
        self._place.pool.give_back(connection)

    def _told(self, failure: SourceFailed) -> SqlError:
        place, state = self._place, failure.sqlstate
        if failure.fields.get("R") == _COLUMNS_CHANGED:  # what the guard says, too
            state = str(SqlState.UNDEFINED_OBJECT)
        elif self._in_full and state.startswith(_TOLD_IN_FULL) and state in SqlState._value2member_map_:
            return SqlError(SqlState(state), failure.fields.get("M", ""), hint=failure.fields.get("H"))
        return remote_error(place.source, state, is_mapped=place.is_mapped)


def command(text: str) -> bytes:
    """Return the messages that execute a command without rows."""
    messages = (frontend.Parse("", text, ()), frontend.Bind("", ""), frontend.Execute(""))
    return b"".join(message.encode() for message in messages)


def _start(work: Coroutine[None, None, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)


async def _stop(connection: SourceConnection) -> None:
    try:
        await connection.abandon()
    except (OSError, TimeoutError, LoginRefused):
        _log.warning("a source could not be told to stop a statement")
