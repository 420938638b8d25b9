"""Connections of the server's owner for changes of the mirror: kept between changes, and checked before use.

A change needs two. One holds the lock of all changes, in a database that clients cannot reach: in the mirror's own they
could hold it themselves. The other is the change's transaction. Both log in as the server's owner each time that they
are made; between changes nothing of a change is left in them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from catalog.errors import SqlError
from catalog.server import Server
from catalog.sqlstate import SqlState

CHANGE_LOCK = 0x6D697272  # "mirr": gateways on one server change the mirror one after the other
_LOCK = f"SELECT pg_catalog.pg_advisory_lock({CHANGE_LOCK})"
_UNLOCK = f"SELECT pg_catalog.pg_advisory_unlock({CHANGE_LOCK})"
_GUARD_OPTIONS = "-c lock_timeout=30000"  # a gateway that hangs must not make all others hang
_OPTIONS = (
    "-c lock_timeout=1000 -c client_min_messages=error -c standard_conforming_strings=on -c event_triggers=off"
    " -c search_path="
    # The store's commit is the one that counts: a change of the mirror that a crash takes away is made again.
    " -c synchronous_commit=off"
)
# What a change sets ends with its transaction; should it ever not, then here. Prepared statements stay.
_RESET = "RESET SESSION AUTHORIZATION; RESET ALL"
_MOST = 2  # kept pairs
_PREPARED = {"prepare_threshold": 1}  # half of a small query's time is its planning
_OLDEST = 300.0  # seconds; firewalls forget connections


@dataclass(frozen=True, slots=True)
class _Pair:
    guard: psycopg.Connection
    change: psycopg.Connection
    since: float = field(default_factory=time.monotonic)

    def close(self) -> None:
        self.guard.close()
        self.change.close()


class MirrorConnections:
    """Makes, keeps and lends the connections of one mirror. Safe to use from several threads."""

    def __init__(self, server: Server, database: str) -> None:
        self._server = server
        self._database = database
        self._kept: list[_Pair] = []
        self._lock = threading.Lock()

    @contextmanager
    def changing(self) -> Iterator[psycopg.Connection]:
        """One transaction in the mirror as its owner, with no other gateway's at the same time; committed at the end of
        the block, or not at all where it raises. Raises ServerError, psycopg.Error, or SqlError 55P03: others do not
        end.
        """
        pair = self._locked()
        try:
            try:
                yield pair.change
                pair.change.commit()
            except BaseException:
                pair.change.rollback()
                raise
        except psycopg.OperationalError:
            pair.close()  # with the guard goes the lock
            raise
        except BaseException:
            self._take_back(pair)
            raise
        self._take_back(pair)

    def to(self, database: str) -> psycopg.Connection:
        """Return a new connection to another database of the server, for a change of the mirror that is there."""
        parameters = self._server.connection_parameters(database)
        return psycopg.connect(**{**parameters, "options": _OPTIONS})

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            kept, self._kept = self._kept, []
        for pair in kept:
            pair.close()

    def _locked(self) -> _Pair:
        """Return a pair that works, with the lock."""
        while True:
            with self._lock:
                pair = self._kept.pop() if self._kept else None
            if pair is None:
                return self._made()
            if time.monotonic() - pair.since <= _OLDEST:
                try:
                    pair.change.execute("SELECT")
                    pair.change.autocommit = False
                    _take_lock(pair.guard)
                    return pair
                except psycopg.Error:
                    pass  # it broke while it was idle
                except BaseException:
                    pair.close()
                    raise
            pair.close()

    def _made(self) -> _Pair:
        guard_parameters = self._server.connection_parameters(self._server.maintenance_database)
        parameters = self._server.connection_parameters(self._database)
        guard = psycopg.connect(**{**guard_parameters, "options": _GUARD_OPTIONS}, autocommit=True)
        try:
            _take_lock(guard)
            change = psycopg.connect(**{**parameters, "options": _OPTIONS, **_PREPARED})
        except BaseException:
            guard.close()
            raise
        return _Pair(guard, change)

    def _take_back(self, pair: _Pair) -> None:
        try:
            pair.guard.execute(_UNLOCK)
            pair.change.autocommit = True
            pair.change.execute(_RESET)
        except psycopg.Error:
            pair.close()
            return
        with self._lock:
            if len(self._kept) < _MOST:
                self._kept.append(_Pair(pair.guard, pair.change))
                return
        pair.close()


class OwnConnection:
    """One connection of the owner's, each statement its own transaction, for what changes nothing that clients share.
    Safe to use from several threads, one at a time.
    """

    def __init__(self, server: Server, database: str) -> None:
        self._server = server
        self._database = database
        self._kept: psycopg.Connection | None = None
        self._lock = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """Lend the connection. Raises psycopg.Error; the next to come gets another one then."""
        with self._lock:
            try:
                if self._kept is None:
                    parameters = self._server.connection_parameters(self._database)
                    options = {**parameters, "options": _OPTIONS, **_PREPARED}
                    self._kept = psycopg.connect(**options, autocommit=True)
                yield self._kept
            except psycopg.OperationalError:
                self._drop()
                raise

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def _take_lock(guard: psycopg.Connection) -> None:
    try:
        guard.execute(_LOCK)
    except psycopg.errors.LockNotAvailable:
        with suppress(psycopg.Error):
            guard.close()
        raise SqlError(
            SqlState.LOCK_NOT_AVAILABLE,
            "another gateway is changing access, and does not come to an end",
            hint="Try again in a moment.",
        ) from None
