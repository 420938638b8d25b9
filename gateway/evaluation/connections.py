"""Connections to the database of functions: made when needed, kept between calls, cancelled from any thread."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from catalog.errors import SqlError
from catalog.names import quote_literal
from catalog.sqlstate import SqlState

# What of a session's settings a call may depend on, as they are where nothing is set.
SETTINGS = ("TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output")
Settings = tuple[str, ...]  # a value for each
USUAL: Settings = ("UTC", "ISO, MDY", "postgres", "1", "hex")
_KEPT = 8  # idle connections
_TEXT_ARRAY = 1009  # oid of text[]
_BINARY = 1
_OF_DATA = frozenset({"21", "22", "54", "57"})  # classes of errors that values raise, or the time they take
_UNREACHABLE = "the server that evaluates functions cannot be reached"


class Connections:
    """Lends connections to calls. Safe to use from several threads.

    Statements that may call announce it by `hold`: when the last of them lets go, calls that still run for them are
    cancelled.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = dict(parameters)
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._held: Counter[str] = Counter()
        self._running: defaultdict[str, set[_Connection]] = defaultdict(set)
        self._closed = False

    def hold(self, calls: Collection[str]) -> Callable[[], None]:
        """Note that a statement makes these calls; call what is returned, from any thread, when it has ended."""
        mine = frozenset(calls)
        with self._lock:
            self._held.update(mine)

        def release() -> None:
            with self._lock:
                self._held.subtract(mine)
                ended = [call for call in mine if self._held[call] <= 0]
                for call in ended:
                    del self._held[call]
                running = [connection for call in ended for connection in self._running.get(call, ())]
            for connection in running:
                connection.cancel()

        return release

    def execute(self, call: str, statement: str, settings: Settings, values: Sequence[bytes]) -> list[bytes | None]:
        """Run a statement that returns one row, with arrays of texts as parameters; return its values. Raises SqlError,
        with PostgreSQL's own words for what it finds wrong.
        """
        arguments = (statement.encode(), [*values], [_TEXT_ARRAY] * len(values), [_BINARY] * len(values), _BINARY)
        result = self._with_connection(call, lambda one: one.run(settings, arguments))
        if result.ntuples != 1:
            raise SqlError(SqlState.INTERNAL_ERROR, "a call of PostgreSQL's functions did not return one row")
        return [result.get_value(0, column) for column in range(result.nfields)]

    def describe(self, statement: str) -> int:
        """Return the type of a query's first column. Raises SqlError where PostgreSQL refuses it."""
        return self._with_connection("", lambda one: one.describe(statement.encode())).ftype(0)

    def rehearse(self, statement: str, values: Sequence[bytes]) -> None:
        """Run a statement for a short while, without looking at its result. Raises SqlError where PostgreSQL does not
        let it begin; what its constants do when they are computed is no matter.
        """
        arguments = (statement.encode(), [*values], [_TEXT_ARRAY] * len(values), [_BINARY] * len(values), _BINARY)

        def work(one: _Connection) -> PGresult:
            one.set("statement_timeout", "500ms")
            try:
                return one.run(USUAL, arguments)
            finally:
                one.reset("statement_timeout")

        try:
            self._with_connection("", work)
        except SqlError as error:
            if str(error.sqlstate)[:2] not in _OF_DATA:
                raise

    def close(self) -> None:
        """Close what is idle; what is in use closes when it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _with_connection(self, call: str, work: Callable[[_Connection], PGresult]) -> PGresult:
        with self._lock:
            known = self._idle.pop() if self._idle else None
        if known is not None:
            try:
                return self._run(call, known, work)
            except psycopg.OperationalError:
                pass  # it broke while it was idle: calls have no effect, so this one is made again
        try:
            return self._run(call, _Connection(self._parameters), work)
        except psycopg.OperationalError as error:
            raise SqlError(SqlState.CONNECTION_FAILURE, _UNREACHABLE) from error

    def _run(self, call: str, connection: _Connection, work: Callable[[_Connection], PGresult]) -> PGresult:
        with self._lock:
            self._running[call].add(connection)
        try:
            return work(connection)
        finally:
            with self._lock:
                self._running[call].discard(connection)
                if not self._running[call]:
                    del self._running[call]
                keep = connection.works and not self._closed and len(self._idle) < _KEPT
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()


class _Connection:
    """One session of PostgreSQL's, used by one call at a time."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._connection = psycopg.connect(**parameters, autocommit=True)
        self._session: PGconn = self._connection.pgconn
        self._settings = USUAL

    @property
    def works(self) -> bool:
        """Whether the server has not gone away."""
        return self._session.status == pq.ConnStatus.OK

    def cancel(self) -> None:
        """Have the server end what it does for this session, from another thread."""
        with suppress(psycopg.Error):
            self._session.get_cancel().cancel()

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()

    def set(self, name: str, value: str) -> None:
        """Change a setting."""
        self._checked(self._session.exec_(f"SET {name} TO {quote_literal(value)}".encode()))

    def reset(self, name: str) -> None:
        """Take back `set`; of a connection that is gone nothing has to be."""
        if self.works:
            self._checked(self._session.exec_(f"RESET {name}".encode()))

    def run(self, settings: Settings, arguments: tuple[Any, ...]) -> PGresult:
        """Execute a statement under a session's settings."""
        if settings != self._settings:
            for name, value, before in zip(SETTINGS, settings, self._settings, strict=True):
                if value != before:
                    self.set(name, value)
            self._settings = settings
        return self._checked(self._session.exec_params(*arguments))

    def describe(self, statement: bytes) -> PGresult:
        """Describe a statement without executing it."""
        self._checked(self._session.prepare(b"", statement))
        return self._checked(self._session.describe_prepared(b""))

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return result
        if not self.works:
            raise psycopg.OperationalError(_UNREACHABLE)
        raise _error(result)


def _error(result: PGresult) -> SqlError:
    def told(code: pq.DiagnosticField) -> str | None:
        found = result.error_field(code)
        return found.decode() if found is not None else None

    state = told(pq.DiagnosticField.SQLSTATE) or "XX000"
    if state == "57P01":  # the server was told to end this session
        raise psycopg.OperationalError(_UNREACHABLE)
    if state == SqlState.INSUFFICIENT_PRIVILEGE:
        return SqlError(SqlState.FEATURE_NOT_SUPPORTED, "a function that is called is not supported on lake tables")
    return SqlError(
        SqlState(state),
        told(pq.DiagnosticField.MESSAGE_PRIMARY) or "",
        detail=told(pq.DiagnosticField.MESSAGE_DETAIL),
        hint=told(pq.DiagnosticField.MESSAGE_HINT),
    )
